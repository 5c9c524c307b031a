//! Adoption of a directory that FemtoClaw 1.0.x wrote.
//!
//! Every file is told by its shape: 1.0.x fixes neither names nor directories. What is recognized goes to the part of the
//! generation that it belongs to, under its old path; what is not, or cannot be read, is set aside whole. Nothing is
//! dropped, nothing is repaired, and nothing in the directory is ever changed: it is only opened for reading.
//!
//! What would be dangerous stops the adoption: links and devices, names that lead elsewhere, and policies, capabilities or
//! configurations that cannot be read to their end.

mod authority;
mod classify;
mod configuration;
mod evidence;
mod extension;
mod index;
mod repeated;
mod report;
mod scan;
mod shape;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use integrity::Digest;
use upgrade::{AdoptedFile, Adoption, AdoptionRefusal, Files, Finding, FindingOutcome, Part};
use versioning::{RuntimeVersion, Versions};

pub(crate) use extension::directories as extension_directories;
pub use index::{IndexError, MAXIMUM_INDEX_BYTES, index_digest};
pub use repeated::{MAXIMUM_NUMBER_RUNS, MAXIMUM_TEXTS};
pub use report::MAXIMUM_FINDINGS_PER_FILE;
pub use tree::MAXIMUM_FILES;

use crate::inventory::{INVENTORY_FORMAT, Inventory, InventoryFile};
use crate::manifest::MANIFEST_NAMES;
use crate::members::{BYTE_ORDER_MARK, line_at, members, repeated};
use crate::pieces::{Ending, Layout, Limits, PieceError, Totals, read_pieces};
use crate::policy;
use crate::releases;
use crate::role::Role;
use classify::Guess;
use evidence::Evidence;
use extension::Verdict;
use index::IndexFault;
use report::Report;
use tree::PlainFile;

