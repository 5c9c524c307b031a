//! `specs/clauses.lock`: the clauses that were ruled on, each with an id that never means another clause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::specification::{Leaf, Level, Specification};

/// Where it is.
pub(super) const PATH: &str = "specs/clauses.lock";
/// What it begins with.
const HEADER: &str = "\
# The clauses of FC-UPGRADE-0001 that were ruled on, as `cargo xtask trace` reads them. A clause whose text changes is
# another clause, and gets another id: `cargo xtask trace --accept`, behind a person who has looked at it.
";
/// Levels by their names.
const LEVELS: [Level; 7] = [
    Level::Must,
    Level::MustNot,
    Level::Should,
    Level::ShouldNot,
    Level::May,
    Level::Guarantee,
    Level::Step,
];
/// How much of a hash is kept: enough to notice a change.
const HASH_DIGITS: usize = 16;

/// A clause with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// `FC-7.2.1`: the section, the sentence or lead-in of the section, the item below it.
    pub(super) id: String,
    pub(super) level: Level,
    /// The id of the lead-in and what it says.
    pub(super) parent: Option<(String, String)>,
    pub(super) text: String,
    /// Of section, level, lead-in and text.
    pub(super) hash: String,
    /// It was a clause once. Its id is not used again.
    pub(super) is_retired: bool,
}

impl Clause {
    /// The number of its section.
    pub(super) fn section(&self) -> u32 {
        let number = self.id.trim_start_matches("FC-").split('.').next();
        number.and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// The clause in one line, with its lead-in.
    pub(super) fn told(&self) -> String {
        match &self.parent {
            Some((_, lead_in)) => format!("{lead_in} {}", self.text),
            None => self.text.clone(),
        }
    }
}

/// What cannot go on without a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unruled {
    /// The specification says it, and nobody has ruled on it.
    New(String),
    /// It was ruled on, and the specification no longer says it.
    Gone(String),
}

impl fmt::Display for Unruled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(text) => write!(formatter, "nobody has ruled on \"{text}\""),
            Self::Gone(text) => write!(formatter, "the specification no longer says {text}"),
        }
    }
}

/// The lock.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lock {
    /// In the order of the specification, with the retired ones at the end.
    pub(super) clauses: Vec<Clause>,
}

impl Lock {
    /// Reads the lock.
    ///
    /// # Errors
    /// If it is no lock: a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("{PATH}: {error}"))?;
        let tables = document.get("clause").and_then(Item::as_array_of_tables);
        let clauses = tables
            .map(|tables| tables.iter().map(clause_of).collect())
            .unwrap_or(Ok(Vec::new()))?;
        let ids: BTreeSet<&str> = clauses.iter().map(|clause| clause.id.as_str()).collect();
        if ids.len() != clauses.len() {
            return Err(format!("{PATH}: an id stands there twice"));
        }
        Ok(Self { clauses })
    }

    /// The lock as a file.
    pub(super) fn render(&self) -> String {
        let mut tables = ArrayOfTables::new();
        for clause in &self.clauses {
            let mut table = Table::new();
            let mut put = |name: &str, text: &str| {
                table.insert(name, value(text));
            };
            put("id", &clause.id);
            put("level", clause.level.name());
            if let Some((id, lead_in)) = &clause.parent {
                put("parent", id);
                put("lead-in", lead_in);
            }
            put("text", &clause.text);
            put("hash", &clause.hash);
            if clause.is_retired {
                table.insert("retired", value(true));
            }
            tables.push(table);
        }
        let mut document = DocumentMut::new();
        document.insert("clause", Item::ArrayOfTables(tables));
        format!("{HEADER}\n{}", document.to_string().trim_start())
    }

    /// What the specification says differently. Nothing, if every clause was ruled on.
    pub(super) fn compare(&self, specification: &Specification) -> Vec<Unruled> {
        let said: BTreeSet<String> = specification.leaves.iter().map(hash_of).collect();
        let ruled: BTreeSet<&str> = self.ruled().map(|clause| clause.hash.as_str()).collect();
        let new =
            specification.leaves.iter().filter(|leaf| !ruled.contains(hash_of(leaf).as_str()));
        let gone = self.ruled().filter(|clause| !said.contains(&clause.hash));
        let new = new.map(|leaf| Unruled::New(leaf.text.clone()));
        new.chain(gone.map(|clause| Unruled::Gone(format!("{} \"{}\"", clause.id, clause.told()))))
            .collect()
    }

    /// The clauses that hold today.
    pub(super) fn ruled(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(|clause| !clause.is_retired)
    }

    /// The lock of this specification: who is known keeps its id, who is new gets one, who is gone is retired.
    pub(super) fn accept(&self, specification: &Specification) -> Self {
        let known: BTreeMap<&str, &Clause> =
            self.clauses.iter().map(|clause| (clause.hash.as_str(), clause)).collect();
        let mut numbers = Numbers::of(&self.clauses);
        let mut clauses = Vec::new();
        for leaf in &specification.leaves {
            let hash = hash_of(leaf);
            let clause = match known.get(hash.as_str()) {
                Some(clause) => Clause { is_retired: false, ..(*clause).clone() },
                None => numbers.name(leaf, hash),
            };
            clauses.push(clause);
        }
        let said: BTreeSet<String> = clauses.iter().map(|clause| clause.hash.clone()).collect();
        let gone = self.clauses.iter().filter(|clause| !said.contains(&clause.hash));
        clauses.extend(gone.map(|clause| Clause { is_retired: true, ..clause.clone() }));
        Self { clauses }
    }
}

