//! What an upgrade will need, as far as that can be told without opening a store: opening one can write to it, and a plan writes
//! nothing. All of it is an estimate, and no part of the plan's digest.

use integrity::Digest;
use rollback::{Generation, Part};
use serde::Serialize;
use storage_migration::{
    Action, Emitter, Example, MigrationStep, Output, RecordSource, SourceError,
};

use super::{Plan, Request, open_current, storage};
use crate::HomeView;
use crate::adopt::RUNTIME_BINARY;
use crate::error::{Cause, Condition, Error, Result};
use crate::home::current;

/// No sample has more records than this.
const SAMPLED_RECORDS: u64 = 10_000;

/// How many records are tried between two questions whether to go on.
const RECORDS_A_QUESTION: u64 = 64;

/// A migration whose examples are all that there is to try runs through them no more often than this.
const ROUNDS: u64 = 1000;

/// What a plan says of a keyspace whose records are written anew.
const REWRITTEN: &str = "rewritten";

/// What an upgrade will need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The runtime binary that is there now, if the generation has one.
    pub binary_before: Option<PlannedBinary>,
    /// The one that will be placed, if one was given.
    pub binary_after: Option<PlannedBinary>,
    /// Records that will be read and written anew.
    pub records_rewritten: u64,
    /// Records that will be read, and stay as they are.
    pub records_read: u64,
    /// Records that will not be looked at before they are verified.
    pub records_kept: u64,
    /// Bytes of all files of the current generation.
    pub bytes_now: u64,
    /// Of these, the store's.
    pub bytes_of_store: u64,
    /// Bytes of the store that will be written anew, by its share of the records: the rest is linked or copied as it is.
    pub bytes_rewritten: u64,
}

/// A runtime binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlannedBinary {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Records that a migration was tried on. How long that took is for whoever asked for it to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// What was tried.
    pub basis: SampleBasis,
    /// How many records.
    pub records: u64,
    /// The bytes of their keys and values.
    pub bytes_in: u64,
    /// The bytes of what became of them.
    pub bytes_out: u64,
}

/// What a migration was tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleBasis {
    /// The first records of the home, read from files that can be read without writing to them.
    Records,
    /// The examples that the migration is tested on, because the store cannot be opened without writing to it.
    Examples,
}

impl HomeView<'_> {
    /// What an upgrade will need. Writes nothing anywhere, and opens no store.
    ///
    /// # Errors
    /// Whatever keeps the manifest of the current generation, or the binary that is to be placed, from being read.
    pub fn needs(&self, plan: &Plan, request: &Request) -> Result<Needs> {
        needs(self, plan, request).map_err(|cause| self.refuse(cause))
    }

    /// Tries the migrations of a plan on a sample of the records, until `go_on` has seen enough; none if no record is rewritten.
    /// Writes nothing anywhere, and opens no store. What cannot be read ends the sample: to say so is for the upgrade.
    ///
    /// # Errors
    /// Whatever keeps the manifest of the current generation from being read.
    pub fn sample(&self, plan: &Plan, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Sample>> {
        sample(self, plan, go_on).map_err(|cause| self.refuse(cause))
    }

    fn refuse(&self, cause: Cause) -> Error {
        Error::new(cause, Condition::Unchanged(current(&self.state)))
    }
}

fn needs(view: &HomeView<'_>, plan: &Plan, request: &Request) -> std::result::Result<Needs, Cause> {
    let generation = open_current(&view.layout, &view.state)?;
    let files = &generation.manifest().files;
    let bytes_below = |part: Part| {
        let below = format!("{}/", part.directory());
        let sealed = files.iter().filter(|(path, _)| path.starts_with(&below));
        sealed.map(|(_, seal)| seal.size).sum::<u64>()
    };
    let records = |action: &str| -> u64 {
        let found = plan.keyspaces.iter().filter(|keyspace| keyspace.action == action);
        found.map(|keyspace| keyspace.records).sum()
    };
    let (rewritten, read, kept) = (records(REWRITTEN), records("kept, and read"), records("kept"));
    let bytes_of_store = bytes_below(Part::Store);
    Ok(Needs {
        binary_before: binary_of(&generation),
        binary_after: binary_given(request)?,
        records_rewritten: rewritten,
        records_read: read,
        records_kept: kept,
        bytes_now: files.iter().map(|(_, seal)| seal.size).sum(),
        bytes_of_store,
        bytes_rewritten: share(bytes_of_store, rewritten, rewritten + read + kept),
    })
}

/// As large a part of the bytes as some records are of all.
fn share(bytes: u64, some: u64, all: u64) -> u64 {
    let share = u128::from(bytes) * u128::from(some) / u128::from(all.max(1));
    u64::try_from(share).unwrap_or(bytes)
}

fn binary_of(generation: &Generation) -> Option<PlannedBinary> {
    let path = format!("{}/{RUNTIME_BINARY}", Part::Runtime.directory());
    let seal = generation.manifest().files.get(&path)?;
    Some(PlannedBinary { digest: seal.digest, size: seal.size })
}