/// Reads a directory and says what it is. Writes nothing anywhere.
///
/// # Errors
/// Every reason why it cannot be adopted.
pub fn inspect(
    directory: &Path,
    assumed: Option<&RuntimeVersion>,
) -> Result<Adoption, AdoptionRefusal> {
    let path = directory.display().to_string();
    if let Some(assumed) = assumed {
        evidence::stated(assumed).map_err(|reason| AdoptionRefusal::Ambiguous {
            path: path.clone(),
            reasons: vec![reason],
        })?;
    }
    let files = tree::files(directory)?;
    let mut inspection = Inspection::new(directory, &files)?;
    for file in &files {
        let draft = inspection
            .file(file)
            .map_err(|error| unreadable(&directory.join(&file.path), &error))?;
        inspection.drafts.push(draft);
    }
    inspection.check_indexes(&path)?;
    inspection.note_collisions(&files);
    inspection.note_configurations();
    inspection.finish(path, assumed)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> AdoptionRefusal {
    AdoptionRefusal::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

/// A file on its way into the inventory.
struct Draft {
    file: PlainFile,
    role: Role,
    digest: Digest,
    totals: Totals,
    report: Report,
}

struct Inspection<'a> {
    directory: &'a Path,
    extensions: BTreeSet<String>,
    /// By directory: the name of the extension in it.
    adopted: BTreeMap<String, String>,
    set_aside: BTreeSet<String>,
    evidence: Evidence,
    drafts: Vec<Draft>,
}

impl<'a> Inspection<'a> {
    fn new(directory: &'a Path, files: &[PlainFile]) -> Result<Self, AdoptionRefusal> {
        let extensions = extension::directories(files.iter().map(|file| file.path.as_str()));
        let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let mut inspection = Self {
            directory,
            extensions,
            adopted: BTreeMap::new(),
            set_aside: BTreeSet::new(),
            evidence: Evidence::default(),
            drafts: Vec::new(),
        };
        // Before the files: whether an extension is set aside decides where each of its files goes.
        for extension in inspection.extensions.clone() {
            for name in MANIFEST_NAMES {
                let manifest = format!("{extension}/{name}");
                if !paths.contains(manifest.as_str()) {
                    continue;
                }
                let verdict = extension::check(directory, &extension, &mut Report::new(&manifest));
                match verdict.map_err(|error| unreadable(&directory.join(&manifest), &error))? {
                    Verdict::Adopted(name) => {
                        inspection.adopted.entry(extension.clone()).or_insert(name);
                    }
                    Verdict::SetAside => {
                        inspection.set_aside.insert(extension.clone());
                    }
                    Verdict::Refused => {}
                }
            }
        }
        let set_aside = &inspection.set_aside;
        inspection.adopted.retain(|extension, _| !set_aside.contains(extension));
        Ok(inspection)
    }

    fn file(&mut self, file: &PlainFile) -> Result<Draft, PieceError> {
        let path = self.directory.join(&file.path);
        let digest = Digest::of_file(&path).map_err(|error| error.source)?;
        let mut report = Report::new(&file.path);
        let (role, totals) = match extension::containing(&self.extensions, &file.path) {
            Some(directory) => {
                let directory = directory.to_owned();
                (self.extension_file(&directory, &mut report)?, Totals::default())
            }
            None => self.other_file(&path, &mut report)?,
        };
        Ok(Draft { file: file.clone(), role, digest, totals, report })
    }

    fn extension_file(&self, directory: &str, report: &mut Report) -> std::io::Result<Role> {
        let within = report.file().get(directory.len() + 1..).unwrap_or_default().to_owned();
        if MANIFEST_NAMES.contains(&within.as_str()) {
            extension::check(self.directory, directory, report)?;
        } else if self.set_aside.contains(directory) {
            report.set_aside(None, "belongs to an extension that is set aside whole");
        }
        let aside = self.set_aside.contains(directory);
        Ok(if aside { Role::Unrecognized } else { Role::Extension })
    }

    fn other_file(
        &mut self,
        path: &Path,
        report: &mut Report,
    ) -> Result<(Role, Totals), PieceError> {
        let role = match classify::classify(path, report.file())? {
            Guess::Shape(role) => role,
            Guess::Name(role) => {
                report.kept(None, format!("holds nothing; its name says {}", role.about()));
                role
            }
            Guess::Empty => {
                report.set_aside(None, "holds nothing, and its name says nothing; set aside whole");
                Role::Unrecognized
            }
            Guess::Several(roles) => {
                let fits: Vec<_> = roles.iter().map(|role| role.about()).collect();
                let message = format!("fits several shapes: {}", fits.join(", "));
                refuse_or_set_aside(&roles, &message, None, report);
                Role::Unrecognized
            }
            Guess::Unknown(named) => match would_be(path, named)? {
                Some(Role::Configuration) => {
                    let certain = named == Some(Role::Configuration);
                    return Ok((configuration::check(path, certain, report)?, Totals::default()));
                }
                role => {
                    let (line, cause) = diagnose(path)?;
                    let roles: Vec<Role> = role.into_iter().collect();
                    refuse_or_set_aside(&roles, &cause, line, report);
                    Role::Unrecognized
                }
            },
        };
        match self.contents(path, role, report) {
            Err(PieceError::Unreadable(error)) => Err(error.into()),
            Err(error) => {
                *report = Report::new(report.file());
                refuse_or_set_aside(&[role], &error.to_string(), None, report);
                Ok((Role::Unrecognized, Totals::default()))
            }
            Ok(found) => Ok(found),
        }
    }

    fn contents(
        &mut self,
        path: &Path,
        role: Role,
        report: &mut Report,
    ) -> Result<(Role, Totals), PieceError> {
        match role {
            Role::Policies | Role::Capabilities => {
                authority::check(path, role, report, &mut self.evidence)?;
                Ok((role, Totals::default()))
            }
            Role::Configuration => {
                Ok((configuration::check(path, true, report)?, Totals::default()))
            }
            Role::ExtensionIndex => {
                let totals = whole(path, role.layout())?;
                if totals.ending == Ending::Complete && totals.set_aside == 0 {
                    return Ok((role, Totals::default()));
                }
                let (line, cause) = diagnose(path)?;
                refuse_or_set_aside(&[role], &cause, line, report);
                Ok((Role::Unrecognized, Totals::default()))
            }
            Role::Extension | Role::Unrecognized => Ok((role, Totals::default())),
            _ => scan::scan(path, role, report, &mut self.evidence),
        }
    }

    /// Checks each index, now that the extensions are known.
    fn check_indexes(&mut self, root: &str) -> Result<(), AdoptionRefusal> {
        for draft in self.drafts.iter_mut().filter(|draft| draft.role == Role::ExtensionIndex) {
            let path = self.directory.join(&draft.file.path);
            let unreadable = |error: std::io::Error| AdoptionRefusal::Unreadable {
                path: format!("{root}/{}", draft.file.path),
                reason: error.to_string(),
            };
            let checked = if draft.file.size > MAXIMUM_INDEX_BYTES {
                let error = IndexError(format!("it has more than {MAXIMUM_INDEX_BYTES} bytes"));
                Err(IndexFault { line: None, error })
            } else {
                index::check(&std::fs::read(&path).map_err(unreadable)?, &mut draft.report)
            };
            match checked {
                Ok(index) => extension::compare(
                    index.entries.into_keys(),
                    &self.adopted,
                    &self.set_aside,
                    &mut draft.report,
                ),
                Err(IndexFault { line, error }) => {
                    draft.role = Role::Unrecognized;
                    draft.report.set_aside(line, format!("{error}; set aside whole"));
                }
            }
        }
        Ok(())
    }

    fn note_collisions(&mut self, files: &[PlainFile]) {
        let collisions = tree::case_collisions(files);
        for draft in &mut self.drafts {
            if let Some(other) = collisions.get(&draft.file.path) {
                let message = format!("differs from {other} in the case of letters only");
                draft.report.kept(None, message);
            }
        }
    }

    fn note_configurations(&mut self) {
        let is_configuration = |draft: &&mut Draft| draft.role == Role::Configuration;
        let count = self.drafts.iter_mut().filter(is_configuration).count();
        for draft in self.drafts.iter_mut().filter(is_configuration).filter(|_| count > 1) {
            let message =
                format!("one of {count} configurations; an upgrade cannot tell which one counts");
            draft.report.kept(None, message);
        }
    }

    fn finish(
        self,
        path: String,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<Adoption, AdoptionRefusal> {
        let nothing = self.drafts.iter().all(|draft| draft.role == Role::Unrecognized);
        let mut entries = Vec::new();
        for (number, draft) in (0_u32..).zip(self.drafts) {
            entries.push(entry(number, draft));
        }
        let findings: Vec<Finding> =
            entries.iter().flat_map(|entry| entry.findings.iter().cloned()).collect();
        let refused: Vec<Finding> = findings
            .iter()
            .filter(|finding| finding.outcome == FindingOutcome::Refused)
            .cloned()
            .collect();
        if !refused.is_empty() {
            return Err(AdoptionRefusal::Dangerous { path, findings: refused });
        }
        if nothing {
            return Err(AdoptionRefusal::Unrecognized { path });
        }
        let ambiguous = |reasons| AdoptionRefusal::Ambiguous { path: path.clone(), reasons };
        let (runtime, evidence) = self.evidence.decide(assumed).map_err(ambiguous)?;
        let release = releases::adoptable(&runtime)
            .ok_or_else(|| ambiguous(vec![format!("{runtime} is not a known 1.0.x release")]))?;
        check_authority(self.directory, release.versions(), &entries)
            .map_err(|findings| AdoptionRefusal::Dangerous { path: path.clone(), findings })?;
        let files = entries.iter().map(adopted_file).collect();
        let inventory = Inventory {
            format: INVENTORY_FORMAT,
            runtime,
            evidence: evidence.clone(),
            files: entries,
        };
        let inventory = inventory.encode().map_err(|error| AdoptionRefusal::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        Ok(Adoption { versions: release.offer.versions, evidence, files, findings, inventory })
    }
}

/// Policies and capabilities must make sense together, as every upgrade will read them: here they can still be mended.
fn check_authority(
    directory: &Path,
    versions: &Versions,
    entries: &[InventoryFile],
) -> Result<(), Vec<Finding>> {
    let refused = |file: &str, message: String| Finding {
        file: file.to_owned(),
        line: None,
        outcome: FindingOutcome::Refused,
        message,
    };
    let mut files = Files::new();
    for entry in entries.iter().filter(|entry| entry.part == Part::Policy) {
        let bytes = std::fs::read(directory.join(&entry.path));
        let bytes = bytes.map_err(|error| vec![refused(&entry.path, error.to_string())])?;
        files.insert(entry.path.clone(), bytes);
    }
    policy::authority(versions.capabilities, &files).map(|_| ()).map_err(|reasons| {
        let finding = |reason: String| {
            let named = files.keys().find(|path| reason.starts_with(&format!("{path}: ")));
            match named {
                Some(path) => {
                    refused(path, reason.get(path.len() + 2..).unwrap_or_default().to_owned())
                }
                None => refused("policies and capabilities", reason),
            }
        };
        reasons.into_iter().map(finding).collect()
    })
}

fn entry(number: u32, draft: Draft) -> InventoryFile {
    InventoryFile {
        number,
        path: draft.file.path,
        part: draft.role.part(),
        role: draft.role,
        size: draft.file.size,
        digest: draft.digest,
        executable: draft.file.executable,
        records: draft.totals.records,
        set_aside: draft.totals.set_aside,
        findings: draft.report.finish(),
    }
}

fn adopted_file(entry: &InventoryFile) -> AdoptedFile {
    AdoptedFile {
        source: PathBuf::from(&entry.path),
        part: entry.part,
        target: entry.path.clone(),
        size: entry.size,
        digest: entry.digest,
    }
}

/// What cannot be read is set aside whole, unless it would say what is allowed or how FemtoClaw runs.
fn refuse_or_set_aside(roles: &[Role], cause: &str, line: Option<u64>, report: &mut Report) {
    let authority = roles.iter().find(|role| role.part() == Part::Policy);
    match authority {
        Some(role) => report.refused(line, authority::refusal(*role, cause)),
        None if roles.contains(&Role::Configuration) => {
            report.refused(line, configuration::refusal(cause));
        }
        None => report.set_aside(line, format!("{cause}; set aside whole")),
    }
}

fn whole(path: &Path, layout: Layout) -> Result<Totals, PieceError> {
    let mut reader = BufReader::new(File::open(path)?);
    read_pieces(&mut reader, layout, Limits::STANDARD, &mut |_| ControlFlow::Continue(()))
}

/// Why a file has no shape: the first thing that is wrong with it as JSON, if there is anything.
fn diagnose(path: &Path) -> Result<(Option<u64>, String), PieceError> {
    let head = head(path)?;
    let layout = match start(&head).first() {
        Some(b'{' | b'[') if head.starts_with(BYTE_ORDER_MARK) => {
            return Ok((Some(1), MARKED.to_owned()));
        }
        Some(b'{') => Layout::Document,
        Some(b'[') => Layout::Array,
        _ => return Ok((None, UNKNOWN.to_owned())),
    };
    let mut fault = None;
    let mut reader = BufReader::new(File::open(path)?);
    let result = read_pieces(&mut reader, layout, Limits::STANDARD, &mut |piece| {
        fault = piece.damage.map(|damage| (Some(piece.line), damage.to_string()));
        if fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match result {
        Err(PieceError::Unreadable(error)) => return Err(error.into()),
        Err(error) => return Ok((None, error.to_string())),
        Ok(_) => {}
    }
    if let Some(fault) = fault {
        return Ok(fault);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAXIMUM_INDEX_BYTES).read_to_end(&mut bytes)?;
    let again = members(&bytes);
    Ok(repeated(&again).map_or((None, UNKNOWN.to_owned()), |member| {
        let key: String = member.key.chars().take(64).collect();
        let cause = format!("the key {key:?} is there more than once; nothing says which counts");
        (Some(line_at(&bytes, member.at)), cause)
    }))
}

const UNKNOWN: &str = "nothing that FemtoClaw 1.0.x writes looks like this";
const MARKED: &str = "a byte order mark lies before it, which JSON must not have";

/// Bytes of a damaged file in which words of a policy are looked for.
const HEAD_BYTES: u64 = 64 * 1024;

fn head(path: &Path) -> Result<Vec<u8>, PieceError> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// Where a text begins, after a mark and white space.
fn start(head: &[u8]) -> &[u8] {
    head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start()
}

/// The role that a file without a shape would have if it could be read: policies and configurations are too dangerous to
/// lose under whatever name, so JSON that speaks as they do counts as one.
fn would_be(path: &Path, named: Option<Role>) -> Result<Option<Role>, PieceError> {
    let head = head(path)?;
    let says = |word: &str| head.windows(word.len()).any(|window| window == word.as_bytes());
    let is_json = matches!(start(&head).first(), Some(b'[' | b'{'));
    Ok(if is_json && says("\"effect\"") && (says("\"Allow\"") || says("\"Deny\"")) {
        Some(Role::Policies)
    } else if is_json && says("\"param_type\"") {
        Some(Role::Capabilities)
    } else if named.is_none_or(|role| role.part() != Part::Policy)
        && configuration::speaks_like_one(&head)
    {
        Some(Role::Configuration)
    } else {
        named
    })
}
