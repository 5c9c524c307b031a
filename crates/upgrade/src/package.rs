//! Releases that come as packages: what is in them must be what this program would carry out (FC-UPGRADE-0001 §14, §20, §21).
//!
//! A package brings the runtime binary. Everything else that it states, this program knows as well: the versions, what the
//! release suits, the fingerprints of the migrations, the schemas, the extensions. It states them so that what its publishers
//! have signed is what is carried out: where the two differ, nothing is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use authorization::{Role as Signing, Signatures};
use integrity::Digest;
use journal::ReleaseIdentity;
use release::{ArtifactPath, Description, Migration, Package, Role};
use storage_migration::MigrationPath;
use versioning::SchemaVersion;

use crate::error::Cause;
use crate::plan::PlannedStep;
use crate::trust::Court;
use crate::{Catalogue, Refusal, Release};

/// Where a generation keeps the manifest of the release that it was built from.
pub(crate) const RELEASE_MANIFEST: &str = "runtime/release.json";
/// Where it keeps what the publishers signed, if they did.
pub(crate) const RELEASE_SIGNATURES: &str = "runtime/release.json.sig";

/// A release as a package, with what its publishers signed.
#[derive(Debug, Clone)]
pub struct SignedRelease {
    /// The package. It was opened once; whatever lies at its path by now does not matter.
    pub package: Arc<Package>,
    /// The signatures over its manifest; none in development mode.
    pub signatures: Option<Signatures>,
}

/// A file that a package has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagedFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// What the package of a release states of itself, besides its artifacts.
///
/// # Errors
/// What serialisation says, which it does for no release that exists.
pub fn describe_package(
    catalogue: &dyn Catalogue,
    release: &Release,
    security_epoch: u64,
) -> Result<Description, serde_json::Error> {
    let versions = release.versions();
    Ok(Description {
        product: catalogue.product().to_owned(),
        versions: versions.clone(),
        security_epoch,
        offer: serde_json::to_value(&release.offer)?,
        migrations: migrations(catalogue, versions.storage),
    })
}

/// Every migration that leads to a schema or to one before it.
fn migrations(catalogue: &dyn Catalogue, schema: SchemaVersion) -> Vec<Migration> {
    let schemas = catalogue.schemas();
    let mut migrations = BTreeMap::new();
    for step in catalogue.steps().iter().filter(|step| step.to() <= schema) {
        let (from, to) = (step.from(), step.to());
        let path = MigrationPath::resolve(schemas, catalogue.steps(), from, to);
        let Ok(path) = path else { continue };
        for planned in crate::plan::steps(&path) {
            let PlannedStep { name, from, to, fingerprint } = planned;
            migrations.insert((from, to), Migration { name, from, to, fingerprint });
        }
    }
    migrations.into_values().collect()
}

/// The files that the package of a release has to hold beside its runtime, by path: schemas, capabilities, extensions.
///
/// # Errors
/// What serialisation says, which it does for no release that exists.
pub fn package_contents(
    catalogue: &dyn Catalogue,
    release: &Release,
) -> Result<BTreeMap<String, PackagedFile>, serde_json::Error> {
    let versions = release.versions();
    let mut contents = BTreeMap::new();
    let mut put = |path: String, bytes: Vec<u8>, executable| {
        contents.insert(path, PackagedFile { bytes, executable });
    };
    let configuration = Role::ConfigurationSchema.directory();
    for (name, bytes) in catalogue.configuration_schemas(versions.configuration) {
        put(format!("{configuration}/{name}"), bytes, false);
    }
    let capabilities = serde_json::to_string_pretty(&release.offer.capabilities)? + "\n";
    let directory = Role::Capabilities.directory();
    put(format!("{directory}/set.json"), capabilities.into_bytes(), false);
    let offered = catalogue.offered_extensions(versions);
    for (identity, extension) in &offered.offered.extensions {
        for (path, digest) in &extension.artifacts {
            let Some(artifact) = offered.artifacts.get(digest) else { continue };
            let (directory, name) = (Role::Extension.directory(), identity.name());
            let path = format!("{directory}/{name}/{path}");
            put(path, artifact.bytes.to_vec(), artifact.executable);
        }
    }
    Ok(contents)
}

impl SignedRelease {
    /// What is known of it after its package is gone.
    pub fn identity(&self) -> ReleaseIdentity {
        let security_epoch = self.package.manifest().description().security_epoch;
        ReleaseIdentity { manifest: self.package.digest(), security_epoch }
    }

