//! Small installations of 1.0.0 and of 1.0.3, with records of every kind and everything that goes wrong with them.
//!
//! Each file is made of pieces that are known here, so that what becomes of them need not be asked of the product.

use std::fmt;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;

use crate::records::{self, Release, Text};

/// One file, and the pieces that it must be cut into if it is recognized.
#[derive(Clone)]
pub(crate) struct InstalledFile {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) pieces: Vec<Vec<u8>>,
}

impl fmt::Debug for InstalledFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.path, self.bytes.escape_ascii())
    }
}

/// An installation.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) release: Release,
    /// Whether somebody says which version it is, because it holds what either release writes.
    pub(crate) stated: bool,
    pub(crate) files: Vec<InstalledFile>,
}

impl Installation {
    pub(crate) fn write(&self, directory: &Path) {
        for file in &self.files {
            let path = directory.join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.bytes).unwrap();
        }
    }
}

/// Any installation of a release.
pub(crate) fn installation(release: Release) -> impl Strategy<Value = Installation> {
    let stated = prop::bool::weighted(0.3);
    stated.prop_flat_map(move |stated| {
        let copied = prop::option::weighted(0.2, any::<prop::sample::Index>());
        let others = (configuration(), any::<bool>(), prop::option::of(unrecognized()));
        let parts = (records_of(release, stated), copied, others);
        parts.prop_map(move |(records, copied, (configuration, talon, unrecognized))| {
            let mut files: Vec<_> = records.into_iter().flatten().collect();
            // Somebody's copy of a file, beside it.
            if let Some(copied) = copied.filter(|_| !files.is_empty()) {
                let mut copy = copied.get(&files).clone();
                copy.path += ".old";
                files.push(copy);
            }
            files.push(other(release, "policy", "policies.json", POLICIES.as_bytes()));
            let capabilities = match release {
                Release::First => CAPABILITIES.replace("\"enabled\":true,", ""),
                Release::Last => CAPABILITIES.to_owned(),
            };
            files.push(other(release, "policy", "capabilities.json", capabilities.as_bytes()));
            files.extend(
                configuration.map(|text| other(release, "config", "config.json", text.as_bytes())),
            );
            files.extend(unrecognized.map(|bytes| other(release, "data", "notes.txt", &bytes)));
            if talon && release == Release::Last {
                files.push(other(release, "talons", "greeter/TALON.md", TALON.as_bytes()));
                files.push(other(release, "talons", "index.json", INDEX.as_bytes()));
            }
            Installation { release, stated, files }
        })
    })
}

const POLICIES: &str = r#"[{"name":"default","version":"1.0","rules":[{"effect":"Deny","principal":"*","resource":"*","action":"execute","conditions":[]}]}]"#;
const CAPABILITIES: &str = r#"[{"name":"fs","description":"d","enabled":true,"parameters":[]}]"#;
const TALON: &str = "---\nname: greeter\nversion: 1.0.0\ndescription: d\nauthor: a\nlicense: MIT\ntags: []\ncommands: []\n---\n\n# é\n";
const INDEX: &str = r#"{"talons":{"greeter":{"name":"greeter","version":"1.0.0","description":"d","author":"a","license":"MIT","path":"/x","tags":[]}},"version":"1.0"}"#;

fn configuration() -> impl Strategy<Value = Option<&'static str>> {
    select(vec![
        None,
        Some(r#"{"brain":{"backend":"echo"}}"#),
        Some(
            r#"{"brain":{"backend":"openai","model":null,"api_key":"sk-NOT-A-REAL-KEY","price": 1.10},"logging":{"level":"debug"},"storage":{"path":"/var/lib/femtoclaw"},"extra":{"big":123456789012345678901234567890}}"#,
        ),
    ])
}

fn unrecognized() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    bytes.prop_map(|bytes| [b"\xff".as_slice(), &bytes].concat())
}

/// 1.0.0 wrote everything into one directory.
fn place(release: Release, directory: &str, name: &str) -> String {
    match release {
        Release::First => name.to_owned(),
        Release::Last => format!("{directory}/{name}"),
    }
}

fn other(release: Release, directory: &str, name: &str, bytes: &[u8]) -> InstalledFile {
    let path = place(release, directory, name);
    InstalledFile { path, bytes: bytes.to_vec(), pieces: Vec::new() }
}

/// The files that hold records, each of which may be missing.
fn records_of(release: Release, mixed: bool) -> impl Strategy<Value = Vec<Option<InstalledFile>>> {
    let text = Text { release, mixed };
    let mut files = vec![
        array(release, "executions.json", text.execution()),
        array(release, "history.json", text.history()),
        array(release, "audit.json", text.audit()),
        array(release, "telemetry.json", text.telemetry()),
        array(release, "snapshots.json", text.snapshot()),
        // A second writer, under a name that says nothing.
        array(release, "more \u{1f980}.json", text.any_element()),
        log(release, "execution.wal", text.event()),
        snapshot(release, text),
    ];
    if mixed || release == Release::First {
        files.push(array(release, "messages.json", text.message()));
    }
    if mixed || release == Release::Last {
        files.push(log(release, "memory.wal", text.push()));
    }
    let files: Vec<_> = files.into_iter().map(|file| prop::option::weighted(0.6, file)).collect();
    files
}

