//! Planted bugs: who noticed them, by which judge, and how fast; what was not noticed comes first.

use std::collections::BTreeMap;

use super::super::parts::{
    Cell, cell, classed, figure, figures, folded, measured, said, seconds, section, table, warning,
};
use super::super::plot::{Bar, bars, columns, legend};
use super::super::{Bug, Gathered, Noticed};
use crate::trace::html::data::{of_things, thousands};
use crate::trace::html::markup::{Html, all, leaf, text as words};

/// Ends of the steps in which times are counted, in milliseconds.
const STEPS: [(u64, &str); 7] = [
    (200, "0.2"),
    (500, "0.5"),
    (1_000, "1"),
    (2_000, "2"),
    (5_000, "5"),
    (15_000, "15"),
    (60_000, "60"),
];

pub(super) fn content(gathered: &Gathered) -> Html {
    let source = &gathered.sabotage;
    if !source.is_there() {
        return warning(source);
    }
    all([
        warning(source),
        numbers(gathered),
        not_noticed(gathered),
        how_fast(gathered),
        by_judge(gathered),
        redundant(gathered),
        all_of_them(gathered),
    ])
}

fn numbers(gathered: &Gathered) -> Html {
    let tally = gathered.tally();
    let of_all = format!("of {}", of_things(tally.all(), "bug"));
    let of = |title: &str, number: u64, fact: &str| {
        figure(title, &thousands(number), &of_all, &[fact.to_owned()])
    };
    let bar = Bar {
        label: words("All of them"),
        parts: vec![
            ("b", tally.by_both as f64),
            ("a", tally.by_judge as f64),
            ("c", tally.by_tests as f64),
            ("e", tally.redundant as f64),
            ("d", (tally.missed + tally.unasked) as f64),
        ],
        spread: None,
        shown: thousands(tally.all()),
    };
    let keys = legend(&[
        ("b", "by the simulator and by tests"),
        ("a", "by the simulator alone"),
        ("c", "by tests alone"),
        ("e", "nobody can, and why is known"),
        ("d", "missed, or not asked yet"),
    ]);
    let figures = figures([
        of(
            "Noticed",
            tally.caught(),
            "by a judge of the simulator, or by tests of the clauses that the bug breaks",
        ),
        of(
            "Nobody can notice",
            tally.redundant,
            "something else sees to the same; the reason is written down",
        ),
        of(
            "Missed, or not asked yet",
            tally.missed + tally.unasked,
            "each is below, with what it would mean",
        ),
    ]);
    section("Who noticed them", "", all([figures, keys, bars(&[bar])]))
}

fn row_of(bug: &Bug) -> Vec<Cell> {
    let who = match bug.noticed {
        Noticed::Unasked => "nobody was asked".to_owned(),
        Noticed::Missed => "missed".to_owned(),
        Noticed::Redundant => "nobody can".to_owned(),
        Noticed::ByJudge | Noticed::ByTests | Noticed::ByBoth => {
            let judge = bug.judge.iter().map(|judge| {
                bug.scenario
                    .as_ref()
                    .map_or(judge.clone(), |scenario| format!("{judge} ({scenario})"))
            });
            let tests = Some(bug.tests).filter(|tests| *tests > 0);
            let tests = tests.map(|tests| of_things(tests, "test"));
            judge.chain(tests).collect::<Vec<_>>().join(", ")
        }
    };
    let time = bug.milliseconds.map_or_else(
        || measured(f64::MAX, "–"),
        |taken| measured(taken as f64, &seconds(taken as f64 / 1000.0)),
    );
    let name = all([leaf("code", "", bug.name), leaf("span", "quiet", bug.file)]);
    vec![cell(name), said(bug.means), said(&who), time]
}

