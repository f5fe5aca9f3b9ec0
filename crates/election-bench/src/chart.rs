//! The charts of a section in one SVG: plain bars, written by hand, since that is all that is needed and a plotting library
//! would bring fonts.

use std::fmt::Write as _;

use crate::report::{Chart, Part};

const WIDTH: f64 = 760.0;
const NAMES: f64 = 190.0;
const VALUES: f64 = 110.0;
const LINE: f64 = 22.0;
const BAR: f64 = 14.0;

/// All charts of a section, one below the other.
pub(crate) fn svg(part: &Part) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    for chart in &part.charts {
        y = draw(chart, y, &mut body);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{y}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn draw(chart: &Chart, top: f64, body: &mut String) -> f64 {
    let mut y = top + LINE;
    // Writing to a String does not fail.
    let _ = writeln!(
        body,
        "<text x=\"8\" y=\"{}\" font-weight=\"bold\" font-size=\"13\">{}</text>",
        y - 8.0,
        escaped(&chart.title)
    );
    let greatest = chart.bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
    for (name, value, written) in &chart.bars {
        let length = (value / greatest * (WIDTH - NAMES - VALUES)).max(1.0);
        let name = name.replace('`', "");
        let text = y + BAR - 3.0;
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text><rect x=\"{NAMES}\" y=\"{y}\" width=\"{length:.1}\" \
             height=\"{BAR}\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{text}\">{}</text>",
            NAMES - 8.0,
            escaped(&name),
            colour(&name),
            NAMES + length + 6.0,
            escaped(written)
        );
        y += LINE;
    }
    y + LINE / 2.0
}

/// One colour for each subject, in every chart.
fn colour(name: &str) -> &'static str {
    match name {
        name if name.starts_with("floor") => "#b0b8c0",
        name if name.starts_with("Curator") => "#d9822b",
        name if name.starts_with("kazoo") => "#8a6fb0",
        name if name.starts_with("Lock") => "#4f9d69",
        _ => "#2f6fb5",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_its_room_and_text_is_escaped() {
        let bars = vec![("a & b".to_owned(), 1.0, "1".to_owned()), ("c".to_owned(), 2.0, "2".to_owned())];
        let chart = Chart { title: "x < y".to_owned(), bars };
        let mut body = String::new();
        draw(&chart, 0.0, &mut body);
        assert!(body.contains("width=\"460.0\"") && body.contains("width=\"230.0\""), "{body}");
        assert!(body.contains("x &lt; y") && body.contains("a &amp; b"), "{body}");
    }
}
