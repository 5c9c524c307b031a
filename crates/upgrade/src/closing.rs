//! A store that is closed in good order is made durable and sealed anew (FC-UPGRADE-0001 §20).
//!
//! The seal of a generation says what its store was before any runtime started on it. From the first start on the store is
//! the runtime's to write to, and only the engine's own checks hold, until the runtime is stopped in good order: then the
//! files of the store are sealed as they lie there, in `seals/<generation>.json`, and the journal names the digest of that
//! file (`CLOSED`). The next start is held to it, and takes it away (`STARTED`). What a runtime left that was not stopped in
//! good order is sealed by the upgrade that builds on it, so that a rollback has something to hold it to.

use integrity::{Digest, Digester, TreeSeal};
use journal::{AttemptNumber, Event};
use rollback::{Generation, Part, VerifyDepth};
use serde::{Deserialize, Serialize};
use versioning::GenerationNumber;

use crate::Home;
use crate::error::{Cause, Error, Result};
use crate::lifecycle::{HomeState, StoreStanding};
use crate::seal::digest_parts;
use crate::store_guard::StoreGuard;

/// The version of the seal's format.
const FORMAT: u32 = 1;

/// The largest seal that is read, in bytes: some hundred thousand files.
const MAXIMUM_SEAL_BYTES: u64 = 64 * 1024 * 1024;

/// What `seals/<generation>.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedStore {
    format: u32,
    generation: GenerationNumber,
    /// Every file of the store, with paths relative to the generation.
    files: TreeSeal,
}

