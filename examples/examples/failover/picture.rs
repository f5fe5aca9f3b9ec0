//! A drawn time line of who led when, as SVG.
//!
//! It stands alone (no script, no font, no other file) and follows the reader's light or dark scheme.

use std::fmt::Write as _;

/// How wide one second is, where the first one begins, and how high a node's row is.
const SECOND: f64 = 120.0;
const LEFT: f64 = 70.0;
const ROW: f64 = 46.0;
const TOP: f64 = 12.0;
const BAR: f64 = 30.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2937}.small{font-size:11px;fill:#6b7280}\
.axis{stroke:#9ca3af}.standby{fill:#e5e7eb}.master{fill:#15803d}.on-master{font-size:12px;fill:#fff}\
.gap{stroke:#b91c1c;stroke-width:2;fill:none}.gap-text{fill:#b91c1c}.dead{fill:#b91c1c;font-weight:bold}\
@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.small{fill:#9ca3af}.standby{fill:#374151}\
.gap{stroke:#f87171}.gap-text,.dead{fill:#f87171}}";

/// A node, from its start to its end, in seconds.
pub(crate) struct Life {
    pub(crate) node: &'static str,
    pub(crate) from: f64,
    pub(crate) until: f64,
    /// It was killed, and did not leave.
    pub(crate) killed: bool,
}

/// A mastership, in seconds.
pub(crate) struct Mastership {
    pub(crate) node: &'static str,
    pub(crate) from: f64,
    pub(crate) until: f64,
    pub(crate) token: String,
}

/// Draws it.
pub(crate) fn draw(lives: &[Life], masterships: &[Mastership]) -> String {
    let end = lives.iter().map(|life| life.until).fold(1.0, f64::max);
    let bottom = TOP + ROW * lives.len() as f64;
    let (width, height) = (x(end) + 90.0, bottom + 46.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\">\n\
         <title>Who led when: one master at a time, through a kill and a handover</title>\n<style>{STYLE}</style>\n"
    );
    let row = |node: &str| lives.iter().position(|life| life.node == node).unwrap_or(0) as f64 * ROW + TOP;
    for life in lives {
        let y = row(life.node);
        line(&mut svg, &text("", 8.0, y + 20.0, life.node));
        line(&mut svg, &bar("standby", life.from, life.until, y));
        if life.killed {
            line(&mut svg, &text("dead", x(life.until) + 5.0, y + 20.0, "\u{2715} kill -9"));
        }
    }
    for led in masterships {
        let y = row(led.node);
        line(&mut svg, &bar("master", led.from, led.until, y));
        // One that is too short has no room for its token.
        if led.until - led.from > 0.7 {
            let token = format!("token {}", led.token);
            line(&mut svg, &text("on-master", x(led.from) + 6.0, y + 20.0, &token));
        }
    }
    for pair in masterships.windows(2) {
        let killed = lives.iter().any(|life| life.node == pair[0].node && life.killed);
        change(&mut svg, (&pair[0], row(pair[0].node)), (&pair[1], row(pair[1].node)), killed);
    }
    axis(&mut svg, end, bottom);
    legend(&mut svg, x(end) - 170.0, bottom + 24.0);
    svg.push_str("</svg>\n");
    svg
}

/// From the end of one mastership to the beginning of the next, each with its row.
fn change(
    svg: &mut String,
    (before, from_row): (&Mastership, f64),
    (next, to_row): (&Mastership, f64),
    killed: bool,
) {
    let (from, to, gap) = (x(before.until), x(next.from), next.from - before.until);
    let took = if gap < 0.1 { format!("{:.0} ms", gap * 1_000.0) } else { format!("{gap:.1} s") };
    let words = format!("{} after {took}", if killed { "takeover" } else { "handover" });
    // Out of the bar on the side of the next one, along between the rows, and in.
    let (out, between, into, label) = if to_row > from_row {
        (from_row + BAR, to_row - 9.0, to_row, to_row - 13.0)
    } else {
        (from_row, to_row + BAR + 8.0, to_row + BAR, from_row + 20.0)
    };
    line(svg, &format!("<path class=\"gap\" d=\"M{from:.1} {out:.1}V{between:.1}H{to:.1}V{into:.1}\"/>"));
    line(svg, &text("gap-text", from + 8.0, label, &words));
}

fn axis(svg: &mut String, end: f64, y: f64) {
    line(svg, &format!("<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{:.1}\" y2=\"{y}\"/>", x(end)));
    for second in 0..=end.floor() as u32 {
        line(svg, &text("small", x(f64::from(second)) - 8.0, y + 18.0, &format!("{second} s")));
    }
}

fn legend(svg: &mut String, left: f64, y: f64) {
    for (class, x) in [("master", left), ("standby", left + 80.0)] {
        line(svg, &format!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"12\" height=\"12\"/>"));
        line(svg, &text("small", x + 18.0, y + 10.0, class));
    }
}

fn x(second: f64) -> f64 {
    LEFT + SECOND * second
}

fn bar(class: &str, from: f64, until: f64, y: f64) -> String {
    let width = (SECOND * (until - from)).max(2.0);
    format!(
        "<rect class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\"/>",
        x(from)
    )
}

fn text(class: &str, x: f64, y: f64, words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>")
}

fn line(svg: &mut String, element: &str) {
    let _ = writeln!(svg, "{element}");
}
