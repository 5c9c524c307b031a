//! The first page: what is shown, with which figures, and what is missing.

use serde_json::Value;

use super::super::Gathered;
use super::super::parts::{
    cell, classed, command, counted, link, paragraph, percent, said, section, table,
};
use super::super::sources::{Source, State};
use super::bench;
use crate::trace::html::data::{count, list, of_things, text, thousands};
use crate::trace::html::markup::{Html, all, element, inline, leaf, text as words};

/// What a card says of a record: a number, what it is of, and what else is known.
struct Said {
    number: String,
    of: String,
    facts: Vec<String>,
}

pub(super) fn content(gathered: &Gathered) -> Html {
    let cards = [
        (&gathered.trace, "trace.html", trace(gathered)),
        (&gathered.tests, "trace.html#tests", tests(gathered)),
        (&gathered.simulation, "simulator.html", simulation(gathered)),
        (&gathered.model, "model.html", model(gathered)),
        (&gathered.sabotage, "bugs.html", bugs(gathered)),
        (&gathered.mutants, "mutants.html", mutants(gathered)),
        (&gathered.coverage, "mutants.html#coverage", coverage(gathered)),
        (&gathered.bench, "bench.html", speed(gathered)),
    ];
    let cards = cards.map(|(source, address, said)| card(source, address, said));
    all([
        verdict(gathered),
        element("ul", &[("class", "cards")], all(cards)),
        guarantees(gathered),
        records(gathered),
    ])
}

/// What is wrong, or that nothing is.
fn verdict(gathered: &Gathered) -> Html {
    let broken = gathered.broken();
    let missing: Vec<&Source> =
        gathered.sources().into_iter().filter(|source| !source.is_current()).collect();
    if broken.is_empty() && missing.is_empty() {
        return classed(
            "p",
            "verdict good",
            words("Every record is of this tree, and nothing is wrong."),
        );
    }
    let mut said = Html::default();
    if !broken.is_empty() {
        let items = broken.iter().map(|what| element("li", &[], words(what)));
        let items = element("ul", &[], items.collect());
        let number = u64::try_from(broken.len()).unwrap_or(u64::MAX);
        let title = format!("{} found in this tree", of_things(number, "problem"));
        let inside = all([element("h2", &[], words(&title)), items]);
        said = classed("section", "verdict bad", inside);
    }
    if missing.is_empty() {
        return said;
    }
    let number = u64::try_from(missing.len()).unwrap_or(u64::MAX);
    let are = if number == 1 { "is" } else { "are" };
    let title = format!("{} {are} not of this tree", of_things(number, "record"));
    let names: Vec<&str> = missing.iter().map(|source| source.name).collect();
    let what = format!(
        "{}. Their figures are left out here; each says why, and which command makes it.",
        names.join(", ")
    );
    let inside = all([element("h2", &[], words(&title)), element("p", &[], words(&what))]);
    let old = classed("section", "verdict old", inside);
    all([said, old])
}

fn card(source: &Source, address: &str, known: Said) -> Html {
    let (class, mark) = match source.state {
        State::Current => ("", "this tree"),
        State::Other(_) => ("old", "not this tree"),
        State::Missing => ("missing", "missing"),
        State::Broken(_) => ("missing", "broken"),
    };
    let title = all([link(address, source.name), leaf("span", "mark", mark)]);
    let mut inside = vec![element("h2", &[], title)];
    if source.is_current() {
        let number =
            all([leaf("strong", "", &known.number), leaf("span", "of", &format!(" {}", known.of))]);
        inside.push(classed("p", "number", number));
        inside.extend(known.facts.iter().map(|fact| classed("p", "fact", words(fact))));
    } else {
        inside.push(classed("p", "number", leaf("strong", "", "–")));
        inside.push(classed("p", "fact", words(&source.problem().unwrap_or_default())));
        inside.push(classed("p", "again", command(source.command)));
    }
    element("li", &[("class", class)], inside.into_iter().collect())
}

fn trace(gathered: &Gathered) -> Said {
    let value = &gathered.trace.value;
    let figures = value.get("figures").unwrap_or(&Value::Null);
    let of = |name: &str| thousands(count(figures, name));
    let facts = vec![
        format!("{} with a test of their own that passed", of("with_passing_test")),
        format!("{} with a judge of the simulator", of("with_invariant")),
        format!("{} with a planted bug that their evidence noticed", of("with_sabotage_caught")),
    ];
    let of_all = format!("of {} clauses with MUST covered", of("must"));
    Said { number: of("covered"), of: of_all, facts }
}

fn tests(gathered: &Gathered) -> Said {
    let tests = list(&gathered.tests.value, "tests");
    let passed = tests.iter().filter(|test| text(test, "outcome") == "ok").count();
    let [all, passed] =
        [tests.len(), passed].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
    let facts = vec![format!("{} did not pass", thousands(all - passed))];
    Said { number: thousands(passed), of: format!("of {} passed", thousands(all)), facts }
}

fn simulation(gathered: &Gathered) -> Said {
    let report = gathered.simulation.value.get("report").unwrap_or(&Value::Null);
    let facts = vec![
        of_things(count(report, "violations"), "violation"),
        format!(
            "{}, {} images",
            of_things(count(report, "scenarios"), "scenario"),
            thousands(count(report, "states"))
        ),
        format!("{} met", of_things(gathered.faults(), "fault")),
    ];
    let number = thousands(count(report, "distinct_states"));
    Said { number, of: "distinct states judged".to_owned(), facts }
}