fn binary_given(request: &Request) -> std::result::Result<Option<PlannedBinary>, Cause> {
    if let Some(release) = &request.release {
        return Ok(release.binary().map(|(digest, size)| PlannedBinary { digest, size }));
    }
    let Some(path) = &request.runtime else { return Ok(None) };
    let digest = Digest::of_file(path)?;
    let found = std::fs::metadata(path);
    let inspected = |error| durable::Error::new(durable::Operation::Inspect, path, error);
    Ok(Some(PlannedBinary { digest, size: found.map_err(inspected)?.len() }))
}

fn sample(
    view: &HomeView<'_>,
    plan: &Plan,
    go_on: &mut dyn FnMut() -> bool,
) -> std::result::Result<Option<Sample>, Cause> {
    let (from, to) = (plan.from.versions.storage, plan.to.versions.storage);
    let path = storage::path(view.environment, from, to, &mut Vec::new());
    let Some(path) = path.filter(|path| !path.steps().is_empty()) else { return Ok(None) };
    let generation = open_current(&view.layout, &view.state)?;
    let source = view.environment.catalogue.foreign_source(from, generation.path());
    let basis = match source {
        Ok(Some(_)) => SampleBasis::Records,
        _ => SampleBasis::Examples,
    };
    let sample = Sample { basis, records: 0, bytes_in: 0, bytes_out: 0 };
    let mut trial = Trial { sample, go_on, is_over: false };
    let mut steps: Vec<Tried<'_>> =
        path.steps().iter().map(|step| (*step, Emitter::default())).collect();
    match source {
        Ok(Some(source)) => {
            let rewritten = plan.keyspaces.iter().filter(|keyspace| keyspace.action == REWRITTEN);
            let names: Vec<&str> = rewritten.map(|keyspace| keyspace.name.as_str()).collect();
            trial.records(&mut steps, &*source, &names);
        }
        Ok(None) => trial.examples(&mut steps),
        // To say so is for the upgrade.
        Err(_) => {}
    }
    Ok(Some(trial.sample).filter(|sample| sample.records > 0))
}

/// Trying steps on records.
struct Trial<'t> {
    sample: Sample,
    go_on: &'t mut dyn FnMut() -> bool,
    is_over: bool,
}

impl Trial<'_> {
    /// Whether another record is to be tried, of as many as there may be at most.
    fn goes_on(&mut self, most: u64) -> bool {
        let asks = self.sample.records.is_multiple_of(RECORDS_A_QUESTION);
        self.is_over = self.is_over || (asks && !(self.go_on)());
        !self.is_over && self.sample.records < most
    }

    /// Tries one record of the schema that the first step starts from.
    fn record(&mut self, steps: &mut [Tried<'_>], keyspace: &str, key: &[u8], value: &[u8]) {
        self.sample.records += 1;
        self.sample.bytes_in += bytes_of(key, value);
        self.sample.bytes_out += push(steps, keyspace, key, value);
    }

    /// Tries the first records of each of these keyspaces. What cannot be read ends its keyspace.
    fn records(&mut self, steps: &mut [Tried<'_>], source: &dyn RecordSource, names: &[&str]) {
        let each = SAMPLED_RECORDS / names.len().max(1) as u64;
        for name in names {
            let most = self.sample.records + each;
            let _ = source.scan(name, &mut |key, value| {
                if self.goes_on(most) {
                    self.record(steps, name, key, value);
                    return Ok(());
                }
                let (keyspace, origin) = ((*name).to_owned(), String::new());
                Err(SourceError { keyspace, origin, reason: "enough was seen".to_owned() })
            });
        }
    }

    /// Tries the examples of every step, over and over, each on its own step.
    fn examples(&mut self, steps: &mut [Tried<'_>]) {
        let all: Vec<Vec<Example>> = steps.iter().map(|(step, _)| step.examples()).collect();
        for _ in 0..ROUNDS {
            for (step, examples) in steps.iter_mut().zip(&all) {
                for example in examples {
                    if !self.goes_on(SAMPLED_RECORDS) {
                        return;
                    }
                    let (key, value) = (&example.record.key, &example.record.value);
                    self.record(std::slice::from_mut(step), example.keyspace, key, value);
                }
            }
        }
    }
}

/// A step, and what collects what it makes of a record.
type Tried<'a> = (&'a dyn MigrationStep, Emitter);

/// Sends a record through all steps, and returns how many bytes came out. What a step refuses comes to nothing.
fn push(steps: &mut [Tried<'_>], keyspace: &str, key: &[u8], value: &[u8]) -> u64 {
    let Some(((step, emitter), rest)) = steps.split_first_mut() else {
        return bytes_of(key, value);
    };
    let action = step.action(keyspace);
    let kept = if action == Action::Rewrite { 0 } else { push(rest, keyspace, key, value) };
    if action == Action::Keep {
        return kept;
    }
    emitter.clear();
    if step.transform(keyspace, key, value, emitter).is_err() {
        return kept;
    }
    let became = emitter.outputs().map(|output| match output {
        Output::Emit { keyspace, key, value, .. } => push(rest, keyspace, key, value),
        Output::Fragment { group, fragment, .. } => bytes_of(group, fragment),
        Output::Archive { reason } => bytes_of(key, value) + reason.len() as u64,
        Output::Drop => 0,
    });
    kept + became.sum::<u64>()
}

fn bytes_of(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}