/// The numbers that were given.
struct Numbers {
    /// The last one below a section (`FC-7`) or a lead-in (`FC-7.2`).
    last: BTreeMap<String, u32>,
    /// The ids of the lead-ins, by section and text.
    lead_ins: BTreeMap<(u32, String), String>,
}

impl Numbers {
    fn of(clauses: &[Clause]) -> Self {
        let mut numbers = Self { last: BTreeMap::new(), lead_ins: BTreeMap::new() };
        for clause in clauses {
            numbers.note(&clause.id);
            if let Some((id, lead_in)) = &clause.parent {
                numbers.note(id);
                numbers.lead_ins.insert((clause.section(), lead_in.clone()), id.clone());
            }
        }
        numbers
    }

    /// Remembers that this id is taken.
    fn note(&mut self, id: &str) {
        let Some((above, number)) = id.rsplit_once('.') else { return };
        let number = number.parse::<u32>().unwrap_or_default();
        let last = self.last.entry(above.to_owned()).or_default();
        *last = number.max(*last);
    }

    fn next(&mut self, above: &str) -> String {
        let last = self.last.entry(above.to_owned()).or_default();
        *last += 1;
        format!("{above}.{last}")
    }

    fn name(&mut self, leaf: &Leaf, hash: String) -> Clause {
        let section = format!("FC-{}", leaf.section);
        let parent = leaf.parent.clone().map(|lead_in| {
            let key = (leaf.section, lead_in.clone());
            let known = self.lead_ins.get(&key).cloned();
            let id = known.unwrap_or_else(|| self.next(&section));
            self.lead_ins.insert(key, id.clone());
            (id, lead_in)
        });
        let id = self.next(parent.as_ref().map_or(section.as_str(), |(id, _)| id.as_str()));
        Clause { id, level: leaf.level, parent, text: leaf.text.clone(), hash, is_retired: false }
    }
}

/// A difference in any part is a difference.
pub(super) fn hash_of(leaf: &Leaf) -> String {
    let parent = leaf.parent.as_deref().unwrap_or_default();
    let parts = [&leaf.section.to_string(), leaf.level.name(), parent, &leaf.text];
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex().chars().take(HASH_DIGITS).collect()
}

