//! Every kind of damage that the field has: what is found, what is kept, what is set aside.

use femtoclaw_catalogue::SetAside;
use upgrade::Part;

use crate::support::{CAPABILITIES, Generation, directory};

const EVENT: &str =
    r#"{"id":0,"timestamp":"2026-01-01T00:00:00Z","event_type":"input","payload":{}}"#;

fn event(id: u64) -> String {
    EVENT.replace("\"id\":0", &format!("\"id\":{id}"))
}

struct Case {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    /// Parts of findings that must be there, each with file and line.
    findings: &'static [&'static str],
    /// Records and damaged pieces.
    counts: (u64, u64),
}

fn logs() -> Vec<Case> {
    let (zero, one) = (event(0), event(1));
    let case = |name, text: String, findings, counts| Case {
        name,
        file: "d/x.wal",
        bytes: text.into_bytes(),
        findings,
        counts,
    };
    let mut cases = vec![
        case(
            "torn last line",
            format!("{zero}\n{}", &one[..30]),
            &["d/x.wal:2: torn last line, set aside whole (30 bytes)"],
            (1, 1),
        ),
        case(
            "NUL tail",
            format!("{zero}\n{}", "\0".repeat(100)),
            &["d/x.wal:2: a run of 100 NUL bytes, set aside whole (100 bytes)"],
            (1, 1),
        ),
        case(
            "NUL tail within a line",
            format!("{zero}\n{}{}", &one[..10], "\0".repeat(20)),
            &["d/x.wal:2: 20 NUL bytes among others, set aside whole (30 bytes)"],
            (1, 1),
        ),
        case(
            "missing final newline",
            format!("{zero}\n{one}"),
            &["d/x.wal:2: the last line has no line end; it is complete"],
            (2, 0),
        ),
        case(
            "invalid line in the middle",
            format!("{zero}\nrubbish\n{one}\n"),
            &["d/x.wal:2: not JSON (expected value", "; line 2), set aside whole (7 bytes)"],
            (2, 1),
        ),
        case(
            "two lines glued together",
            format!("{zero}\n{zero}{one}\n{one}\n"),
            &["d/x.wal:2: not JSON (trailing characters"],
            (2, 1),
        ),
        case(
            "repeated ids from two writers",
            format!("{zero}\n{one}\n{zero}\n"),
            &["d/x.wal:3: the id 0 was given before, at line 1; both records are kept"],
            (3, 0),
        ),
        case(
            "unknown fields",
            format!("{zero}\n{}\n", one.replace("\"payload\"", "\"host\":1,\"payload\"")),
            &["d/x.wal:2: the field \"host\" is unknown; 1 records have it"],
            (2, 0),
        ),
        case(
            "big integers",
            format!("{zero}\n{}\n", one.replace("{}", "[123456789012345678901,1.10]")),
            &["d/x.wal:2: 2 numbers would change if they were printed again"],
            (2, 0),
        ),
        case(
            "an id beyond 64 bits",
            format!("{zero}\n{}\n", one.replace("\"id\":1", "\"id\":18446744073709551616")),
            &["d/x.wal:2: no record of a write-ahead log: the field `id` is not a whole number"],
            (2, 0),
        ),
        case(
            "a repeated key",
            format!("{zero}\n{}\n", one.replace("\"id\":1", "\"id\":1,\"id\":2")),
            &["d/x.wal:2: no record of a write-ahead log: the field `id` is there more than once"],
            (2, 0),
        ),
        case(
            "a byte order mark",
            format!("\u{feff}{zero}\n{one}\n"),
            &["d/x.wal:1: a byte order mark before the first record, set aside whole (3 bytes)"],
            (2, 1),
        ),
        case(
            "a byte order mark before the only record",
            format!("\u{feff}{zero}"),
            &["d/x.wal:1: a byte order mark", "d/x.wal:1: the last line has no line end"],
            (1, 1),
        ),
        case("blank lines", format!("{zero}\n\n \r\n{one}\r\n"), &[], (2, 0)),
    ];
    let not_utf8 = [zero.as_bytes(), b"\n\"\xff\"\n", one.as_bytes(), b"\n"].concat();
    cases.push(Case {
        name: "not UTF-8",
        file: "d/x.wal",
        bytes: not_utf8,
        findings: &["d/x.wal:2: not UTF-8, set aside whole (3 bytes)"],
        counts: (2, 1),
    });
    cases
}

