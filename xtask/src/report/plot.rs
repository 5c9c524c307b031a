//! Plots as SVG, in the colours of the page that they stand on. Names and numbers stand beside bars as text, so that they can
//! be read at any width, and without seeing the bar.

use crate::trace::html::markup::{Html, all, element, inline, leaf, text as words};

/// What bars are drawn in: units across, stretched to the room that there is.
const ACROSS: f64 = 1000.0;
/// A curve: its size, and the room for what stands at its axes.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// How many steps an axis has, about.
const STEPS: f64 = 5.0;
/// As much room above the highest point.
const HEADROOM: f64 = 1.05;

/// One bar, of one or more parts beside each other.
pub(super) struct Bar {
    pub(super) label: Html,
    /// What each part is drawn as, and how long it is.
    pub(super) parts: Vec<(&'static str, f64)>,
    /// From where to where what is measured goes, if it was measured several times.
    pub(super) spread: Option<(f64, f64)>,
    /// What stands behind it.
    pub(super) shown: String,
}

impl Bar {
    /// A bar of one part.
    pub(super) fn of(label: Html, class: &'static str, value: f64, shown: String) -> Self {
        Self { label, parts: vec![(class, value)], spread: None, shown }
    }

    fn length(&self) -> f64 {
        let parts = self.parts.iter().map(|(_, value)| value).sum::<f64>();
        self.spread.map_or(parts, |(_, most)| most.max(parts))
    }
}

/// Bars below each other, all on one scale that begins at 0. Nothing if there are none.
pub(super) fn bars(of: &[Bar]) -> Html {
    let most = of.iter().map(Bar::length).fold(0.0, f64::max);
    if most <= 0.0 {
        return Html::default();
    }
    let scale = ACROSS / most;
    let rows = of.iter().map(|bar| {
        let mut from = 0.0;
        let mut drawn: Vec<Html> = Vec::new();
        for (class, value) in &bar.parts {
            drawn.push(rectangle(class, from, 0.0, value * scale, 12.0));
            from += value * scale;
        }
        if let Some((least, most)) = bar.spread {
            drawn.push(rectangle("spread", least * scale, 5.0, (most - least) * scale, 2.0));
        }
        let attributes =
            [("viewBox", "0 0 1000 12"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")];
        let svg = element("svg", &attributes, drawn.into_iter().collect());
        let label = inline("span", &[("class", "label")], bar.label.clone());
        element("li", &[], all([label, svg, leaf("span", "value", &bar.shown)]))
    });
    element("ul", &[("class", "plot")], rows.collect())
}

fn rectangle(class: &str, x: f64, y: f64, width: f64, height: f64) -> Html {
    // What is there is seen, however little it is.
    let width = if width > 0.0 { width.max(1.5) } else { 0.0 };
    let [x, y, width, height] = [x, y, width, height].map(number);
    let place = [("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)];
    inline("rect", &place, Html::default())
}

fn number(value: f64) -> String {
    let written = format!("{value:.1}");
    written.strip_suffix(".0").map_or(written.clone(), str::to_owned)
}

/// What the colours of bars or curves mean.
pub(super) fn legend(of: &[(&'static str, &str)]) -> Html {
    let each = of.iter().map(|(class, said)| {
        let class = format!("key {class}");
        let key = inline("span", &[("class", &class), ("aria-hidden", "true")], Html::default());
        element("li", &[], all([key, words(said)]))
    });
    element("ul", &[("class", "legend")], each.collect())
}

/// A point of a curve, with the least and the most that was measured there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Point {
    /// What was measured once.
    pub(super) fn at(x: f64, y: f64) -> Self {
        Self { x, y, least: y, most: y }
    }
}

/// A curve: how it is drawn, and its points.
pub(super) struct Curve {
    pub(super) class: &'static str,
    pub(super) points: Vec<Point>,
}

/// Curves over one pair of axes that begin at 0, with a title, and what the axes are.
pub(super) fn curves(title: &str, [across, up]: [&str; 2], of: &[Curve]) -> Html {
    let points = || of.iter().flat_map(|curve| &curve.points);
    let widest = points().map(|point| point.x).fold(f64::MIN_POSITIVE, f64::max);
    let highest = points().map(|point| point.most).fold(f64::MIN_POSITIVE, f64::max) * HEADROOM;
    let x = |value: f64| LEFT + value / widest * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM);
    let mut drawn: Vec<Html> = Vec::new();
    for value in ticks(highest) {
        drawn.push(line("grid", x(0.0), y(value), x(widest), y(value)));
        drawn.push(label("end", x(0.0) - 6.0, y(value) + 4.0, &short(value)));
    }
    for value in ticks(widest) {
        drawn.push(label("middle", x(value), HEIGHT - BOTTOM + 16.0, &short(value)));
    }
    drawn.push(line("axis", x(0.0), y(0.0), x(widest), y(0.0)));
    drawn.push(label("middle", f64::midpoint(x(0.0), x(widest)), HEIGHT - 6.0, across));
    for curve in of {
        let places: Vec<String> = curve
            .points
            .iter()
            .map(|point| format!("{},{}", number(x(point.x)), number(y(point.y))))
            .collect();
        let class = format!("line {}", curve.class);
        let attributes = [("class", class.as_str()), ("points", &places.join(" "))];
        drawn.push(inline("polyline", &attributes, Html::default()));
        for point in &curve.points {
            drawn.push(line("spread", x(point.x), y(point.least), x(point.x), y(point.most)));
            let [cx, cy] = [number(x(point.x)), number(y(point.y))];
            let class = format!("dot {}", curve.class);
            let place = [("class", class.as_str()), ("cx", &cx), ("cy", &cy), ("r", "3.2")];
            drawn.push(inline("circle", &place, Html::default()));
        }
    }
    let size = format!("0 0 {WIDTH} {HEIGHT}");
    let said = format!("{title}: {up} by {across}");
    let attributes = [("viewBox", size.as_str()), ("role", "img"), ("aria-label", &said)];
    let svg = element("svg", &attributes, drawn.into_iter().collect());
    let caption = element(
        "figcaption",
        &[],
        all([leaf("strong", "", title), leaf("span", "of", &format!(" {up}"))]),
    );
    element("figure", &[("class", "curve")], all([caption, svg]))
}

/// How many there are of each step, as columns.
pub(super) fn columns(title: &str, across: &str, of: &[(String, u64)]) -> Html {
    let most = of.iter().map(|(_, count)| *count).max().unwrap_or_default();
    if most == 0 {
        return Html::default();
    }
    let slot = (WIDTH - 2.0 * RIGHT) / of.len() as f64;
    let height = HEIGHT - TOP - BOTTOM - 12.0;
    let mut drawn: Vec<Html> = Vec::new();
    for (place, (said, count)) in (0_u32..).zip(of) {
        let left = RIGHT + slot * f64::from(place);
        let tall = *count as f64 / most as f64 * height;
        let top = HEIGHT - BOTTOM - tall;
        drawn.push(rectangle("a", left + slot * 0.1, top, slot * 0.8, tall));
        let middle = left + slot / 2.0;
        drawn.push(label("middle", middle, top - 4.0, &count.to_string()));
        drawn.push(label("middle", middle, HEIGHT - BOTTOM + 16.0, said));
    }
    drawn.push(line("axis", RIGHT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM));
    drawn.push(label("middle", WIDTH / 2.0, HEIGHT - 6.0, across));
    let size = format!("0 0 {WIDTH} {HEIGHT}");
    let attributes = [("viewBox", size.as_str()), ("role", "img"), ("aria-label", title)];
    let svg = element("svg", &attributes, drawn.into_iter().collect());
    let caption = element("figcaption", &[], leaf("strong", "", title));
    element("figure", &[("class", "curve")], all([caption, svg]))
}

fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> Html {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
    let place = [("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)];
    inline("line", &place, Html::default())
}

fn label(anchor: &'static str, x: f64, y: f64, said: &str) -> Html {
    let [x, y] = [x, y].map(number);
    inline("text", &[("text-anchor", anchor), ("x", &x), ("y", &y)], words(said))
}

/// Round numbers from 0 up to this.
fn ticks(most: f64) -> Vec<f64> {
    let rough = most / STEPS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    (0_u32..).map(|times| step * f64::from(times)).take_while(|value| *value <= most).collect()
}

/// A number of an axis: no more digits than it needs.
fn short(value: f64) -> String {
    let written = format!("{value:.3}");
    written.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_on_one_scale_and_what_is_little_is_seen() {
        let bar = |value| Bar::of(words("a"), "a", value, value.to_string());
        let drawn = bars(&[bar(10.0), bar(5.0), bar(0.001), bar(0.0)]);
        let widths: Vec<&str> = drawn
            .as_str()
            .split(" width=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(widths, ["1000", "500", "1.5", "0"]);
        assert_eq!(bars(&[]), Html::default());
    }

    #[test]
    fn axes_have_round_numbers_and_end_where_the_points_do() {
        assert_eq!(ticks(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(4.2), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(ticks(0.11), [0.0, 0.05, 0.1]);
        assert_eq!([0.0, 0.05, 2.0, 1500.0].map(short), ["0", "0.05", "2", "1500"]);
    }

    #[test]
    fn a_curve_says_what_it_shows_and_has_no_number_that_is_none() {
        let curve = Curve { class: "a", points: vec![Point::at(0.0, 1.0), Point::at(2.0, 4.0)] };
        let drawn = curves("Time <1>", ["records", "seconds"], &[curve]);
        assert!(drawn.as_str().contains("aria-label=\"Time &lt;1&gt;: seconds by records\""));
        assert!(!drawn.as_str().contains("NaN") && drawn.as_str().contains("<polyline"));
        let nothing = curves("Time", ["records", "seconds"], &[]);
        assert!(!nothing.as_str().contains("NaN"));
        assert_eq!(columns("Times", "seconds", &[("1".to_owned(), 0)]), Html::default());
    }
}
