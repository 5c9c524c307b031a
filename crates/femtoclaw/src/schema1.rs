//! Storage schema 1: the files of FemtoClaw 1.0.x as they lie.
//!
//! Adopted byte for byte. Its keyspaces are a view: each record is an element of an array or a line of a log, its value
//! the bytes exactly as they lie in the file, its key the number of the file and the position in it ([`RecordKey`]).
//!
//! `sources` says what each file number means, so that the origin of a record can still be told when the adopted
//! generation is long gone. `set_aside` holds what lies between records and could not be read ([`SetAside`]).

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use storage_migration::{
    KeyspaceClass, KeyspaceDefinition, RecordSource, SchemaDefinition, SourceError, Visitor,
};
use upgrade::Part;
use versioning::SchemaVersion;

use crate::inventory::{INVENTORY_FILE, Inventory, InventoryFile};
use crate::keys::RecordKey;
use crate::pieces::{Limits, Piece, Totals, read_pieces};
use crate::set_aside::SetAside;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

const fn keyspace(
    name: &'static str,
    class: KeyspaceClass,
    about: &'static str,
) -> KeyspaceDefinition {
    KeyspaceDefinition { name, class, about }
}

/// The keyspaces of schemas 1 and 2, which differ in their values only.
pub(crate) const KEYSPACES: &[KeyspaceDefinition] = &[
    keyspace("audit", KeyspaceClass::Ledger, "audit entries, by file and position"),
    keyspace("executions", KeyspaceClass::Ledger, "execution records, by file and position"),
    keyspace("history", KeyspaceClass::State, "turns of the history, by file and position"),
    keyspace("memory", KeyspaceClass::State, "messages of the memory, by file and position"),
    keyspace("set_aside", KeyspaceClass::Ledger, "what could not be read, by file and position"),
    keyspace("snapshots", KeyspaceClass::State, "snapshots, by file and position"),
    keyspace("sources", KeyspaceClass::Ledger, "the files that records came from, by number"),
    keyspace("telemetry", KeyspaceClass::Ledger, "telemetry events, by file and position"),
    keyspace("wal", KeyspaceClass::Ledger, "events of the write-ahead log, by file and position"),
];

/// Storage schema 1.
pub const SCHEMA: SchemaDefinition =
    SchemaDefinition { version: SchemaVersion::new(1), keyspaces: KEYSPACES, check };

fn check(keyspace: &str, key: &[u8], value: &[u8]) -> Result<(), String> {
    match keyspace {
        "sources" => check_source(key, value),
        "set_aside" => check_set_aside(key, value),
        _ => RecordKey::decode(key).map(|_| ()).map_err(|error| error.to_string()),
    }
}

/// The invariant of `sources`, the same in every schema.
pub(crate) fn check_source(key: &[u8], value: &[u8]) -> Result<(), String> {
    let file = source_file(value)?;
    if key == file.number.to_be_bytes() { Ok(()) } else { Err("key and number differ".to_owned()) }
}

/// The invariant of `set_aside`, the same in every schema.
pub(crate) fn check_set_aside(key: &[u8], value: &[u8]) -> Result<(), String> {
    let key = RecordKey::decode(key).map_err(|error| error.to_string())?;
    let set_aside = SetAside::decode(value).map_err(|error| error.to_string())?;
    if key.file == set_aside.file { Ok(()) } else { Err("key and file number differ".to_owned()) }
}

/// Reads a value of `sources`.
///
/// # Errors
/// A sentence that says why the bytes are none.
pub fn source_file(value: &[u8]) -> Result<InventoryFile, String> {
    serde_json::from_slice(value).map_err(|error| format!("not the description of a file: {error}"))
}

/// The files of an adopted generation, as records.
#[derive(Debug)]
pub struct AdoptedFiles {
    store: PathBuf,
    origin: String,
    inventory: Inventory,
}

impl AdoptedFiles {
    /// Opens the generation in this directory.
    ///
    /// # Errors
    /// If its inventory cannot be read.
    pub fn open(generation: &Path) -> Result<Self, SourceError> {
        let inventory = Inventory::read(generation).map_err(|error| SourceError {
            keyspace: "sources".to_owned(),
            origin: generation.join(INVENTORY_FILE).display().to_string(),
            reason: error.to_string(),
        })?;
        let store = generation.join(Part::Store.directory());
        Ok(Self { store, origin: generation.display().to_string(), inventory })
    }