fn clause_of(table: &Table) -> Result<Clause, String> {
    let text = |name: &str| table.get(name).and_then(Item::as_str).map(str::to_owned);
    let wanted = |name: &str| text(name).ok_or_else(|| format!("{PATH}: a clause has no {name}"));
    let (id, level) = (wanted("id")?, wanted("level")?);
    let level = LEVELS
        .into_iter()
        .find(|known| known.name() == level)
        .ok_or_else(|| format!("{PATH}: {id}: there is no level {level:?}"))?;
    let parent = text("parent").zip(text("lead-in"));
    let is_retired = table.get("retired").and_then(Item::as_bool).unwrap_or_default();
    Ok(Clause { id, level, parent, text: wanted("text")?, hash: wanted("hash")?, is_retired })
}

#[cfg(test)]
mod tests {
    use super::super::specification::read;
    use super::*;

    const TEXT: &str = "# 7. Title\n\nIt MUST be.\n\nIt MUST keep:\n\nData\nLogs\n\nIt MAY end.\n";

    fn ids(lock: &Lock) -> Vec<(&str, bool)> {
        lock.clauses.iter().map(|clause| (clause.id.as_str(), clause.is_retired)).collect()
    }

    #[test]
    fn sentences_lead_ins_and_items_are_numbered_in_their_order() {
        let lock = Lock::default().accept(&read(TEXT));
        let expected =
            [("FC-7.1", false), ("FC-7.2.1", false), ("FC-7.2.2", false), ("FC-7.3", false)];
        assert_eq!(ids(&lock), expected);
        assert_eq!(lock.clauses[1].told(), "It MUST keep: Data");
        assert_eq!(lock.clauses[1].section(), 7);
        assert_eq!(lock.compare(&read(TEXT)), []);
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let lock = Lock::default().accept(&read(TEXT));
        let without = lock.accept(&read("# 7. Title\n\nIt MUST be.\n"));
        for lock in [lock, without] {
            assert_eq!(Lock::parse(&lock.render()), Ok(lock));
        }
    }

    #[test]
    fn changed_text_waits_for_a_ruling_and_gets_an_id_of_its_own() {
        let lock = Lock::default().accept(&read(TEXT));
        let changed = read(&TEXT.replace("Data", "All data").replace("MAY", "MUST"));
        let unruled = lock.compare(&changed);
        let expected = [
            Unruled::New("All data".to_owned()),
            Unruled::New("It MUST end.".to_owned()),
            Unruled::Gone("FC-7.2.1 \"It MUST keep: Data\"".to_owned()),
            Unruled::Gone("FC-7.3 \"It MAY end.\"".to_owned()),
        ];
        assert_eq!(unruled, expected);
        let accepted = lock.accept(&changed);
        let expected = [
            ("FC-7.1", false),
            ("FC-7.2.3", false),
            ("FC-7.2.2", false),
            ("FC-7.4", false),
            ("FC-7.2.1", true),
            ("FC-7.3", true),
        ];
        assert_eq!(ids(&accepted), expected);
        // What comes back is what it was.
        assert_eq!(ids(&accepted.accept(&read(TEXT)))[..4], ids(&lock));
    }

    #[test]
    fn the_same_text_in_another_section_or_at_another_level_is_another_clause() {
        let specification = read("# 1. A\n\nIt MUST be.\n\n# 2. B\n\nIt MUST be.\n");
        let lock = Lock::default().accept(&specification);
        assert_eq!(ids(&lock), [("FC-1.1", false), ("FC-2.1", false)]);
        assert_ne!(lock.clauses[0].hash, lock.clauses[1].hash);
    }

    #[test]
    fn what_is_no_lock_is_refused_with_a_reason() {
        let refused = |text: &str| Lock::parse(text).unwrap_err();
        assert!(refused("[[clause]]\nid = \"FC-1.1\"\n").contains("has no level"));
        let entry = "[[clause]]\nid = \"FC-1.1\"\nlevel = \"WILL\"\ntext = \"a\"\nhash = \"b\"\n";
        assert!(refused(entry).contains("there is no level \"WILL\""));
        let twice = entry.replace("WILL", "MUST").repeat(2);
        assert!(refused(&twice).contains("twice"));
        assert!(refused("clause = ").contains(PATH));
    }
}