/// Some of them, now and then one twice, to the byte.
fn repeating<T: Clone + fmt::Debug>(
    one: impl Strategy<Value = T>,
    number: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<T>> {
    let times = prop_oneof![8 => Just(1_usize), 1 => Just(2)];
    let all = prop::collection::vec((one, times), number);
    all.prop_map(|all| all.into_iter().flat_map(|(one, times)| vec![one; times]).collect())
}

/// How an array ends.
#[derive(Debug, Clone)]
enum End {
    Closed,
    /// The file is cut between two records, before or behind the comma.
    CutBetween(bool),
    /// The file is cut within a record.
    CutWithin(usize),
    /// Something follows the array.
    Followed(Vec<u8>),
}

fn end() -> impl Strategy<Value = End> {
    let longer = b"\"output\":\"o\"}]".to_vec();
    prop_oneof![
        8 => Just(End::Closed),
        1 => any::<bool>().prop_map(End::CutBetween),
        1 => (1..records::REGULAR.len()).prop_map(End::CutWithin),
        1 => (1_usize..600).prop_map(|length| End::Followed(vec![0; length])),
        1 => Just(End::Followed(longer)),
    ]
}

fn array(
    release: Release,
    name: &'static str,
    element: BoxedStrategy<String>,
) -> BoxedStrategy<InstalledFile> {
    let broken: [&[u8]; 3] = [b"tru", b"{\"input\": tru}", b"{\"input\":\"\xff\"}"];
    let element = prop_oneof![
        10 => element.prop_map(String::into_bytes),
        1 => select(broken.map(<[u8]>::to_vec).to_vec()),
    ];
    let between = select(vec![",", ",\n  ", " ,\r\n"]);
    (repeating(element, 0..4), between, end())
        .prop_map(move |(elements, between, end)| {
            let mut bytes = [b"[".as_slice(), &elements.join(between.as_bytes())].concat();
            let mut pieces = elements;
            match end {
                End::Closed => bytes.push(b']'),
                End::CutBetween(behind) => {
                    if behind && !pieces.is_empty() {
                        bytes.push(b',');
                    }
                }
                End::CutWithin(at) => {
                    if !pieces.is_empty() {
                        bytes.push(b',');
                    }
                    let torn = &records::REGULAR.as_bytes()[..at];
                    bytes.extend_from_slice(torn);
                    pieces.push(torn.to_vec());
                }
                End::Followed(rest) => {
                    bytes.push(b']');
                    bytes.extend_from_slice(&rest);
                    pieces.push(rest);
                }
            }
            InstalledFile { path: place(release, "data", name), bytes, pieces }
        })
        .boxed()
}

fn snapshot(release: Release, text: Text) -> BoxedStrategy<InstalledFile> {
    let rest = prop_oneof![4 => Just(Vec::new()), 1 => Just(vec![0; 9])];
    (text.snapshot(), rest)
        .prop_map(move |(snapshot, rest)| {
            let mut pieces = vec![snapshot.clone().into_bytes()];
            let bytes = [snapshot.as_bytes(), b"\n", &rest].concat();
            if !rest.is_empty() {
                pieces.push(rest);
            }
            InstalledFile { path: place(release, "data", "snapshot.json"), bytes, pieces }
        })
        .boxed()
}

/// How a log ends.
#[derive(Debug, Clone)]
enum Tail {
    /// The last line has its line end.
    None,
    /// It has none.
    Unended,
    /// The last line is cut, or a run of NUL bytes.
    Torn(Vec<u8>),
}

fn log(
    release: Release,
    name: &'static str,
    event: BoxedStrategy<String>,
) -> BoxedStrategy<InstalledFile> {
    let broken: [&[u8]; 8] = [
        b"rubbish",
        b"\"\xff\"",
        b"\0\0\0",
        b"5",
        b"null",
        b"{\"id\":1",
        b"{}{}",
        b"  {\"id\": \xe2\x82",
    ];
    let line = prop_oneof![
        12 => event.prop_map(String::into_bytes),
        1 => select(broken.map(<[u8]>::to_vec).to_vec()),
    ];
    let line = (line, select(vec!["\n", "\n", "\n", "\r\n", "\n \r\n\n"]));
    let tail = prop_oneof![
        3 => Just(Tail::None),
        1 => Just(Tail::Unended),
        2 => (1..records::REGULAR.len())
            .prop_map(|at| Tail::Torn(records::REGULAR.as_bytes()[..at].to_vec())),
        1 => (1_usize..600).prop_map(|length| Tail::Torn(vec![0; length])),
    ];
    (repeating(line, 0..5), tail, prop::bool::weighted(0.1))
        .prop_map(move |(lines, tail, marked)| {
            let (mut bytes, mut pieces) = (Vec::new(), Vec::new());
            if marked && !lines.is_empty() {
                bytes.extend_from_slice(b"\xef\xbb\xbf");
                pieces.push(bytes.clone());
            }
            let last = lines.len();
            for (number, (mut line, end)) in (1..).zip(lines) {
                bytes.extend_from_slice(&line);
                if number < last || !matches!(tail, Tail::Unended) {
                    bytes.extend_from_slice(end.as_bytes());
                    if end.starts_with('\r') {
                        line.push(b'\r');
                    }
                }
                pieces.push(line);
            }
            if let Tail::Torn(torn) = tail {
                bytes.extend_from_slice(&torn);
                pieces.push(torn);
            }
            InstalledFile { path: place(release, "data", name), bytes, pieces }
        })
        .boxed()
}