fn arrays() -> Vec<Case> {
    const TURN: &str = r#"{"timestamp":"2026-01-01T00:00:00Z","input":"i","output":"o"}"#;
    let case = |name, text: String, findings, counts| Case {
        name,
        file: "h.json",
        bytes: text.into_bytes(),
        findings,
        counts,
    };
    vec![
        case(
            "an array that is cut within a record",
            format!("[\n{TURN},\n{}", &TURN[..20]),
            &["h.json:3: torn: the file ends within a record, set aside whole (20 bytes)"],
            (1, 1),
        ),
        case(
            "an array that is cut between records",
            format!("[\n{TURN},\n{TURN},\n"),
            &["h.json:3: the array is cut between two records: its end is missing"],
            (2, 0),
        ),
        case(
            "an array with a NUL tail",
            format!("[{TURN}]{}", "\0".repeat(50)),
            &["h.json:1: a run of 50 NUL bytes, set aside whole (50 bytes)"],
            (1, 1),
        ),
        case(
            "a longer file shows behind a shorter one",
            format!("[{TURN}]\"output\":\"o\"}}]"),
            &["h.json:1: the array is broken here; everything after it is set aside whole"],
            (1, 1),
        ),
        case(
            "an element of another kind",
            format!("[{TURN},\n{{\"input\":\"i\"}},\n5]"),
            &[
                "h.json:2: no record of a history: there is no field `timestamp`; set aside whole",
                "h.json:3: no record of a history: not a JSON object",
            ],
            (3, 0),
        ),
        case(
            "an element that is not JSON",
            format!("[{TURN},\n{{\"input\": tru}},\n{TURN}]"),
            &["h.json:2: not JSON (expected"],
            (2, 1),
        ),
    ]
}

#[test]
fn every_damage_is_reported_with_file_and_line_and_every_byte_is_accounted_for() {
    for case in logs().into_iter().chain(arrays()) {
        let source =
            directory(&[(case.file, case.bytes.as_slice()), ("c.json", CAPABILITIES.as_bytes())]);
        let generation = Generation::adopt(source.path());
        let findings = generation.findings();
        for expected in case.findings {
            assert!(findings.contains(expected), "{}: {expected}\n{findings}", case.name);
        }
        assert!(!case.findings.is_empty() || findings.is_empty(), "{}: {findings}", case.name);
        let file = generation.inventory.files.iter().find(|file| file.path == case.file).unwrap();
        assert_eq!((file.records, file.set_aside), case.counts, "{}: {findings}", case.name);
        generation.account_for_every_byte();
    }
}

