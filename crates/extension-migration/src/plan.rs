//! The plan: what becomes of every extension.

use std::collections::BTreeMap;
use std::fmt;

use integrity::Digest;
use serde::Serialize;
use versioning::RuntimeVersion;

use crate::{
    Consent, DeclaredIdentity, DeclaredVersion, Directory, EXTENSIONS, ExtensionIdentity,
    ExtensionPath, Installed, InstalledExtension, Permissions, Reason, SET_ASIDE,
};

/// What becomes of an installed extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It stays as it is, byte for byte.
    Kept,
    /// Artifacts of the release take the place of its own; its data stays with it.
    Replaced,
    /// It is kept whole, byte for byte, apart from those in use. Only by consent.
    SetAside,
    /// It stops the upgrade.
    Rejected,
}

/// What becomes of an offered extension that is not installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalFate {
    /// It is installed, disabled, and with no data.
    Arrives,
    /// It is not installed, because it was set aside before. Stops nothing.
    Withheld,
    /// It stops the upgrade.
    Refused,
}

/// Where an extension lies within a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Among those in use.
    InUse(Directory),
    /// Among those that were set aside.
    Aside(Directory),
}

/// Where one data file moves. Its bytes stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataMove {
    /// Its path relative to the old generation.
    pub from: String,
    /// Its path relative to the new generation.
    pub to: String,
    /// Its digest, before and after.
    pub digest: Digest,
}

/// What becomes of one installed extension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedExtension {
    /// The directory that it lies in today.
    pub directory: Directory,
    /// Who it says it is today.
    pub identity: DeclaredIdentity,
    /// Its version today.
    pub version: DeclaredVersion,
    /// What becomes of it.
    pub fate: Fate,
    /// Every reason, never none.
    pub reasons: Vec<Reason>,
    /// The permissions that it did not have and was granted.
    pub granted: Permissions,
    /// Where it will be; nowhere if it is rejected.
    pub place: Option<Place>,
    /// What will be there, with the digest of every artifact; nothing if it is rejected.
    pub after: Option<InstalledExtension>,
    /// Where each of its data files moves; none if it is rejected.
    pub data_moves: Vec<DataMove>,
}

/// What becomes of one offered extension that is not installed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedArrival {
    /// Who it is.
    pub identity: ExtensionIdentity,
    /// Its version.
    pub version: DeclaredVersion,
    /// What becomes of it.
    pub fate: ArrivalFate,
    /// Every reason, never none.
    pub reasons: Vec<Reason>,
    /// Where it will be, if it arrives.
    pub place: Option<Place>,
    /// What will be there, if it arrives. What it asks to be allowed is listed; disabled, it may do none of it.
    pub after: Option<InstalledExtension>,
}

/// What becomes of every extension in an upgrade (FC-UPGRADE-0001 §12).
///
/// A function of what it was made from and of nothing else. Serialized, the same plan is the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtensionPlan {
    /// The runtime that it was made for.
    pub runtime: RuntimeVersion,
    /// Every installed extension once, ordered by identity, then by directory; those without a valid identity last.
    pub extensions: Vec<PlannedExtension>,
    /// The offered extensions that are not installed and are to arrive, ordered by identity.
    pub arrivals: Vec<PlannedArrival>,
    /// What earlier upgrades set aside, carried along as it is.
    pub carried: BTreeMap<Directory, InstalledExtension>,
    /// What was consented to and not needed.
    pub unused: Consent,
}

impl ExtensionPlan {
    /// True if nothing stops the upgrade.
    pub fn is_accepted(&self) -> bool {
        self.extensions.iter().all(|planned| planned.fate != Fate::Rejected)
            && self.arrivals.iter().all(|arrival| arrival.fate != ArrivalFate::Refused)
    }

    /// The extensions of the home once the plan is carried out; nothing if it is not accepted.
    pub fn result(&self) -> Option<Installed> {
        if !self.is_accepted() {
            return None;
        }
        let mut result = Installed { set_aside: self.carried.clone(), ..Installed::default() };
        for (place, extension) in self.placed() {
            let (part, directory) = match place {
                Place::InUse(directory) => (&mut result.extensions, directory),
                Place::Aside(directory) => (&mut result.set_aside, directory),
            };
            part.insert(directory.clone(), extension.clone());
        }
        Some(result)
    }

    /// Every file that will be there, by its path relative to the generation; none if the plan is not accepted.
    pub fn files(&self) -> BTreeMap<String, Digest> {
        let result = self.result().unwrap_or_default();
        let in_use = result.extensions.into_iter().map(|(at, what)| (Place::InUse(at), what));
        let aside = result.set_aside.into_iter().map(|(at, what)| (Place::Aside(at), what));
        let mut files = BTreeMap::new();
        for (place, extension) in in_use.chain(aside) {
            for (path, digest) in extension.artifacts.iter().chain(&extension.data) {
                files.insert(place.path_of(path), *digest);
            }
        }
        files
    }

    fn placed(&self) -> impl Iterator<Item = (&Place, &InstalledExtension)> {
        let extensions = self.extensions.iter().map(|planned| (&planned.place, &planned.after));
        let arrivals = self.arrivals.iter().map(|arrival| (&arrival.place, &arrival.after));
        extensions.chain(arrivals).filter_map(|(place, after)| place.as_ref().zip(after.as_ref()))
    }
}

impl Place {
    /// The path of one of its files, relative to the generation.
    pub fn path_of(&self, path: &ExtensionPath) -> String {
        match self {
            Self::InUse(directory) => format!("{EXTENSIONS}/{directory}/{path}"),
            Self::Aside(directory) => format!("{SET_ASIDE}/{directory}/{path}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(directory) => write!(formatter, "{EXTENSIONS}/{directory}"),
            Self::Aside(directory) => write!(formatter, "{SET_ASIDE}/{directory}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kept => "kept",
            Self::Replaced => "replaced",
            Self::SetAside => "set aside",
            Self::Rejected => "rejected",
        })
    }
}

impl fmt::Display for ArrivalFate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Arrives => "arrives",
            Self::Withheld => "withheld",
            Self::Refused => "refused",
        })
    }
}

impl fmt::Display for ExtensionPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_accepted() { "can" } else { "cannot" };
        writeln!(formatter, "The extensions {verdict} move to runtime {}.", self.runtime)?;
        for planned in &self.extensions {
            let PlannedExtension { directory, identity, version, fate, .. } = planned;
            writeln!(formatter, "{fate}: {identity} {version} in {directory}")?;
            write_reasons(formatter, &planned.reasons)?;
            for moved in planned.data_moves.iter().filter(|moved| moved.from != moved.to) {
                writeln!(formatter, "  - its data {} moves to {}", moved.from, moved.to)?;
            }
        }
        for arrival in &self.arrivals {
            writeln!(formatter, "{}: {} {}", arrival.fate, arrival.identity, arrival.version)?;
            write_reasons(formatter, &arrival.reasons)?;
        }
        for directory in &self.unused.set_aside {
            writeln!(formatter, "Not needed: the consent to set {directory} aside.")?;
        }
        for grant in &self.unused.grants {
            writeln!(formatter, "Not needed: the grant of {grant}.")?;
        }
        Ok(())
    }
}

fn write_reasons(formatter: &mut fmt::Formatter<'_>, reasons: &[Reason]) -> fmt::Result {
    reasons.iter().try_for_each(|reason| writeln!(formatter, "  - {reason} [{}]", reason.code()))
}
