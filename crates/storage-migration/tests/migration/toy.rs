//! Four toy schemas and the steps between them: keep, observe, derive, split, join, merge, re-key, archive.
//!
//! 1: `events` (number → account, kind, text) and `accounts` (account → name), and `notes`, `plain`, `vault`.
//! 2: events are split by kind into `audit` and `log`, those of unknown kind are archived; `by_name` is derived.
//! 3: the log of an account is joined with its name into `executions`; notes are re-keyed.
//! 4: audit and executions are merged into `history`, with entries derived from `plain`; accounts get a field.

use storage_migration::{
    Action, Emitter, Example, KeyspaceClass, KeyspaceDefinition, MigrationStep, Record,
    SchemaDefinition, TransformError,
};
use versioning::SchemaVersion;

pub(crate) type Transform = fn(&str, &[u8], &[u8], &mut Emitter) -> Result<(), TransformError>;
pub(crate) type Join = fn(&str, &[u8], &[Vec<u8>], &mut Emitter) -> Result<(), TransformError>;

/// A step made of functions.
#[derive(Clone)]
pub(crate) struct Toy {
    pub(crate) name: &'static str,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) action: fn(&str) -> Action,
    pub(crate) transform: Transform,
    pub(crate) join: Join,
    pub(crate) examples: Vec<(&'static str, &'static [u8], &'static [u8])>,
}

impl MigrationStep for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(self.from)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(self.to)
    }

    fn action(&self, keyspace: &str) -> Action {
        (self.action)(keyspace)
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        (self.transform)(keyspace, key, value, out)
    }

    fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        (self.join)(keyspace, group, fragments, out)
    }

    fn examples(&self) -> Vec<Example> {
        let example = |(keyspace, key, value): &(&'static str, &[u8], &[u8])| Example {
            keyspace,
            record: Record { key: key.to_vec(), value: value.to_vec() },
        };
        self.examples.iter().map(example).collect()
    }
}

const fn keyspace(name: &'static str, class: KeyspaceClass) -> KeyspaceDefinition {
    KeyspaceDefinition { name, class, about: "for tests" }
}

const ACCOUNTS: KeyspaceDefinition = keyspace("accounts", KeyspaceClass::State);
const AUDIT: KeyspaceDefinition = keyspace("audit", KeyspaceClass::Ledger);
const BY_NAME: KeyspaceDefinition = keyspace("by_name", KeyspaceClass::Index);
const EVENTS: KeyspaceDefinition = keyspace("events", KeyspaceClass::Ledger);
const EXECUTIONS: KeyspaceDefinition = keyspace("executions", KeyspaceClass::Ledger);
const HISTORY: KeyspaceDefinition = keyspace("history", KeyspaceClass::Ledger);
const LOG: KeyspaceDefinition = keyspace("log", KeyspaceClass::Ledger);
const NOTES: KeyspaceDefinition = keyspace("notes", KeyspaceClass::State);
const PLAIN: KeyspaceDefinition = keyspace("plain", KeyspaceClass::State);
const VAULT: KeyspaceDefinition = keyspace("vault", KeyspaceClass::State);

pub(crate) static SCHEMAS: [SchemaDefinition; 4] = [
    SchemaDefinition {
        version: SchemaVersion::new(1),
        keyspaces: &[ACCOUNTS, EVENTS, NOTES, PLAIN, VAULT],
        check: |_, _, _| Ok(()),
    },
    SchemaDefinition {
        version: SchemaVersion::new(2),
        keyspaces: &[ACCOUNTS, AUDIT, BY_NAME, LOG, NOTES, PLAIN, VAULT],
        check: |_, _, _| Ok(()),
    },
    SchemaDefinition {
        version: SchemaVersion::new(3),
        keyspaces: &[ACCOUNTS, AUDIT, BY_NAME, EXECUTIONS, NOTES, PLAIN, VAULT],
        check: |_, _, _| Ok(()),
    },
    SchemaDefinition {
        version: SchemaVersion::new(4),
        keyspaces: &[ACCOUNTS, BY_NAME, HISTORY, NOTES, PLAIN, VAULT],
        check: |keyspace, _, value| match keyspace {
            "accounts" if !value.ends_with(b";active") => Err("no status".to_owned()),
            _ => Ok(()),
        },
    },
];

pub(crate) fn no_join(
    keyspace: &str,
    _: &[u8],
    _: &[Vec<u8>],
    _: &mut Emitter,
) -> Result<(), TransformError> {
    Err(TransformError(format!("nothing is joined into {keyspace}")))
}

/// 1 → 2.
pub(crate) fn split() -> Toy {
    Toy {
        name: "split-events",
        from: 1,
        to: 2,
        action: |keyspace| match keyspace {
            "events" => Action::Rewrite,
            "accounts" => Action::Observe,
            _ => Action::Keep,
        },
        transform: |keyspace, key, value, out| {
            match (keyspace, value) {
                ("accounts", name) => out.derive("by_name", [name, b"/", key].concat(), key),
                (_, [_, b'a', ..]) => out.emit("audit", key, value),
                (_, [_, b'l', ..]) => out.emit("log", key, value),
                (_, [_, _, ..]) => out.archive("unknown kind"),
                _ => return Err(TransformError("an event without a kind".to_owned())),
            }
            Ok(())
        },
        join: no_join,
        examples: vec![
            ("accounts", b"7", b"seven"),
            ("events", b"1", b"7a text"),
            ("events", b"2", b"7l text"),
            ("events", b"3", b"7? text"),
        ],
    }
}

/// 2 → 3.
pub(crate) fn join() -> Toy {
    Toy {
        name: "join-executions",
        from: 2,
        to: 3,
        action: |keyspace| match keyspace {
            "log" | "notes" => Action::Rewrite,
            "accounts" => Action::Observe,
            _ => Action::Keep,
        },
        transform: |keyspace, key, value, out| {
            match keyspace {
                "accounts" => {
                    out.derive_fragment("executions", key, [b"0", value].concat());
                }
                "notes" => {
                    let reversed: Vec<u8> = key.iter().rev().copied().collect();
                    out.emit("notes", reversed, value);
                }
                _ => {
                    let account = &value[..1];
                    out.fragment("executions", account, [b"1", key, value].concat());
                }
            }
            Ok(())
        },
        join: |_, group, fragments, out| {
            out.emit("executions", group, fragments.join(&b"+"[..]));
            Ok(())
        },
        examples: vec![
            ("accounts", b"7", b"seven"),
            ("log", b"2", b"7l text"),
            ("notes", b"ab", b"note"),
        ],
    }
}

/// 3 → 4.
pub(crate) fn merge() -> Toy {
    Toy {
        name: "merge-history",
        from: 3,
        to: 4,
        action: |keyspace| match keyspace {
            "audit" | "executions" | "accounts" => Action::Rewrite,
            "plain" => Action::Observe,
            _ => Action::Keep,
        },
        transform: |keyspace, key, value, out| {
            match keyspace {
                "accounts" => out.emit("accounts", key, [value, b";active"].concat()),
                "audit" if value.len() > 12 => out.archive("too long"),
                "audit" => out.emit("history", [b"a", key].concat(), value),
                "plain" => out.derive("history", [b"p", key].concat(), key),
                _ => out.emit("history", [b"x", key].concat(), value),
            }
            Ok(())
        },
        join: no_join,
        examples: vec![
            ("accounts", b"7", b"seven"),
            ("audit", b"1", b"7a text"),
            ("audit", b"1", b"7a a long text"),
            ("executions", b"7", b"0seven"),
            ("plain", b"p", b""),
        ],
    }
}