#[test]
fn what_no_one_recognizes_is_set_aside_whole() {
    let files: [(&str, &[u8], &str); 9] = [
        (
            "notes.txt",
            b"buy milk",
            "notes.txt: nothing that FemtoClaw 1.0.x writes looks like this",
        ),
        ("marked.txt", b"\xef\xbb\xbfbuy milk", "marked.txt: nothing that FemtoClaw 1.0.x writes"),
        ("marked.json", b"\xef\xbb\xbf[]", "marked.json:1: a byte order mark lies before it"),
        ("empty.bin", b"", "empty.bin: holds nothing, and its name says nothing"),
        ("list.json", b"[]", "list.json: holds nothing, and its name says nothing"),
        ("zero.dat", b"\0\0\0\0", "zero.dat: nothing that FemtoClaw"),
        ("torn.json", b"{\n\"brains\": {\"backend\"", "torn.json:1: torn: the last record ends"),
        ("both.json", br#"[{"role":"r","content":"c","name":"n","rules":[]}]"#, ""),
        ("app.json", br#"{"storage":"s3"}"#, "app.json: nothing that FemtoClaw 1.0.x writes"),
    ];
    for (name, bytes, finding) in files {
        let source = directory(&[(name, bytes), ("c.json", CAPABILITIES.as_bytes())]);
        if finding.is_empty() {
            let refusal = crate::support::inspect(source.path()).unwrap_err().to_string();
            assert!(refusal.contains("fits several shapes"), "{refusal}");
            continue;
        }
        let generation = Generation::adopt(source.path());
        assert!(generation.findings().contains(finding), "{}", generation.findings());
        assert_eq!(generation.part(Part::SetAside)[name], bytes);
    }
}

#[test]
fn what_holds_nothing_is_told_by_its_conventional_name() {
    let names = ["history.json", "executions.json", "audit.json", "telemetry.json", "x.wal"];
    for name in names {
        for bytes in [b"".as_slice(), b"[]", b" \n"] {
            if name == "x.wal" && bytes == b"[]" {
                continue;
            }
            let source = directory(&[(name, bytes), ("c.json", CAPABILITIES.as_bytes())]);
            let generation = Generation::adopt(source.path());
            let findings = generation.findings();
            assert!(
                findings.starts_with(&format!("{name}: holds nothing; its name says")),
                "{findings}"
            );
            assert_eq!(generation.part(Part::Store).len(), 1);
            generation.account_for_every_byte();
        }
    }
}

#[test]
fn a_memory_log_with_other_events_is_a_log_of_executions() {
    let push =
        r#"{"id":0,"timestamp":"t","event_type":"push","payload":{"role":"user","content":"c"}}"#;
    let text = format!("{push}\n{}\n", event(1));
    let source = directory(&[("m.wal", text.as_bytes()), ("c.json", CAPABILITIES.as_bytes())]);
    let generation = Generation::adopt(source.path());
    assert!(generation.findings().contains("m.wal:2: an event that is not push"));
    assert_eq!(generation.records()["wal"].len(), 2);
}

#[test]
fn findings_of_one_file_are_bounded_and_the_rest_is_counted() {
    let text = "rubbish\n".repeat(100);
    let text = format!("{}\n{text}", event(0));
    let source = directory(&[("m.wal", text.as_bytes()), ("c.json", CAPABILITIES.as_bytes())]);
    let generation = Generation::adopt(source.path());
    assert_eq!(generation.adoption.findings.len(), 21);
    assert!(generation.findings().ends_with("m.wal: and 80 more findings like these"));
    assert_eq!(generation.records()["set_aside"].len(), 100);
}

#[test]
fn a_line_that_memory_should_not_hold_is_set_aside_alone() {
    for before in [format!("{}\n", event(0)), String::new()] {
        let line = before.lines().count() + 1;
        let mut text = format!("{before}\"").into_bytes();
        text.resize(text.len() + (65 << 20), b'x');
        text.extend_from_slice(format!("\"\n{}\n", event(1)).as_bytes());
        let source = directory(&[("x.wal", &text), ("c.json", CAPABILITIES.as_bytes())]);
        let generation = Generation::adopt(source.path());
        let expected =
            format!("x.wal:{line}: a line of more than 67108864 bytes, set aside whole, in pieces");
        assert_eq!(generation.findings(), expected);
        let file = generation.inventory.files.iter().find(|file| file.path == "x.wal").unwrap();
        assert_eq!((file.records, file.set_aside), (line as u64, 66));
        let records = generation.records();
        assert_eq!(records["wal"].len(), line);
        let piece = |value: &Vec<u8>| SetAside::decode(value).unwrap();
        let pieces: Vec<_> = records["set_aside"].values().map(piece).collect();
        assert!(pieces.iter().all(|piece| piece.line == Some(line as u64)));
        assert!(pieces.iter().all(|piece| piece.bytes.len() <= 1 << 20));
        let length = pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>();
        assert_eq!(length, (65 << 20) + 2);
    }
}

#[test]
fn an_array_with_a_record_that_memory_should_not_hold_is_set_aside_whole() {
    let turn = r#"{"timestamp":"t","input":"i","output":"o"}"#;
    let mut text = format!("[{turn},\n\"").into_bytes();
    text.resize(text.len() + (65 << 20), b'x');
    text.extend_from_slice(b"\"]\n");
    let source = directory(&[("h.json", &text), ("c.json", CAPABILITIES.as_bytes())]);
    let generation = Generation::adopt(source.path());
    let expected =
        "h.json: the record that starts at line 2 is larger than 67108864 bytes; set aside whole";
    assert_eq!(generation.findings(), expected);
    assert_eq!(generation.part(Part::SetAside)["h.json"].len(), text.len());
}

#[test]
fn what_is_odd_but_harmless_is_noted() {
    let source = directory(&[
        ("A.json", CAPABILITIES.as_bytes()),
        ("a.json", br#"{"brain":{"backend":"x"}}"#),
        ("b.json", br#"{"logging":{},"storage":{}}"#),
    ]);
    let findings = Generation::adopt(source.path()).findings();
    assert!(findings.contains("a.json: differs from A.json in the case of letters only"));
    for name in ["a.json", "b.json"] {
        assert!(findings.contains(&format!("{name}: one of 2 configurations")), "{findings}");
    }
}

#[test]
fn the_same_directory_always_gives_the_same_inventory() {
    let source = crate::support::fixture("femtoclaw-1.0.3");
    let inventory = || Generation::adopt(&source).adoption.inventory;
    assert_eq!(inventory(), inventory());
}

#[test]
fn an_adopted_file_that_was_changed_afterwards_is_not_read() {
    use storage_migration::RecordSource;
    let text = format!("{}\n", event(0));
    let source = directory(&[("x.wal", text.as_bytes()), ("c.json", CAPABILITIES.as_bytes())]);
    let generation = Generation::adopt(source.path());
    let path = generation.directory.path().join("store/x.wal");
    std::fs::write(path, format!("{text}{text}")).unwrap();
    let error = generation.source().scan("wal", &mut |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("2 records and 0 damaged pieces"), "{error}");
}

#[test]
fn a_torn_array_with_a_known_name_says_where_it_is_torn() {
    let source = directory(&[
        ("history.json", b"[\n{\"timestamp\":\"t\",\"inp"),
        ("c.json", CAPABILITIES.as_bytes()),
    ]);
    let generation = Generation::adopt(source.path());
    let findings = generation.findings();
    assert!(findings.starts_with("history.json:2: torn"), "{findings}");
    assert_eq!(generation.part(Part::SetAside).len(), 1);
}
