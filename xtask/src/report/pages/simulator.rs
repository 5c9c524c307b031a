//! What the simulator saw: states by scenario and profile, judges, faults.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    classed, counted, figure, figures, folded, said, seconds, section, table, warning,
};
use super::super::plot::{Bar, bars, legend};
use crate::trace::html::data::{count, flag, list, of_things, text, thousands};
use crate::trace::html::markup::{Html, all, element, leaf, text as words};

/// The profiles, the one that takes the least first, and how each is drawn.
const PROFILES: [(&str, &str, &str); 3] = [
    ("kill", "a", "kill: the process dies"),
    ("ordered", "b", "ordered: the power goes, as on ext4 and xfs"),
    ("posix", "c", "posix: the power goes, and only what was synced is certain"),
];
/// What random scenarios are called together.
const RANDOM: &str = "random";

pub(super) fn content(gathered: &Gathered) -> Html {
    let source = &gathered.simulation;
    if !source.is_there() {
        return warning(source);
    }
    let report = source.value.get("report").unwrap_or(&Value::Null);
    all([
        warning(source),
        numbers(gathered, report),
        violations(report),
        by_scenario(report),
        judges(report),
        faults(report),
    ])
}

fn numbers(gathered: &Gathered, report: &Value) -> Html {
    let ratio = report.get("exhaustive_ratio").and_then(Value::as_f64).unwrap_or_default();
    let took = report.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let canary = if flag(report, "canary_caught") { "noticed" } else { "not noticed" };
    let classes = report.get("fault_classes").and_then(Value::as_object).map_or(0, |of| of.len());
    figures([
        figure(
            "Distinct states",
            &thousands(count(report, "distinct_states")),
            "recovered, read and judged",
            &[format!(
                "of {} images that crashes could have left",
                thousands(count(report, "states"))
            )],
        ),
        figure(
            "Violations",
            &thousands(count(report, "violations")),
            "of any judge",
            &[format!("the planted bug that ends every campaign was {canary}")],
        ),
        figure("Faults", &thousands(gathered.faults()), "met", &[format!("of {classes} classes")]),
        figure(
            "Crash points",
            &thousands(count(report, "crash_points")),
            &format!("in {}", of_things(count(report, "scenarios"), "scenario")),
            &[format!("at {:.1} % of them every crash was taken", ratio * 100.0)],
        ),
        figure(
            "Depth",
            &thousands(count(report, "max_depth")),
            "crashes in a row, at most",
            &["the recovery from a crash is crashed in turn".to_owned()],
        ),
        figure(
            "Records held to the model",
            &thousands(count(report, "trace_steps")),
            "of journals",
            &[format!("seed {}, {}", count(report, "seed"), seconds(took))],
        ),
    ])
}

fn violations(report: &Value) -> Html {
    let found = list(report, "found");
    if found.is_empty() {
        return Html::default();
    }
    let items = found.iter().map(|one| {
        let what = format!("{}: {} ", text(one, "judge"), text(one, "what"));
        element("li", &[], all([words(&what), leaf("code", "", text(one, "id"))]))
    });
    let title = element("h2", &[], words("Violations"));
    classed("section", "verdict bad", all([title, element("ul", &[], items.collect())]))
}

/// States by scenario, and by profile within it: `upgrade (posix)` is how the record names both.
fn counts(report: &Value) -> BTreeMap<String, BTreeMap<String, u64>> {
    let known = report.get("by_scenario").and_then(Value::as_object);
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (run, states) in known.into_iter().flatten() {
        let (scenario, profile) = run.split_once(" (").unwrap_or((run, ""));
        let is_random = scenario.starts_with("random-");
        let scenario = if is_random { RANDOM } else { scenario };
        let profile = profile.trim_end_matches(')').to_owned();
        let of = counts.entry(scenario.to_owned()).or_default().entry(profile).or_default();
        *of += states.as_u64().unwrap_or_default();
    }
    counts
}

fn by_scenario(report: &Value) -> Html {
    let title = "Distinct states by scenario and profile";
    let counts = counts(report);
    if counts.is_empty() {
        let said = "The record was made before the simulator told this: cargo xtask sim --quick makes it anew.";
        return section(title, said, Html::default());
    }
    let of = |profiles: &BTreeMap<String, u64>, name: &str| {
        profiles.get(name).copied().unwrap_or_default()
    };
    let mut sorted: Vec<(&String, &BTreeMap<String, u64>)> = counts.iter().collect();
    sorted.sort_by_key(|(name, profiles)| {
        (std::cmp::Reverse(profiles.values().sum::<u64>()), (*name).clone())
    });
    let drawn: Vec<Bar> = sorted
        .iter()
        .map(|(name, profiles)| Bar {
            label: leaf("code", "", name),
            parts: PROFILES
                .map(|(profile, class, _)| (class, of(profiles, profile) as f64))
                .to_vec(),
            spread: None,
            shown: thousands(profiles.values().sum()),
        })
        .collect();
    let rows = sorted.iter().map(|(name, profiles)| {
        let mut row = vec![said(name)];
        row.extend(PROFILES.map(|(profile, _, _)| counted(of(profiles, profile))));
        row.push(counted(profiles.values().sum()));
        row
    });
    let heads = ["scenario", "kill", "ordered", "posix", "together"];
    let keys = legend(&PROFILES.map(|(_, class, said)| (class, said)));
    section(
        title,
        "A state that two profiles reach is counted under the one that reached it first. Random lives of random homes are counted together.",
        all([keys, bars(&drawn), folded("As a table", table(title, &heads, rows.collect()))]),
    )
}

fn judges(report: &Value) -> Html {
    let known = report.get("judged").and_then(Value::as_object);
    let mut judges: Vec<(&String, u64)> = known
        .into_iter()
        .flatten()
        .map(|(name, count)| (name, count.as_u64().unwrap_or_default()))
        .collect();
    judges.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), (*name).clone()));
    let broken = |judge: &str| {
        let violated = report.get("violated").and_then(Value::as_object);
        let own = violated.into_iter().flatten();
        let own = own.filter(|(run, _)| run.split(" (").next() == Some(judge));
        own.filter_map(|(_, count)| count.as_u64()).sum::<u64>()
    };
    let drawn: Vec<Bar> = judges
        .iter()
        .map(|(name, asked)| {
            let violations = broken(name);
            Bar {
                label: leaf("code", "", name),
                parts: vec![
                    ("b", asked.saturating_sub(violations) as f64),
                    ("d", violations as f64),
                ],
                spread: None,
                shown: format!("{}, {} broken", thousands(*asked), thousands(violations)),
            }
        })
        .collect();
    section(
        "How often each judge had something to judge",
        "One claim, one judge. One that was never asked would show nothing, and fails the trace.",
        bars(&drawn),
    )
}

fn faults(report: &Value) -> Html {
    let known = report.get("fault_classes").and_then(Value::as_object);
    let mut classes: Vec<(&String, u64)> = known
        .into_iter()
        .flatten()
        .map(|(name, count)| (name, count.as_u64().unwrap_or_default()))
        .collect();
    classes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), (*name).clone()));
    let drawn: Vec<Bar> = classes
        .iter()
        .map(|(name, met)| Bar::of(leaf("code", "", name), "c", *met as f64, thousands(*met)))
        .collect();
    section(
        "Faults by class",
        "Calls that fail, disks that fill up, bits that rot, files that are forged. A campaign that did not meet every class fails.",
        bars(&drawn),
    )
}
