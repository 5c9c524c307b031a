//! What a runtime tells the upgrade system about itself.
//!
//! The engine knows no schema, no configuration format and no release: it asks a [`Catalogue`]. So any runtime can bring
//! its own, and this crate never depends on one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use capability_migration::Authority;
use compatibility::Offer;
use config_migration::{EffectiveConfiguration, IntendedDifference};
use extension_migration::{Directory, Installed, Offered};
use integrity::{Digest, FileSeal};
use rollback::Part;
use serde::{Deserialize, Serialize};
use storage_migration::{MigrationStep, RecordSource, SchemaDefinition, SourceError};
use versioning::{ConfigurationSchema, RuntimeVersion, SchemaVersion, Versions};

/// The files of a part, by path relative to its directory with `/` between components.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A release that the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// What it is, what it takes, and what it goes with.
    pub offer: Offer,
    /// One sentence: what it brings.
    pub summary: &'static str,
    /// Whether it can be upgraded to. Older releases are known only as what may be installed.
    pub installable: bool,
}

impl Release {
    /// The versions of everything in it.
    pub fn versions(&self) -> &Versions {
        &self.offer.versions
    }

    /// The version of its runtime.
    pub fn runtime(&self) -> &RuntimeVersion {
        &self.offer.versions.runtime
    }
}

/// What a runtime tells the upgrade system about itself. Every method is pure: same input, same answer.
pub trait Catalogue: Sync {
    /// The name of the product, such as `femtoclaw`.
    fn product(&self) -> &'static str;

    /// All releases that are known, oldest first.
    fn releases(&self) -> &[Release];

    /// All storage schemas, oldest first.
    fn schemas(&self) -> &[SchemaDefinition];

    /// All storage migrations.
    fn steps(&self) -> &[&'static dyn MigrationStep];

    /// Storage migrations that lead back to an earlier schema, so that what was written in the later one can be carried back
    /// by a rollback (FC-UPGRADE-0001 §15). What one makes is led forward again by [`Catalogue::steps`], and must then be what
    /// there was, record for record: so it need not be believed.
    fn back_steps(&self) -> &[&'static dyn MigrationStep] {
        &[]
    }

    /// Reads a directory written by an unmanaged installation and says what it is. Writes nothing anywhere.
    ///
    /// `assumed` is the version that the operator says it is, for when its shape does not tell.
    ///
    /// # Errors
    /// [`AdoptionRefusal`] with every reason.
    fn inspect(
        &self,
        directory: &Path,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<Adoption, AdoptionRefusal>;

    /// Opens the store part of a generation whose schema is not a fjall store, for reading. `None` if it is one.
    ///
    /// `generation` is the generation's directory. The same records must be found there as [`Catalogue::inspect`] counted.
    ///
    /// # Errors
    /// What cannot be read.
    fn foreign_source(
        &self,
        schema: SchemaVersion,
        generation: &Path,
    ) -> Result<Option<Box<dyn RecordSource>>, SourceError>;

    /// Leads a configuration from one schema to a later one (FC-UPGRADE-0001 §10).
    ///
    /// # Errors
    /// Every reason why it cannot be, in sentences. Secrets never appear in them.
    fn migrate_configuration(
        &self,
        from: ConfigurationSchema,
        to: ConfigurationSchema,
        files: &Files,
    ) -> Result<MigratedConfiguration, Vec<String>>;

    /// Holds a configuration to its schema. Called before activation and at every start.
    ///
    /// # Errors
    /// Every violation, with its path. Secrets never appear in them.
    fn validate_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<(), Vec<String>>;

    /// What a runtime makes of a configuration: before a migration and after it a runtime must do the same, but for what the
    /// migration declares ([`MigratedConfiguration::intended`]).
    ///
    /// # Errors
    /// Every violation, as [`Catalogue::validate_configuration`].
    fn effective_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<EffectiveConfiguration, Vec<String>>;

    /// Who may do what, read from the files of the policy part by the dialect that these versions apply (FC-UPGRADE-0001
    /// §11).
    ///
    /// # Errors
    /// Every reason why it cannot be read: then nothing of it may be used.
    fn authority(&self, versions: &Versions, files: &Files) -> Result<Authority, Vec<String>>;

    /// What leads authority from these versions to those. It has no grants: these are for whoever authorises the upgrade.
    ///
    /// # Errors
    /// Every reason why it cannot be.
    fn authority_plan(
        &self,
        from: &Versions,
        to: &Versions,
    ) -> Result<capability_migration::Plan, Vec<String>>;

    /// Authority as the files of the policy part of these versions: what [`Catalogue::authority`] reads.
    ///
    /// # Errors
    /// If these versions have no place for it.
    fn write_authority(
        &self,
        versions: &Versions,
        authority: &Authority,
    ) -> Result<Files, Vec<String>>;

    /// The extensions that are there: those in use, and those that were set aside (FC-UPGRADE-0001 §12).
    ///
    /// # Errors
    /// Every manifest that cannot be read.
    fn extensions(
        &self,
        in_use: &SealedFiles<'_>,
        set_aside: &SealedFiles<'_>,
    ) -> Result<InstalledExtensions, Vec<String>>;

    /// What the release of these versions says of extensions, and brings.
    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions;

    /// What the configuration of a schema must be, as documents for others, by file name. They travel in release packages.
    fn configuration_schemas(&self, schema: ConfigurationSchema) -> Files;

    /// A record as a JSON object, for people and for other programs. Every byte of it must be in there somehow.
    fn render(
        &self,
        schema: SchemaVersion,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
    ) -> serde_json::Value;
}

/// The files of a part as they are sealed: their seals by path relative to the part, and their bytes when they are asked for.
pub struct SealedFiles<'f> {
    seals: BTreeMap<String, FileSeal>,
    read: ReadFile<'f>,
}

type ReadFile<'f> = Box<dyn Fn(&str) -> Result<Vec<u8>, String> + 'f>;

impl<'f> SealedFiles<'f> {
    /// These files; `read` gives the bytes of one, held to its seal.
    pub fn new(
        seals: BTreeMap<String, FileSeal>,
        read: impl Fn(&str) -> Result<Vec<u8>, String> + 'f,
    ) -> Self {
        Self { seals, read: Box::new(read) }
    }