    /// The digest of its runtime binary.
    pub(crate) fn runtime(&self) -> Option<Digest> {
        self.binary().map(|(digest, _)| digest)
    }

    /// The digest of its runtime binary, and its size in bytes.
    pub(crate) fn binary(&self) -> Option<(Digest, u64)> {
        let artifacts = self.package.manifest().artifacts();
        let runtime = artifacts.iter().find(|artifact| artifact.path.role() == Role::Runtime);
        runtime.map(|artifact| (artifact.digest, artifact.size))
    }

    /// Every reason why it is not what this program would carry out.
    pub(crate) fn refusals(
        &self,
        catalogue: &dyn Catalogue,
        release: &Release,
        steps: &[PlannedStep],
    ) -> Vec<Refusal> {
        let found = self.package.manifest().description();
        let mut refusals = Vec::new();
        let mut refuse = |code, message: String| {
            refusals.push(Refusal::new(code, "§13", "package", message));
        };
        let product = catalogue.product();
        if found.product != product {
            let message = format!("the package is one of {}, not of {product}", found.product);
            refuse("package-of-another-product", message);
        }
        if found.versions != *release.versions() {
            let message = format!(
                "the package states other versions of {} than this command knows",
                release.runtime()
            );
            refuse("package-versions-differ", message);
        }
        if serde_json::to_value(&release.offer).ok().as_ref() != Some(&found.offer) {
            let message = "the package states another range of what it suits than this command \
                           would hold it to";
            refuse("package-offer-differs", message.to_owned());
        }
        for step in steps {
            if !found.migrations.iter().any(|stated| is_same(stated, step)) {
                let (name, fingerprint) = (&step.name, step.fingerprint);
                let message =
                    format!("the package does not name the migration {name} ({fingerprint})");
                refuse("package-migration-differs", message);
            }
        }
        match package_contents(catalogue, release) {
            Err(error) => refuse("package-content-differs", error.to_string()),
            Ok(contents) => {
                for path in self.differences(&contents) {
                    let message = format!("{path} of the package is not what this command knows");
                    refuse("package-content-differs", message);
                }
            }
        }
        refusals
    }

    /// The paths of what differs, is missing or is too much, in order.
    fn differences(&self, contents: &BTreeMap<String, PackagedFile>) -> BTreeSet<String> {
        let free = |role| matches!(role, Role::Runtime | Role::Artifact);
        let artifacts = self.package.manifest().artifacts().iter();
        let found: BTreeMap<&str, (Digest, bool)> = artifacts
            .filter(|artifact| !free(artifact.path.role()))
            .map(|artifact| (artifact.path.as_str(), (artifact.digest, artifact.executable)))
            .collect();
        let expected: BTreeMap<&str, (Digest, bool)> = contents
            .iter()
            .map(|(path, file)| (path.as_str(), (Digest::of(&file.bytes), file.executable)))
            .collect();
        let paths: BTreeSet<&str> = found.keys().chain(expected.keys()).copied().collect();
        let differs = |path: &&str| found.get(path) != expected.get(path);
        paths.into_iter().filter(differs).map(str::to_owned).collect()
    }

    /// Holds it to its publishers, where there is a keyring, and reads all of it.
    ///
    /// # Errors
    /// [`Cause::NotSigned`], or what reading it says.
    // trace: impl FC-14.1.1 FC-23.3
    // trace: impl FC-20.2.2
    pub(crate) fn check(&self, court: &Court) -> Result<(), Cause> {
        if let Some((keyring, _)) = &court.keyring {
            let signatures = self.signatures.as_ref().ok_or(Cause::ReleaseUnsigned)?;
            let manifest = self.package.manifest_bytes();
            keyring
                .verify(Signing::Publisher, manifest, signatures, court.time())
                .map_err(|reason| Cause::NotSigned(Box::new(reason)))?;
        }
        Ok(self.package.verify()?)
    }

    /// The path of the runtime binary within the package.
    pub(crate) fn runtime_path(&self) -> Option<&ArtifactPath> {
        let artifacts = self.package.manifest().artifacts();
        let runtime = artifacts.iter().find(|artifact| artifact.path.role() == Role::Runtime);
        runtime.map(|artifact| &artifact.path)
    }
}

fn is_same(stated: &Migration, step: &PlannedStep) -> bool {
    (&stated.name, stated.from, stated.to, stated.fingerprint)
        == (&step.name, step.from, step.to, step.fingerprint)
}
