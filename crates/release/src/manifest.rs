//! The manifest of a release: what it is, and every artifact with its size and digest.

use std::cmp::Ordering;
use std::fmt;

use integrity::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use versioning::{SchemaVersion, Versions};

use crate::error::ManifestFault;
use crate::json;
use crate::path::{ArtifactPath, Role, shown};

/// The name of the manifest in a package: its first member.
pub const MANIFEST_NAME: &str = "release.json";

/// What a manifest says of its own kind and version.
pub const MANIFEST_TYPE: &str = "femtoclaw.dev/release/v1";

/// The most bytes that a manifest may have.
pub const MAXIMUM_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// The most levels that a manifest may be nested.
pub const MAXIMUM_DEPTH: usize = 32;

/// The most values (of any kind, containers included) that a manifest may have: as many artifacts and migrations as there may
/// be have two thirds of them.
pub const MAXIMUM_VALUES: usize = 100_000;

/// The most artifacts that a release may have.
pub const MAXIMUM_ARTIFACTS: usize = 10_000;

/// The most migrations that a release may name.
pub const MAXIMUM_MIGRATIONS: usize = 1_000;

/// The longest name of a product or a migration, in bytes.
pub const MAXIMUM_NAME_BYTES: usize = 128;

/// The most bytes that one artifact may have.
pub const MAXIMUM_ARTIFACT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The most bytes that all artifacts may have together.
pub const MAXIMUM_CONTENT_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// What a publisher states of a release, besides its artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The product's name. Whether it is the expected one is for the reader to decide.
    pub product: String,
    /// The versions of everything that the release brings (FC-UPGRADE-0001 §4).
    pub versions: Versions,
    /// Rises with every release that closes a hole: going back below it is a downgrade.
    pub security_epoch: u64,
    /// What the release suits (§13). Any JSON: a package does not know what it means.
    pub offer: Value,
    /// The migrations that the runtime brings, with their fingerprints (§9).
    pub migrations: Vec<Migration>,
}

/// A step of the storage migration that a release brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Its name.
    pub name: String,
    /// From this schema …
    pub from: SchemaVersion,
    /// … to this one.
    pub to: SchemaVersion,
    /// What it does, as a digest.
    pub fingerprint: Digest,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it lies, which says what it is for.
    pub path: ArtifactPath,
    /// Size in bytes.
    pub size: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A manifest that holds what it must, with its literal bytes.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    bytes: Vec<u8>,
    digest: Digest,
    description: Description,
    artifacts: Vec<Artifact>,
}

/// The manifest as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    r#type: String,
    product: String,
    versions: Versions,
    security_epoch: u64,
    offer: Value,
    migrations: Vec<Migration>,
    artifacts: Vec<WrittenArtifact>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArtifact {
    role: Role,
    path: String,
    size: u64,
    executable: bool,
    digest: Digest,
}

/// The one field that says how to read the others.
#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

impl Manifest {
    /// Reads a manifest and holds it to every rule.
    ///
    /// # Errors
    /// The first rule that it breaks. Bounds come first: nothing is built from what is too large, too deep or too much.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestFault> {
        if bytes.len() as u64 > MAXIMUM_MANIFEST_BYTES {
            return Err(ManifestFault::TooLarge { bytes: bytes.len() as u64 });
        }
        json::check(bytes)?;
        // The type first: of a later version, unknown fields are not what is to be told.
        let Typed { r#type } = read(bytes)?;
        if r#type != MANIFEST_TYPE {
            return Err(ManifestFault::OtherType { found: shown(&r#type) });
        }
        let written: Written = read(bytes)?;
        check_names(&written)?;
        if written.artifacts.len() > MAXIMUM_ARTIFACTS {
            return Err(ManifestFault::TooManyArtifacts { found: written.artifacts.len() });
        }
        let artifacts: Vec<Artifact> =
            written.artifacts.into_iter().map(artifact).collect::<Result<_, _>>()?;
        check_sizes(&artifacts)?;
        check_order(&artifacts)?;
        check_tree(&artifacts)?;
        check_runtime(&artifacts)?;
        let description = Description {
            product: written.product,
            versions: written.versions,
            security_epoch: written.security_epoch,
            offer: written.offer,
            migrations: written.migrations,
        };
        Ok(Self { bytes: bytes.to_vec(), digest: Digest::of(bytes), description, artifacts })
    }

    /// Makes a manifest. It is written and read again, so that what is written can be read.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub(crate) fn new(
        description: &Description,
        artifacts: &[Artifact],
    ) -> Result<Self, ManifestFault> {
        let Description { product, versions, security_epoch, offer, migrations } = description;
        let written = Written {
            r#type: MANIFEST_TYPE.to_owned(),
            product: product.clone(),
            versions: versions.clone(),
            security_epoch: *security_epoch,
            offer: offer.clone(),
            migrations: migrations.clone(),
            artifacts: artifacts.iter().map(WrittenArtifact::from).collect(),
        };
        let mut bytes =
            serde_json::to_vec_pretty(&written).map_err(|error| json::syntax(&error))?;
        bytes.push(b'\n');
        Self::parse(&bytes)
    }

    /// The literal bytes: what is signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the literal bytes: the identity of the release.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the publisher states.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// All artifacts, in byte order of their paths.
    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }

