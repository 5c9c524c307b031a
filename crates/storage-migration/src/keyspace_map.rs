//! Which physical keyspace holds which logical one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use versioning::SchemaVersion;

use crate::{ARCHIVE, KeyspaceClass, MigrationError, Result, SchemaDefinition};

/// A keyspace as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhysicalKeyspace {
    /// Its name in the engine: `<logical>.v<schema>`, the schema being the one that it was written by.
    pub physical: String,
    /// What may happen to its records.
    pub class: KeyspaceClass,
}

/// Our own record of the keyspaces of a store, kept outside it: the engine cannot rename a keyspace, and a damaged one
/// forgets keyspaces without a word (H9, H10), so a store is only ever opened against this record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyspaceMap {
    keyspaces: BTreeMap<String, PhysicalKeyspace>,
}

impl KeyspaceMap {
    /// The map of a store that is written anew with a schema.
    pub fn of_schema(schema: &SchemaDefinition) -> Self {
        let mut map = Self::default();
        for keyspace in schema.keyspaces {
            map.add(keyspace.name, keyspace.class, schema.version, &Self::default());
        }
        map
    }

    /// Adds or replaces a keyspace.
    pub fn insert(&mut self, logical: &str, keyspace: PhysicalKeyspace) {
        self.keyspaces.insert(logical.to_owned(), keyspace);
    }

    /// The physical keyspace behind a logical name.
    pub fn get(&self, logical: &str) -> Option<&PhysicalKeyspace> {
        self.keyspaces.get(logical)
    }

    /// All keyspaces in the order of their logical names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PhysicalKeyspace)> {
        self.keyspaces.iter().map(|(logical, keyspace)| (logical.as_str(), keyspace))
    }

    /// Names a keyspace that is written by `schema`, beside those of `others`, and adds it.
    pub(crate) fn add(
        &mut self,
        logical: &str,
        class: KeyspaceClass,
        schema: SchemaVersion,
        others: &Self,
    ) {
        let taken = others.physical_names();
        let plain = format!("{logical}.v{schema}");
        // Migrating there and back can meet its own old name; a suffix tells the two apart.
        let numbered = (2..).map(|number: u64| format!("{plain}.{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        let physical = names.find(|name| !taken.contains(name.as_str())).unwrap_or(plain);
        self.insert(logical, PhysicalKeyspace { physical, class });
    }

    pub(crate) fn physical_names(&self) -> BTreeSet<&str> {
        self.keyspaces.values().map(|keyspace| keyspace.physical.as_str()).collect()
    }

    /// No two logical keyspaces share a physical one, and the engine accepts the names.
    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |reason| Err(MigrationError::InvalidKeyspaceMap { reason });
        let mut seen = BTreeSet::new();
        for (logical, keyspace) in self.iter() {
            let physical = keyspace.physical.as_str();
            if !(1..=255).contains(&physical.len()) {
                return invalid(format!("{physical:?} cannot be the name of a keyspace"));
            }
            if !seen.insert(physical) {
                return invalid(format!("{physical} of {logical} is claimed twice"));
            }
        }
        Ok(())
    }

    /// The keyspaces are those of a schema, and possibly the archive.
    // trace: impl FC-8.2.1
    pub(crate) fn check_schema(&self, schema: &SchemaDefinition) -> Result<()> {
        check_schema(self.keyspaces.keys().map(String::as_str), schema)
    }
}

/// The names are those of a schema's keyspaces, and possibly the archive.
pub(crate) fn check_schema<'a>(
    names: impl Iterator<Item = &'a str>,
    schema: &SchemaDefinition,
) -> Result<()> {
    let found: BTreeSet<&str> = names.filter(|name| *name != ARCHIVE).collect();
    let wanted: BTreeSet<&str> = schema.keyspaces.iter().map(|keyspace| keyspace.name).collect();
    if found == wanted {
        return Ok(());
    }
    Err(MigrationError::SourceNotOfSchema {
        version: schema.version,
        missing: owned(&wanted, &found),
        unexpected: owned(&found, &wanted),
    })
}

/// What `left` has and `right` has not.
pub(crate) fn owned(left: &BTreeSet<&str>, right: &BTreeSet<&str>) -> Vec<String> {
    left.difference(right).map(|name| (*name).to_owned()).collect()
}
