//! Holds one extension against a release, by itself. What two of them do to each other is for [`crate::claims`].

use std::cmp::Ordering;
use std::collections::BTreeSet;

use versioning::RuntimeVersion;

use crate::model::Files;
use crate::permission::growth;
use crate::{
    Compatibility, Consent, DeclaredIdentity, DeclaredVersion, Directory, ExtensionIdentity,
    ExtensionPath, Grant, Installed, InstalledExtension, Kind, Offered, OfferedExtension,
    Permission, Reason,
};

/// Everything that a judgement depends on.
pub(crate) struct Court<'a> {
    pub(crate) installed: &'a Installed,
    pub(crate) offered: &'a Offered,
    pub(crate) runtime: &'a RuntimeVersion,
    pub(crate) consent: &'a Consent,
}

/// What would become of an extension, and what speaks for and against it.
pub(crate) struct Draft {
    /// The directory that it would be in.
    pub(crate) to: Directory,
    /// What would be there.
    pub(crate) after: InstalledExtension,
    /// True if artifacts of the release take the place of those that are installed.
    pub(crate) is_replaced: bool,
    /// The grants that it needs.
    pub(crate) grants: BTreeSet<Grant>,
    /// What speaks for it, and against it.
    pub(crate) reasons: Vec<Reason>,
}

/// What a release offers for an installed extension.
enum Candidate<'a> {
    Nothing,
    SameIdentity(&'a ExtensionIdentity, &'a OfferedExtension),
    Successor(&'a ExtensionIdentity, &'a OfferedExtension),
    Broken(Reason),
}

