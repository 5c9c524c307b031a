//! Every file of the parts that are neither store nor configuration: where it comes from, and what it will be.
//!
//! Nothing is dropped: what an upgrade replaces lies among what was set aside, below `from-generation-N/` and the part that it
//! was of.

use std::collections::BTreeMap;

use extension_migration::{ExtensionPath, Fate, Place, PlannedExtension};
use integrity::{Digest, FileSeal, TreeSeal};
use rollback::{Generation, Part};
use serde::Serialize;
use versioning::GenerationNumber;

use super::extensions::{ExtensionsAfter, seals_of};
use crate::{Artifact, Files, OfferedExtensions, Refusal};

/// The files of a part as they will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPart {
    /// The digest over all of them.
    pub digest: Digest,
    /// Files that are carried over byte for byte, from wherever they were.
    pub carried: usize,
    /// Files that are written anew.
    pub written: usize,
    #[serde(skip)]
    files: BTreeMap<String, PlannedFile>,
}

/// A file as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFile {
    /// What will be sealed.
    pub(crate) seal: FileSeal,
    /// Where it comes from.
    pub(crate) source: Source,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the current generation, by path relative to it.
    Carried(String),
    /// These bytes.
    Written(Vec<u8>),
}

impl PlannedPart {
    /// The files, by path relative to the part.
    pub(crate) fn files(&self) -> &BTreeMap<String, PlannedFile> {
        &self.files
    }

    fn of(files: BTreeMap<String, PlannedFile>) -> Self {
        let seals = files.iter().map(|(path, file)| (path.clone(), file.seal));
        let digest = seals.collect::<TreeSeal>().digest("");
        let is_carried = |file: &&PlannedFile| matches!(file.source, Source::Carried(_));
        let carried = files.values().filter(is_carried).count();
        Self { digest, carried, written: files.len() - carried, files }
    }
}

/// The parts on their way: what is not touched stays where it is.
pub(super) struct Drawing<'d> {
    generation: &'d Generation,
    parts: BTreeMap<Part, BTreeMap<String, PlannedFile>>,
    /// Files that would be in the way of another.
    collisions: Vec<String>,
    /// Artifacts that the release lists, and does not bring.
    missing: Vec<String>,
}

const PARTS: [Part; 3] = [Part::Policy, Part::Extensions, Part::SetAside];

