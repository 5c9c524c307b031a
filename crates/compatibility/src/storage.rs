//! Which release can read what another one writes (FC-UPGRADE-0001 §13, §15, §24).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use versioning::{RuntimeVersion, SchemaVersion};

use crate::Span;

/// What a release says of the stores that it reads and writes.
///
/// Whatever the spans say, a release reads what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readable {
    /// The schema that it writes.
    pub writes: SchemaVersion,
    /// The schemas that it reads.
    pub reads: Span<SchemaVersion>,
    /// Releases that write one of these schemas read what it writes, although they may not know of it: how a release says
    /// that it only added what older ones skip.
    pub readable_by: Span<SchemaVersion>,
}

impl Readable {
    /// Whether it reads a store of this schema, by its own statement.
    pub fn reads(&self, schema: SchemaVersion) -> bool {
        schema == self.writes || self.reads.contains(schema)
    }

    /// Whether it reads what another release writes, by the statement of either.
    // trace: impl FC-24.2.2
    pub fn reads_what(&self, writer: &Self) -> bool {
        self.reads(writer.writes) || writer.readable_by.contains(self.writes)
    }
}

/// For every schema that one of the releases writes: which of them can read it (FC-UPGRADE-0001 §24). Releases may be named in
/// any order and more than once.
pub fn readers<'a>(
    releases: impl IntoIterator<Item = (&'a RuntimeVersion, Readable)>,
) -> BTreeMap<SchemaVersion, BTreeSet<RuntimeVersion>> {
    let releases: Vec<_> = releases.into_iter().collect();
    let mut readers = BTreeMap::<_, BTreeSet<_>>::new();
    for (_, writer) in &releases {
        let found = releases.iter().filter(|(_, reader)| reader.reads_what(writer));
        let found = found.map(|(version, _)| (*version).clone());
        readers.entry(writer.writes).or_default().extend(found);
    }
    readers
}

/// A storage migration that exists: a store of one schema can be turned into one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// From this schema …
    pub from: SchemaVersion,
    /// … to this one. It may be older: how a release says that what it wrote can be carried back.
    pub to: SchemaVersion,
}

/// The shortest way through the migrations from one schema to the first that will do, both ends included; among those of the
/// same length, the one with the lower numbers. `None` if there is none.
pub fn route(
    migrations: &BTreeSet<Migration>,
    from: SchemaVersion,
    will_do: impl Fn(SchemaVersion) -> bool,
) -> Option<Vec<SchemaVersion>> {
    // Every schema is queued once, so this ends whatever cycles there are.
    let mut reached_from = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(schema) = queue.pop_front() {
        if will_do(schema) {
            return Some(trace(&reached_from, schema));
        }
        for migration in migrations.iter().filter(|migration| migration.from == schema) {
            if let Entry::Vacant(vacant) = reached_from.entry(migration.to) {
                vacant.insert(Some(schema));
                queue.push_back(migration.to);
            }
        }
    }
    None
}

fn trace(
    reached_from: &BTreeMap<SchemaVersion, Option<SchemaVersion>>,
    last: SchemaVersion,
) -> Vec<SchemaVersion> {
    let before = |schema: &SchemaVersion| reached_from.get(schema).copied().flatten();
    let mut way: Vec<_> = std::iter::successors(Some(last), before).collect();
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(number: u32) -> SchemaVersion {
        SchemaVersion::new(number)
    }

    fn readable(writes: u32, reads: (u32, u32), readable_by: (u32, u32)) -> Readable {
        Readable {
            writes: schema(writes),
            reads: Span::new(schema(reads.0), schema(reads.1)).unwrap(),
            readable_by: Span::new(schema(readable_by.0), schema(readable_by.1)).unwrap(),
        }
    }

    fn migrations(edges: &[(u32, u32)]) -> BTreeSet<Migration> {
        edges.iter().map(|(from, to)| Migration { from: schema(*from), to: schema(*to) }).collect()
    }

    // trace: test FC-24.2.2
    #[test]
    fn either_side_can_say_that_a_store_is_readable() {
        let old = readable(1, (1, 1), (1, 1));
        let new = readable(3, (1, 3), (3, 3));
        let careful = readable(2, (1, 2), (1, 2));
        assert!(new.reads_what(&old) && !old.reads_what(&new));
        assert!(old.reads_what(&careful), "the careful release only added what old ones skip");
        assert!(readable(9, (1, 2), (9, 9)).reads(schema(9)), "a release reads what it writes");
    }

    // trace: test FC-24.2.2
    #[test]
    fn readers_are_told_for_every_schema_that_is_written() {
        let [old, new] = ["1.0.3", "2.0.0"].map(|text| text.parse::<RuntimeVersion>().unwrap());
        let releases = [(&new, readable(3, (1, 3), (3, 3))), (&old, readable(1, (1, 1), (1, 1)))];
        let found = readers(releases.into_iter().chain([releases[0]]));
        let expected = [
            (schema(1), BTreeSet::from([old.clone(), new.clone()])),
            (schema(3), BTreeSet::from([new.clone()])),
        ];
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn the_shortest_way_is_found_and_cycles_end() {
        let edges = migrations(&[(1, 2), (2, 1), (2, 3), (3, 4), (2, 4), (4, 2)]);
        let to = |goal| route(&edges, schema(1), |found| found == schema(goal));
        assert_eq!(to(4), Some(vec![schema(1), schema(2), schema(4)]));
        assert_eq!(to(1), Some(vec![schema(1)]));
        assert_eq!(to(5), None);
    }
}
