//! A clause: what it says, and, opened, what it means and everything that shows it.

use serde_json::Value;

use super::data::{count, flag, list, of_things, place, text, texts, thousands};
use super::markup::{
    Html, address, all, element, inline, leaf, markdown, rest_may_wrap, text as words,
};

/// More mutants than these are shown if somebody asks.
const MUTANTS: usize = 6;

/// A clause.
pub(super) fn clause(row: &Value) -> Html {
    let level = text(row, "level");
    let status = status_name(row);
    let level_class = level.to_lowercase().replace(' ', "-");
    let summary = element(
        "summary",
        &[],
        all([
            leaf("span", "id", text(row, "id")),
            inline("span", &[("class", &format!("level {level_class}"))], words(level)),
            inline(
                "span",
                &[("class", "says")],
                all([leaf("span", "words", text(row, "text")), leaf("span", "has", &has(row))]),
            ),
            inline("span", &[("class", &format!("status {status}"))], words(said(status))),
        ]),
    );
    let body = element(
        "div",
        &[("class", "body")],
        all([
            reason(row),
            meaning(row),
            element("ol", &[("class", "chain")], chain(row)),
            element(
                "p",
                &[("class", "link")],
                inline(
                    "a",
                    &[("href", &address(text(row, "id")))],
                    words(&format!("Link to {}", text(row, "id"))),
                ),
            ),
        ]),
    );
    element("details", &[("class", "clause"), ("id", text(row, "id"))], all([summary, body]))
}

/// The name of a status, as the data have it.
pub(super) fn status_name(row: &Value) -> &str {
    row.get("status").map_or("", |status| text(status, "is"))
}

/// A status as people read it.
pub(super) fn said(status: &str) -> &str {
    if status == "uncovered" { "not covered" } else { status }
}

/// True if a judge of the simulator had something to judge, and found nothing wrong.
pub(super) fn has_judge(row: &Value) -> bool {
    let is_content = |judge: &Value| count(judge, "judged") > 0 && count(judge, "violations") == 0;
    list(row, "judges").iter().any(is_content)
}

/// True if a test of its own passed.
pub(super) fn has_test(row: &Value) -> bool {
    list(row, "tests").iter().any(|test| text(test, "outcome") == "ok")
}

/// True if its own evidence noticed that it was broken.
pub(super) fn has_caught(row: &Value) -> bool {
    broken(row).any(is_noticed)
}

fn broken(row: &Value) -> impl Iterator<Item = &Value> {
    list(row, "sabotages").iter().chain(list(row, "mutants"))
}

fn is_noticed(broken: &Value) -> bool {
    !list(broken, "caught_by").is_empty()
}

