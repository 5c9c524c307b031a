//! Mutants by crate, those that were missed with their place, and lines that tests reach.

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    cell, counted, figure, figures, measured, percent, said, section, table, warning,
};
use super::super::plot::{Bar, bars, legend};
use crate::trace::html::data::{count, list, of_things, place, text, thousands};
use crate::trace::html::markup::{Html, all, element, leaf};

/// What became of mutants, and how it is drawn.
const VERDICTS: [(&str, &str, &str); 5] = [
    ("caught", "b", "noticed"),
    ("timeout", "a", "tests did not end, which is noticed"),
    ("missed", "d", "missed"),
    ("equivalent", "f", "nobody can notice, by a written reason"),
    ("unviable", "e", "do not compile"),
];

pub(super) fn content(gathered: &Gathered) -> Html {
    all([mutants(gathered), coverage(gathered)])
}

fn mutants(gathered: &Gathered) -> Html {
    let source = &gathered.mutants;
    if !source.is_there() {
        return warning(source);
    }
    let crates: Vec<(&String, &Value)> =
        source.value.get("crates").and_then(Value::as_object).into_iter().flatten().collect();
    let sum = |name: &str| crates.iter().map(|(_, of)| count(of, name)).sum::<u64>();
    let caught = sum("caught") + sum("timeout");
    let numbers = figures([
        figure(
            "Noticed",
            &percent(caught, caught + sum("missed")),
            "of those that can be",
            &[format!("{} of {}", thousands(caught), thousands(caught + sum("missed")))],
        ),
        figure("Missed", &thousands(sum("missed")), "mutants", &["each is below".to_owned()]),
        figure(
            "Run",
            &thousands(sum("mutants")),
            &format!("of {} that there are", thousands(sum("listed"))),
            &["the others were not tried, and nothing is said of them".to_owned()],
        ),
    ]);
    all([warning(source), numbers, by_crate(&crates), missed(&source.value)])
}

fn by_crate(crates: &[(&String, &Value)]) -> Html {
    let drawn: Vec<Bar> = crates
        .iter()
        .map(|(name, of)| Bar {
            label: leaf("code", "", name),
            parts: VERDICTS.map(|(verdict, class, _)| (class, count(of, verdict) as f64)).to_vec(),
            spread: None,
            shown: format!(
                "{} run of {}",
                thousands(count(of, "mutants")),
                thousands(count(of, "listed"))
            ),
        })
        .collect();
    let rows = crates.iter().map(|(name, of)| {
        let score = of.get("score").and_then(Value::as_f64).unwrap_or_default();
        let mut row = vec![said(name), measured(score, &format!("{:.1} %", score * 100.0))];
        row.extend(VERDICTS.map(|(verdict, _, _)| counted(count(of, verdict))));
        row.extend([counted(count(of, "mutants")), counted(count(of, "listed"))]);
        row
    });
    let heads = [
        "crate",
        "score",
        "noticed",
        "did not end",
        "missed",
        "equivalent",
        "unviable",
        "run",
        "there are",
    ];
    let keys = legend(&VERDICTS.map(|(_, class, said)| (class, said)));
    section(
        "By crate",
        "The score is the part of those that can be noticed which was. Of a crate of which few were run it says little.",
        all([keys, bars(&drawn), table("Mutants by crate", &heads, rows.collect())]),
    )
}

fn missed(record: &Value) -> Html {
    let mutants = list(record, "mutants").iter();
    let missed = mutants.filter(|mutant| text(mutant, "verdict") == "missed");
    let rows = missed.map(|mutant| {
        let reason = text(mutant, "equivalent");
        let reason = if reason.is_empty() { "nothing noticed it" } else { reason };
        vec![
            cell(leaf("code", "", &place(mutant))),
            cell(leaf("code", "", text(mutant, "function"))),
            cell(leaf("code", "", text(mutant, "change"))),
            said(reason),
        ]
    });
    let heads = ["place", "function", "change", "why"];
    section(
        "Missed",
        "With the place where each stands, as it was when it was tried; some behave as the original does, and say why.",
        table("Missed mutants", &heads, rows.collect()),
    )
}

fn coverage(gathered: &Gathered) -> Html {
    let source = &gathered.coverage;
    let target = element("span", &[("id", "coverage")], Html::default());
    let known = source.value.as_object();
    let mut crates: Vec<(&String, f64)> = known
        .into_iter()
        .flatten()
        .map(|(name, share)| (name, share.as_f64().unwrap_or_default()))
        .collect();
    crates.sort_by(|one, other| one.1.total_cmp(&other.1));
    let drawn: Vec<Bar> = crates
        .iter()
        .map(|(name, share)| Bar {
            label: leaf("code", "", name),
            parts: vec![("b", *share), ("e", 100.0 - share)],
            spread: None,
            shown: format!("{share:.1} %"),
        })
        .collect();
    let number = of_things(crates.len() as u64, "row");
    let said = if crates.is_empty() {
        String::new()
    } else {
        format!("It is shown, and decides nothing; {number}.")
    };
    all([target, section("Lines that tests reach", &said, all([warning(source), bars(&drawn)]))])
}