    /// The artifact with this path.
    pub fn artifact(&self, path: &str) -> Option<&Artifact> {
        self.artifacts.get(self.position(path)?)
    }

    /// The artifacts with this role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Artifact> {
        self.artifacts.iter().filter(move |artifact| artifact.path.role() == role)
    }

    /// Where an artifact stands in the order.
    pub(crate) fn position(&self, path: &str) -> Option<usize> {
        self.artifacts.binary_search_by(|artifact| artifact.path.as_str().cmp(path)).ok()
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes: _, digest, description, artifacts } = self;
        let mut shown = formatter.debug_struct("Manifest");
        shown.field("digest", digest).field("description", description);
        shown.field("artifacts", artifacts).finish()
    }
}

impl From<&Artifact> for WrittenArtifact {
    fn from(artifact: &Artifact) -> Self {
        Self {
            role: artifact.path.role(),
            path: artifact.path.as_str().to_owned(),
            size: artifact.size,
            executable: artifact.executable,
            digest: artifact.digest,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ManifestFault> {
    serde_json::from_slice(bytes).map_err(|error| json::syntax(&error))
}

fn check_names(written: &Written) -> Result<(), ManifestFault> {
    if written.migrations.len() > MAXIMUM_MIGRATIONS {
        return Err(ManifestFault::TooManyMigrations { found: written.migrations.len() });
    }
    let names = written.migrations.iter().map(|migration| &migration.name);
    for name in names.chain([&written.product]) {
        let is_printable = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if name.is_empty() || name.len() > MAXIMUM_NAME_BYTES || !is_printable {
            return Err(ManifestFault::Name { found: shown(name) });
        }
    }
    Ok(())
}

fn artifact(written: WrittenArtifact) -> Result<Artifact, ManifestFault> {
    let WrittenArtifact { role, path, size, executable, digest } = written;
    let path = ArtifactPath::new(&path)?;
    if role != path.role() {
        let (expected, path) = (path.role(), path.to_string());
        return Err(ManifestFault::Role { path, expected, found: role });
    }
    Ok(Artifact { path, size, executable, digest })
}

fn check_sizes(artifacts: &[Artifact]) -> Result<(), ManifestFault> {
    let mut total = 0_u64;
    for Artifact { path, size, .. } in artifacts {
        if *size > MAXIMUM_ARTIFACT_BYTES {
            return Err(ManifestFault::ArtifactTooLarge { path: path.to_string(), bytes: *size });
        }
        total = total.saturating_add(*size);
    }
    if total > MAXIMUM_CONTENT_BYTES {
        return Err(ManifestFault::ContentTooLarge);
    }
    Ok(())
}

fn check_order(artifacts: &[Artifact]) -> Result<(), ManifestFault> {
    for (before, after) in artifacts.iter().zip(artifacts.iter().skip(1)) {
        let path = after.path.to_string();
        match before.path.as_str().cmp(after.path.as_str()) {
            Ordering::Less => {}
            Ordering::Equal => return Err(ManifestFault::RepeatedPath { path }),
            Ordering::Greater => {
                return Err(ManifestFault::OutOfOrder { path, before: before.path.to_string() });
            }
        }
    }
    Ok(())
}

/// All paths must be those of different files in one tree, also where cases are not told apart.
///
/// In the order of components without case, paths that share a beginning are neighbours, and a file stands right before what
/// goes through it: it is enough to look at neighbours.
fn check_tree(artifacts: &[Artifact]) -> Result<(), ManifestFault> {
    let mut paths: Vec<(String, &str)> = artifacts
        .iter()
        .map(|artifact| (artifact.path.as_str().to_ascii_lowercase(), artifact.path.as_str()))
        .collect();
    paths.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    for ((_, first), (_, second)) in paths.iter().zip(paths.iter().skip(1)) {
        check_neighbours(first, second)?;
    }
    Ok(())
}

fn check_neighbours(first: &str, second: &str) -> Result<(), ManifestFault> {
    let mut ends = 0;
    for (one, other) in first.split('/').zip(second.split('/')) {
        if !one.eq_ignore_ascii_case(other) {
            return Ok(());
        }
        ends += one.len();
        if one != other {
            let beginning = |path: &str| path.get(..ends).unwrap_or(path).to_owned();
            let (first, second) = (beginning(first), beginning(second));
            return Err(ManifestFault::SameButForCase { first, second });
        }
        ends += 1;
    }
    Err(ManifestFault::FileAndDirectory { file: first.to_owned(), path: second.to_owned() })
}

fn check_runtime(artifacts: &[Artifact]) -> Result<(), ManifestFault> {
    let is_runtime = |artifact: &&Artifact| artifact.path.role() == Role::Runtime;
    let found = artifacts.iter().filter(is_runtime).count();
    match artifacts.iter().find(is_runtime) {
        Some(Artifact { path, executable: false, .. }) if found == 1 => {
            Err(ManifestFault::RuntimeNotExecutable { path: path.to_string() })
        }
        Some(_) if found == 1 => Ok(()),
        _ => Err(ManifestFault::NotOneRuntime { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_case_is_told_as_far_as_it_is_the_same() {
        let told = check_neighbours("artifacts/one/Two/x", "artifacts/one/two/longer");
        let (first, second) = ("artifacts/one/Two".to_owned(), "artifacts/one/two".to_owned());
        assert_eq!(told, Err(ManifestFault::SameButForCase { first, second }));
    }
}
