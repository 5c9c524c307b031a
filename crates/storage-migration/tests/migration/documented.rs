//! The migration that docs/writing-a-migration.md shows: what stands there is this, and this is run.

use std::sync::atomic::AtomicU64;

use storage_migration::{
    Action, Emitter, EngineOptions, Example, KeyspaceClass, KeyspaceDefinition, MigrationPath,
    MigrationStep, Record, SchemaDefinition, TransformError,
};
use versioning::SchemaVersion;

use crate::work::{Keyspaces, Memory, Place, digest};

const fn keyspace(
    name: &'static str,
    class: KeyspaceClass,
    about: &'static str,
) -> KeyspaceDefinition {
    KeyspaceDefinition { name, class, about }
}

/// Before: notes by number, `AUTHOR: TEXT`. After: by author and number, with an index from the number.
static SCHEMAS: [SchemaDefinition; 2] = [
    SchemaDefinition {
        version: SchemaVersion::new(1),
        keyspaces: &[
            keyspace("notes", KeyspaceClass::State, "number → AUTHOR: TEXT"),
            keyspace("visits", KeyspaceClass::Ledger, "number → who came"),
        ],
        check: |_, _, _| Ok(()),
    },
    SchemaDefinition {
        version: SchemaVersion::new(2),
        keyspaces: &[
            keyspace("notes", KeyspaceClass::State, "author, 0, number → TEXT"),
            keyspace("notes_by_number", KeyspaceClass::Index, "number → key in notes"),
            keyspace("visits", KeyspaceClass::Ledger, "number → who came"),
        ],
        check: |keyspace, key, _| match keyspace {
            "notes" if !key.contains(&0) => Err("the key has no author".to_owned()),
            _ => Ok(()),
        },
    },
];

struct NotesByAuthor;

impl MigrationStep for NotesByAuthor {
    fn name(&self) -> &'static str {
        "notes-by-author"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(1)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(2)
    }

    fn action(&self, keyspace: &str) -> Action {
        match keyspace {
            "notes" => Action::Rewrite,
            _ => Action::Keep,
        }
    }

    fn transform(
        &self,
        _keyspace: &str,
        number: &[u8],
        note: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        let colon = note.windows(2).position(|bytes| bytes == b": ");
        let Some((author, text)) = colon.and_then(|at| Some((&note[..at], note.get(at + 2..)?)))
        else {
            // Foreseen, so it is archived: an error would stop the whole upgrade.
            out.archive("the note has no author");
            return Ok(());
        };
        if author.contains(&0) {
            out.archive("the author's name cannot be part of a key");
            return Ok(());
        }
        let key = [author, b"\0", number].concat();
        out.derive("notes_by_number", number, &key);
        out.emit("notes", key, text);
        Ok(())
    }

    fn examples(&self) -> Vec<Example> {
        // Each branch once: their outcomes are the fingerprint of this step.
        [&b"ada: hello"[..], b"no author", b"a\0da: hello"]
            .map(|note| Example {
                keyspace: "notes",
                record: Record { key: vec![0, 7], value: note.to_vec() },
            })
            .to_vec()
    }
}

struct NotesByNumber;

impl MigrationStep for NotesByNumber {
    fn name(&self) -> &'static str {
        "notes-by-number"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(2)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(1)
    }

    fn action(&self, keyspace: &str) -> Action {
        match keyspace {
            "notes" | "notes_by_number" => Action::Rewrite,
            _ => Action::Keep,
        }
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        text: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        if keyspace == "notes_by_number" {
            // The way forward derives it again.
            out.drop_derived();
            return Ok(());
        }
        let mut parts = key.splitn(2, |byte| *byte == 0);
        let (Some(author), Some(number)) = (parts.next(), parts.next()) else {
            return Err(TransformError("the key has no author".to_owned()));
        };
        out.emit("notes", number, [author, b": ", text].concat());
        Ok(())
    }

    fn examples(&self) -> Vec<Example> {
        let example = |keyspace, key: &[u8], value: &[u8]| Example {
            keyspace,
            record: Record { key: key.to_vec(), value: value.to_vec() },
        };
        vec![
            example("notes", b"ada\0\0\x07", b"hello"),
            example("notes_by_number", b"\0\x07", b"ada\0\0\x07"),
        ]
    }
}

fn notes(values: &[&[u8]]) -> Memory {
    let records = |values: &[&[u8]]| {
        let number = |at: usize| u16::try_from(at).unwrap().to_be_bytes().to_vec();
        values.iter().enumerate().map(|(at, value)| (number(at), value.to_vec())).collect()
    };
    let mut keyspaces = Keyspaces::new();
    keyspaces.insert("notes".to_owned(), records(values));
    keyspaces.insert("visits".to_owned(), records(&[b"ada", b"bob"]));
    Memory { keyspaces, reads: AtomicU64::new(0) }
}

fn between<'a>(steps: &'a [&'a dyn MigrationStep], from: u32, to: u32) -> MigrationPath<'a> {
    let version = SchemaVersion::new;
    MigrationPath::resolve(&SCHEMAS, steps, version(from), version(to)).unwrap()
}

#[test]
fn the_documented_migration_leads_there_and_back() {
    let place = Place::new();
    let options = EngineOptions::default();
    let source = notes(&[b"ada: hello", b"bob: a: b", b"ada: "]);
    let forward: [&dyn MigrationStep; 1] = [&NotesByAuthor];
    let (first, built, before) = place.build(&between(&forward, 1, 1), &source, &options);
    assert_eq!(before, digest(&source.keyspaces));
    let (second, there, migrated) =
        place.upgrade(&between(&forward, 1, 2), (&first, &built.keyspaces, &before), &options);
    assert_ne!(migrated, before);
    let back: [&dyn MigrationStep; 1] = [&NotesByNumber];
    let origin = (second.as_path(), &there.keyspaces, &migrated);
    let (_, _, returned) = place.upgrade(&between(&back, 2, 1), origin, &options);
    assert_eq!(returned, before, "what was led back is what there was");
}

#[test]
fn the_documented_migration_archives_what_it_cannot_place() {
    let source = notes(&[b"ada: hello", b"nobody said this", b"a\0da: x"]);
    let forward: [&dyn MigrationStep; 1] = [&NotesByAuthor];
    let place = Place::new();
    let (_, report, _) = place.build(&between(&forward, 1, 2), &source, &EngineOptions::default());
    assert_eq!((report.counts.archived, report.counts.read), (2, 5));
}
