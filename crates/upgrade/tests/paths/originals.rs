//! What 1.0.x wrote, byte for byte, as an export shows it: the oracle. It takes nothing from the product but the text.

use std::collections::BTreeMap;

use serde_json::Value;

/// Pieces of files, each with the number of its file, and how often it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Originals {
    pieces: BTreeMap<(u64, Vec<u8>), u64>,
    files: BTreeMap<u64, String>,
}

impl Originals {
    pub(crate) fn file(&mut self, number: u64, path: &str) {
        let before = self.files.insert(number, path.to_owned());
        assert_eq!(before, None, "two files have the number {number}");
    }

    pub(crate) fn piece(&mut self, file: u64, bytes: &[u8]) {
        *self.pieces.entry((file, bytes.to_vec())).or_default() += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.pieces.values().sum()
    }

    /// Takes what an export wrote.
    pub(crate) fn exported(text: &[u8]) -> Self {
        let mut found = Self::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            found.line(&serde_json::from_slice(line).unwrap());
        }
        found
    }

    fn line(&mut self, line: &Value) {
        match line["keyspace"].as_str().unwrap() {
            "sources" => {
                let file = &line["file"];
                self.file(file["number"].as_u64().unwrap(), file["path"].as_str().unwrap());
            }
            // It leads to records, and holds none.
            "executions_by_id" => {}
            "executions" if line.get("testimonies").is_some() => {
                for testimony in line["testimonies"].as_array().unwrap() {
                    // An event of the log: its bytes are in the log's own keyspace.
                    if testimony["from"] != "wal" {
                        self.original(testimony["source"]["file"].as_u64(), testimony);
                    }
                }
            }
            "set_aside" => self.original(line["file"].as_u64(), line),
            _ => match line.get("source") {
                Some(source) => self.original(source["file"].as_u64(), line),
                None => {
                    let file = line["key"].as_str().and_then(|key| key.get(..8));
                    self.original(file.map(|file| u64::from_str_radix(file, 16).unwrap()), line);
                }
            },
        }
    }

    fn original(&mut self, file: Option<u64>, shown: &Value) {
        let bytes = match (&shown["original"], &shown["original_hex"]) {
            (Value::String(text), Value::Null) => text.clone().into_bytes(),
            (Value::Null, Value::String(digits)) => bytes_of(digits),
            _ => panic!("no original: {shown}"),
        };
        self.piece(file.unwrap(), &bytes);
    }

    /// A sentence for each difference.
    pub(crate) fn differences(&self, found: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let times = |originals: &Self, piece| originals.pieces.get(piece).copied().unwrap_or(0);
        let added = found.pieces.keys().filter(|piece| !self.pieces.contains_key(*piece));
        for piece in self.pieces.keys().chain(added) {
            let (expected, found) = (times(self, piece), times(found, piece));
            if expected != found {
                let text = String::from_utf8_lossy(&piece.1);
                let file = piece.0;
                differences.push(format!("file {file}: {expected} became {found}: {text:?}"));
            }
        }
        if self.files != found.files {
            differences.push(format!("the files {:?} became {:?}", self.files, found.files));
        }
        differences
    }
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
