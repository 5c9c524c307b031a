//! What is known of the mutants of each crate: merged over runs, scored, and kept in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use integrity::Digest;
use serde::{Deserialize, Serialize};

use super::equivalent::Equivalent;
use super::outcomes::{Mutant, Run, Verdict};

/// Where it is kept, from the root of the workspace.
pub(super) const EVIDENCE_FILE: &str = "specs/evidence/mutants.json";

/// How the simulation is named among what caught a mutant.
pub(super) const JUDGE: &str = "judge:";

/// What is known of one mutant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Which.
    #[serde(flatten)]
    pub(super) mutant: Mutant,
    /// What became of it.
    pub(super) verdict: Verdict,
    /// What noticed it, sorted: `test:BINARY::PATH::NAME` and `judge:NAME`.
    pub(super) caught_by: Vec<String>,
    /// Why nobody can notice it, if somebody has written that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) equivalent: Option<String>,
}

/// What is known of the mutants of one crate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// How many there are.
    pub(super) listed: usize,
    /// How many were run; all that follows is of these.
    pub(super) mutants: usize,
    /// That a test failed on, or the simulation.
    pub(super) caught: usize,
    /// That nothing noticed, but for those that nobody can.
    pub(super) missed: usize,
    /// That nobody can notice, by `equivalent-mutants.toml`.
    pub(super) equivalent: usize,
    /// That do not compile.
    pub(super) unviable: usize,
    /// On which the tests did not end, which nobody fails to notice.
    pub(super) timeout: usize,
    /// The part of those that can be noticed which was.
    pub(super) score: f64,
    /// The digest of the sources that were changed ([`sources`]).
    pub(super) sources: String,
}

/// What is known of all mutants.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Evidence {
    crates: BTreeMap<String, Known>,
}

/// What is known of the mutants of one crate, before it is added up.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    listed: usize,
    sources: String,
    entries: BTreeMap<Mutant, Entry>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    crates: BTreeMap<String, Summary>,
    mutants: Vec<Entry>,
}

impl Evidence {
    /// What is on record; nothing if there is no record.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub(super) fn load(root: &Path) -> Result<Self, String> {
        let path = root.join(EVIDENCE_FILE);
        match fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| format!("{EVIDENCE_FILE} cannot be read: {error}"))?;
        let mut evidence = Self::default();
        for (name, summary) in document.crates {
            let Summary { listed, sources, .. } = summary;
            evidence.crates.insert(name, Known { listed, sources, ..Known::default() });
        }
        for entry in document.mutants {
            let known = evidence.crates.entry(entry.mutant.krate.clone()).or_default();
            known.entries.insert(entry.mutant.clone(), entry);
        }
        Ok(evidence)
    }

    /// Takes what a run has shown. What is known of other sources than these is forgotten, and so is a mutant that there is
    /// no longer. What the simulation has caught stays caught.
    pub(super) fn merge<'a>(
        &mut self,
        krate: &str,
        sources: &str,
        listed: impl Iterator<Item = &'a Mutant>,
        runs: &[Run],
    ) {
        let listed: BTreeSet<&Mutant> = listed.collect();
        let known = self.crates.entry(krate.to_owned()).or_default();
        if known.sources != sources {
            *known = Known { sources: sources.to_owned(), ..Known::default() };
        }
        known.listed = listed.len();
        known.entries.retain(|mutant, _| listed.contains(mutant));
        for run in runs.iter().filter(|run| listed.contains(&run.mutant)) {
            let mut entry = Entry {
                mutant: run.mutant.clone(),
                verdict: run.verdict,
                caught_by: run.caught_by.clone(),
                equivalent: None,
            };
            let before = known.entries.get(&run.mutant);
            for judge in before.iter().flat_map(|before| &before.caught_by) {
                if judge.starts_with(JUDGE) {
                    entry.is_caught_by(judge);
                }
            }
            known.entries.insert(run.mutant.clone(), entry);
        }
    }

    /// The mutants of a crate that nothing has noticed.
    pub(super) fn missed(&self, krate: &str) -> impl Iterator<Item = &Mutant> {
        let entries = self.crates.get(krate).into_iter().flat_map(|known| known.entries.values());
        entries.filter(|entry| entry.is_missed()).map(|entry| &entry.mutant)
    }

    /// Puts down that something noticed a mutant.
    pub(super) fn caught(&mut self, mutant: &Mutant, by: &str) {
        let known = self.crates.get_mut(&mutant.krate);
        if let Some(entry) = known.and_then(|known| known.entries.get_mut(mutant)) {
            entry.is_caught_by(by);
        }
    }

    /// Leaves out of the score what is written down as equivalent. Returns what of it is not so, of the crates of which all
    /// mutants are known: a mutant that is noticed after all, or one that there is not.
    pub(super) fn excuse(
        &mut self,
        table: &[Equivalent],
        line: &dyn Fn(&Mutant) -> Option<String>,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for known in self.crates.values_mut() {
            known.entries.values_mut().for_each(|entry| entry.equivalent = None);
        }
        for equivalent in table {
            let Some(known) = self.crates.get_mut(&equivalent.krate) else { continue };
            let is_whole = known.entries.len() == known.listed;
            let mut named: Vec<&mut Entry> = known
                .entries
                .values_mut()
                .filter(|entry| equivalent.names(&entry.mutant, line(&entry.mutant).as_deref()))
                .collect();
            if named.is_empty() && is_whole {
                wrong.push(format!("there is no mutant {equivalent}"));
            }
            for entry in &mut named {
                if entry.verdict == Verdict::Missed {
                    entry.equivalent = Some(equivalent.reason.clone());
                } else {
                    wrong.push(format!("it is {:?}, not equivalent: {equivalent}", entry.verdict));
                }
            }
        }
        wrong
    }

    /// What is known, added up by crate.
    pub(super) fn summaries(&self) -> BTreeMap<&str, Summary> {
        self.crates.iter().map(|(name, known)| (name.as_str(), known.summary())).collect()
    }

    /// What is known of each mutant of a crate, in the order of its files.
    pub(super) fn entries(&self, krate: &str) -> impl Iterator<Item = &Entry> {
        self.crates.get(krate).into_iter().flat_map(|known| known.entries.values())
    }

    /// Writes it where it is kept.
    ///
    /// # Errors
    /// What a file operation says.
    pub(super) fn store(&self, root: &Path) -> Result<PathBuf, String> {
        let path = root.join(EVIDENCE_FILE);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(root)).map_err(failed)?;
        fs::write(&path, self.text()?).map_err(failed)?;
        Ok(path)
    }

    /// As it is kept: a line for each crate and for each mutant, so that a change of one is a change of one line.
    fn text(&self) -> Result<String, String> {
        let failed = |error: serde_json::Error| format!("{EVIDENCE_FILE}: {error}");
        let mut crates = Vec::new();
        let mut mutants = Vec::new();
        for (name, known) in &self.crates {
            let summary = serde_json::to_string(&known.summary()).map_err(failed)?;
            crates.push(format!("\"{name}\":{summary}"));
            for entry in known.entries.values() {
                mutants.push(serde_json::to_string(entry).map_err(failed)?);
            }
        }
        let (crates, mutants) = (crates.join(",\n"), mutants.join(",\n"));
        Ok(format!(
            "{{\"type\":\"mutants\",\"crates\":{{\n{crates}\n}},\"mutants\":[\n{mutants}\n]}}\n"
        ))
    }
}