fn model(gathered: &Gathered) -> Said {
    let report = gathered.model.value.get("report").unwrap_or(&Value::Null);
    let facts = vec![
        format!(
            "{} properties, {} broken",
            list(report, "properties").len(),
            list(report, "broken").len()
        ),
        format!("at most {} deep", of_things(count(report, "depth"), "step")),
    ];
    let number = thousands(count(report, "unique"));
    Said { number, of: "different states, all of them visited".to_owned(), facts }
}

fn bugs(gathered: &Gathered) -> Said {
    let tally = gathered.tally();
    let facts = vec![
        format!(
            "{} by the simulator alone, {} by tests alone, {} by both",
            tally.by_judge, tally.by_tests, tally.by_both
        ),
        format!("{} that nobody can notice, with the reason", tally.redundant),
        format!("{} missed", tally.missed),
    ];
    Said {
        number: thousands(tally.caught()),
        of: format!("of {} noticed", thousands(tally.all())),
        facts,
    }
}

fn mutants(gathered: &Gathered) -> Said {
    let crates = gathered.mutants.value.get("crates").and_then(Value::as_object);
    let sum = |name| crates.into_iter().flatten().map(|(_, of)| count(of, name)).sum::<u64>();
    let caught = sum("caught") + sum("timeout");
    let facts = vec![
        format!("{} missed", thousands(sum("missed"))),
        format!(
            "{} of {} mutants of {} were run",
            thousands(sum("mutants")),
            thousands(sum("listed")),
            of_things(crates.map_or(0, |all| all.len() as u64), "crate")
        ),
    ];
    let number = percent(caught, caught + sum("missed"));
    Said { number, of: "of those that can be noticed were".to_owned(), facts }
}

fn coverage(gathered: &Gathered) -> Said {
    let together = gathered.coverage.value.get("together").and_then(Value::as_f64);
    let number = together.map_or("–".to_owned(), |share| format!("{share:.1} %"));
    Said { number, of: "of the lines of the product".to_owned(), facts: Vec::new() }
}

fn speed(gathered: &Gathered) -> Said {
    let value = &gathered.bench.value;
    let rate = bench::ours(value, "cheap").unwrap_or_default();
    let summary = value.get("summary").unwrap_or(&Value::Null);
    let times = summary.get("cheap").and_then(Value::as_object);
    let facts = times.into_iter().flatten().filter_map(|(name, times)| {
        let name = name.strip_prefix("vs_")?.replace('_', "-");
        Some(format!("{:.1} times {name}", times.as_f64()?))
    });
    let number = format!("{:.2} million", rate / 1e6);
    Said { number, of: "records a second".to_owned(), facts: facts.collect() }
}

/// What the specification ends with, and what shows each.
fn guarantees(gathered: &Gathered) -> Html {
    let title = "What the specification guarantees";
    if !gathered.trace.is_current() {
        let said = "The trace is not of this tree, so nothing is said here.";
        return section(title, said, Html::default());
    }
    let rows = list(&gathered.trace.value, "rows").iter();
    let rows = rows.filter(|row| text(row, "level") == "GUARANTEE").map(|row| {
        let id = text(row, "id");
        let words_of = text(row, "text");
        let short = words_of.rsplit_once(": ").map_or(words_of, |(_, short)| short);
        let tests = list(row, "tests").iter().filter(|test| text(test, "outcome") == "ok").count();
        let judged = list(row, "judges").iter().map(|judge| count(judge, "judged")).sum::<u64>();
        let noticed = ["sabotages", "mutants"].iter().flat_map(|name| list(row, name));
        let noticed = noticed.filter(|bug| bug.get("is_caught") == Some(&Value::Bool(true)));
        vec![
            cell(link(&format!("trace/index.html#{id}"), id)),
            said(short),
            counted(tests as u64),
            counted(judged),
            counted(noticed.count() as u64),
        ]
    });
    let heads =
        ["clause", "guarantee (§28)", "tests passed", "judgements held", "planted bugs noticed"];
    section(
        title,
        "Each is a clause like all others, with evidence of its own; the last column is how often that evidence was put to the proof.",
        table(title, &heads, rows.collect()),
    )
}

fn records(gathered: &Gathered) -> Html {
    let rows = gathered.sources().into_iter().map(|source| {
        let state = match &source.state {
            State::Current => "of this tree".to_owned(),
            _ => source.problem().unwrap_or_default(),
        };
        vec![
            said(source.name),
            said(&state),
            cell(leaf("code", "", source.file)),
            cell(command(source.command)),
        ]
    });
    let heads = ["record", "state", "file", "what makes it anew"];
    let others = element(
        "p",
        &[("class", "about")],
        all([
            words("All of it for other programs: "),
            inline("a", &[("href", "report.json")], words("report.json")),
            words("."),
        ]),
    );
    let how = paragraph(
        "A record that a run has left names the tree by a digest of all files. Planted bugs and mutants are kept with the \
         sources, with a digest of each thing that was changed. What was measured counts until the code that it \
         measures changes.",
    );
    section("Records", "", all([how, table("Records", &heads, rows.collect()), others]))
}
