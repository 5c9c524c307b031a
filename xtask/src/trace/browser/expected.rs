//! What the data say that the page has to show. Counted here once more, so that the page is not held to itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::html::data::{count, list, place, text, texts, thousands};

/// What of a row refers to the sources.
pub(super) const PARTS: [&str; 6] =
    ["implementation", "documents", "tests", "judges", "sabotages", "mutants"];

/// Whether something is so of a clause.
pub(super) type Judgement = fn(&Value) -> bool;

/// What a clause can have, by the name of the filter for those without.
pub(super) const EVIDENCE: [(&str, Judgement); 3] =
    [("test", has_test), ("judge", has_judge), ("caught", has_caught)];

pub(super) fn is_must(row: &Value) -> bool {
    matches!(text(row, "level"), "MUST" | "MUST NOT")
}

pub(super) fn is_of(row: &Value, status: &str) -> bool {
    row.get("status").is_some_and(|own| text(own, "is") == status)
}

pub(super) fn has_test(row: &Value) -> bool {
    list(row, "tests").iter().any(|test| text(test, "outcome") == "ok")
}

pub(super) fn has_judge(row: &Value) -> bool {
    let judges = list(row, "judges");
    judges.iter().any(|judge| count(judge, "judged") > 0 && count(judge, "violations") == 0)
}

pub(super) fn has_caught(row: &Value) -> bool {
    ["sabotages", "mutants"]
        .into_iter()
        .flat_map(|name| list(row, name))
        .any(|broken| !list(broken, "caught_by").is_empty())
}

/// Whether each of these words is somewhere in what is searched of a clause.
pub(super) fn is_found(row: &Value, words: &str) -> bool {
    let mut texts: Vec<String> =
        ["id", "text", "meaning"].map(|name| text(row, name).to_owned()).into();
    for part in PARTS.into_iter().flat_map(|name| list(row, name)) {
        texts.extend(["name", "file"].map(|name| text(part, name).to_owned()));
    }
    let texts: Vec<String> = texts.into_iter().map(|text| text.to_lowercase()).collect();
    words.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

/// Everything that an open clause has to show.
pub(super) fn said_of(row: &Value) -> Vec<String> {
    let mut said = vec![text(row, "id").to_owned(), text(row, "text").to_owned()];
    said.extend(
        text(row, "meaning").replace("**", "").replace('`', "").split("\n\n").map(str::to_owned),
    );
    if let Some(status) = row.get("status") {
        said.extend(["reason", "missing"].map(|name| text(status, name).to_owned()));
        said.extend(texts(status, "by").into_iter().map(str::to_owned));
    }
    for part in PARTS.into_iter().flat_map(|name| list(row, name)) {
        said.extend([text(part, "name").to_owned(), place(part)]);
        said.extend(texts(part, "caught_by").into_iter().map(str::to_owned));
        said.push(text(part, "redundant").to_owned());
    }
    let outcomes =
        BTreeMap::from([("ok", "passed"), ("FAILED", "failed"), ("missing", "did not run")]);
    for test in list(row, "tests") {
        let outcome = text(test, "outcome");
        said.push(outcomes.get(outcome).copied().unwrap_or(outcome).to_owned());
    }
    let judged = list(row, "judges").iter().map(|judge| count(judge, "judged"));
    said.extend(judged.filter(|judged| *judged > 0).map(thousands));
    said.retain(|text| !text.trim().is_empty());
    said
}