    /// The seals, by path.
    pub fn seals(&self) -> &BTreeMap<String, FileSeal> {
        &self.seals
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Why they cannot be had, as a sentence.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        (self.read)(path)
    }
}

impl std::fmt::Debug for SealedFiles<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SealedFiles").field("seals", &self.seals).finish_non_exhaustive()
    }
}

/// The extensions of a generation, and where they lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstalledExtensions {
    /// Each by a directory's name of its own.
    pub installed: Installed,
    /// Where those in use lie, relative to their part. Whatever lies in no such place belongs to no extension.
    pub places: BTreeMap<Directory, String>,
}

/// What a release says of extensions, with the files of those that it brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferedExtensions {
    /// What it says.
    pub offered: Offered,
    /// The bytes of every artifact, by digest.
    pub artifacts: BTreeMap<Digest, Artifact>,
    /// Where those go that were not there before, relative to their part.
    pub root: &'static str,
}

/// An artifact that a release brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Its bytes.
    pub bytes: &'static [u8],
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// A configuration after its migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigratedConfiguration {
    /// The new files.
    pub files: Files,
    /// Every change, a sentence each. Secrets never appear in them.
    pub changes: Vec<String>,
    /// The same changes, place by place, one stretch for each schema that is passed. Secrets never appear in them.
    pub stretches: Vec<ConfigurationStretch>,
    /// Fields of the effective configuration that are meant to be others than before. Any other difference is refused.
    pub intended: Vec<IntendedDifference>,
}

/// What becomes of a configuration between two of its schemas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigurationStretch {
    /// From this schema …
    pub from: ConfigurationSchema,
    /// … to this one.
    pub to: ConfigurationSchema,
    /// Each value that is moved, added, converted or carried, and what is kept. Secrets never appear.
    pub changes: Vec<config_migration::Change>,
}

/// What an unmanaged directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The versions that its shape shows (or that the operator stated).
    pub versions: Versions,
    /// Why it is taken for those versions, a sentence each.
    pub evidence: Vec<String>,
    /// Every file in it, by source path: each is adopted byte for byte.
    pub files: Vec<AdoptedFile>,
    /// What is out of the ordinary.
    pub findings: Vec<Finding>,
    /// What the catalogue wants to find again beside the parts, as `adoption.json`: the role of each file.
    pub inventory: Vec<u8>,
}

/// One file of an adoption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedFile {
    /// Where it is, relative to the adopted directory.
    pub source: PathBuf,
    /// The part of the generation that it goes to.
    pub part: Part,
    /// Where it goes, relative to the part's directory.
    pub target: String,
    /// Its size in bytes when it was inspected.
    pub size: u64,
    /// Its digest when it was inspected. The copy must have it too, or the source changed meanwhile.
    pub digest: Digest,
}

/// Something out of the ordinary that an adoption found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file, relative to the adopted directory.
    pub file: String,
    /// The line, from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What becomes of it.
    pub outcome: FindingOutcome,
    /// A sentence: what was found.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// What becomes of something that an adoption found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingOutcome {
    /// Adopted as it is.
    Kept,
    /// Cannot be read: kept whole, byte for byte, apart from the records.
    SetAside,
    /// Would be dangerous to adopt: stops the adoption.
    Refused,
}

/// Why a directory cannot be adopted. It was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptionRefusal {
    /// It cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// Nothing in it has the shape of an installation.
    #[error("{path} holds nothing that looks like an installation")]
    Unrecognized {
        /// The directory.
        path: String,
    },
    /// Its shape fits no version, or more than one.
    #[error("the version of {path} is ambiguous:\n{}", list(.reasons))]
    Ambiguous {
        /// The directory.
        path: String,
        /// What speaks for which version.
        reasons: Vec<String>,
    },
    /// Something in it would be dangerous to adopt.
    #[error("{path} holds what would be dangerous to adopt:\n{}", list(.findings))]
    Dangerous {
        /// The directory.
        path: String,
        /// Every finding of that kind.
        findings: Vec<Finding>,
    },
}

fn list<T: std::fmt::Display>(reasons: &[T]) -> String {
    reasons.iter().map(|reason| format!("  - {reason}")).collect::<Vec<_>>().join("\n")
}
