//! The trace as one page for people: a file that asks for nothing else, and can be read without scripts.

mod clause;
pub(crate) mod data;
mod header;
pub(crate) mod markup;
#[cfg(test)]
pub(super) mod sample;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use data::{count, list, of_things, place, text};
use markup::{Html, all, element, inline, leaf, option, plain, text as words};

const TEMPLATE: &str = include_str!("page.html");
pub(crate) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Clauses by what they say, the strictest first.
pub(super) const LEVELS: [&str; 7] =
    ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "GUARANTEE", "STEP"];
/// Clauses by what is known of them.
pub(super) const STATUSES: [&str; 4] = ["shown", "implied", "exception", "uncovered"];
/// What a part of a row is called, where rows have such parts.
const PARTS: [&str; 6] = ["implementation", "documents", "tests", "judges", "sabotages", "mutants"];

/// The page.
pub(super) fn page(data: &Value) -> String {
    let rows = list(data, "rows");
    let clauses = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let parts = BTreeMap::from([
        ("style", STYLE.to_owned()),
        ("script", SCRIPT.to_owned()),
        ("state", header::state(data).as_str().to_owned()),
        ("problems", header::problems(data).as_str().to_owned()),
        ("figures", header::figures(data).as_str().to_owned()),
        ("runs", header::runs(data).as_str().to_owned()),
        ("crates", header::crates(data).as_str().to_owned()),
        ("levels", levels(rows).as_str().to_owned()),
        ("statuses", statuses(rows).as_str().to_owned()),
        ("sections", choices(data).as_str().to_owned()),
        ("count", of_things(clauses, "clause")),
        ("clauses", sections(data).as_str().to_owned()),
        ("excerpts", excerpts(data).as_str().to_owned()),
        ("index", markup::data(&rows.iter().map(entry).collect())),
    ]);
    markup::fill(TEMPLATE, &parts)
}

/// What the page's script filters and searches by.
fn entry(row: &Value) -> Value {
    let mut without = Vec::new();
    let checks = [
        ("test", clause::has_test(row)),
        ("judge", clause::has_judge(row)),
        ("caught", clause::has_caught(row)),
    ];
    without.extend(checks.into_iter().filter(|(_, has)| !has).map(|(name, _)| name));
    json!({
        "id": text(row, "id"),
        "level": text(row, "level"),
        "status": clause::status_name(row),
        "section": count(row, "section").to_string(),
        "without": without,
        "words": searched(row),
    })
}

/// What a search looks through: id, text, meaning, and the names and files of all evidence.
fn searched(row: &Value) -> String {
    let mut found = vec![text(row, "id").to_owned(), text(row, "text").to_owned()];
    found.push(plain(text(row, "meaning")));
    for part in PARTS.iter().flat_map(|name| list(row, name)) {
        found.extend([text(part, "name").to_owned(), text(part, "file").to_owned()]);
    }
    let lines = found.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n").to_lowercase()
}

fn levels(rows: &[Value]) -> Html {
    let there: BTreeSet<&str> = rows.iter().map(|row| text(row, "level")).collect();
    let each = LEVELS.into_iter().filter(|level| there.contains(level));
    let each = each.map(|level| option(level, level));
    all([option("", "Any"), option("MUST*", "MUST and MUST NOT"), each.collect()])
}

fn statuses(rows: &[Value]) -> Html {
    let there: BTreeSet<&str> = rows.iter().map(clause::status_name).collect();
    let each = STATUSES.into_iter().filter(|status| there.contains(status));
    let each = each.map(|status| option(status, clause::said(status)));
    all([option("", "Any"), each.collect()])
}

fn choices(data: &Value) -> Html {
    let each = list(data, "sections").iter().map(|section| {
        let number = count(section, "number").to_string();
        option(&number, &format!("§{number} {}", text(section, "title")))
    });
    all([option("", "Any"), each.collect()])
}

fn sections(data: &Value) -> Html {
    let rows = list(data, "rows");
    let each = list(data, "sections").iter().filter_map(|section| {
        let number = count(section, "number");
        let own = rows.iter().filter(|row| count(row, "section") == number);
        let own: Vec<Html> = own.map(clause::clause).collect();
        let clauses = u64::try_from(own.len()).unwrap_or(u64::MAX);
        let title = element(
            "h2",
            &[],
            all([
                leaf("span", "at", &format!("§{number} ")),
                words(text(section, "title")),
                leaf("span", "clauses", &of_things(clauses, "clause")),
            ]),
        );
        let inside = all([title, own.into_iter().collect()]);
        let id = format!("section-{number}");
        (clauses > 0).then(|| element("section", &[("class", "section"), ("id", &id)], inside))
    });
    each.collect()
}

/// What stands at each place that a clause refers to, once.
fn excerpts(data: &Value) -> Html {
    let known = data.get("excerpts").and_then(Value::as_object);
    let parts =
        list(data, "rows").iter().flat_map(|row| PARTS.iter().flat_map(|name| list(row, name)));
    let mut places = BTreeMap::new();
    for part in parts {
        places.entry((text(part, "file"), count(part, "line"))).or_insert(part);
    }
    let each = places.into_values().map(|part| {
        let place = place(part);
        let source = known.and_then(|known| known.get(&place)).and_then(Value::as_str);
        excerpt(&place, part, source)
    });
    each.collect()
}

fn excerpt(place: &str, part: &Value, source: Option<&str>) -> Html {
    let Some(source) = source else {
        let nothing =
            element("p", &[("class", "nothing")], words("What stands there was not kept."));
        return element("figure", &[("class", "excerpt"), ("id", place)], nothing);
    };
    let source = dedented(source.trim_end_matches('\n'));
    let first = count(part, "line");
    let lines = u64::try_from(source.split('\n').count()).unwrap_or(u64::MAX);
    let numbers: Vec<String> =
        (first..).take(source.split('\n').count()).map(|n| n.to_string()).collect();
    let last = count(part, "last");
    let more = last.checked_sub(first + lines - 1).filter(|more| *more > 0);
    let more = more.map(|more| {
        element(
            "p",
            &[("class", "nothing")],
            words(&format!("and {} to line {last}", of_things(more, "line"))),
        )
    });
    let code = element(
        "div",
        &[("class", "code")],
        all([
            inline(
                "pre",
                &[("class", "numbers"), ("aria-hidden", "true")],
                words(&numbers.join("\n")),
            ),
            // Whoever has no mouse scrolls it too.
            inline(
                "pre",
                &[
                    ("class", "source"),
                    ("tabindex", "0"),
                    ("role", "region"),
                    ("aria-label", place),
                ],
                source.split_inclusive('\n').map(line).collect(),
            ),
        ]),
    );
    let caption = element("figcaption", &[], words(place));
    let inside = all([caption, code, more.unwrap_or_default()]);
    element("figure", &[("class", "excerpt"), ("id", place)], inside)
}

/// A text without the space that all of its lines begin with.
fn dedented(text: &str) -> String {
    let lines = || text.split('\n');
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let common = lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines = lines().map(|line| line.get(common..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// A line of a source: comments are quieter.
fn line(line: &str) -> Html {
    if line.trim_start().starts_with("//") { leaf("i", "", line) } else { words(line) }
}
