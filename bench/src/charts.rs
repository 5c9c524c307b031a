//! The results as charts, in SVG: text, so that two of them can be compared.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::contenders::Contender;
use crate::curves::Curves;
use crate::failure::{Failure, Result};
use crate::process::as_f64;
use crate::results::{BenchLine, Results};
use crate::transform::Transform;

const SIZE: (u32, u32) = (720, 400);
const MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;
/// As much room above the highest point.
const HEADROOM: f64 = 1.15;

/// A chart: its file, and what a reader who cannot see it is told.
pub(crate) struct Chart {
    pub(crate) file: &'static str,
    pub(crate) about: &'static str,
}

/// All of them, in the order in which they are shown.
pub(crate) const CHARTS: [Chart; 6] = [
    Chart {
        file: "cheap.svg",
        about: "Rate of every contender with the cheap transform; ours is 1",
    },
    Chart {
        file: "heavy.svg",
        about: "Rate of every contender with the heavy transform; ours is 1",
    },
    Chart { file: "time.svg", about: "Time by the number of records" },
    Chart { file: "memory.svg", about: "Peak memory by the number of records" },
    Chart { file: "untouched.svg", about: "Time by the size of what is not touched" },
    Chart { file: "homes.svg", about: "Rollback and recovery by the number of records" },
];

/// Some points with a name.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// Draws all of them into a directory.
///
/// # Errors
/// If one cannot be drawn, or there is nothing to draw.
pub(crate) fn draw(results: &Results, directory: &Path) -> Result<()> {
    let curves = results.curves.as_ref().ok_or_else(|| Failure::new("there are no curves"))?;
    std::fs::create_dir_all(directory)?;
    let titled = CHARTS.map(|chart| (directory.join(chart.file), chart.about));
    let [cheap, heavy, time, memory, untouched, homes] = &titled;
    for ((file, title), transform) in [cheap, heavy].into_iter().zip(Transform::ALL) {
        bars(file, title, &relative_rates(&results.contenders, transform))?;
    }
    lines(time, ["million records", "seconds"], &[growth(curves, "time", |point| point.median_s)])?;
    let peak = growth(curves, "peak memory", |point| point.peak_rss_mib);
    lines(memory, ["million records", "MiB"], &[peak])?;
    let beside = curves.untouched.iter();
    let beside = beside.map(|point| (as_f64(point.untouched_bytes) / GIGABYTE, point.median_s));
    let beside = Line { name: "time", points: beside.collect() };
    lines(untouched, ["GB that are not touched", "seconds"], &[beside])?;
    let of_homes = |name, of: fn(&crate::curves::HomePoint) -> f64| Line {
        name,
        points: curves.homes.iter().map(|it| (as_f64(it.records) / MILLION, of(it))).collect(),
    };
    let both = [
        of_homes("rollback", |point| point.rollback_ms),
        of_homes("recovery", |point| point.recovery_ms),
    ];
    lines(homes, ["million records", "milliseconds"], &both)
}

fn growth(curves: &Curves, name: &'static str, of: fn(&crate::curves::GrowthPoint) -> f64) -> Line {
    let points = curves.growth.iter().map(|it| (as_f64(it.records) / MILLION, of(it)));
    Line { name, points: points.collect() }
}

/// How fast everybody is, as a multiple of ours.
fn relative_rates(contenders: &[BenchLine], transform: Transform) -> Vec<(String, f64)> {
    let of = |line: &&BenchLine| line.transform == transform.name();
    let is_ours = |line: &&BenchLine| line.name == Contender::Ours.name();
    let all = || contenders.iter().filter(of);
    let ours = all().find(is_ours).map_or(f64::NAN, |line| line.records_per_s);
    all().map(|line| (line.name.clone(), line.records_per_s / ours)).collect()
}

