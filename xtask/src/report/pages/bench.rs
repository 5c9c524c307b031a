//! Rates with their spread, beside those of others, and how cost grows.

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    classed, counted, figure, figures, measured, said, seconds, section, table, warning,
};
use super::super::plot::{Bar, Curve, Point, bars, curves};
use crate::trace::html::data::{count, list, text, thousands};
use crate::trace::html::markup::{Html, all, leaf};

/// This project, as the record names it.
const OURS: &str = "ours";
const MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;
const TRANSFORMS: [(&str, &str); 2] = [
    (
        "cheap",
        "Two fields are appended to the bytes of every record: what is left is the cost of everything else",
    ),
    (
        "heavy",
        "Every record is parsed, a key renamed, two added, and it is printed: what most migrations do",
    ),
];

/// The rate of this project with a transform, in records a second.
pub(super) fn ours(record: &Value, transform: &str) -> Option<f64> {
    let lines = list(record, "contenders").iter();
    let mut own =
        lines.filter(|line| text(line, "name") == OURS && text(line, "transform") == transform);
    own.next().map(|line| real(line, "records_per_s"))
}

pub(super) fn content(gathered: &Gathered) -> Html {
    let source = &gathered.bench;
    if !source.is_there() {
        return warning(source);
    }
    let record = &source.value;
    let contests = TRANSFORMS.map(|(transform, about)| contest(record, transform, about));
    all([warning(source), numbers(record), all(contests), growth(record)])
}

fn real(value: &Value, name: &str) -> f64 {
    value.get(name).and_then(Value::as_f64).unwrap_or_default()
}

fn numbers(record: &Value) -> Html {
    let machine = record.get("machine").unwrap_or(&Value::Null);
    let summary = record.get("summary").unwrap_or(&Value::Null);
    figures([
        figure(
            "Rate, cheap transform",
            &format!("{:.2} million", ours(record, "cheap").unwrap_or_default() / MILLION),
            "records a second",
            &[format!("heavy: {:.2} million", ours(record, "heavy").unwrap_or_default() / MILLION)],
        ),
        figure(
            "Rollback",
            &format!("{:.1} ms", real(summary, "rollback_ms")),
            "at most, however many records",
            &[format!(
                "recovery of an interrupted upgrade: {:.0} ms at most",
                real(summary, "recovery_ms")
            )],
        ),
        figure(
            "Peak memory",
            &format!("{:.0} MiB", real(summary, "peak_rss_mib")),
            "at most",
            &[format!(
                "bytes written for each byte of new content: {:.3}",
                real(summary, "write_amplification")
            )],
        ),
        figure(
            "Records",
            &thousands(count(record, "records")),
            "in each contest",
            &[format!("{} rounds of each", count(record, "rounds"))],
        ),
        figure(
            "Machine",
            text(machine, "processor"),
            &format!("{} cores, {:.0} GiB", count(machine, "cores"), real(machine, "memory_gib")),
            &[format!("Linux {}, {}", text(machine, "kernel"), text(machine, "file_system"))],
        ),
    ])
}

fn contest(record: &Value, transform: &str, about: &str) -> Html {
    let lines: Vec<&Value> = list(record, "contenders")
        .iter()
        .filter(|line| text(line, "transform") == transform)
        .collect();
    let own = ours(record, transform).unwrap_or(f64::NAN);
    let drawn: Vec<Bar> = lines
        .iter()
        .map(|line| {
            let (rate, records) = (real(line, "records_per_s"), count(line, "records") as f64);
            let class = if text(line, "name") == OURS { "a" } else { "f" };
            Bar {
                label: leaf("code", "", text(line, "name")),
                parts: vec![(class, rate)],
                spread: Some((records / real(line, "max_s"), records / real(line, "min_s"))),
                shown: format!("{:.2} M/s", rate / MILLION),
            }
        })
        .collect();
    let rows = lines.iter().map(|line| {
        let rate = real(line, "records_per_s");
        let [least, median, most] = ["min_s", "median_s", "max_s"].map(|name| real(line, name));
        vec![
            said(text(line, "name")),
            counted(rate as u64),
            measured(own / rate, &format!("{:.2}", own / rate)),
            measured(median, &seconds(median)),
            measured(least, &format!("{least:.2} to {most:.2} s")),
            measured(real(line, "peak_rss_mib"), &format!("{:.0} MiB", real(line, "peak_rss_mib"))),
        ]
    });
    let heads = [
        "contender",
        "records a second",
        "ours is times as fast",
        "median",
        "spread",
        "peak memory",
    ];
    let title = format!("Records a second, {transform} transform");
    let about = format!(
        "{about}. Everybody comes to the same records; docs/performance.md says what each does."
    );
    section(&title, &about, all([bars(&drawn), table(&title, &heads, rows.collect())]))
}

/// How cost grows with size.
fn growth(record: &Value) -> Html {
    let known = record.get("curves").unwrap_or(&Value::Null);
    let growth = list(known, "growth");
    let of = |name: &str| -> Vec<Point> {
        let each = growth.iter();
        each.map(|at| Point::at(real(at, "records") / MILLION, real(at, name))).collect()
    };
    let timed = |list: &[Value], across: &str, unit: f64| -> Vec<Point> {
        let each = list.iter().map(|at| Point {
            x: real(at, across) / unit,
            y: real(at, "median_s"),
            least: real(at, "min_s"),
            most: real(at, "max_s"),
        });
        each.collect()
    };
    let homes = list(known, "homes");
    let of_homes = |name: &str| -> Vec<Point> {
        let each = homes.iter();
        each.map(|at| Point::at(real(at, "records") / MILLION, real(at, name))).collect()
    };
    let one = |points| [Curve { class: "a", points }];
    let records = "million records";
    let drawn = all([
        curves("Time", [records, "seconds"], &one(timed(growth, "records", MILLION))),
        curves(
            "Time, as more is not touched",
            ["GB that are not touched", "seconds"],
            &one(timed(list(known, "untouched"), "untouched_bytes", GIGABYTE)),
        ),
        curves("Peak memory", [records, "MiB"], &one(of("peak_rss_mib"))),
        curves(
            "Bytes written for each byte of new content",
            [records, "bytes"],
            &one(of("write_amplification")),
        ),
        curves("Rollback", [records, "milliseconds"], &one(of_homes("rollback_ms"))),
        curves("Recovery", [records, "milliseconds"], &one(of_homes("recovery_ms"))),
    ]);
    section(
        "How cost grows",
        "All axes begin at 0. An upgrade costs what it rewrites: time grows with the records that change, and not with what is beside them; a rollback takes as long for ten million records as for ten.",
        classed("div", "curves", drawn),
    )
}
