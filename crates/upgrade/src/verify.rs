//! Verification: is everything still what was sealed (FC-UPGRADE-0001 §14, §18, §20)?

use std::path::Path;

use integrity::{Digest, Digester, LogicalDigest, TreeSeal};
use rollback::{Generation, Part, VerifyDepth};
use serde::Serialize;
use storage_migration::{
    KeyspaceMap, KnownKeyspaces, RecordSource, SchemaDefinition, Store, clone_mode,
};
use versioning::{GenerationNumber, SchemaVersion, Versions};

use crate::apply::require_same;
use crate::error::{Cause, Error, Result};
use crate::lifecycle::{Fate, GenerationState, StoreStanding};
use crate::progress::{Activity, ProgressListener, forward, report};
use crate::seal::keyspace_map;
use crate::store_guard::not_running;
use crate::trust::read_keyring;
use crate::{Environment, Home};

/// How deep a verification looks. Each depth does what the one before it does, and more; `docs/verify.md` says what each of
/// them detects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The journal; every manifest against the journal; names, sizes and permissions of all files against the manifest.
    Quick,
    /// Every byte of every file against the manifest.
    Files,
    /// Every record, read through the storage engine, against the manifest and the schema.
    Records,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifyReport {
    /// How deep it looked.
    pub depth: Depth,
    /// Records of the journal, all intact and in order.
    pub journal_records: u64,
    /// Every generation that is kept.
    pub generations: Vec<VerifiedGeneration>,
    /// Generations that are there and that the journal does not know: from before a journal that was lost.
    pub unlisted: Vec<GenerationNumber>,
    /// Everything that is not as it should be, a sentence each.
    pub problems: Vec<String>,
}

/// What a verification found in one generation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifiedGeneration {
    /// Its number.
    pub generation: GenerationNumber,
    /// Its versions.
    pub versions: Versions,
    /// Whether it is current.
    pub current: bool,
    /// Files that were compared with their seal: by their bytes, or at [`Depth::Quick`] by their shape. Those of a store that a
    /// runtime has written to are not among them.
    pub files: u64,
    /// What its records are, if they were read.
    #[serde(flatten)]
    pub logical: Option<VerifiedRecords>,
    /// Whether a runtime has written to the store, so that the sealed digests of the store no longer hold.
    pub written_to: bool,
    /// Whether the bytes of a store that a runtime has written to are those that it had when its generation was
    /// left, or when its runtime was stopped in good order.
    pub held_as_left: bool,
}

/// What was found by reading every record of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VerifiedRecords {
    /// Records in its store.
    pub records: u64,
    /// The digest of the logical state of its store, read just now.
    pub state: Digest,
    /// The digest of everything that a rollback restores: the logical state and the files of every other part.
    pub content: Digest,
}

