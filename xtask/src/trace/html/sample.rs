//! Data with every kind of row, and with texts that would be something else if anybody let them.

use serde_json::{Value, json};

/// Closes elements, begins others, ends attributes and lines.
pub(in crate::trace) const HOSTILE: &str = "</script><script>throw new Error('run')</script><img src=x onerror=\"run()\"> \"'`&amp; <b>bold</b> \u{2028} {{index}} <!--";
/// The name of a file that means something else in an address and in an attribute.
const HOSTILE_FILE: &str = "crates/a b/ü&\"<c>#d=%41.rs";

fn part(file: &str, line: u64, name: &str) -> Value {
    json!({ "file": file, "line": line, "last": line + 2, "name": name })
}

fn with(mut part: Value, more: Value) -> Value {
    if let (Some(part), Value::Object(more)) = (part.as_object_mut(), more) {
        part.extend(more);
    }
    part
}

fn test(line: u64, name: &str, outcome: &str) -> Value {
    let ids = [format!("crates/a lib tests::{name}"), format!("crates/b lib tests::{name}")];
    with(part("crates/a/src/tests.rs", line, name), json!({ "ids": ids, "outcome": outcome }))
}

fn judge(name: &str, judged: u64, violations: u64) -> Value {
    let numbers = json!({ "judged": judged, "violations": violations });
    with(part("sim/src/judges/all.rs", judged % 100 + 1, name), numbers)
}

fn broken(line: u64, name: &str, by: &[&str], is_caught: bool, redundant: Value) -> Value {
    let known = json!({ "caught_by": by, "is_caught": is_caught, "redundant": redundant });
    with(part("xtask/src/sabotage/planted/a.rs", line, name), known)
}

fn row(section: u64, level: &str, text: &str, status: Value) -> Value {
    json!({
        "id": format!("FC-{section}.1"), "section": section, "level": level, "text": text, "status": status,
        "meaning": "", "implementation": [], "documents": [], "tests": [], "judges": [], "sabotages": [], "mutants": [],
    })
}

fn shown() -> Value {
    json!({ "is": "shown" })
}

/// What is whole, and has everything.
fn rows() -> Vec<Value> {
    let mutants: Vec<Value> = (0..9)
        .map(|at| {
            broken(
                100 + at,
                &format!("replace apply -> bool with {at}"),
                &["it_is_checked"],
                true,
                Value::Null,
            )
        })
        .collect();
    vec![
        with(
            row(5, "MUST", "It MUST be checked.", shown()),
            json!({
                "meaning": "**Decided:** it is `checked` before\nanything else.\n\nAnd after it, every time.",
                "implementation": [part("crates/a/src/lib.rs", 3, "apply")],
                "tests": [test(3, "it_is_checked", "ok"), test(9, "it_is_looked_at", "ignored")],
            }),
        ),
        with(
            row(
                7,
                "MUST NOT",
                "It MUST NOT be lost, whatever happens to whoever does it.",
                shown(),
            ),
            json!({
                "meaning": "What was acknowledged stays.",
                "implementation": [part("crates/a/src/lib.rs", 3, "apply"), part("crates/a/src/b.rs", 7, "B::keep")],
                "documents": [part("docs/a.md", 5, "What stays")],
                "tests": [test(15, "nothing_is_lost", "ok")],
                "judges": [judge("durability", 1_234_567, 0), judge("atomicity", 88, 2)],
                "sabotages": [
                    broken(1, "lost", &["durability", "nothing_is_lost"], true, Value::Null),
                    broken(2, "by-others", &[], true, Value::Null),
                    broken(3, "survived", &[], false, Value::Null),
                    broken(4, "needless", &[], false, json!("it is done again later")),
                ],
                "mutants": mutants,
            }),
        ),
    ]
}

/// What is odd, lacks something, or is of another kind.
fn odd_rows() -> Vec<Value> {
    vec![
        with(
            row(8, "SHOULD", HOSTILE, shown()),
            json!({
                "meaning": format!("{0}\n\n**{0}", HOSTILE.replace('`', "")),
                "implementation": [part(HOSTILE_FILE, 1, HOSTILE)],
                "tests": [test(21, "failed", "FAILED")],
                "judges": [judge("idle", 0, 0)],
                "sabotages": [broken(9, HOSTILE, &[HOSTILE], true, Value::Null)],
            }),
        ),
        with(
            row(
                9,
                "MUST",
                "It MUST follow from others.",
                json!({
                    "is": "implied", "by": ["FC-5.1", "FC-7.1"], "reason": "they say all of it",
                }),
            ),
            json!({ "meaning": "It follows." }),
        ),
        row(
            10,
            "MUST",
            "It MUST be there.",
            json!({ "is": "uncovered", "missing": "nothing says that it does it" }),
        ),
        row(
            11,
            "SHOULD NOT",
            "It SHOULD NOT be slow.",
            json!({ "is": "exception", "reason": HOSTILE }),
        ),
        with(
            row(24, "MAY", "It MAY end.", shown()),
            json!({ "tests": [test(33, "it_ends", "missing")] }),
        ),
        with(
            row(28, "GUARANTEE", "It is safe.", shown()),
            json!({ "judges": [judge("safety", 40, 0)] }),
        ),
        with(
            row(29, "STEP", "1. Begin", shown()),
            json!({ "tests": [test(39, "it_begins", "ok")] }),
        ),
    ]
}

/// The data.
pub(in crate::trace) fn data() -> Value {
    let rows = [rows(), odd_rows()].concat();
    let excerpts: serde_json::Map<String, Value> = rows
        .iter()
        .flat_map(|row| super::PARTS.iter().flat_map(|name| super::list(row, name)))
        .map(|part| {
            let source =
                "/// What it does.\nfn apply() -> bool { \"</pre></script>\" < \"&amp;\" }\n\n";
            (super::place(part), source.into())
        })
        .collect();
    let numbers = [5, 7, 8, 9, 10, 11, 24, 28, 29];
    let sections: Vec<Value> = numbers
        .iter()
        .map(|number| json!({ "number": number, "title": format!("Part <{number}>") }))
        .collect();
    json!({
        "commit": "0123456789abcdef0123456789abcdef01234567", "tree": "fedcba9876543210",
        "figures": {
            "clauses": 9, "must": 4, "covered": 3, "with_passing_test": 2, "with_invariant": 1,
            "with_sabotage_caught": 1, "uncovered": ["FC-10.1", "FC-11.1"],
        },
        "problems": ["crates/a/src/tests.rs:9: the test it_is_looked_at did not pass: ignored", HOSTILE],
        "tests": { "ran": 6, "passed": 3 },
        "simulation": {
            "distinct_states": 1_234_567, "scenarios": 47, "crash_points": 9876, "exhaustive_ratio": 0.875,
            "violations": 2, "trace_steps": 4321, "judged": { "durability": 1_234_567 },
        },
        "model": {
            "type": "model", "states": 200, "unique": 100, "depth": 12, "properties": ["one", "two"], "ok": true,
        },
        "mutants": { "a": { "mutants": 10, "caught": 9, "missed": 1, "score": 0.9 } },
        "sabotage": { "planted": 5, "caught": 3, "syncs": { "planted": 7, "caught": 6 } },
        "coverage": { "a": 91.25, "b": 80 },
        "sections": sections, "rows": rows, "excerpts": excerpts,
    })
}
