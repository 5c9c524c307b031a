//! The top of the page: what it is, of which commit, and the figures.

use std::collections::BTreeSet;

use serde_json::Value;

use super::data::{count, flag, list, of_things, text, texts, thousands};
use super::markup::{Html, all, element, inline, leaf, text as words};

/// So much of a commit or a tree tells it from others.
const DIGITS: usize = 12;
/// A figure of the clauses that say MUST: its name in the data, what it says, and the filter that shows the others.
const FIGURES: [(&str, &str, Option<&str>); 4] = [
    ("covered", "covered by what is written below", None),
    ("with_passing_test", "with a test of their own that passed", Some("test")),
    ("with_invariant", "with a judge of the simulator that held every time", Some("judge")),
    (
        "with_sabotage_caught",
        "with a bug, put in on purpose, that their own evidence noticed",
        Some("caught"),
    ),
];

/// Which state of the sources this is about.
pub(super) fn state(data: &Value) -> Html {
    let parts = ["commit", "tree"].into_iter().filter_map(|name| {
        let id = text(data, name);
        let short: String = id.chars().take(DIGITS).collect();
        let shown = inline("code", &[("title", id)], words(&short));
        (!id.is_empty()).then(|| all([words(&format!("{name} ")), shown, words(" ")]))
    });
    parts.collect()
}

/// What is wrong, or that nothing is.
pub(super) fn problems(data: &Value) -> Html {
    let problems = texts(data, "problems");
    if problems.is_empty() {
        return element("p", &[("class", "verdict good")], words("Nothing is missing."));
    }
    let count = u64::try_from(problems.len()).unwrap_or(u64::MAX);
    let items = problems.into_iter().map(|problem| element("li", &[], words(problem))).collect();
    let title = element("h2", &[], words(&of_things(count, "problem")));
    element("section", &[("class", "verdict bad")], all([title, element("ul", &[], items)]))
}

/// How many of the clauses that say MUST have each kind of evidence.
pub(super) fn figures(data: &Value) -> Html {
    let Some(figures) = data.get("figures") else { return Html::default() };
    let must = count(figures, "must");
    let bars = FIGURES.into_iter().map(|(name, said, without)| {
        let value = count(figures, name);
        let number = element(
            "p",
            &[("class", "number")],
            all([
                leaf("strong", "", &thousands(value)),
                leaf("span", "of", &format!(" of {}", thousands(must))),
                leaf("span", "percent", &percent(value, must)),
            ]),
        );
        let missing = must.saturating_sub(value);
        let button = without.filter(|_| missing > 0).map(|without| {
            let attributes = [("type", "button"), ("class", "others"), ("data-without", without)];
            element("button", &attributes, words(&format!("show the other {missing}")))
        });
        let said = element("p", &[("class", "said")], words(said));
        element("li", &[], all([number, bar(value, must), said, button.unwrap_or_default()]))
    });
    let title = format!("Of the {} that say MUST or MUST NOT", of_things(must, "clause"));
    let bars = element("ul", &[("class", "bars")], bars.collect());
    element("section", &[("class", "figures")], all([element("h2", &[], words(&title)), bars]))
}

/// What ran, and what came of it.
pub(super) fn runs(data: &Value) -> Html {
    let runs =
        [tests(data), simulation(data), model(data), sabotage(data), mutants(data), coverage(data)];
    let runs: Html = runs.into_iter().flatten().collect();
    element("dl", &[("class", "runs")], runs)
}

fn run(title: &'static str, number: &str, of: &str, facts: &[String]) -> Html {
    let number = all([leaf("strong", "", number), leaf("span", "of", of)]);
    let number = element("dd", &[("class", "number")], number);
    let facts = facts.iter().map(|fact| element("dd", &[], words(fact)));
    element("div", &[], all([element("dt", &[], words(title)), number, facts.collect()]))
}

fn tests(data: &Value) -> Option<Html> {
    let tests = data.get("tests")?;
    let (ran, passed) = (count(tests, "ran"), count(tests, "passed"));
    let others = Some(ran.saturating_sub(passed)).filter(|others| *others > 0);
    let others = others.map(|others| format!("{} did not pass", thousands(others)));
    let facts: Vec<String> = others.into_iter().collect();
    let of = format!("of {} passed", thousands(ran));
    Some(run("Tests", &thousands(passed), &of, &facts))
}

fn simulation(data: &Value) -> Option<Html> {
    let report = data.get("simulation")?;
    let points = of_things(count(report, "crash_points"), "crash point");
    let ratio = report.get("exhaustive_ratio").and_then(Value::as_f64);
    let fully = ratio.map(|ratio| format!(", {:.0} % of them in full", ratio * 100.0));
    let mut facts = vec![
        of_things(count(report, "violations"), "violation"),
        format!("{points}{}", fully.unwrap_or_default()),
        of_things(count(report, "scenarios"), "scenario"),
    ];
    let steps = count(report, "trace_steps");
    if steps > 0 {
        facts.push(format!("{} held to the model", of_things(steps, "step")));
    }
    let states = thousands(count(report, "distinct_states"));
    Some(run("Simulator", &states, "states after crashes", &facts))
}

