//! `docs/telemetry.md` says what is emitted: no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};
use telemetry::{
    EVENTS_TOTAL, JsonLines, OPERATION_SECONDS, OPERATIONS_TOTAL, Operation, OperationResult,
    TARGET, TelemetryEvent, TelemetrySink,
};

use crate::measures::recorded;
use crate::support::{refused, start, undone, upgrade};

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(path).unwrap()
}

/// What stands below a heading of the page.
fn section(heading: &str) -> String {
    let page = repository("docs/telemetry.md");
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The rows of all tables in a text, cell by cell, without their heads.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |at: &usize| {
        let is_rule = |line: &&str| line.starts_with("|---");
        let head = lines.get(at + 1).is_some_and(is_rule);
        lines[*at].starts_with('|') && !is_rule(&lines[*at]) && !head
    };
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = (0..lines.len()).filter(is_row).map(|at| cells(lines[at]));
    rows.map(|cells| cells[1..cells.len() - 1].to_vec()).collect()
}

/// Everything between backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every line that is emitted by the stories, by whether it is an operation's.
fn emitted(is_operation: bool) -> Vec<Map<String, Value>> {
    let mut lines = JsonLines(Vec::new());
    upgrade(&mut lines);
    undone(&mut lines);
    refused(&mut lines);
    lines.emit(&start());
    // The first record of a home.
    let first = TelemetryEvent { from: None, to: None, event: "INITIALIZED", ..start() };
    lines.emit(&first);
    let text = String::from_utf8(lines.0).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let found: Vec<Map<String, Value>> =
        lines.filter(|line: &Map<_, _>| (line["event"] == "OPERATION") == is_operation).collect();
    assert!(found.len() >= 6);
    found
}

fn hold(heading: &str, lines: &[Map<String, Value>]) {
    let documented: BTreeMap<String, (String, String)> = rows(&section(heading))
        .into_iter()
        .filter(|row| row.len() == 5)
        .map(|row| (row[0].trim_matches('`').to_owned(), (row[1].clone(), row[3].clone())))
        .collect();
    let mut seen_null = BTreeSet::new();
    let mut seen_value = BTreeSet::new();
    for line in lines {
        let fields: BTreeSet<&String> = line.keys().collect();
        assert_eq!(fields, documented.keys().collect(), "{heading}");
        for (name, value) in line {
            let (kind, present) = &documented[name];
            let found = match value {
                Value::Null => {
                    assert_ne!(present, "always", "{name} is missing");
                    seen_null.insert(name);
                    continue;
                }
                Value::String(_) => "string",
                Value::Number(number) if number.is_u64() => "integer",
                Value::Number(_) => "number",
                other => panic!("{name}: {other}"),
            };
            assert_eq!(found, kind, "{name}");
            seen_value.insert(name);
        }
    }
    for (name, (_, present)) in &documented {
        assert!(seen_value.contains(name), "{heading}: {name} never had a value");
        assert_eq!(seen_null.contains(name), present != "always", "{heading}: {name}");
    }
}

#[test]
fn every_field_is_documented_with_its_type_and_presence_and_no_other_is() {
    hold("Fields of a record", &emitted(false));
    hold("Fields of an operation", &emitted(true));
}

#[test]
fn every_name_that_an_event_an_operation_and_a_result_can_have_is_documented() {
    let of_records = quoted(&section("Fields of a record"));
    // The names as the journal's source spells them: `Self::Sealed { .. } => "SEALED",`.
    let source = repository("crates/journal/src/event.rs");
    let names: Vec<&str> = source
        .lines()
        .filter(|line| line.contains("{ .. } => \""))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    assert_eq!(names.len(), 17);
    for name in names {
        assert!(of_records.contains(name), "{name}");
    }
    for operation in [
        Operation::Adopt,
        Operation::Upgrade,
        Operation::Rollback,
        Operation::Recover,
        Operation::Confirm,
        Operation::Collect,
        Operation::Keyring,
    ] {
        assert!(of_records.contains(operation.name()), "{operation}");
    }
    let results = rows(&section("Fields of an operation"));
    let documented: BTreeSet<&str> =
        results.iter().filter(|row| row.len() == 2).map(|row| row[0].trim_matches('`')).collect();
    let all = [
        OperationResult::Started,
        OperationResult::Succeeded,
        OperationResult::Refused,
        OperationResult::Failed,
        OperationResult::Undone,
        OperationResult::RolledBack,
    ];
    assert_eq!(documented, all.map(OperationResult::name).into());
    for result in all {
        assert_eq!(serde_json::to_value(result).unwrap(), result.name());
    }
}

#[test]
fn every_metric_is_documented_with_its_unit_and_labels() {
    let documented: BTreeMap<String, (String, String)> = rows(&section("Metrics"))
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), (row[2].clone(), row[3].replace('`', ""))))
        .collect();
    let names: BTreeSet<&str> = documented.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from([EVENTS_TOTAL, OPERATIONS_TOTAL, OPERATION_SECONDS]));
    for (key, (_, unit)) in recorded(|metrics| upgrade(metrics)) {
        let (name, labels) = key.strip_suffix('}').unwrap().split_once('{').unwrap();
        let labels: Vec<&str> =
            labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
        assert_eq!(documented[name], (unit, labels.join(", ")), "{name}");
    }
}

#[test]
fn the_target_of_spans_is_documented() {
    assert!(quoted(&section("Spans and events of `tracing`")).contains(TARGET));
}
