//! Measuring keyspaces piece by piece, several pieces at once.

use gate::Cancellation;
use integrity::{KeyspaceDigest, KeyspaceHasher, LogicalDigest};
use pipeline::Shape;

use crate::measure::check_record;
use crate::part::Part;
use crate::tally::Tally;
use crate::{
    EngineOptions, MigrationError, Phase, Progress, RecordSource, Result, SchemaDefinition,
    SourceError,
};

/// How many pieces each worker may be ahead of the one that is wanted next. Pieces differ in size.
const AHEAD: usize = 4;

/// The part of [`EngineOptions::pipeline_bytes`] that the records may have that begin or end a piece of several, and
/// belong to a chunk of the logical digest together with those of another piece.
const BORDER_PART: usize = 4;

/// A piece of a keyspace, to be measured.
struct Job<'k> {
    keyspace: &'k str,
    piece: usize,
    /// How many records come before it, and how many it has: as the source says.
    before: u64,
    records: u64,
    is_only: bool,
    is_last: bool,
}

/// What came of it.
enum Measured {
    /// The whole keyspace, with the bytes of its records.
    Whole(KeyspaceDigest, u64),
    Part(Part),
}

/// Why the measuring of pieces ends before all are done.
enum Ended {
    /// What a source says of its pieces is not so, or they take too much memory: the keyspace is to be read in one.
    Unfit,
    Failed(MigrationError),
}

/// What every record is held to, and what ends it.
#[derive(Clone, Copy)]
struct Held<'h> {
    schema: Option<&'h SchemaDefinition>,
    cancellation: &'h Cancellation,
}

impl Held<'_> {
    fn check(self, keyspace: &str, key: &[u8], value: &[u8]) -> Result<()> {
        self.cancellation.check()?;
        self.schema.map_or(Ok(()), |schema| check_record(schema, keyspace, key, value))
    }
}

/// Measures the first of these keyspaces, up to one that must be read in one piece; returns that and all after it.
///
/// # Errors
/// The first in the order of the records.
pub(crate) fn measure_pieces<'k>(
    source: &dyn RecordSource,
    keyspaces: &'k [String],
    schema: Option<&SchemaDefinition>,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
    digest: &mut LogicalDigest,
) -> Result<&'k [String]> {
    let border = options.pipeline_bytes / BORDER_PART;
    let shape = Shape { workers: options.workers, window: options.workers.saturating_mul(AHEAD) };
    let held = Held { schema, cancellation: &options.cancellation };
    let mut measured = 0;
    let mut joining = Joining::default();
    let ended = pipeline::ordered(
        shape,
        |put| produce(source, keyspaces, put),
        || {
            |job: Job<'k>| {
                let came = if job.is_only {
                    whole(source, &job, held)
                } else {
                    part(source, &job, held, border)
                };
                came.map(|came| (job, came))
            }
        },
        |(job, came)| {
            if let Some(whole) = joining.join(&job, came, progress)? {
                digest.insert(job.keyspace, whole);
                measured += 1;
            }
            Ok(())
        },
    );
    match ended {
        Ok(()) | Err(Ended::Unfit) => Ok(keyspaces.get(measured..).unwrap_or_default()),
        Err(Ended::Failed(error)) => Err(error),
    }
}

/// Every piece of every keyspace, as long as they come in pieces.
fn produce<'k>(
    source: &dyn RecordSource,
    keyspaces: &'k [String],
    put: &mut dyn FnMut(Job<'k>) -> std::result::Result<(), pipeline::Stopped>,
) -> std::result::Result<(), Ended> {
    for keyspace in keyspaces {
        let pieces = source.pieces(keyspace).map_err(|error| Ended::Failed(error.into()))?;
        let Some(mut pieces) = pieces else { return Err(Ended::Unfit) };
        if pieces.is_empty() {
            // An empty keyspace is part of the state.
            pieces.push(0);
        }
        let (count, mut before) = (pieces.len(), 0_u64);
        for (piece, records) in pieces.into_iter().enumerate() {
            let (is_only, is_last) = (count == 1, piece + 1 == count);
            let job = Job { keyspace, piece, before, records, is_only, is_last };
            if put(job).is_err() {
                return Ok(());
            }
            before = before.saturating_add(records);
        }
    }
    Ok(())
}

/// A keyspace that is one piece, digested as it is read.
fn whole(
    source: &dyn RecordSource,
    job: &Job<'_>,
    held: Held<'_>,
) -> std::result::Result<Measured, Ended> {
    let (mut hasher, mut bytes) = (KeyspaceHasher::new(job.keyspace), 0);
    scan(source, job, held, &mut |key, value| {
        hasher.update(key, value);
        bytes += (key.len() + value.len()) as u64;
        true
    })?;
    Ok(Measured::Whole(hasher.finish(), bytes))
}

/// One piece of several.
fn part(
    source: &dyn RecordSource,
    job: &Job<'_>,
    held: Held<'_>,
    border: usize,
) -> std::result::Result<Measured, Ended> {
    let mut part = Part::new(job.before, job.records);
    scan(source, job, held, &mut |key, value| {
        part.add(key, value);
        part.waiting_bytes() <= border
    })?;
    if part.records() == job.records { Ok(Measured::Part(part)) } else { Err(Ended::Unfit) }
}

/// Checks every record of a piece and adds it, until `add` says that it is too much.
fn scan(
    source: &dyn RecordSource,
    job: &Job<'_>,
    held: Held<'_>,
    add: &mut dyn FnMut(&[u8], &[u8]) -> bool,
) -> std::result::Result<(), Ended> {
    let mut ended = None;
    let scanned = source.scan_piece(job.keyspace, job.piece, &mut |key, value| {
        ended = match held.check(job.keyspace, key, value) {
            Err(error) => Some(Ended::Failed(error)),
            Ok(()) if !add(key, value) => Some(Ended::Unfit),
            Ok(()) => return Ok(()),
        };
        // Nobody gets to see it.
        let (keyspace, origin, reason) = (job.keyspace.to_owned(), String::new(), String::new());
        Err(SourceError { keyspace, origin, reason })
    });
    match ended {
        Some(ended) => Err(ended),
        None => scanned.map_err(|error| Ended::Failed(error.into())),
    }
}

/// Puts the parts of one keyspace after the other together again.
#[derive(Default)]
struct Joining<'k> {
    /// Of the keyspace whose parts come.
    begun: Option<(KeyspaceHasher, Tally<'k>)>,
    last: Vec<u8>,
}

impl<'k> Joining<'k> {
    /// Takes the next piece. Returns the digest of the keyspace with the last one.
    fn join(
        &mut self,
        job: &Job<'k>,
        came: Measured,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> std::result::Result<Option<KeyspaceDigest>, Ended> {
        let tally = || Tally::new(Phase::Verify, job.keyspace, None);
        let part = match came {
            Measured::Whole(digest, bytes) => {
                let mut tally = tally();
                tally.add(digest.records, bytes, progress);
                tally.finish(progress);
                return Ok(Some(digest));
            }
            Measured::Part(part) => part,
        };
        let (mut hasher, mut tally) =
            self.begun.take().unwrap_or_else(|| (KeyspaceHasher::new(job.keyspace), tally()));
        if job.before > 0 && !part.comes_after(&self.last) {
            return Err(Ended::Unfit);
        }
        tally.add(part.records(), part.bytes(), progress);
        part.add_to(&mut hasher);
        if part.records() > 0 {
            self.last = part.into_last();
        }
        if job.is_last {
            tally.finish(progress);
            return Ok(Some(hasher.finish()));
        }
        self.begun = Some((hasher, tally));
        Ok(None)
    }
}
