//! What a run comes to: tables, bars that were to be met, and what a chart shows.

use std::fmt::Write as _;

use crate::Outcome;

/// One section's results.
pub(crate) struct Part {
    /// The section's name, as on the command line.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    /// What was compared, and how.
    pub(crate) how: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) charts: Vec<Chart>,
}

/// A table; the first column is text, the others are numbers.
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Something that was to be reached.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) measured: f64,
    pub(crate) wanted: Wanted,
    pub(crate) unit: &'static str,
}

#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

/// Bars beside each other.
pub(crate) struct Chart {
    pub(crate) title: String,
    /// Name, value, and the value as it is written.
    pub(crate) bars: Vec<(String, f64, String)>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Table { head: head.iter().map(|&word| word.to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn markdown(&self, text: &mut String) {
        // Writing to a String does not fail.
        let _ = writeln!(text, "| {} |", self.head.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(self.head.len() - 1));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    }
}

impl Bar {
    pub(crate) fn at_most(name: impl Into<String>, measured: f64, wanted: f64, unit: &'static str) -> Self {
        Bar { name: name.into(), measured, wanted: Wanted::AtMost(wanted), unit }
    }

    pub(crate) fn at_least(name: impl Into<String>, measured: f64, wanted: f64, unit: &'static str) -> Self {
        Bar { name: name.into(), measured, wanted: Wanted::AtLeast(wanted), unit }
    }

    /// What could not be measured is not met.
    pub(crate) fn is_met(&self) -> bool {
        match self.wanted {
            Wanted::AtMost(wanted) => self.measured <= wanted,
            Wanted::AtLeast(wanted) => self.measured >= wanted,
        }
    }
}

/// The whole report.
pub(crate) fn markdown(parts: &[Part]) -> String {
    parts.iter().map(|part| format!("## {}\n\n{}\n", part.title, section(part))).collect()
}

/// What a page says of one section: how to measure it, what was compared, and what came of it.
pub(crate) fn section(part: &Part) -> String {
    let mut text = format!("`cargo xtask bench {}`\n\n{}\n\n", part.name, part.how);
    for table in &part.tables {
        table.markdown(&mut text);
        text.push('\n');
    }
    if !part.bars.is_empty() {
        bars(&part.bars).markdown(&mut text);
        text.push('\n');
    }
    text
}

/// Puts each section's results into its place in a page: between `<!-- bench NAME -->` and the next `<!-- /bench -->`.
/// Everything else of the page stays as it is.
pub(crate) fn fill(page: &str, parts: &[Part], charts: &str) -> Outcome<String> {
    let mut page = page.to_owned();
    for part in parts {
        let (begin, end) = (format!("<!-- bench {} -->\n", part.name), "<!-- /bench -->");
        let from = page.find(&begin).ok_or_else(|| format!("the page has no {begin:?}"))? + begin.len();
        let to = from
            + page[from..].find(end).ok_or_else(|| format!("the page has no {end:?} after {begin:?}"))?;
        let mut text = format!("\n{}", section(part));
        if !part.charts.is_empty() {
            let _ = writeln!(text, "![{}]({charts}/{}.svg)\n", part.title, part.name);
        }
        page.replace_range(from..to, &text);
    }
    Ok(page)
}

fn bars(bars: &[Bar]) -> Table {
    let mut table = Table::new(&["wanted", "bar", "measured", ""]);
    for bar in bars {
        let (sign, wanted) = match bar.wanted {
            Wanted::AtMost(wanted) => ("at most", wanted),
            Wanted::AtLeast(wanted) => ("at least", wanted),
        };
        let verdict = if bar.is_met() { "met" } else { "**missed**" };
        table.row([
            bar.name.clone(),
            format!("{sign} {}{}", number(wanted), bar.unit),
            format!("{}{}", number(bar.measured), bar.unit),
            verdict.to_owned(),
        ]);
    }
    table
}

/// A number with three significant digits or so.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_at_its_very_value_and_never_without_one() {
        assert!(Bar::at_most("", 2.0, 2.0, "").is_met() && !Bar::at_most("", 2.1, 2.0, "").is_met());
        assert!(Bar::at_least("", 2.0, 2.0, "").is_met() && !Bar::at_least("", 1.9, 2.0, "").is_met());
        assert!(!Bar::at_most("", f64::NAN, 2.0, "").is_met());
    }

    #[test]
    fn only_a_sections_own_place_in_a_page_changes() {
        let page =
            "a\n<!-- bench one -->\nold\n<!-- /bench -->\nb\n<!-- bench two -->\nkept\n<!-- /bench -->\n";
        let part = Part {
            name: "one",
            title: "One".to_owned(),
            how: "how".to_owned(),
            tables: Vec::new(),
            bars: Vec::new(),
            charts: vec![Chart { title: String::new(), bars: Vec::new() }],
        };
        let filled = fill(page, std::slice::from_ref(&part), "charts").unwrap();
        let own = "\n`cargo xtask bench one`\n\nhow\n\n![One](charts/one.svg)\n\n";
        assert_eq!(filled, page.replace("old\n", own));
        assert!(fill("nothing", &[part], "charts").is_err());
    }

    #[test]
    fn tables_line_up() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x".to_owned(), number(12.345)]);
        let mut text = String::new();
        table.markdown(&mut text);
        assert_eq!(text, "| a | b |\n|---|---:|\n| x | 12.3 |\n");
    }
}