    /// The inventory that was adopted.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    fn scan_sources(&self, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
        for file in &self.inventory.files {
            let value = serde_json::to_vec(file).map_err(|error| SourceError {
                keyspace: "sources".to_owned(),
                origin: self.origin.clone(),
                reason: error.to_string(),
            })?;
            visit(&file.number.to_be_bytes(), &value)?;
        }
        Ok(())
    }

    /// The files that the records of a keyspace lie in, in the order of their numbers.
    fn files_of<'a>(&'a self, keyspace: &'a str) -> impl Iterator<Item = &'a InventoryFile> {
        let stored = self.inventory.files.iter().filter(|file| file.part == Part::Store);
        stored.filter(move |file| match keyspace {
            "set_aside" => file.role.keyspace().is_some() && file.set_aside > 0,
            _ => file.role.keyspace() == Some(keyspace),
        })
    }

    fn scan_file(
        &self,
        keyspace: &str,
        file: &InventoryFile,
        visit: &mut Visitor<'_>,
    ) -> Result<(), SourceError> {
        let path = self.store.join(&file.path);
        let failure = |reason: String| SourceError {
            keyspace: keyspace.to_owned(),
            origin: path.display().to_string(),
            reason,
        };
        let opened = File::open(&path).map_err(|error| failure(error.to_string()))?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, opened);
        let mut refused = None;
        let layout = file.role.layout();
        let totals = read_pieces(
            &mut reader,
            layout,
            Limits::STANDARD,
            &mut |piece| match hand_on(keyspace, file.number, &piece, visit) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    refused = Some(error);
                    ControlFlow::Break(())
                }
            },
        )
        .map_err(|error| failure(error.to_string()))?;
        if let Some(error) = refused {
            return Err(error);
        }
        check_counts(file, &totals).map_err(failure)
    }
}

/// Hands on a piece if it belongs to the keyspace.
fn hand_on(
    keyspace: &str,
    file: u32,
    piece: &Piece<'_>,
    visit: &mut Visitor<'_>,
) -> Result<(), SourceError> {
    let key = RecordKey { file, ordinal: piece.ordinal }.encode();
    match &piece.damage {
        None if keyspace != "set_aside" => visit(&key, piece.bytes),
        Some(damage) if keyspace == "set_aside" => {
            let set_aside = SetAside {
                file,
                line: Some(piece.line),
                offset: Some(piece.offset),
                reason: damage.to_string(),
                bytes: piece.bytes.to_vec(),
            };
            visit(&key, &set_aside.encode())
        }
        _ => Ok(()),
    }
}

/// The file must hold what the inventory counted: it was adopted byte for byte.
fn check_counts(file: &InventoryFile, totals: &Totals) -> Result<(), String> {
    if (totals.records, totals.set_aside) == (file.records, file.set_aside) {
        return Ok(());
    }
    Err(format!(
        "{} records and {} damaged pieces, where the adoption counted {} and {}",
        totals.records, totals.set_aside, file.records, file.set_aside
    ))
}

impl RecordSource for AdoptedFiles {
    fn keyspaces(&self) -> Vec<String> {
        KEYSPACES.iter().map(|keyspace| keyspace.name.to_owned()).collect()
    }

    fn scan(&self, keyspace: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
        if keyspace == "sources" {
            return self.scan_sources(visit);
        }
        for file in self.files_of(keyspace) {
            self.scan_file(keyspace, file, visit)?;
        }
        Ok(())
    }

    fn pieces(&self, keyspace: &str) -> Result<Option<Vec<u64>>, SourceError> {
        if keyspace == "sources" {
            return Ok(Some(vec![self.inventory.files.len() as u64]));
        }
        let records = |file: &InventoryFile| match keyspace {
            "set_aside" => file.set_aside,
            _ => file.records,
        };
        Ok(Some(self.files_of(keyspace).map(records).collect()))
    }

    fn scan_piece(
        &self,
        keyspace: &str,
        piece: usize,
        visit: &mut Visitor<'_>,
    ) -> Result<(), SourceError> {
        if keyspace == "sources" {
            return if piece == 0 { self.scan_sources(visit) } else { Ok(()) };
        }
        let file = self.files_of(keyspace).nth(piece);
        file.map_or(Ok(()), |file| self.scan_file(keyspace, file, visit))
    }
}
