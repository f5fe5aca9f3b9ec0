//! Medians and the like.

/// Samples, in order of size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        let mut samples: Vec<_> = samples.into_iter().collect();
        samples.sort_by(f64::total_cmp);
        Samples(samples)
    }
}

impl Samples {
    /// The sample that this share of all does not exceed: by the nearest rank. NaN where there is none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil().max(1.0) as usize;
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    pub(crate) fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.quantile(1.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Samples = (1..=100).rev().map(f64::from).collect();
        assert_eq!((samples.median(), samples.p99()), (50.0, 99.0));
        assert_eq!((samples.least(), samples.greatest()), (1.0, 100.0));
        let one: Samples = [7.0].into_iter().collect();
        assert_eq!((one.median(), one.p99()), (7.0, 7.0));
        assert!(Samples::default().median().is_nan());
    }
}