impl Entry {
    fn is_missed(&self) -> bool {
        self.verdict == Verdict::Missed && self.equivalent.is_none()
    }

    fn is_caught_by(&mut self, what: &str) {
        self.verdict = Verdict::Caught;
        self.caught_by.push(what.to_owned());
        self.caught_by.sort();
        self.caught_by.dedup();
    }
}

impl Known {
    fn summary(&self) -> Summary {
        let count = |of: &dyn Fn(&Entry) -> bool| self.entries.values().filter(|e| of(e)).count();
        let verdict = |wanted: Verdict| count(&|entry| entry.verdict == wanted);
        let (caught, timeout) = (verdict(Verdict::Caught), verdict(Verdict::Timeout));
        let missed = count(&Entry::is_missed);
        Summary {
            listed: self.listed,
            mutants: self.entries.len(),
            caught,
            missed,
            equivalent: verdict(Verdict::Missed) - missed,
            unviable: verdict(Verdict::Unviable),
            timeout,
            score: score(caught + timeout, missed),
            sources: self.sources.clone(),
        }
    }
}

/// The part of the mutants that was noticed, to four places; of no mutants none was.
fn score(noticed: usize, missed: usize) -> f64 {
    let all = noticed + missed;
    if all == 0 {
        return 0.0;
    }
    (noticed as f64 / all as f64 * 10_000.0).round() / 10_000.0
}

/// The digest of what a crate's mutants are made of: its sources without their tests, so that a new test does not make old
/// verdicts worthless. A verdict `missed` is run again in any case.
///
/// # Errors
/// What reading them says.
pub(crate) fn sources(root: &Path, krate: &str) -> Result<String, String> {
    let directory = root.join("crates").join(krate).join("src");
    let mut files = BTreeMap::new();
    collect(&directory, "", &mut files)?;
    let list: String =
        files.iter().map(|(name, text)| format!("{} {name}\n", digest_of(text))).collect();
    Ok(digest_of(&list))
}

fn digest_of(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

fn collect(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let (path, below) = (entry.path(), format!("{prefix}{name}"));
        if path.is_dir() && name != "tests" {
            collect(&path, &format!("{below}/"), files)?;
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = fs::read_to_string(&path).map_err(failed)?;
            files.insert(below, without_tests(&text).to_owned());
        }
    }
    Ok(())
}

/// A source up to the module of tests at its end.
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {").and_then(|at| text.get(..at)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