impl Home<'_> {
    /// Reads everything that is kept, down to every record: the journal, every file of every generation against its
    /// seal, the logical content of every store against its manifest and its schema, and the keyring against what is on
    /// record: without it nobody can authorise anything.
    ///
    /// A store that a runtime has written to is held to the engine's checks and the schema's invariants instead.
    ///
    /// # Errors
    /// What keeps it from being done at all. What is not as it should be is in [`VerifyReport::problems`].
    // trace: impl FC-6.3 FC-18.3 FC-20.1
    pub fn verify(&self, progress: &mut ProgressListener<'_>) -> Result<VerifyReport> {
        self.verify_to(Depth::Records, progress)
    }

    /// The same, no deeper than asked for.
    ///
    /// # Errors
    /// As [`Home::verify`].
    pub fn verify_to(
        &self,
        depth: Depth,
        progress: &mut ProgressListener<'_>,
    ) -> Result<VerifyReport> {
        self.verify_those(depth, |_| true, progress)
    }

    /// As [`Home::verify`], of these generations only: for whoever knows the others.
    ///
    /// # Errors
    /// As [`Home::verify`].
    pub fn verify_only(
        &self,
        wanted: impl Fn(GenerationNumber) -> bool,
        progress: &mut ProgressListener<'_>,
    ) -> Result<VerifyReport> {
        self.verify_those(Depth::Records, wanted, progress)
    }

    fn verify_those(
        &self,
        depth: Depth,
        wanted: impl Fn(GenerationNumber) -> bool,
        progress: &mut ProgressListener<'_>,
    ) -> Result<VerifyReport> {
        let mut found = VerifyReport {
            depth,
            journal_records: self.records().len() as u64,
            generations: Vec::new(),
            unlisted: Vec::new(),
            problems: Vec::new(),
        };
        // The files of all come first: to read a store it is cloned, and a file that is given one more name is not known
        // again.
        let mut digester = self.digester();
        let mut opened = Vec::new();
        for (number, state) in &self.state.generations {
            if !matches!(state.fate, Fate::Kept | Fate::Bad) || !wanted(*number) {
                continue;
            }
            let files = self.verify_files(*number, depth, &mut digester, progress);
            opened.push((state, self.unless_problem(files)?));
        }
        let mut known = KnownKeyspaces::default();
        for (state, generation) in opened {
            let records = generation.and_then(|generation| {
                self.verify_generation(&generation, state, depth, &mut known, progress)
            });
            match self.unless_problem(records)? {
                Ok(generation) => found.generations.push(generation),
                Err(problem) => found.problems.push(problem.to_string()),
            }
        }
        match read_keyring(&self.layout, &self.state) {
            Ok(_) => {}
            Err(cause) if is_problem(&cause) => found.problems.push(cause.to_string()),
            Err(cause) => return Err(Error::new(cause, self.unchanged())),
        }
        if self.state.current.is_none() && self.state.replaces_another {
            let cause = crate::home::no_current(&self.layout, &self.state);
            found.problems.push(cause.to_string());
        }
        let present = self.layout.generation_numbers();
        let present = present.map_err(|error| Error::new(error, self.unchanged()))?;
        let known = &self.state.generations;
        found.unlisted = present.into_iter().filter(|number| !known.contains_key(number)).collect();
        if !self.state.replaces_another {
            // A journal from the beginning knows every generation that ever was.
            let strange = found.unlisted.iter();
            found
                .problems
                .extend(strange.map(|number| format!("generation {number} is not in the journal")));
        }
        Ok(found)
    }

    /// What is not as it should be is part of the report; what kept it from being read ends it.
    fn unless_problem<T>(
        &self,
        result: std::result::Result<T, Cause>,
    ) -> Result<std::result::Result<T, Cause>> {
        match result {
            Err(cause) if !is_problem(&cause) => Err(Error::new(cause, self.unchanged())),
            result => Ok(result),
        }
    }

    fn verify_files(
        &self,
        number: GenerationNumber,
        depth: Depth,
        digester: &mut Digester,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Generation, Cause> {
        let phase = format!("checking the files of generation {number}");
        report(progress, Activity::Checking, &phase);
        let state = self.state.generations.get(&number);
        let manifest = state.and_then(|state| state.manifest);
        let generation = Generation::open(&self.layout, number, manifest)?;
        self.check_generation_with(&generation, of_files(depth), digester)?;
        Ok(generation)
    }

    /// The rest, of a generation whose files are verified.
    fn verify_generation(
        &self,
        generation: &Generation,
        state: &GenerationState,
        depth: Depth,
        known: &mut KnownKeyspaces,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<VerifiedGeneration, Cause> {
        let logical = match depth {
            Depth::Quick | Depth::Files => None,
            Depth::Records => {
                // What a runtime writes meanwhile would be half of it.
                let _guard = not_running(&self.layout, generation.number())?;
                let phase = format!("reading the records of generation {}", generation.number());
                report(progress, Activity::Verifying, &phase);
                Some(self.verify_records(generation, known, progress)?)
            }
        };
        let left =
            matches!(state.store, StoreStanding::Quiesced { .. } | StoreStanding::Closed { .. });
        let manifest = generation.manifest();
        let is_held = |path: &str| !state.started || !is_of_store(path);
        Ok(VerifiedGeneration {
            generation: generation.number(),
            versions: manifest.versions.clone(),
            current: self.state.current == Some(generation.number()),
            files: manifest.files.iter().filter(|(path, _)| is_held(path)).count() as u64,
            logical,
            written_to: state.started,
            held_as_left: state.started && left && of_files(depth).reads_everything(),
        })
    }

    fn verify_records(
        &self,
        generation: &Generation,
        known: &mut KnownKeyspaces,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<VerifiedRecords, Cause> {
        // Records that are those that were sealed were held to their schema before they were sealed.
        let schema = self
            .is_started(generation)
            .then(|| self.schema(generation.manifest().versions.storage))
            .transpose()?;
        let logical = self.measure_against(generation, schema.as_ref(), known, progress)?;
        self.check_content(generation, &logical)?;
        Ok(VerifiedRecords {
            records: logical.records(),
            state: logical.state(),
            content: content_digest(generation, &logical),
        })
    }

    /// Holds the files of a generation to their seal: all of them, unless a runtime has written to the store. Then the
    /// store is held to the digest that it had when it was left, if it was.
    pub(crate) fn check_generation(
        &self,
        generation: &Generation,
        depth: VerifyDepth,
    ) -> std::result::Result<(), Cause> {
        self.check_generation_with(generation, depth, &mut self.digester())
    }

    /// What reads the files of one operation: as many at once as there may be workers.
    pub(crate) fn digester(&self) -> Digester {
        Digester::new(self.environment.engine.workers)
    }

    fn check_generation_with(
        &self,
        generation: &Generation,
        depth: VerifyDepth,
        digester: &mut Digester,
    ) -> std::result::Result<(), Cause> {
        let state = self.state.generations.get(&generation.number());
        let started = self.is_started(generation);
        let store = Part::Store.directory();
        generation.verify_with(depth, |path| started && path == store, digester)?;
        let standing = state.map(|state| state.store);
        if let Some(StoreStanding::Closed { seal }) = standing {
            self.check_closed(generation, seal, depth, digester)?;
        }
        if let (true, true, Some(StoreStanding::Quiesced { store })) =
            (started, !matches!(depth, VerifyDepth::Shape), standing)
        {
            // The other parts were read just now.
            let store_of = generation.part(Part::Store);
            let found = TreeSeal::of_tree_with(&store_of, |_| false, digester)?.digest("");
            if found != store {
                let number = generation.number();
                return Err(Cause::Altered(format!(
                    "the store of generation {number} was left as {store} and is now {found}"
                )));
            }
        }
        Ok(())
    }

    /// Holds the logical content of a store to its manifest, unless a runtime has written to it.
    fn check_content(
        &self,
        generation: &Generation,
        found: &LogicalDigest,
    ) -> std::result::Result<(), Cause> {
        if self.is_started(generation) {
            return Ok(());
        }
        require_same(generation.number(), &generation.manifest().logical(), found)
    }

    /// Whether a runtime has written to the store, as far as is known.
    pub(crate) fn is_started(&self, generation: &Generation) -> bool {
        self.state.generations.get(&generation.number()).is_none_or(|state| state.started)
    }

    /// Whether a runtime has written to the store, and nothing says what it left.
    pub(crate) fn is_started_and_not_sealed(&self, generation: &Generation) -> bool {
        let state = self.state.generations.get(&generation.number());
        state.is_some_and(|state| state.store == StoreStanding::Started)
    }

    /// Reads the store of a generation and digests it. The store itself is not opened, but a clone: opening writes.
    pub(crate) fn measure(
        &self,
        generation: &Generation,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<LogicalDigest, Cause> {
        let schema = self.schema(generation.manifest().versions.storage)?;
        self.measure_against(generation, Some(&schema), &mut KnownKeyspaces::default(), progress)
    }

    /// Reads the whole store of a generation, whatever its records say.
    pub(crate) fn measure_any(
        &self,
        generation: &Generation,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<LogicalDigest, Cause> {
        self.measure_against(generation, None, &mut KnownKeyspaces::default(), progress)
    }

    fn measure_against(
        &self,
        generation: &Generation,
        schema: Option<&SchemaDefinition>,
        known: &mut KnownKeyspaces,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<LogicalDigest, Cause> {
        // Of a store that a runtime has written to nobody knows how much it holds.
        let sealed = (!self.is_started(generation)).then(|| generation.manifest().logical());
        let sealed: Vec<&LogicalDigest> = sealed.iter().collect();
        let engine = self.environment.engine;
        self.with_source(generation, |source| {
            let mut listen = forward(progress, &sealed);
            Ok(storage_migration::measure_unknown(source, schema, engine, known, &mut listen)?)
        })
    }

    /// As [`Home::measure`], for a store that is not the engine's and lies below this directory.
    pub(crate) fn measure_foreign(
        &self,
        version: SchemaVersion,
        directory: &Path,
        listen: &mut dyn FnMut(&storage_migration::Progress<'_>),
    ) -> std::result::Result<LogicalDigest, Cause> {
        let schema = self.schema(version)?;
        let source = self.environment.catalogue.foreign_source(version, directory)?;
        let Some(source) = source else {
            let reason = format!("nobody knows how to read a store of schema {version}");
            return Err(Cause::unreadable_store(reason));
        };
        Ok(storage_migration::measure_source(
            &*source,
            Some(&schema),
            self.environment.engine,
            listen,
        )?)
    }

    /// Opens the records of a generation for reading, without writing to anything that is sealed.
    pub(crate) fn with_source<T>(
        &self,
        generation: &Generation,
        read: impl FnOnce(&dyn RecordSource) -> std::result::Result<T, Cause>,
    ) -> std::result::Result<T, Cause> {
        let version = generation.manifest().versions.storage;
        let catalogue = self.environment.catalogue;
        if let Some(source) = catalogue.foreign_source(version, generation.path())? {
            return read(&*source);
        }
        let Some(map) = keyspace_map(generation.manifest()) else {
            let reason = format!("nobody knows how to read a store of schema {version}");
            return Err(Cause::unreadable_store(reason));
        };
        let scratch = self.layout.scratch("reading");
        durable::remove_tree(&scratch)?;
        durable::clone_tree(&generation.part(Part::Store), &scratch, clone_mode)?;
        let result = self.read_clone(&scratch, &map, read);
        durable::remove_tree(&scratch)?;
        result
    }

    fn read_clone<T>(
        &self,
        clone: &Path,
        map: &KeyspaceMap,
        read: impl FnOnce(&dyn RecordSource) -> std::result::Result<T, Cause>,
    ) -> std::result::Result<T, Cause> {
        let store = Store::open(clone, map, self.environment.engine)?;
        let result = read(&store)?;
        store.close()?;
        Ok(result)
    }
}

impl VerifyReport {
    /// Turns problems into the error that the command ends with.
    ///
    /// # Errors
    /// [`Cause::Altered`] with every problem.
    pub fn into_result(self, home: &Home<'_>) -> Result<Self> {
        if self.problems.is_empty() {
            return Ok(self);
        }
        Err(Error::new(Cause::Altered(self.problems.join("\n")), home.unchanged()))
    }
}

/// How files are read for a depth.
const fn of_files(depth: Depth) -> VerifyDepth {
    match depth {
        Depth::Quick => VerifyDepth::Shape,
        Depth::Files | Depth::Records => VerifyDepth::Content,
    }
}

/// Whether a sealed file is one of the store's.
fn is_of_store(path: &str) -> bool {
    path.split_once('/').is_some_and(|(part, _)| part == Part::Store.directory())
}

/// Whether something is not as it should be, rather than something having kept it from being read.
fn is_problem(cause: &Cause) -> bool {
    match cause {
        Cause::Storage(storage_migration::MigrationError::File(_)) => false,
        Cause::Storage(_) | Cause::Source(_) => !cause.is_disk_full(),
        _ => cause.exit_code() == INTEGRITY_VIOLATED,
    }
}

const INTEGRITY_VIOLATED: u8 = 6;

/// The digest of everything that a rollback restores. The store counts by its logical content, the rest by its files,
/// whose digests the seal has: the caller has read every one of them and held it to that.
fn content_digest(generation: &Generation, logical: &LogicalDigest) -> Digest {
    let mut text = format!("store {}\n", logical.state());
    let sealed = &generation.manifest().files;
    for part in Part::ALL.into_iter().filter(|part| *part != Part::Store) {
        text += &format!("{} {}\n", part.directory(), sealed.digest(part.directory()));
    }
    Digest::of(text.as_bytes())
}

/// The definition of a storage schema.
pub(crate) fn schema(
    environment: Environment<'_>,
    version: SchemaVersion,
) -> std::result::Result<SchemaDefinition, Cause> {
    environment
        .catalogue
        .schemas()
        .iter()
        .find(|schema| schema.version == version)
        .copied()
        .ok_or_else(|| Cause::UnknownToCatalogue { found: format!("storage schema {version}") })
}

impl Home<'_> {
    /// Opens a generation that is kept, by number; the current one if there is none.
    ///
    /// # Errors
    /// [`Cause::NoSuchGeneration`], or what opening it says.
    pub fn generation(&self, number: Option<GenerationNumber>) -> Result<Generation> {
        let open = || match number {
            None => crate::plan::open_current(&self.layout, &self.state),
            Some(generation) => {
                let kept = |state: &GenerationState| matches!(state.fate, Fate::Kept | Fate::Bad);
                let known = self.state.generations.get(&generation);
                let state = known.filter(|state| kept(state));
                if known.is_none() && self.state.replaces_another {
                    // From before a journal that was lost: its own manifest is all that there is to go by.
                    let found = Generation::open(&self.layout, generation, None);
                    if !matches!(found, Err(rollback::Error::MissingGeneration { .. })) {
                        return Ok(found?);
                    }
                }
                let Some(state) = state else {
                    let all = self.state.generations.iter();
                    let available = all.filter(|(_, s)| kept(s)).map(|(n, _)| *n).collect();
                    return Err(Cause::NoSuchGeneration { generation, available });
                };
                Ok(Generation::open(&self.layout, generation, state.manifest)?)
            }
        };
        open().map_err(|cause: Cause| Error::new(cause, self.unchanged()))
    }
}
