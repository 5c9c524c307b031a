//! From a finished staging directory to a sealed generation.

use std::collections::BTreeMap;
use std::path::Path;

use integrity::{Digester, LogicalDigest, TreeSeal};
use rollback::{
    AppliedStep, Generation, MANIFEST_FORMAT, Manifest, Origin, Part, SealedKeyspace, Staging,
};
use storage_migration::{ARCHIVE, KeyspaceClass, KeyspaceMap, SchemaDefinition};
use versioning::{Timestamp, Versions};

use crate::error::Cause;

/// What a seal says beside the files.
pub(crate) struct Description {
    pub(crate) created: Timestamp,
    pub(crate) versions: Versions,
    pub(crate) origin: Origin,
    pub(crate) applied: Vec<AppliedStep>,
    pub(crate) keyspaces: BTreeMap<String, SealedKeyspace>,
    pub(crate) logical: LogicalDigest,
}

/// Makes the staged generation durable and seals it.
// trace: impl FC-9.3
pub(crate) fn seal(
    staging: Staging,
    description: Description,
    digester: &mut Digester,
) -> Result<Generation, Cause> {
    let generation = staging.number();
    Ok(staging.seal(digester, |files| Manifest {
        format: MANIFEST_FORMAT,
        generation,
        created: description.created,
        versions: description.versions,
        origin: description.origin,
        applied: description.applied,
        keyspaces: description.keyspaces,
        state: description.logical.state(),
        parts: part_digests(&files),
        files,
    })?)
}

fn part_digests(files: &TreeSeal) -> BTreeMap<Part, integrity::Digest> {
    Part::ALL.map(|part| (part, files.digest(part.directory()))).into()
}

/// The keyspaces of a store, for the manifest. Without a map the store is not the engine's.
pub(crate) fn sealed_keyspaces(
    logical: &LogicalDigest,
    map: Option<&KeyspaceMap>,
    schema: &SchemaDefinition,
) -> BTreeMap<String, SealedKeyspace> {
    let sealed = logical.iter().map(|(name, content)| {
        let physical = map.and_then(|map| map.get(name)).map(|found| found.physical.clone());
        let defined = schema.keyspace(name).map(|keyspace| keyspace.class);
        let class = defined.unwrap_or(KeyspaceClass::Ledger);
        debug_assert!(defined.is_some() || name == ARCHIVE, "{name} is not of the schema");
        (name.to_owned(), SealedKeyspace { physical, class, content: *content })
    });
    sealed.collect()
}

/// The record of a store's keyspaces that its manifest keeps; none if the store is not the engine's.
pub(crate) fn keyspace_map(manifest: &Manifest) -> Option<KeyspaceMap> {
    let mut map = KeyspaceMap::default();
    for (name, sealed) in &manifest.keyspaces {
        let physical = sealed.physical.clone()?;
        let class = sealed.class;
        map.insert(name, storage_migration::PhysicalKeyspace { physical, class });
    }
    Some(map)
}

/// The digests of a generation's files as they are now: over its store, and over all of its parts.
pub(crate) fn digest_parts(
    generation: &Path,
) -> Result<(integrity::Digest, integrity::Digest), Cause> {
    let parts = Part::ALL.map(Part::directory);
    let seal = TreeSeal::of_tree(generation, |path| {
        !parts.iter().any(|part| path == *part || path.starts_with(&format!("{part}/")))
    })?;
    Ok((seal.digest(Part::Store.directory()), seal.digest("")))
}
