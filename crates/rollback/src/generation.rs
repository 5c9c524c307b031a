//! A sealed generation.

use std::path::{Path, PathBuf};

use integrity::{Digest, Digester, SealViolation};
use versioning::GenerationNumber;

use crate::{Error, Layout, MANIFEST_FORMAT, Manifest, Part, Result};

/// The name of the manifest within a generation.
pub(crate) const MANIFEST_FILE: &str = "manifest.json";

/// The largest manifest that is read, in bytes: some hundred thousand files.
const MAXIMUM_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

/// A sealed generation whose manifest is the one that was sealed.
#[derive(Debug, Clone)]
pub struct Generation {
    number: GenerationNumber,
    path: PathBuf,
    manifest: Manifest,
    digest: Digest,
}

/// How much of a generation is read to verify it. Names, sizes and permissions of all files are held in any case.
#[derive(Debug, Clone, Copy)]
pub enum VerifyDepth {
    /// No bytes.
    Shape,
    /// The bytes of all files but those of which this is true, by their paths in the generation.
    Except(fn(&str) -> bool),
    /// All bytes of all files.
    Content,
}

impl VerifyDepth {
    /// Whether the bytes of a file are read.
    pub fn reads(self, path: &str) -> bool {
        match self {
            Self::Shape => false,
            Self::Except(left_out) => !left_out(path),
            Self::Content => true,
        }
    }

    /// Whether the bytes of every file are read.
    pub fn reads_everything(self) -> bool {
        matches!(self, Self::Content)
    }
}

impl Generation {
    /// Opens a generation by its manifest. `expected` is the manifest's digest as the journal has it; without one, whatever
    /// manifest is there is taken (to name it to a person, or for an explicit recovery).
    ///
    /// # Errors
    /// [`Error::MissingGeneration`], [`Error::AlteredManifest`], [`Error::UnreadableManifest`].
    // trace: impl FC-9.3 FC-20.1
    pub fn open(
        layout: &Layout,
        number: GenerationNumber,
        expected: Option<Digest>,
    ) -> Result<Self> {
        let path = layout.generation(number);
        if !durable::is_directory(&path)? && durable::exists(&path)? {
            let reason = "its directory is not a directory".to_owned();
            return Err(Error::UnreadableManifest { generation: number, reason });
        }
        let bytes = read_manifest(&path.join(MANIFEST_FILE), number)?;
        let digest = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(Error::AlteredManifest { generation: number, expected, found: digest });
        }
        let unreadable = |reason| Error::UnreadableManifest { generation: number, reason };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if manifest.format != MANIFEST_FORMAT {
            let reason = format!(
                "it has format {}, and this version knows {MANIFEST_FORMAT}",
                manifest.format
            );
            return Err(unreadable(reason));
        }
        if manifest.generation != number {
            let reason = format!("it is the manifest of generation {}", manifest.generation);
            return Err(unreadable(reason));
        }
        // Where no journal vouches for it, nothing else holds what it says of its records to anything.
        if manifest.logical().state() != manifest.state {
            let reason = "what it says of its keyspaces is not the state that it says".to_owned();
            return Err(unreadable(reason));
        }
        Ok(Self { number, path, manifest, digest })
    }

    /// Its number.
    pub fn number(&self) -> GenerationNumber {
        self.number
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of a part.
    pub fn part(&self, part: Part) -> PathBuf {
        self.path.join(part.directory())
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of the manifest's bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Compares the files with the seal. Files for which `skip` is true are left out (a store that a runtime writes to).
    ///
    /// # Errors
    /// [`Error::Altered`] with every difference, or what reading says.
    pub fn verify(&self, depth: VerifyDepth, skip: impl Fn(&str) -> bool) -> Result<()> {
        self.verify_with(depth, skip, &mut Digester::new(1))
    }

    /// As [`Generation::verify`], read by `digester`.
    ///
    /// # Errors
    /// As [`Generation::verify`], whatever `digester` is.
    // trace: impl FC-20.1 FC-20.3
    pub fn verify_with(
        &self,
        depth: VerifyDepth,
        skip: impl Fn(&str) -> bool,
        digester: &mut Digester,
    ) -> Result<()> {
        let skip = |path: &str| path == MANIFEST_FILE || skip(path);
        let reads = |path: &str| depth.reads(path);
        let violations = self.manifest.files.check(&self.path, skip, reads, digester)?;
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::Altered { generation: self.number, violations })
    }

    /// Reads one sealed file, and holds its bytes to the seal.
    ///
    /// # Errors
    /// [`Error::Altered`] naming the file, or what reading says.
    pub fn read_sealed(&self, path: &str) -> Result<Vec<u8>> {
        let altered =
            |violation| Error::Altered { generation: self.number, violations: vec![violation] };
        let Some(seal) = self.manifest.files.get(path) else {
            return Err(altered(SealViolation::Added { path: path.to_owned() }));
        };
        let full = self.path.join(path);
        let failed =
            |error| Error::File(durable::Error::new(durable::Operation::Read, &full, error));
        // What was sealed fits into memory; what took its place need not.
        let size = std::fs::metadata(&full).map_err(failed)?.len();
        if size != seal.size {
            let (expected, found) = (format!("{} bytes", seal.size), format!("{size} bytes"));
            return Err(altered(SealViolation::Shape { path: path.to_owned(), expected, found }));
        }
        let bytes = durable::read_plain(&full, seal.size)?;
        let found = Digest::of(&bytes);
        if found != seal.digest {
            let (path, expected) = (path.to_owned(), seal.digest);
            return Err(altered(SealViolation::Content { path, expected, found }));
        }
        Ok(bytes)
    }
}