/// What nobody noticed, and nobody was asked for.
fn not_noticed(gathered: &Gathered) -> Html {
    let is_open = |bug: &&Bug| matches!(bug.noticed, Noticed::Missed | Noticed::Unasked);
    let open: Vec<_> = gathered.bugs.iter().filter(is_open).map(row_of).collect();
    let heads = ["bug", "what it would mean", "noticed by", "after"];
    let open = if open.is_empty() {
        classed("p", "verdict good", words("None that could be noticed was missed."))
    } else {
        table("Not noticed", &heads, open)
    };
    section("Not noticed", "What the evidence does not see yet.", open)
}

/// What nobody can notice, and why.
fn redundant(gathered: &Gathered) -> Html {
    let bugs = gathered.bugs.iter().filter(|bug| bug.noticed == Noticed::Redundant);
    let rows = bugs.map(|bug| {
        let name = all([leaf("code", "", bug.name), leaf("span", "quiet", bug.file)]);
        vec![cell(name), said(bug.means), said(bug.redundant.unwrap_or_default())]
    });
    let heads = ["bug", "what it would mean", "why nobody can notice it"];
    section(
        "What nobody can notice",
        "The simulator glanced at each all the same. It does the same as what is right, for the reason that stands beside it.",
        table("Nobody can notice", &heads, rows.collect()),
    )
}

fn by_judge(gathered: &Gathered) -> Html {
    let mut judges: BTreeMap<&str, u64> = BTreeMap::new();
    let mut scenarios: BTreeMap<&str, u64> = BTreeMap::new();
    for bug in &gathered.bugs {
        if let Some(judge) = &bug.judge {
            *judges.entry(judge).or_default() += 1;
        }
        if let Some(scenario) = &bug.scenario {
            *scenarios.entry(scenario).or_default() += 1;
        }
    }
    let drawn = |of: BTreeMap<&str, u64>| {
        let mut of: Vec<(&str, u64)> = of.into_iter().collect();
        of.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        let each = of.iter().map(|(name, count)| {
            Bar::of(leaf("code", "", name), "a", *count as f64, of_things(*count, "bug"))
        });
        bars(&each.collect::<Vec<_>>())
    };
    all([
        section(
            "By judge",
            "The first judge that said that something is broken. What is wrong the same way in every run is seen by the comparison with what was accepted (golden), or with an undisturbed run.",
            drawn(judges),
        ),
        section(
            "By scenario",
            "Where the simulator came upon them.",
            folded("As bars", drawn(scenarios)),
        ),
    ])
}

/// How long the simulator hunted.
fn how_fast(gathered: &Gathered) -> Html {
    let times: Vec<u64> = gathered.bugs.iter().filter_map(|bug| bug.milliseconds).collect();
    let found = gathered.bugs.iter().filter(|bug| bug.judge.is_some()).count();
    let title = "How fast the simulator noticed";
    if times.is_empty() {
        return section(
            title,
            "No time is on record: these bugs were hunted for before times were kept. cargo xtask sabotage --simulator --record measures them.",
            Html::default(),
        );
    }
    let mut steps: Vec<(String, u64)> = Vec::new();
    let mut from = 0;
    for (end, said) in STEPS {
        let within = times.iter().filter(|time| (from..end).contains(*time)).count();
        steps.push((format!("< {said}"), within as u64));
        from = end;
    }
    let longer = times.iter().filter(|time| **time >= from).count();
    steps.push(("more".to_owned(), longer as u64));
    let about = format!(
        "Of {} that it noticed, {} have a time on record. A bug is looked for first where it was found before.",
        of_things(found as u64, "bug"),
        times.len()
    );
    section(title, &about, classed("div", "curves", columns(title, "seconds", &steps)))
}

fn all_of_them(gathered: &Gathered) -> Html {
    let heads = ["bug", "what it would mean", "noticed by", "after"];
    let noticed = gathered.bugs.iter().filter(|bug| bug.noticed.is_caught());
    section(
        "Noticed",
        "A judge with the scenario in which it spoke, and how many tests of the clauses that the bug breaks fail with it.",
        table("Noticed", &heads, noticed.map(row_of).collect()),
    )
}