fn bars(file: &Path, title: &str, of: &[(String, f64)]) -> Result<()> {
    let area = blank(file)?;
    let most = of.iter().map(|(_, rate)| *rate).fold(0.0, f64::max) * HEADROOM;
    let rows = as_f64(of.len() as u64);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(10)
        .build_cartesian_2d(0.0..most, 0.0..rows)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .disable_y_mesh()
        .disable_y_axis()
        .draw()?;
    for (place, (name, rate)) in (0_u32..).zip(of) {
        // The first on top.
        let bottom = rows - f64::from(place) - 0.8;
        let colour = if name == Contender::Ours.name() { BLUE.mix(0.6) } else { BLACK.mix(0.3) };
        let bar = Rectangle::new([(0.0, bottom), (*rate, bottom + 0.6)], colour.filled());
        let label = format!("{name} {rate:.2}");
        let text = Text::new(label, (most * 0.01, bottom + 0.45), ("sans-serif", 14));
        chart.draw_series([bar])?;
        chart.draw_series([text])?;
    }
    Ok(area.present()?)
}

fn lines((file, title): &(std::path::PathBuf, &str), axes: [&str; 2], of: &[Line]) -> Result<()> {
    let area = blank(file)?;
    let points = || of.iter().flat_map(|line| &line.points);
    let widest = points().map(|(x, _)| *x).fold(f64::MIN_POSITIVE, f64::max);
    let highest = points().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
    let [across, up] = axes;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..widest * 1.02, 0.0..highest * HEADROOM)?;
    chart.configure_mesh().light_line_style(TRANSPARENT).x_desc(across).y_desc(up).draw()?;
    for (line, colour) in of.iter().zip([BLUE, RED]) {
        let drawn = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2));
        let legend = move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour);
        chart.draw_series(drawn.point_size(3))?.label(line.name).legend(legend);
    }
    if of.len() > 1 {
        let mut labels = chart.configure_series_labels();
        labels.position(SeriesLabelPosition::UpperLeft);
        labels.border_style(BLACK.mix(0.4)).background_style(WHITE).draw()?;
    }
    Ok(area.present()?)
}

fn blank(file: &Path) -> Result<DrawingArea<SVGBackend<'_>, Shift>> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    Ok(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curves::{GrowthPoint, HomePoint, UntouchedPoint};

    #[test]
    fn every_chart_is_drawn_and_says_what_it_shows() {
        let line = |name: &str, transform: &str, rate| BenchLine {
            name: name.to_owned(),
            transform: transform.to_owned(),
            records: 10,
            records_per_s: rate,
            median_s: 1.0,
            min_s: 1.0,
            max_s: 1.0,
            peak_rss_mib: 1.0,
        };
        let growth = |records| GrowthPoint {
            records,
            records_per_s: 1.0,
            median_s: 1.0,
            min_s: 1.0,
            max_s: 1.0,
            peak_rss_mib: 60.0,
            new_content_bytes: 1,
            written_bytes: 1,
            write_amplification: 1.0,
        };
        let untouched = |untouched_bytes| UntouchedPoint {
            touched_bytes: 1,
            untouched_bytes,
            median_s: 0.2,
            min_s: 0.2,
            max_s: 0.2,
        };
        let home = |records| HomePoint {
            records,
            upgrade_s: 1.0,
            rollback_ms: 5.0,
            recovery_ms: 9.0,
            engine_open_ms: 1.0,
        };
        let results = Results {
            contenders: vec![
                line("ours", "cheap", 8.0),
                line("redb", "cheap", 2.0),
                line("ours", "heavy", 4.0),
                line("redb", "heavy", 3.0),
            ],
            curves: Some(Curves {
                growth: vec![growth(10), growth(1_000_000)],
                untouched: vec![untouched(0), untouched(4_000_000_000)],
                untouched_ratio: 1.0,
                homes: vec![home(10), home(1_000_000)],
            }),
            ..Results::default()
        };
        let directory = tempfile::tempdir().unwrap();
        draw(&results, directory.path()).unwrap();
        for Chart { file, about } in &CHARTS {
            let text = std::fs::read_to_string(directory.path().join(file)).unwrap();
            assert!(text.contains(about.split(';').next().unwrap()), "{file}");
            assert!(!text.contains("NaN"), "{file}");
        }
        let cheap = std::fs::read_to_string(directory.path().join("cheap.svg")).unwrap();
        assert!(cheap.contains("redb 0.25") && cheap.contains("ours 1.00"));
        assert!(draw(&Results::default(), directory.path()).is_err());
    }
}