impl<'d> Drawing<'d> {
    /// Everything as it is.
    // trace: impl FC-23.1.2 FC-23.1.3
    pub(super) fn of(generation: &'d Generation) -> Self {
        let part = |part: Part| {
            let files = seals_of(generation, part).into_iter().map(|(path, seal)| {
                let source = Source::Carried(format!("{}/{path}", part.directory()));
                (path, PlannedFile { seal, source })
            });
            (part, files.collect())
        };
        Self {
            generation,
            parts: PARTS.map(part).into(),
            collisions: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The parts, or the files that would be in each other's way.
    pub(super) fn finish(mut self, refusals: &mut Vec<Refusal>) -> BTreeMap<Part, PlannedPart> {
        for (part, files) in &self.parts {
            let ends = |path: &str| path.match_indices('/').map(|(end, _)| end).collect::<Vec<_>>();
            let in_the_way = files.keys().filter(|path| {
                let mut above = ends(path).into_iter().filter_map(|end| path.get(..end));
                above.any(|above| files.contains_key(above))
            });
            let named = in_the_way.map(|path| format!("{}/{path}", part.directory()));
            self.collisions.extend(named);
        }
        refusals.extend(self.collisions.into_iter().map(|path| {
            let message = format!("{path} cannot be placed: something else would be there");
            Refusal::new("path-taken", "§14", "files", message)
        }));
        refusals.extend(self.missing.into_iter().map(|path| {
            let message = format!("the release lists {path}, and does not bring it");
            Refusal::new("artifact-missing", "§12", "files", message)
        }));
        self.parts.into_iter().map(|(part, files)| (part, PlannedPart::of(files))).collect()
    }

    /// Policies and capabilities are written anew, and the files that said so before are set aside.
    // trace: impl FC-23.1.3
    pub(super) fn write_policy(&mut self, files: &Files) {
        for path in self.paths_below(Part::Policy, "") {
            self.set_aside(Part::Policy, &path);
        }
        for (path, bytes) in files {
            self.write(Part::Policy, path.clone(), bytes.clone(), false);
        }
    }

    /// Extensions are replaced, set aside and added as it was planned.
    // trace: impl FC-23.1.2
    pub(super) fn place_extensions(&mut self, after: &ExtensionsAfter) {
        let ExtensionsAfter { plan, installed, offered } = after;
        for planned in &plan.extensions {
            let Some(place) = installed.places.get(&planned.directory) else { continue };
            match planned.fate {
                Fate::Kept | Fate::Rejected => {}
                Fate::Replaced => {
                    let own = installed.installed.extensions.get(&planned.directory);
                    let artifacts = own.map(|own| &own.artifacts);
                    self.replace(place, planned, artifacts, offered);
                }
                Fate::SetAside => {
                    let Some(Place::Aside(directory)) = &planned.place else { continue };
                    self.relocate(place, Part::SetAside, &format!("extensions/{directory}"));
                }
            }
        }
        for arrival in &plan.arrivals {
            if let (Some(Place::InUse(directory)), Some(after)) = (&arrival.place, &arrival.after) {
                let place = format!("{}/{directory}", offered.root);
                self.write_artifacts(&place, &after.artifacts, offered);
            }
        }
    }

    /// Its artifacts give way to those of the release; whatever else is there is data, and stays with it.
    fn replace(
        &mut self,
        place: &str,
        planned: &PlannedExtension,
        artifacts: Option<&extension_migration::Files>,
        offered: &OfferedExtensions,
    ) {
        let (Some(Place::InUse(directory)), Some(after)) = (&planned.place, &planned.after) else {
            return;
        };
        let target = match place.rsplit_once('/') {
            _ if *directory == planned.directory => place.to_owned(),
            Some((above, _)) => format!("{above}/{directory}"),
            None => directory.to_string(),
        };
        for path in self.paths_below(Part::Extensions, place) {
            let relative = path.strip_prefix(place).unwrap_or_default().trim_start_matches('/');
            let is_artifact = ExtensionPath::new(relative)
                .is_ok_and(|it| artifacts.is_some_and(|artifacts| artifacts.contains_key(&it)));
            if is_artifact {
                self.set_aside(Part::Extensions, &path);
            } else if target != place {
                self.relocate_file(&path, Part::Extensions, format!("{target}/{relative}"));
            }
        }
        self.write_artifacts(&target, &after.artifacts, offered);
    }

    fn write_artifacts(
        &mut self,
        place: &str,
        artifacts: &extension_migration::Files,
        offered: &OfferedExtensions,
    ) {
        for (path, digest) in artifacts {
            let path = format!("{place}/{path}");
            match offered.artifacts.get(digest) {
                Some(Artifact { bytes, executable }) => {
                    self.write(Part::Extensions, path, bytes.to_vec(), *executable);
                }
                None => self.missing.push(path),
            }
        }
    }

    /// Moves everything below a place of the extensions.
    fn relocate(&mut self, place: &str, part: Part, target: &str) {
        for path in self.paths_below(Part::Extensions, place) {
            let relative = path.strip_prefix(place).unwrap_or_default().to_owned();
            self.relocate_file(&path, part, format!("{target}{relative}"));
        }
    }

    fn relocate_file(&mut self, path: &str, part: Part, target: String) {
        if let Some(file) = self.files(Part::Extensions).remove(path) {
            self.insert(part, target, file);
        }
    }

    // trace: impl FC-23.1.2 FC-23.1.3
    fn set_aside(&mut self, part: Part, path: &str) {
        let target = replaced_path(self.generation.number(), part, path);
        if let Some(file) = self.files(part).remove(path) {
            self.insert(Part::SetAside, target, file);
        }
    }

    fn write(&mut self, part: Part, path: String, bytes: Vec<u8>, executable: bool) {
        let seal = FileSeal { size: bytes.len() as u64, executable, digest: Digest::of(&bytes) };
        self.insert(part, path, PlannedFile { seal, source: Source::Written(bytes) });
    }

    fn insert(&mut self, part: Part, path: String, file: PlannedFile) {
        if self.files(part).insert(path.clone(), file).is_some() {
            self.collisions.push(format!("{}/{path}", part.directory()));
        }
    }

    fn files(&mut self, part: Part) -> &mut BTreeMap<String, PlannedFile> {
        self.parts.entry(part).or_default()
    }

    fn paths_below(&mut self, part: Part, place: &str) -> Vec<String> {
        let is_below = |path: &&String| {
            place.is_empty() || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
        };
        self.files(part).keys().filter(is_below).cloned().collect()
    }
}

/// Where a file lies that an upgrade from this generation replaces, relative to what was set aside.
fn replaced_path(from: GenerationNumber, part: Part, path: &str) -> String {
    format!("from-generation-{from}/{}/{path}", part.directory())
}
