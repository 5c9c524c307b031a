//! The trace in figures, by section, and the way to the page that has all of it.

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    cell, classed, counted, figure, figures, link, said, section, table, warning,
};
use super::super::plot::{Bar, bars, legend};
use super::super::sources::not_passed;
use crate::trace::html::data::{count, list, of_things, text, texts, thousands};
use crate::trace::html::markup::{Html, all, element, text as words};

pub(super) fn content(gathered: &Gathered) -> Html {
    let source = &gathered.trace;
    if !source.is_there() {
        return all([warning(source), tests(gathered)]);
    }
    let value = &source.value;
    all([
        warning(source),
        numbers(value),
        classed(
            "p",
            "about",
            all([
                link("trace/index.html", "Every clause, with all of its evidence"),
                words(", and the sources where it stands. For programs: "),
                link("trace/trace.json", "trace.json"),
                words("."),
            ]),
        ),
        problems(value),
        by_section(value),
        tests(gathered),
    ])
}

fn numbers(value: &Value) -> Html {
    let known = value.get("figures").unwrap_or(&Value::Null);
    let must = format!("of {}", of_things(count(known, "must"), "clause"));
    let of = |title: &str, name: &str, fact: &str| {
        figure(title, &thousands(count(known, name)), &must, &[fact.to_owned()])
    };
    figures([
        of("Covered", "covered", "shown, or implied by clauses that are"),
        of("With a test that passed", "with_passing_test", "marked with the clause"),
        of("With a judge", "with_invariant", "of the simulator, that held every time"),
        of("With a bug noticed", "with_sabotage_caught", "by the clause's own evidence"),
        figure(
            "All clauses",
            &thousands(count(known, "clauses")),
            "of every level",
            &["the figures beside count MUST and MUST NOT".to_owned()],
        ),
    ])
}

fn problems(value: &Value) -> Html {
    let problems = texts(value, "problems");
    if problems.is_empty() {
        return Html::default();
    }
    let items = problems.iter().map(|what| element("li", &[], words(what)));
    let title = element("h2", &[], words("What the trace complained about"));
    classed("section", "verdict bad", all([title, element("ul", &[], items.collect())]))
}

/// How many clauses of each section have each kind of evidence.
fn by_section(value: &Value) -> Html {
    let rows = list(value, "rows");
    let each: Vec<(u64, &str, Vec<&Value>)> = list(value, "sections")
        .iter()
        .map(|section| {
            let number = count(section, "number");
            let own = rows.iter().filter(|row| count(row, "section") == number).collect();
            (number, text(section, "title"), own)
        })
        .filter(|(_, _, own): &(_, _, Vec<&Value>)| !own.is_empty())
        .collect();
    let has = |row: &&&Value, name: &str| !list(row, name).is_empty();
    let drawn: Vec<Bar> = each
        .iter()
        .map(|(number, title, own)| {
            let judged = own.iter().filter(|row| has(row, "judges")).count();
            let tested = own.iter().filter(|row| has(row, "tests") && !has(row, "judges")).count();
            let other = own.len() - judged - tested;
            let address = format!("trace/index.html#section-{number}");
            Bar {
                label: link(&address, &format!("§{number} {title}")),
                parts: vec![("b", judged as f64), ("a", tested as f64), ("f", other as f64)],
                spread: None,
                shown: of_things(own.len() as u64, "clause"),
            }
        })
        .collect();
    let keys = legend(&[
        ("b", "with a judge of the simulator, and mostly with tests"),
        ("a", "with tests"),
        ("f", "with a document, or implied by others"),
    ]);
    section(
        "Clauses by section",
        "What is looked at by a judge is looked at on every disk that a crash could have left; a test looks at what somebody thought of.",
        all([keys, bars(&drawn)]),
    )
}

/// What came of the tests.
fn tests(gathered: &Gathered) -> Html {
    let source = &gathered.tests;
    let about = element("span", &[("id", "tests")], Html::default());
    if !source.is_there() {
        return all([about, warning(source)]);
    }
    let mut packages: std::collections::BTreeMap<&str, (u64, u64)> =
        std::collections::BTreeMap::new();
    for test in list(&source.value, "tests") {
        let of = packages.entry(text(test, "package")).or_default();
        let passed = u64::from(text(test, "outcome") == "ok");
        *of = (of.0 + passed, of.1 + 1);
    }
    let rows = packages
        .iter()
        .map(|(name, (passed, all))| vec![said(name), counted(*passed), counted(*all - *passed)]);
    let heads = ["package", "passed", "did not pass"];
    let table_of = table("Tests by package", &heads, rows.collect());
    let others = not_passed(&source.value);
    let others = others.iter().map(|name| vec![cell(words(name))]).collect::<Vec<_>>();
    let others = if others.is_empty() {
        Html::default()
    } else {
        table("Tests that did not pass", &["did not pass"], others)
    };
    let inside = all([warning(source), others, table_of]);
    all([about, section("Tests by package", "", inside)])
}