fn read_manifest(path: &Path, generation: GenerationNumber) -> Result<Vec<u8>> {
    durable::read_plain(path, MAXIMUM_MANIFEST_BYTES).map_err(|error| match error.source.kind() {
        std::io::ErrorKind::NotFound => Error::MissingGeneration { generation },
        std::io::ErrorKind::FileTooLarge => {
            let reason = format!("more than {MAXIMUM_MANIFEST_BYTES} bytes are no manifest");
            Error::UnreadableManifest { generation, reason }
        }
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, Staging};
    use std::fs;
    use versioning::*;

    fn versions() -> Versions {
        Versions {
            runtime: RuntimeVersion::new(1, 0, 3),
            storage: SchemaVersion::new(1),
            configuration: ConfigurationSchema::new(1),
            protocol: ProtocolVersion { major: 1, minor: 0 },
            capabilities: CapabilitySet::new(1),
            extensions: ExtensionSet::new(1),
        }
    }

    fn sealed(root: &Path) -> Generation {
        let layout = Layout::new(root);
        fs::create_dir(layout.generations()).unwrap();
        let staging = Staging::create(&layout, GenerationNumber::FIRST).unwrap();
        staging.write(Part::Store, "data/execution.wal", b"{}\n").unwrap();
        staging.write(Part::Configuration, "config.json", b"{}").unwrap();
        staging.write_document("adoption.json", b"{}").unwrap();
        let describe = |files: integrity::TreeSeal| Manifest {
            format: MANIFEST_FORMAT,
            generation: GenerationNumber::FIRST,
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            versions: versions(),
            origin: Origin::Adopted { evidence: vec![] },
            applied: vec![],
            keyspaces: [].into(),
            state: integrity::LogicalDigest::default().state(),
            parts: Part::ALL.map(|part| (part, files.digest(part.directory()))).into(),
            files,
        };
        staging.seal(&mut integrity::Digester::new(1), describe).unwrap()
    }

    // trace: test FC-9.3 FC-20.1
    #[test]
    fn a_sealed_generation_opens_by_the_digest_of_its_manifest_alone() {
        let root = tempfile::tempdir().unwrap();
        let generation = sealed(root.path());
        let layout = Layout::new(root.path());
        let number = generation.number();
        let again = Generation::open(&layout, number, Some(generation.digest())).unwrap();
        assert_eq!(again.manifest(), generation.manifest());
        again.verify(VerifyDepth::Content, |_| false).unwrap();
        assert!(!layout.staging(number).exists());
        let other = Digest::of(b"another");
        let error = Generation::open(&layout, number, Some(other)).unwrap_err();
        assert!(matches!(error, Error::AlteredManifest { expected, .. } if expected == other));
        let error = Generation::open(&layout, number.next(), None).unwrap_err();
        assert!(matches!(error, Error::MissingGeneration { .. }));
    }

    // trace: test FC-18.3 FC-20.1 FC-20.2.1
    #[test]
    fn every_altered_added_or_missing_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let generation = sealed(root.path());
        fs::write(generation.path().join("store/data/execution.wal"), b"[]\n").unwrap();
        fs::write(generation.path().join("policy/new.json"), b"[]").unwrap();
        fs::remove_file(generation.path().join("adoption.json")).unwrap();
        let error = generation.verify(VerifyDepth::Content, |_| false).unwrap_err();
        let text = error.to_string();
        for name in ["store/data/execution.wal", "policy/new.json", "adoption.json"] {
            assert!(text.contains(name), "{text}");
        }
        let error = generation.read_sealed("store/data/execution.wal").unwrap_err();
        assert!(matches!(error, Error::Altered { .. }), "{error}");
        assert_eq!(generation.read_sealed("config/config.json").unwrap(), b"{}");
    }

    #[test]
    fn a_path_that_leaves_its_part_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        fs::create_dir(layout.generations()).unwrap();
        let staging = Staging::create(&layout, GenerationNumber::FIRST).unwrap();
        for path in ["", "..", "../x", "/etc/passwd", "a/../../x", "a/..", "./a/.."] {
            let error = staging.write(Part::Extensions, path, b"").unwrap_err();
            assert!(matches!(error, Error::UnsafePath { .. }), "{path:?}: {error}");
        }
        assert!(!layout.generations().join("x").exists());
    }

    #[test]
    fn a_generation_is_never_built_over_another() {
        let root = tempfile::tempdir().unwrap();
        let generation = sealed(root.path());
        let layout = Layout::new(root.path());
        let error = Staging::create(&layout, generation.number()).unwrap_err();
        assert!(matches!(error, Error::AlreadyThere { .. }));
        generation.verify(VerifyDepth::Content, |_| false).unwrap();
    }
}
