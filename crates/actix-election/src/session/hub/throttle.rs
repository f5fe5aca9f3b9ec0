//! Which problems are reported, and which were of late.

use std::time::Duration;

use actix_election_core::Timestamp;

/// How often the same problem is reported.
const REPEAT_INTERVAL: Duration = Duration::from_secs(60);

/// Lets the same problem through at most once a minute.
#[derive(Default)]
pub(super) struct Throttle {
    /// What was let through of late, and when.
    reported: Vec<(String, Timestamp)>,
}

impl Throttle {
    /// Whether this problem is to be reported now.
    pub(super) fn lets_through(&mut self, problem: &str, now: Timestamp) -> bool {
        self.reported.retain(|(_, at)| now.since(*at) < REPEAT_INTERVAL);
        let is_new = self.reported.iter().all(|(reported, _)| reported != problem);
        if is_new {
            self.reported.push((problem.to_owned(), now));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_problem_is_let_through_once_a_minute() {
        let mut throttle = Throttle::default();
        let mut lets = |problem: &str, second: u64| {
            throttle.lets_through(problem, Timestamp::ORIGIN + Duration::from_secs(second))
        };
        assert!(lets("a", 100) && !lets("a", 101) && lets("b", 130));
        assert!(!lets("a", 159), "since it was reported, not since it was last met");
        assert!(lets("a", 160) && !lets("b", 160) && !lets("a", 219));
        assert!(lets("b", 219) && lets("a", 220));
    }
}
