//! JSON Lines, into files and writers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use telemetry::{JsonLines, JsonLinesFile, TelemetrySink};

use crate::support::{Complaints, refused, start, upgrade};

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_writer_gets_one_line_an_event_in_one_piece() {
    #[derive(Default)]
    struct Pieces(Vec<Vec<u8>>);
    impl std::io::Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut lines = JsonLines(Pieces::default());
    upgrade(&mut lines);
    assert_eq!(lines.0.0.len(), 7);
    for piece in lines.0.0 {
        let text = String::from_utf8(piece).unwrap();
        assert!(text.ends_with('\n') && parsed(&text).len() == 1, "{text}");
    }
}

#[test]
fn a_file_is_made_with_the_first_event_is_private_and_is_appended_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("telemetry.jsonl");
    let complaints = Complaints::default();
    let mut file = JsonLinesFile::new(&path, complaints.listener());
    assert!(!path.exists());
    file.emit(&start());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(file);
    refused(&mut JsonLinesFile::new(&path, complaints.listener()));
    let events = parsed(&fs::read_to_string(&path).unwrap());
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["STARTED", "OPERATION", "OPERATION"]);
    assert_eq!(complaints.heard(), Vec::<String>::new());
}

#[test]
fn a_file_that_cannot_be_opened_is_complained_of_once_and_nothing_waits_for_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [directory.path().join("no/such/directory"), directory.path().to_path_buf(), pipe] {
        let complaints = Complaints::default();
        upgrade(&mut JsonLinesFile::new(&path, complaints.listener()));
        let heard = complaints.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains(path.to_str().unwrap()), "{heard:?}");
    }
}