impl Home<'_> {
    /// Ends the run of a runtime in good order: gives its try back, then closes the store.
    ///
    /// # Errors
    /// As either says. What is on record then holds: if the try was given back and the store could not be closed, a part is
    /// done ([`Condition::Partly`](crate::Condition::Partly)).
    pub(crate) fn end_run(&mut self) -> Result<()> {
        let before = self.state.standing;
        self.give_try_back()?;
        let closed = self.close_store();
        let is_given_back = self.state.standing != before;
        closed.map_err(|error| if is_given_back { error.behind_a_part() } else { error })
    }

    /// Makes the store of the current generation durable and seals it as it is, if a runtime has started on it.
    ///
    /// # Errors
    /// If the store is still open, or what a file operation says. Then the store is held to what it was held to before.
    pub(crate) fn close_store(&mut self) -> Result<()> {
        let is_started = |state: &HomeState| standing(state) == Some(StoreStanding::Started);
        let Some(number) = self.state.current.filter(|_| is_started(&self.state)) else {
            return Ok(());
        };
        let (seal, guard) =
            self.write_seal(number).map_err(|cause| Error::new(cause, self.unchanged()))?;
        match self.note(Event::Closed { generation: number, seal }) {
            Ok(()) => {}
            Err(cause) => {
                self.conclude(cause, |state| {
                    standing(state) == Some(StoreStanding::Closed { seal })
                })?;
            }
        }
        drop(guard);
        Ok(())
    }

    /// Writes the seal, and keeps everybody out of the store until what is returned is dropped.
    fn write_seal(
        &self,
        generation: GenerationNumber,
    ) -> std::result::Result<(Digest, StoreGuard), Cause> {
        let guard = StoreGuard::acquire(&self.layout, generation)?;
        Ok((self.seal_store(generation)?, guard))
    }

    /// Makes the store of a generation durable and writes a seal of it as it is, which is nothing before the journal names
    /// it. Nobody may have the store open.
    pub(crate) fn seal_store(
        &self,
        generation: GenerationNumber,
    ) -> std::result::Result<Digest, Cause> {
        let place = self.layout.generation(generation);
        let store = place.join(Part::Store.directory());
        // What the engine has not synced may be gone after a power failure, and would then differ from the seal.
        durable::sync_tree(&store)?;
        let files = seal_of_store(&place)?;
        let seal = ClosedStore { format: FORMAT, generation, files };
        let bytes = serde_json::to_vec(&seal).map_err(|error| Cause::Altered(error.to_string()))?;
        let seals = self.layout.seals();
        if !durable::is_directory(&seals)? {
            durable::create_directory(&seals)?;
            durable::sync_directory(self.layout.root())?;
        }
        durable::replace_file(&self.layout.store_seal(generation), &bytes)?;
        Ok(Digest::of(&bytes))
    }

    /// Puts the digests of a generation that an attempt leaves on record, and returns that of its store. What a runtime left open
    /// is sealed first. Whoever calls has checked it, and keeps runtimes out.
    pub(crate) fn put_quiesced(
        &mut self,
        attempt: AttemptNumber,
        left: &Generation,
    ) -> std::result::Result<Digest, Cause> {
        let generation = left.number();
        if self.is_started_and_not_sealed(left) {
            let seal = self.seal_store(generation)?;
            self.append(attempt, Event::Closed { generation, seal })?;
        }
        let (store, parts) = match self.sealed_digests(left)? {
            Some(digests) => digests,
            None => digest_parts(left.path())?,
        };
        self.append(attempt, Event::Quiesced { generation, store, parts })?;
        Ok(store)
    }

    /// The digests over the store of a generation, and over all of its parts, as its seals have them; none if there is no
    /// seal of its store as it was left. Nothing is read but the seals.
    pub(crate) fn sealed_digests(
        &self,
        generation: &Generation,
    ) -> std::result::Result<Option<(Digest, Digest)>, Cause> {
        let sealed = generation.manifest().files.iter();
        let of_parts = sealed.filter(|(path, _)| is_of_a_part(path));
        let of_parts = of_parts.map(|(path, seal)| (path.to_owned(), *seal));
        let files: TreeSeal = if self.is_started(generation) {
            let number = generation.number();
            let standing = self.state.generations.get(&number).map(|state| state.store);
            let Some(StoreStanding::Closed { seal }) = standing else { return Ok(None) };
            let store = self.read_seal(number, seal)?;
            let store = store.iter().map(|(path, seal)| (path.to_owned(), *seal));
            of_parts.filter(|(path, _)| outside_of_store(path)).chain(store).collect()
        } else {
            of_parts.collect()
        };
        Ok(Some((files.digest(Part::Store.directory()), files.digest(""))))
    }

    /// Holds a store to the seal that it was closed with.
    pub(crate) fn check_closed(
        &self,
        generation: &Generation,
        seal: Digest,
        depth: VerifyDepth,
        digester: &mut Digester,
    ) -> std::result::Result<(), Cause> {
        let sealed = self.read_seal(generation.number(), seal)?;
        let reads = |path: &str| depth.reads(path);
        let violations = sealed.check(generation.path(), outside_of_store, reads, digester)?;
        if violations.is_empty() {
            return Ok(());
        }
        let generation = generation.number();
        Err(rollback::Error::Altered { generation, violations }.into())
    }

    fn read_seal(
        &self,
        generation: GenerationNumber,
        expected: Digest,
    ) -> std::result::Result<TreeSeal, Cause> {
        let path = self.layout.store_seal(generation);
        let altered = |what: String| Cause::Altered(format!("{}: {what}", path.display()));
        let read = durable::read_plain(&path, MAXIMUM_SEAL_BYTES);
        let bytes = read.map_err(|error| match error.source.kind() {
            std::io::ErrorKind::NotFound => {
                altered("the seal of the closed store is gone".to_owned())
            }
            std::io::ErrorKind::FileTooLarge => {
                altered("it is no seal of a closed store".to_owned())
            }
            _ => error.into(),
        })?;
        let found = Digest::of(&bytes);
        if found != expected {
            return Err(altered(format!("it was written as {expected} and is now {found}")));
        }
        let seal: ClosedStore =
            serde_json::from_slice(&bytes).map_err(|error| altered(error.to_string()))?;
        if (seal.format, seal.generation) != (FORMAT, generation) {
            return Err(altered("it is the seal of something else".to_owned()));
        }
        Ok(seal.files)
    }
}

/// The files of the store of a generation, with paths relative to the generation.
pub(crate) fn seal_of_store(generation: &std::path::Path) -> durable::Result<TreeSeal> {
    TreeSeal::of_tree(generation, outside_of_store)
}

fn outside_of_store(path: &str) -> bool {
    let store = Part::Store.directory();
    path != store && !path.strip_prefix(store).is_some_and(|rest| rest.starts_with('/'))
}

fn is_of_a_part(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(first, _)| Part::ALL.into_iter().any(|part| part.directory() == first))
}

/// What the store of the current generation is held to.
fn standing(state: &HomeState) -> Option<StoreStanding> {
    state.current_generation().map(|(_, generation)| generation.store)
}