impl Court<'_> {
    /// What would become of an installed extension.
    pub(crate) fn judge_installed(
        &self,
        directory: &Directory,
        installed: &InstalledExtension,
    ) -> Draft {
        let mut draft = Draft {
            to: directory.clone(),
            after: installed.clone(),
            is_replaced: false,
            grants: BTreeSet::new(),
            reasons: Vec::new(),
        };
        draft.reasons.extend(own_obstacles(installed));
        match self.candidate(&installed.identity) {
            Candidate::Nothing => {}
            Candidate::Broken(reason) => draft.reasons.push(reason),
            Candidate::SameIdentity(identity, offered) => {
                match offered.version.compare(&installed.version) {
                    Some(Ordering::Equal) => {
                        draft.reasons.extend(same_version_obstacle(installed, offered));
                    }
                    _ => self.replace(&mut draft, installed, identity, offered),
                }
            }
            Candidate::Successor(identity, offered) => {
                draft.to = Directory::of(identity);
                self.replace(&mut draft, installed, identity, offered);
            }
        }
        let foreign = self.foreign(installed, &draft.after);
        draft.reasons.extend(foreign);
        self.check_runs(&mut draft);
        draft
    }

    /// What would become of an offered extension that is not installed.
    pub(crate) fn judge_arrival(
        &self,
        identity: &ExtensionIdentity,
        offered: &OfferedExtension,
    ) -> Draft {
        let mut draft = Draft {
            to: Directory::of(identity),
            after: offered.installed(identity, None),
            is_replaced: false,
            grants: BTreeSet::new(),
            reasons: offer_obstacles(offered).collect(),
        };
        let everywhere =
            self.installed.extensions.values().chain(self.installed.set_aside.values());
        let there = everywhere.filter_map(|extension| extension.identity.valid());
        let foreign: BTreeSet<&ExtensionIdentity> = there
            .filter(|other| other.is_namesake_of(identity))
            .chain(self.offered_namesakes(identity))
            .collect();
        draft.reasons.extend(foreign.into_iter().map(foreign_publisher));
        if self.offered.renames.contains_key(identity) {
            draft.reasons.push(Reason::RenameAmbiguous { identity: identity.clone() });
        }
        self.check_runs(&mut draft);
        draft
    }

    fn candidate(&self, identity: &DeclaredIdentity) -> Candidate<'_> {
        let Some(identity) = identity.valid() else { return Candidate::Nothing };
        let Some(successor) = self.offered.renames.get(identity) else {
            return match self.offered.extensions.get_key_value(identity) {
                Some((identity, offered)) => Candidate::SameIdentity(identity, offered),
                None => Candidate::Nothing,
            };
        };
        let ambiguous = |identity: &ExtensionIdentity| {
            Candidate::Broken(Reason::RenameAmbiguous { identity: identity.clone() })
        };
        if self.offered.extensions.contains_key(identity) {
            return ambiguous(identity);
        }
        if self.offered.renames.contains_key(successor) {
            return ambiguous(successor);
        }
        match self.offered.extensions.get(successor) {
            Some(offered) => Candidate::Successor(successor, offered),
            None => Candidate::Broken(Reason::SuccessorNotOffered { successor: successor.clone() }),
        }
    }

    /// A reason for each identity of another publisher that would take an extension's place, or that has one of its names.
    // trace: impl FC-12.1.1
    fn foreign(&self, installed: &InstalledExtension, after: &InstalledExtension) -> Vec<Reason> {
        let identities = [installed.identity.valid(), after.identity.valid()];
        let [Some(before), Some(after)] = identities else { return Vec::new() };
        let namesakes = self.offered_namesakes(before).chain(self.offered_namesakes(after));
        let successor = Some(after).filter(|after| after.publisher() != before.publisher());
        let foreign: BTreeSet<&ExtensionIdentity> = namesakes.chain(successor).collect();
        foreign.into_iter().map(foreign_publisher).collect()
    }

    /// Offered extensions that have the name of this one, under another publisher.
    fn offered_namesakes<'a>(
        &'a self,
        identity: &'a ExtensionIdentity,
    ) -> impl Iterator<Item = &'a ExtensionIdentity> {
        self.offered.extensions.keys().filter(|offered| offered.is_namesake_of(identity))
    }

    /// Puts what is offered in the place of what is installed, with every reason for and against it.
    // trace: impl FC-12.1.3
    fn replace(
        &self,
        draft: &mut Draft,
        installed: &InstalledExtension,
        identity: &ExtensionIdentity,
        offered: &OfferedExtension,
    ) {
        draft.is_replaced = true;
        draft.after = offered.installed(identity, Some(installed));
        draft.reasons.extend(offer_obstacles(offered));
        let (from, to) = (installed.version.to_string(), offered.version.to_string());
        let own = installed.identity.valid();
        let is_renamed = own != Some(identity);
        match offered.version.compare(&installed.version) {
            Some(Ordering::Less) => {
                draft.reasons.push(Reason::Downgrade { installed: from, offered: to });
            }
            // A version that is none has been said already.
            None => {}
            Some(_) if is_renamed => {
                let successor = identity.clone();
                draft.reasons.push(Reason::Renamed { successor, version: to });
            }
            Some(_) => draft.reasons.push(Reason::NewerVersion { from, to }),
        }
        for permission in growth(&installed.permissions, &offered.permissions) {
            let grant = Grant { identity: identity.clone(), permission: permission.clone() };
            draft.reasons.push(if self.consent.grants.contains(&grant) {
                Reason::PermissionGranted { permission }
            } else {
                Reason::PermissionNotGranted { permission }
            });
            draft.grants.insert(grant);
        }
    }

    /// Whether what would be there runs, and whether its files can all be where they belong.
    fn check_runs(&self, draft: &mut Draft) {
        let after = &draft.after;
        let reasons = [
            self.compatibility(&after.compatibility),
            (!self.offered.hosted.contains(&after.kind)).then(|| not_hosted(&after.kind)),
        ];
        let collisions = collisions(&after.artifacts, &after.data);
        let unknown = after.permissions.iter().filter(|permission| !self.can_withhold(permission));
        let unknown: Vec<Reason> = unknown
            .map(|permission| Reason::PermissionUnknown { permission: permission.clone() })
            .collect();
        draft.reasons.extend(reasons.into_iter().flatten());
        draft.reasons.extend(unknown);
        draft.reasons.extend(collisions);
    }

    /// Whether the runtime knows a permission, so that it could withhold it.
    // trace: impl FC-12.1.3
    fn can_withhold(&self, permission: &Permission) -> bool {
        let known = self.offered.permissions.as_ref();
        known.is_none_or(|known| known.iter().any(|known| known.covers(permission)))
    }

    // trace: impl FC-12.1.2
    fn compatibility(&self, states: &Compatibility) -> Option<Reason> {
        let runtime = self.runtime.clone();
        let holds = states.holds_for(&runtime, self.offered.unstated);
        Some(match (states, holds) {
            (Compatibility::Unstated, true) => Reason::CompatibleUnstated { runtime },
            (Compatibility::Unstated, false) => Reason::CompatibilityUnstated { runtime },
            (Compatibility::Unreadable { text, reason }, _) => {
                Reason::CompatibilityUnreadable { text: text.clone(), reason: reason.clone() }
            }
            (_, true) => Reason::Compatible { runtime, states: states.clone() },
            (_, false) => Reason::RuntimeIncompatible { runtime, states: states.clone() },
        })
    }
}

