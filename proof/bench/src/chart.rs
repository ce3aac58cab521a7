//! A bar chart as SVG, readable on light and dark pages.

use std::fmt::Write;

pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    /// From where to where single rounds went.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Whether it is one of ours.
    pub(crate) own: bool,
}

const WIDTH: f64 = 800.0;
const LABELS: f64 = 250.0;
const VALUES: f64 = 90.0;
const ROW: f64 = 34.0;
const TOP: f64 = 44.0;

const STYLE: &str = "text{font:14px system-ui,sans-serif;fill:#1f2328}.own{fill:#0a7d4f}.other{fill:#8c959f}\
.range{stroke:#1f2328;stroke-width:1.5}.title{font-weight:600}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.own{fill:#3fb97f}.other{fill:#6e7681}.range{stroke:#e6edf3}}";

/// Horizontal bars from zero, the longest first as they are given, with a thin line from the lowest round to the
/// highest.
pub(crate) fn svg(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.high).fold(1e-9, f64::max);
    let scale = |value: f64| value / longest * (WIDTH - LABELS - VALUES);
    let height = TOP + ROW * bars.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
        <title>{title}</title>\n<style>{STYLE}</style>\n<text class=\"title\" x=\"10\" y=\"24\">{title}</text>\n",
        title = escape(title),
    );
    for (number, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * number as f64;
        let middle = y + ROW / 2.0 - 3.0;
        let class = if bar.own { "own" } else { "other" };
        // Writing into a String cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
            <rect class=\"{class}\" x=\"{LABELS}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"{:.0}\" rx=\"3\"/>\
            <line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.0}\" y2=\"{middle:.0}\"/>\
            <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            LABELS - 10.0,
            middle + 5.0,
            escape(&bar.label),
            scale(bar.value),
            ROW - 8.0,
            LABELS + scale(bar.low),
            LABELS + scale(bar.high),
            LABELS + scale(bar.high) + 8.0,
            middle + 5.0,
            crate::report::thousands(bar.value),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let bar = |value, own| Bar {
            label: "a < b".to_owned(),
            value,
            low: value,
            high: value,
            own,
        };
        let svg = svg("Requests & answers", &[bar(2000.0, true), bar(1000.0, false)]);
        assert!(svg.contains("Requests &amp; answers") && svg.contains("a &lt; b"));
        assert!(
            svg.contains("class=\"own\" x=\"250\" y=\"44\" width=\"460.0\""),
            "{svg}"
        );
        assert!(
            svg.contains("class=\"other\" x=\"250\" y=\"78\" width=\"230.0\""),
            "{svg}"
        );
        assert!(svg.contains(">2,000<"), "{svg}");
    }
}
