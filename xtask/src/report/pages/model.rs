//! What the exploration of the protocol's model came to.

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    cell, classed, counted, figure, figures, measured, said, seconds, section, table, warning,
};
use super::super::plot::{Bar, bars};
use crate::trace::html::data::{count, flag, list, of_things, text, texts, thousands};
use crate::trace::html::markup::{Html, all, element, leaf, text as words};

pub(super) fn content(gathered: &Gathered) -> Html {
    let source = &gathered.model;
    if !source.is_there() {
        return warning(source);
    }
    let report = source.value.get("report").unwrap_or(&Value::Null);
    let broken = list(report, "broken");
    let held = if flag(report, "ok") { "all of them hold" } else { "not all of them hold" };
    let took = report.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let properties = texts(report, "properties");
    let numbers = figures([
        figure(
            "Different states",
            &thousands(count(report, "unique")),
            "all that there are within the bounds",
            &[format!("{} visited", of_things(count(report, "states"), "state"))],
        ),
        figure("Properties", &thousands(properties.len() as u64), held, &[]),
        figure("Depth", &thousands(count(report, "depth")), "steps, at most", &[seconds(took)]),
    ]);
    let wrong = if broken.is_empty() {
        Html::default()
    } else {
        let items = broken.iter().map(|what| element("li", &[], words(&what.to_string())));
        let title = element("h2", &[], words("What does not hold"));
        classed("section", "verdict bad", all([title, element("ul", &[], items.collect())]))
    };
    all([warning(source), numbers, wrong, parts(report), held_properties(&properties)])
}

fn parts(report: &Value) -> Html {
    let parts = list(report, "parts");
    let drawn: Vec<Bar> = parts
        .iter()
        .map(|part| {
            let unique = count(part, "unique");
            Bar::of(words(text(part, "name")), "a", unique as f64, thousands(unique))
        })
        .collect();
    let rows = parts.iter().map(|part| {
        let took = part.get("seconds").and_then(Value::as_f64).unwrap_or_default();
        let bounds = text(part, "bounds");
        let inside = bounds.strip_prefix("Bounds { ").and_then(|rest| rest.strip_suffix(" }"));
        vec![
            said(text(part, "name")),
            cell(leaf("code", "", inside.unwrap_or(bounds))),
            counted(count(part, "unique")),
            counted(count(part, "states")),
            counted(count(part, "depth")),
            measured(took, &seconds(took)),
        ]
    });
    let heads = ["part", "bounds", "different states", "visited", "depth", "took"];
    section(
        "Different states by part",
        "No machine can go through all of it at once: each part is generous in one direction, and says in which.",
        all([bars(&drawn), table("Parts", &heads, rows.collect())]),
    )
}

fn held_properties(properties: &[&str]) -> Html {
    let rows = properties.iter().map(|name| vec![cell(leaf("code", "", name))]);
    let said = "What each says is in specs/protocol/README.md.";
    section(
        "Properties that were asked of every state",
        said,
        table("Properties", &["property"], rows.collect()),
    )
}