fn not_hosted(kind: &Kind) -> Reason {
    Reason::KindNotHosted { kind: kind.clone() }
}

fn foreign_publisher(offered: &ExtensionIdentity) -> Reason {
    Reason::ForeignPublisher { offered: offered.clone() }
}

/// What is wrong with an installed extension, whatever is offered for it.
fn own_obstacles(installed: &InstalledExtension) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let DeclaredIdentity::Invalid { reason, .. } = &installed.identity {
        reasons.push(Reason::IdentityInvalid { reason: reason.clone() });
    }
    // A newer version does not mend it: whether it is newer cannot be told.
    if let DeclaredVersion::Invalid { text, reason } = &installed.version {
        reasons.push(Reason::VersionInvalid { text: text.clone(), reason: reason.clone() });
    }
    if let Some(recorded) = &installed.recorded {
        reasons.extend(differences(recorded, &installed.artifacts));
    }
    let twice = installed.data.iter().filter(|(path, digest)| {
        installed.artifacts.get(path).is_some_and(|artifact| artifact != *digest)
    });
    reasons.extend(twice.map(|(path, _)| Reason::TwoDigests { path: path.clone() }));
    reasons
}

/// What is wrong with an offered extension, whatever is installed.
fn offer_obstacles(offered: &OfferedExtension) -> impl Iterator<Item = Reason> {
    let version = match &offered.version {
        DeclaredVersion::Valid(_) => None,
        DeclaredVersion::Invalid { text, reason } => {
            Some(Reason::OfferedVersionInvalid { text: text.clone(), reason: reason.clone() })
        }
    };
    let empty = offered.artifacts.is_empty().then_some(Reason::OfferEmpty);
    version.into_iter().chain(empty)
}

/// Every artifact in which what is there differs from what was put on record.
fn differences(recorded: &Files, found: &Files) -> Vec<Reason> {
    let altered = recorded.iter().filter_map(|(path, digest)| match found.get(path) {
        Some(found) if found == digest => None,
        Some(_) => Some(Reason::ArtifactAltered { path: path.clone() }),
        None => Some(Reason::ArtifactMissing { path: path.clone() }),
    });
    let added = found.keys().filter(|path| !recorded.contains_key(path));
    altered.chain(added.map(|path| Reason::ArtifactAdded { path: path.clone() })).collect()
}

/// The first artifact in which the same version differs: one of the two is not what its publisher made.
// trace: impl FC-12.1.1
fn same_version_obstacle(
    installed: &InstalledExtension,
    offered: &OfferedExtension,
) -> Option<Reason> {
    let paths: BTreeSet<&ExtensionPath> =
        installed.artifacts.keys().chain(offered.artifacts.keys()).collect();
    let differs =
        |path: &&&ExtensionPath| installed.artifacts.get(**path) != offered.artifacts.get(**path);
    paths.iter().find(differs).map(|path| Reason::SameVersionDiffers {
        version: offered.version.to_string(),
        path: (*path).clone(),
    })
}

/// Every two paths of which one is in the way of the other: the same path as artifact and as data, or a file where
/// another has a directory.
fn collisions(artifacts: &Files, data: &Files) -> Vec<Reason> {
    let collision = |path: &ExtensionPath, other: &ExtensionPath| Reason::PathCollision {
        path: path.clone(),
        other: other.clone(),
    };
    let both = data.keys().filter(|path| artifacts.contains_key(path));
    let mut reasons: Vec<Reason> = both.map(|path| collision(path, path)).collect();
    let all: BTreeSet<&ExtensionPath> = artifacts.keys().chain(data.keys()).collect();
    for path in &all {
        let above = path.ancestors().filter(|above| all.contains(above));
        reasons.extend(above.map(|above| collision(&above, path)));
    }
    reasons
}
