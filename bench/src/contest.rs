//! The contenders, side by side.

use std::collections::BTreeMap;

use durable::CloneMode;
use integrity::{KeyspaceDigest, KeyspaceHasher};

use crate::arguments::Request;
use crate::contenders::{Contender, Content, Engine};
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::process::Cost;
use crate::records::each_record;
use crate::schema::RECORDS;
use crate::statistics::{median_ratio, rotated};
use crate::task::{self, Migrate, Migrated, Task};
use crate::transform::Transform;
use crate::workbench::{Source, Workbench};

/// Another would do as well; the same every time.
pub(crate) const SEED: u64 = 1;

/// What every run cost, in the order of the rounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Runs(BTreeMap<(Transform, Contender), Vec<Cost>>);

impl Runs {
    pub(crate) fn add(&mut self, transform: Transform, contender: Contender, cost: Cost) {
        self.0.entry((transform, contender)).or_default().push(cost);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Transform, Contender, &[Cost])> {
        self.0.iter().map(|((transform, contender), costs)| (*transform, *contender, &**costs))
    }

    /// How many times as fast ours is: the median over the rounds.
    pub(crate) fn advantage(&self, transform: Transform, over: Contender) -> Option<f64> {
        median_ratio(&self.seconds(transform, over), &self.seconds(transform, Contender::Ours))
    }

    fn seconds(&self, transform: Transform, of: Contender) -> Vec<f64> {
        let costs = self.0.get(&(transform, of)).into_iter().flatten();
        costs.map(|cost| cost.seconds).collect()
    }
}

/// Runs every contender in every round, each in a process of its own and on a copy of its own.
///
/// # Errors
/// If one fails, or comes to other records than it must.
pub(crate) fn run(workbench: &Workbench, request: &Request) -> Result<Runs> {
    let content = Content { seed: SEED, records: request.records, untouched_bytes: 0 };
    let mut sources = BTreeMap::new();
    for engine in Engine::ALL {
        say(&format!("filling {} with {} records", engine.name(), content.records));
        sources.insert(engine, workbench.source(engine, &content)?);
    }
    let mut runs = Runs::default();
    for transform in Transform::ALL {
        let expected = expected_digest(&content, transform)?;
        for round in 0..request.rounds {
            for contender in rotated(&Contender::ALL, round) {
                let source = sources.get(&contender.engine());
                let source = source.ok_or_else(|| Failure::new("an engine has no source"))?;
                let migrated = run_one(workbench, source, contender, transform)?;
                require_same(contender, transform, &expected, migrated.digest)?;
                let (name, seconds) = (contender.name(), migrated.cost.seconds);
                let (transform_name, of) = (transform.name(), request.rounds);
                say(&format!("{transform_name} {}/{of}: {name} {seconds:.3} s", round + 1));
                runs.add(transform, contender, migrated.cost);
            }
        }
    }
    sources.into_values().try_for_each(Source::remove)?;
    Ok(runs)
}

fn run_one(
    workbench: &Workbench,
    source: &Source,
    contender: Contender,
    transform: Transform,
) -> Result<Migrated> {
    let directory = workbench.empty("run")?;
    let copy = directory.join("source");
    durable::clone_tree(&source.directory, &copy, |_| CloneMode::Copy)?;
    task::settle_disks()?;
    let before = source.digest.clone().filter(|_| contender == Contender::Ours);
    let task = Migrate { contender, transform, source: copy, directory, before, reads_back: true };
    task::run(&Task::Migrate(task))
}

/// What everybody must come to, by the records themselves.
fn expected_digest(content: &Content, transform: Transform) -> Result<KeyspaceDigest> {
    let mut digest = KeyspaceHasher::new(RECORDS);
    each_record(content.seed, content.records, |key, value| {
        digest.update(key, &transform.apply(value)?);
        Ok::<(), Failure>(())
    })?;
    Ok(digest.finish())
}

fn require_same(
    contender: Contender,
    transform: Transform,
    expected: &KeyspaceDigest,
    found: Option<KeyspaceDigest>,
) -> Result<()> {
    if found.as_ref() == Some(expected) {
        return Ok(());
    }
    let (name, transform) = (contender.name(), transform.name());
    Err(Failure::new(format!(
        "{name} ({transform}) came to other records: {found:?} instead of {expected:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_records_are_an_error() {
        let content = Content { seed: SEED, records: 10, untouched_bytes: 0 };
        let cheap = expected_digest(&content, Transform::Cheap).unwrap();
        let heavy = expected_digest(&content, Transform::Heavy).unwrap();
        let check = |found| require_same(Contender::Redb, Transform::Cheap, &cheap, found);
        assert_eq!(check(Some(cheap)), Ok(()));
        assert!(check(Some(heavy)).is_err() && check(None).is_err());
    }

    #[test]
    fn an_advantage_is_how_many_times_as_long_the_other_takes() {
        let mut runs = Runs::default();
        let cost = |seconds| Cost { seconds, peak_rss_mib: 1.0, written_bytes: 0 };
        for (ours, theirs) in [(1.0, 2.0), (3.0, 9.0), (2.0, 8.0)] {
            runs.add(Transform::Cheap, Contender::Ours, cost(ours));
            runs.add(Transform::Cheap, Contender::Redb, cost(theirs));
        }
        assert_eq!(runs.advantage(Transform::Cheap, Contender::Redb), Some(3.0));
        assert_eq!(runs.advantage(Transform::Heavy, Contender::Redb), None);
    }
}