/// What there is for it, in a line.
fn has(row: &Value) -> String {
    let number = |name: &str, thing: &str| {
        let count = u64::try_from(list(row, name).len()).unwrap_or(u64::MAX);
        (count > 0).then(|| of_things(count, thing))
    };
    let noticed =
        u64::try_from(broken(row).filter(|one| is_noticed(one)).count()).unwrap_or(u64::MAX);
    let bugs = (noticed > 0).then(|| format!("{} noticed", of_things(noticed, "bug")));
    let parts = [number("tests", "test"), number("judges", "judge"), bugs];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Why it is implied, an exception, or not covered.
fn reason(row: &Value) -> Html {
    let Some(status) = row.get("status") else { return Html::default() };
    let why = match text(status, "is") {
        "implied" => {
            let by = texts(status, "by").into_iter().map(|id| {
                let link = inline("a", &[("href", &address(id))], words(id));
                all([link, words(" ")])
            });
            let by: Html = by.collect();
            all([leaf("strong", "", "Implied by "), by, words("– "), words(text(status, "reason"))])
        }
        "exception" => all([leaf("strong", "", "It is not so: "), words(text(status, "reason"))]),
        "uncovered" => all([leaf("strong", "", "Not covered: "), words(text(status, "missing"))]),
        _ => return Html::default(),
    };
    element("p", &[("class", &format!("reason {}", text(status, "is")))], why)
}

fn meaning(row: &Value) -> Html {
    let meaning = text(row, "meaning");
    if meaning.is_empty() {
        return Html::default();
    }
    let title = element("h3", &[], words("What it means here"));
    element("div", &[("class", "meaning")], all([title, markdown(meaning)]))
}

/// From the code to who would notice if it were wrong.
fn chain(row: &Value) -> Html {
    let items = |name: &str, item: fn(&Value) -> Html| -> Vec<Html> {
        list(row, name).iter().map(item).collect()
    };
    let mut made = items("implementation", |part| evidence(part, Html::default()));
    made.extend(items("documents", |part| evidence(part, note("documented"))));
    all([
        step("Made so by", "no code of its own", made),
        step("Shown by tests", "no test of its own", items("tests", test)),
        step("Judged in the simulator", "no judge", items("judges", judge)),
        step("Broken on purpose", "no planted bug", items("sabotages", sabotage)),
        mutants(list(row, "mutants")),
    ])
}

fn step(title: &'static str, nothing: &'static str, items: Vec<Html>) -> Html {
    let inside = if items.is_empty() {
        element("p", &[("class", "nothing")], words(nothing))
    } else {
        element("ul", &[], items.into_iter().collect())
    };
    element("li", &[("class", "step")], all([element("h3", &[], words(title)), inside]))
}

fn mutants(mutants: &[Value]) -> Html {
    if mutants.is_empty() {
        return Html::default();
    }
    let items = |mutants: &[Value]| mutants.iter().map(mutant).collect::<Html>();
    let (first, more) = mutants.split_at(mutants.len().min(MUTANTS));
    let mut inside = element("ul", &[], items(first));
    if !more.is_empty() {
        let title = element("summary", &[], words(&format!("{} more mutants", more.len())));
        let more = element("ul", &[], items(more));
        inside = all([inside, element("details", &[("class", "more")], all([title, more]))]);
    }
    let title = element("h3", &[], words("Changed by cargo-mutants"));
    element("li", &[("class", "step")], all([title, inside]))
}

/// A part of the sources, with a link to what stands there, and what is known of it.
fn evidence(part: &Value, known: Html) -> Html {
    let place = place(part);
    let link = inline(
        "a",
        &[("class", "place"), ("href", &address(&place))],
        all([
            leaf("code", "name", text(part, "name")),
            words(" "),
            inline("span", &[("class", "where")], breakable(&place)),
        ]),
    );
    element("li", &[("class", "evidence")], all([link, words(" "), known]))
}

/// A path, which may go on in the next line behind each slash.
fn breakable(path: &str) -> Html {
    path.split_inclusive('/').map(|piece| all([words(piece), rest_may_wrap()])).collect()
}

fn test(test: &Value) -> Html {
    let (class, said) = match text(test, "outcome") {
        "ok" => ("good", "passed"),
        "FAILED" => ("bad", "failed"),
        "missing" => ("bad", "did not run"),
        other => ("bad", other),
    };
    let ids = texts(test, "ids");
    let binaries = if ids.len() > 1 { format!("in {} binaries", ids.len()) } else { String::new() };
    evidence(test, all([outcome(class, said), note(&binaries)]))
}

fn judge(judge: &Value) -> Html {
    let (judged, violations) = (count(judge, "judged"), count(judge, "violations"));
    let (class, said) = match (judged, violations) {
        (0, 0) => ("bad", "nothing to judge".to_owned()),
        (_, 0) => ("good", "no violation".to_owned()),
        (_, violations) => ("bad", of_things(violations, "violation")),
    };
    let times =
        if judged == 0 { String::new() } else { format!("judged {} times", thousands(judged)) };
    evidence(judge, all([outcome(class, &said), note(&times)]))
}

fn sabotage(bug: &Value) -> Html {
    let known = if is_noticed(bug) {
        all([outcome("good", "noticed"), by(bug)])
    } else if let Some(reason) = bug.get("redundant").and_then(Value::as_str) {
        all([outcome("quiet", "nobody need notice"), note(reason)])
    } else if flag(bug, "is_caught") {
        all([outcome("quiet", "noticed by others only"), Html::default()])
    } else {
        all([outcome("bad", "nobody noticed"), Html::default()])
    };
    evidence(bug, known)
}

fn mutant(mutant: &Value) -> Html {
    evidence(mutant, all([outcome("good", "noticed"), by(mutant)]))
}

/// Who noticed it.
fn by(broken: &Value) -> Html {
    let names = texts(broken, "caught_by");
    let names = names
        .iter()
        .enumerate()
        .map(|(at, name)| all([words(if at == 0 { "" } else { ", " }), leaf("code", "", name)]));
    inline("span", &[("class", "note")], all([words(" by "), names.collect()]))
}

fn outcome(class: &'static str, said: &str) -> Html {
    inline("span", &[("class", &format!("outcome {class}"))], words(said))
}

fn note(said: &str) -> Html {
    if said.is_empty() { Html::default() } else { all([words(" "), leaf("span", "note", said)]) }
}
