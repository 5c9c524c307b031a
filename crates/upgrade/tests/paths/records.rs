//! Records of every kind as 1.0.x writes them, and as it should not have: their text.

use proptest::prelude::*;
use proptest::sample::select;

/// A release of 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    First,
    Last,
}

impl Release {
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::First => "1.0.0",
            Self::Last => "1.0.3",
        }
    }
}

/// An event in good order: what is torn is a part of it.
pub(crate) const REGULAR: &str = r#"{"id":7,"timestamp":"2026-01-01T00:00:00Z","event_type":"input","payload":{"input":"línea 🦀"}}"#;

/// Makes the records of a release, or of both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(crate) release: Release,
    pub(crate) mixed: bool,
}

impl Text {
    /// What each of the releases writes.
    fn of_release(self, first: &[&'static str], last: &[&'static str]) -> BoxedStrategy<String> {
        let all = match (self.mixed, self.release) {
            (true, _) => [first, last].concat(),
            (_, Release::First) => first.to_vec(),
            (_, Release::Last) => last.to_vec(),
        };
        any_of(&all)
    }

    fn tool(self) -> BoxedStrategy<String> {
        self.of_release(&[r#""web_get""#, r#""shell""#], &[r#""web.get""#, r#""shell""#])
    }

    pub(crate) fn execution(self) -> BoxedStrategy<String> {
        let status =
            [r#""Started""#, r#""Completed""#, r#""Failed""#, r#""Denied""#, r#""Paused""#];
        object(vec![
            ("id", id()),
            ("timestamp", time()),
            ("capability", self.tool()),
            ("arguments", value()),
            ("result", value()),
            ("status", any_of(&status)),
            ("error", prop_oneof![Just("null".to_owned()), literal()].boxed()),
        ])
    }

    pub(crate) fn history(self) -> BoxedStrategy<String> {
        object(vec![
            ("timestamp", time()),
            ("input", literal()),
            ("output", literal()),
            ("metadata", value()),
        ])
    }

    pub(crate) fn audit(self) -> BoxedStrategy<String> {
        object(vec![
            ("id", id()),
            ("timestamp", time()),
            ("event", literal()),
            ("actor", literal()),
            ("resource", self.tool()),
            ("action", literal()),
            ("result", literal()),
            ("details", value()),
        ])
    }

    pub(crate) fn telemetry(self) -> BoxedStrategy<String> {
        let kind = self.of_release(
            &[r#""MemoryWrite""#, r#""Error""#, r#""CapabilityExecution""#],
            &[r#""MemoryWrite""#, r#""InputReceived""#, r#""ExecutionComplete""#],
        );
        object(vec![
            ("id", id()),
            ("timestamp", time()),
            ("event_type", kind),
            ("payload", value()),
            ("trace_id", prop_oneof![Just("null".to_owned()), literal()].boxed()),
        ])
    }

    pub(crate) fn message(self) -> BoxedStrategy<String> {
        let role = self.of_release(
            &[r#""User""#, r#""Assistant""#, r#""System""#],
            &[r#""user""#, r#""assistant""#, r#""tool""#],
        );
        object(vec![("role", role), ("content", literal())])
    }

    pub(crate) fn snapshot(self) -> BoxedStrategy<String> {
        let version = format!("{{\"runtime_version\":\"{}\"}}", self.release.version());
        let state = prop_oneof![Just(version), value()].boxed();
        object(vec![("id", id()), ("timestamp", time()), ("state", state)])
    }

    /// An event of the log: some of them tell of executions.
    pub(crate) fn event(self) -> BoxedStrategy<String> {
        let number = any_of(&["0", "1", "2", "18446744073709551615", "18446744073709551616"]);
        let event = |kind: &[&'static str], payload| {
            object(vec![
                ("id", number.clone()),
                ("timestamp", time()),
                ("event_type", any_of(kind)),
                ("payload", payload),
            ])
        };
        let ends = [r#""execution_started""#, r#""execution_finished""#];
        prop_oneof![
            event(&[r#""input""#, r#""history""#, r#""push""#], value()),
            event(&ends, self.execution()),
        ]
        .boxed()
    }

    /// An event of the memory log.
    pub(crate) fn push(self) -> BoxedStrategy<String> {
        object(vec![
            ("id", any_of(&["0", "1", "1", "-1"])),
            ("timestamp", time()),
            ("event_type", any_of(&[r#""push""#, r#""push""#, r#""push""#, r#""pop""#])),
            ("payload", self.message()),
        ])
    }

    /// An element of an array, of whatever kind.
    pub(crate) fn any_element(self) -> BoxedStrategy<String> {
        prop_oneof![
            3 => self.execution(),
            2 => self.history(),
            2 => self.audit(),
            2 => self.telemetry(),
            1 => value(),
        ]
        .boxed()
    }
}

fn any_of(texts: &[&'static str]) -> BoxedStrategy<String> {
    select(texts.to_vec()).prop_map(str::to_owned).boxed()
}

/// Few, so that they are given again and again; one is longer than a key may be.
fn id() -> BoxedStrategy<String> {
    let short = any_of(&[
        r#""a""#,
        r#""a""#,
        r#""b""#,
        r#""""#,
        r#""\u0000""#,
        r#""\u0061""#,
        r#""🦀""#,
        r#""00000000-0000-4000-8000-000000000000""#,
    ]);
    prop_oneof![8 => short, 1 => Just(format!("\"{}\"", "long".repeat(75)))].boxed()
}

fn time() -> BoxedStrategy<String> {
    any_of(&[
        r#""2026-01-01T00:00:00Z""#,
        r#""2026-01-01T00:00:00Z""#,
        r#""2026-01-01T01:00:00+01:00""#,
        r#""2026-11-23T03:04:06.949870825Z""#,
        r#""1969-12-31T23:59:59.999999999Z""#,
        r#""0000-01-01T00:00:00Z""#,
        r#""9999-12-31T23:59:59Z""#,
        r#""2016-12-31T23:59:60Z""#,
        r#""never""#,
        r#""""#,
    ])
}

/// The text of a string, as it lies in the file.
fn literal() -> BoxedStrategy<String> {
    let odd = any_of(&[
        r#""""#,
        r#""line\n\"q\" \\ \/""#,
        r#""línea 🦀""#,
        r#""\ud83e\udd80""#,
        r#""\ud800""#,
        r#""\u0000""#,
        "\"\u{feff}\u{2028}\u{7f}\"",
    ]);
    let any = prop::collection::vec(any::<char>(), 0..5).prop_map(|characters| {
        serde_json::to_string(&characters.into_iter().collect::<String>()).unwrap()
    });
    prop_oneof![2 => odd, 1 => any].boxed()
}

/// The text of any value.
fn value() -> BoxedStrategy<String> {
    let number = any_of(&[
        "0",
        "-0",
        "1.10",
        "1e5",
        "1E+400",
        "123456789012345678901234567890",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        "true",
        "null",
        r#"{"a":1,"a":2}"#,
        r#"{ "b" : 1 , "a":[ ] }"#,
    ]);
    let leaf = prop_oneof![3 => number, 1 => literal()];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..2)
                .prop_map(|values| format!("[ {}]", values.join(" ,"))),
            (literal(), inner).prop_map(|(name, value)| format!("{{{name}:{value}}}")),
        ]
    })
    .boxed()
}

/// What is odd about an object.
#[derive(Debug, Clone, Copy)]
enum Quirk {
    None,
    Unknown,
    Missing(prop::sample::Index),
    Repeated(prop::sample::Index),
    Wrong(prop::sample::Index),
}

fn quirk() -> impl Strategy<Value = Quirk> {
    use prop::sample::Index;
    prop_oneof![
        12 => Just(Quirk::None),
        2 => Just(Quirk::Unknown),
        1 => any::<Index>().prop_map(Quirk::Missing),
        1 => any::<Index>().prop_map(Quirk::Repeated),
        1 => any::<Index>().prop_map(Quirk::Wrong),
    ]
}

fn object(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let separator = select(vec![",", ", ", " ,\t"]);
    (values, quirk(), any::<bool>(), separator)
        .prop_map(move |(values, quirk, reversed, separator)| {
            let mut members: Vec<String> = names
                .iter()
                .zip(values)
                .map(|(name, value)| format!("\"{name}\":{value}"))
                .collect();
            match quirk {
                Quirk::None => {}
                Quirk::Unknown => members.push(r#""unknown_é": 1.10"#.to_owned()),
                Quirk::Missing(index) => {
                    members.remove(index.index(members.len()));
                }
                Quirk::Repeated(index) => members.push(index.get(&members).clone()),
                Quirk::Wrong(index) => {
                    let at = index.index(members.len());
                    members[at] = format!("\"{}\": 5", names[at]);
                }
            }
            if reversed {
                members.reverse();
            }
            format!("{{{}}}", members.join(separator))
        })
        .boxed()
}