fn model(data: &Value) -> Option<Html> {
    let model = data.get("model").filter(|model| model.is_object())?;
    let properties = list(model, "properties").len();
    let held = if flag(model, "ok") { "all of them hold" } else { "not all of them hold" };
    let facts = [
        format!("{properties} properties, {held}"),
        format!("{} visited", of_things(count(model, "states"), "state")),
        format!("at most {} deep", of_things(count(model, "depth"), "step")),
    ];
    let states = thousands(count(model, "unique"));
    Some(run("Model of the protocol", &states, "different states", &facts))
}

fn sabotage(data: &Value) -> Option<Html> {
    let sabotage = data.get("sabotage")?;
    let noticed = |of: &Value| format!("of {} noticed", thousands(count(of, "planted")));
    let caught = |of: &Value| thousands(count(of, "caught"));
    let syncs = sabotage.get("syncs").filter(|syncs| syncs.is_object());
    let syncs = syncs.map(|syncs| format!("left-out syncs: {} {}", caught(syncs), noticed(syncs)));
    let facts: Vec<String> = syncs.into_iter().collect();
    Some(run("Planted bugs", &caught(sabotage), &noticed(sabotage), &facts))
}

fn mutants(data: &Value) -> Option<Html> {
    let crates = data.get("mutants").and_then(Value::as_object)?;
    let (lowest, name) = least(crates.iter().map(|(name, of)| (share(of), name)))?;
    let sum = |name: &str| crates.values().map(|of| count(of, name)).sum::<u64>();
    let of = format!("of {} noticed", thousands(sum("mutants")));
    let facts = [format!("the fewest, {lowest:.1} %, in {name}")];
    Some(run("Mutants", &thousands(sum("caught")), &of, &facts))
}

fn coverage(data: &Value) -> Option<Html> {
    let crates = data.get("coverage").and_then(Value::as_object)?;
    let shares = crates.iter().map(|(name, share)| (share.as_f64().unwrap_or_default(), name));
    let (lowest, name) = least(shares)?;
    let facts = [format!("the fewest in {name}")];
    Some(run(
        "Lines that tests reach",
        &format!("{lowest:.1} %"),
        "of each crate, at least",
        &facts,
    ))
}

/// The crate with the least share.
fn least<'a>(shares: impl Iterator<Item = (f64, &'a String)>) -> Option<(f64, &'a String)> {
    shares.min_by(|one, other| one.0.total_cmp(&other.0))
}

/// The score of a crate, of a hundred.
fn share(of: &Value) -> f64 {
    of.get("score").and_then(Value::as_f64).unwrap_or_default() * 100.0
}

/// Each crate's mutants and lines.
pub(super) fn crates(data: &Value) -> Html {
    let of = |name: &str| data.get(name).and_then(Value::as_object);
    let (mutants, coverage) = (of("mutants"), of("coverage"));
    let names = mutants.into_iter().chain(coverage).flat_map(|of| of.keys());
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return Html::default();
    }
    let rows = names.into_iter().map(|name| {
        let score = mutants.and_then(|of| of.get(name)).map(|of| {
            let missed = count(of, "missed");
            let of_them = format!(
                "{} of {}, {} missed",
                thousands(count(of, "caught")),
                thousands(count(of, "mutants")),
                thousands(missed)
            );
            share_cell(share(of), &of_them)
        });
        let lines = coverage.and_then(|of| of.get(name)).and_then(Value::as_f64);
        let lines = lines.map(|share| share_cell(share, ""));
        let nothing = || element("td", &[("class", "nothing")], words("–"));
        element(
            "tr",
            &[],
            all([
                element("th", &[("scope", "row")], leaf("code", "", name)),
                score.unwrap_or_else(nothing),
                lines.unwrap_or_else(nothing),
            ]),
        )
    });
    let heads = ["Crate", "Mutants noticed", "Lines that tests reach"];
    let heads = heads.into_iter().map(|head| element("th", &[("scope", "col")], words(head)));
    let head = element("thead", &[], element("tr", &[], heads.collect()));
    let table = element("table", &[], all([head, element("tbody", &[], rows.collect())]));
    let title = element("summary", &[], words("Mutants and coverage, by crate"));
    element("details", &[("class", "crates")], all([title, table]))
}

fn share_cell(share: f64, of: &str) -> Html {
    let width = format!("width:{:.1}%", share.clamp(0.0, 100.0));
    let fill = inline("span", &[("style", &width)], Html::default());
    let bar = element("div", &[("class", "bar"), ("aria-hidden", "true")], fill);
    let number = leaf("span", "share", &format!("{share:.1} %"));
    element("td", &[], all([number, leaf("span", "of", of), bar]))
}

fn bar(value: u64, of: u64) -> Html {
    let width = format!("width:{}", percent(value, of).replace(' ', ""));
    let fill = inline("span", &[("style", &width)], Html::default());
    element("div", &[("class", "bar"), ("aria-hidden", "true")], fill)
}

/// `98 %`, and `100 %` only if it is all.
fn percent(value: u64, of: u64) -> String {
    format!("{} %", (value * 100).checked_div(of).unwrap_or_default())
}
