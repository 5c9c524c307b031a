//! Makes the plan.

use std::collections::{BTreeMap, BTreeSet};

use versioning::RuntimeVersion;

use crate::claims::{Claim, Conflict, conflicts};
use crate::judge::{Court, Draft};
use crate::{
    ArrivalFate, Consent, DataMove, Directory, ExtensionIdentity, ExtensionPlan, Fate, Grant,
    Installed, InstalledExtension, Offered, OfferedExtension, Place, PlannedArrival,
    PlannedExtension, Reason,
};

/// Decides what becomes of every extension (FC-UPGRADE-0001 §12).
///
/// Total and deterministic. Each extension is first judged by itself, then against the others. Who has an obstacle and is
/// named by the consent is set aside, and is then in nobody's way; who has an obstacle left is rejected.
// trace: impl FC-12.3
pub fn plan(
    installed: &Installed,
    offered: &Offered,
    runtime: &RuntimeVersion,
    consent: &Consent,
) -> ExtensionPlan {
    let court = Court { installed, offered, runtime, consent };
    let drafts: Vec<Subject<'_>> = installed
        .extensions
        .iter()
        .map(|(directory, extension)| Subject {
            directory,
            extension,
            draft: court.judge_installed(directory, extension),
        })
        .collect();
    let arriving = arriving(installed, offered);
    let arrivals: Vec<(&ExtensionIdentity, Draft)> =
        arriving.iter().map(|(id, offered)| (*id, court.judge_arrival(id, offered))).collect();

    let claims = drafts.iter().map(Subject::claim).chain(arrivals.iter().map(arrival_claim));
    let mut conflicts = conflicts(&claims.collect::<Vec<Claim>>());
    let arrival_conflicts = conflicts.split_off(drafts.len());
    let is_aside: Vec<bool> = drafts
        .iter()
        .zip(&conflicts)
        .map(|(subject, conflicts)| subject.is_set_aside(conflicts, consent))
        .collect();

    let mut aside_taken: BTreeSet<Directory> = installed.set_aside.keys().cloned().collect();
    let mut extensions = Vec::with_capacity(drafts.len());
    for (index, (subject, conflicts)) in drafts.into_iter().zip(conflicts).enumerate() {
        extensions.push(if is_set_aside(index, &is_aside) {
            subject.set_aside(conflicts, &mut aside_taken)
        } else {
            subject.decide(standing(conflicts, &is_aside))
        });
    }
    extensions.sort_by(|a, b| (&a.identity, &a.directory).cmp(&(&b.identity, &b.directory)));
    let mut arrivals: Vec<PlannedArrival> = arrivals
        .into_iter()
        .zip(arrival_conflicts)
        .map(|((id, draft), conflicts)| arrive(id, draft, standing(conflicts, &is_aside)))
        .collect();
    arrivals.extend(withheld(installed, offered, &arriving));
    arrivals.sort_by(|a, b| a.identity.cmp(&b.identity));
    let unused = unused(consent, &extensions);
    let carried = installed.set_aside.clone();
    ExtensionPlan { runtime: runtime.clone(), extensions, arrivals, carried, unused }
}

/// An installed extension and what would become of it.
struct Subject<'a> {
    directory: &'a Directory,
    extension: &'a InstalledExtension,
    draft: Draft,
}

impl Subject<'_> {
    fn claim(&self) -> Claim {
        Claim {
            claimant: format!("{} in {}", self.extension.identity, self.directory),
            directory: self.draft.to.clone(),
            identity: self.draft.after.identity.valid().cloned(),
        }
    }

    /// True if it has an obstacle, may be set aside, and can be.
    fn is_set_aside(&self, conflicts: &[Conflict], consent: &Consent) -> bool {
        let has_obstacle =
            !conflicts.is_empty() || self.draft.reasons.iter().any(Reason::is_obstacle);
        has_obstacle
            && consent.set_aside.contains(self.directory)
            && self.extension.files().is_some()
    }

    /// Kept or replaced if nothing speaks against it, else rejected.
    // trace: impl FC-12.2
    fn decide(self, conflicts: Vec<Reason>) -> PlannedExtension {
        let (obstacles, favour): (Vec<Reason>, Vec<Reason>) =
            self.draft.reasons.iter().cloned().chain(conflicts).partition(Reason::is_obstacle);
        if !obstacles.is_empty() {
            return self.planned(Fate::Rejected, obstacles, None, None);
        }
        let fate = if self.draft.is_replaced { Fate::Replaced } else { Fate::Kept };
        let place = Place::InUse(self.draft.to.clone());
        let after = self.draft.after.clone();
        let mut planned = self.planned(fate, favour, Some(place), Some(after));
        planned.granted = self.draft.grants.into_iter().map(|grant| grant.permission).collect();
        planned
    }

    /// Set aside as it is, in a directory that no other has.
    fn set_aside(
        self,
        conflicts: Vec<Conflict>,
        taken: &mut BTreeSet<Directory>,
    ) -> PlannedExtension {
        let own = self.directory.clone();
        // One more number than there are names taken, so one of them is free.
        let numbers = 2..=taken.len().saturating_add(2);
        let mut names = std::iter::once(own.clone()).chain(numbers.map(|n| own.numbered(n)));
        let free = names.find(|name| !taken.contains(name)).unwrap_or(own);
        taken.insert(free.clone());
        let against = self.draft.reasons.iter().filter(|reason| reason.is_obstacle()).cloned();
        let mut reasons: Vec<Reason> =
            against.chain(conflicts.into_iter().map(|conflict| conflict.reason)).collect();
        reasons.push(Reason::SetAsideByConsent);
        let extension = self.extension.clone();
        self.planned(Fate::SetAside, reasons, Some(Place::Aside(free)), Some(extension))
    }

    fn planned(
        &self,
        fate: Fate,
        reasons: Vec<Reason>,
        place: Option<Place>,
        after: Option<InstalledExtension>,
    ) -> PlannedExtension {
        let today = Place::InUse(self.directory.clone());
        let moved = |place: &Place| {
            let data = self.extension.data.iter();
            data.map(|(path, digest)| DataMove {
                from: today.path_of(path),
                to: place.path_of(path),
                digest: *digest,
            })
            .collect()
        };
        PlannedExtension {
            directory: self.directory.clone(),
            identity: self.extension.identity.clone(),
            version: self.extension.version.clone(),
            fate,
            reasons,
            granted: BTreeSet::new(),
            data_moves: place.as_ref().map(moved).unwrap_or_default(),
            place,
            after,
        }
    }
}

/// The reasons of conflicts with those that are not set aside: who is set aside is in nobody's way.
fn standing(conflicts: Vec<Conflict>, is_aside: &[bool]) -> Vec<Reason> {
    let standing = conflicts.into_iter().filter(|with| !is_set_aside(with.other, is_aside));
    standing.map(|conflict| conflict.reason).collect()
}

/// Whether the subject with this number is set aside. Arrivals have the numbers behind those of the subjects, and never are.
fn is_set_aside(subject: usize, is_aside: &[bool]) -> bool {
    is_aside.get(subject).copied().unwrap_or(false)
}

/// The identity that an installed extension goes by once the release's renames are applied.
fn identity_after<'a>(
    extension: &'a InstalledExtension,
    offered: &'a Offered,
) -> Option<&'a ExtensionIdentity> {
    let identity = extension.identity.valid()?;
    Some(offered.renames.get(identity).unwrap_or(identity))
}

/// True if an offered extension is that of an installed one, or its successor.
fn stands_for(
    identity: &ExtensionIdentity,
    extension: &InstalledExtension,
    offered: &Offered,
) -> bool {
    extension.identity.valid() == Some(identity)
        || identity_after(extension, offered) == Some(identity)
}

/// The offered extensions that are to arrive and that neither are installed, nor were, under any of their names.
fn arriving<'a>(
    installed: &Installed,
    offered: &'a Offered,
) -> BTreeMap<&'a ExtensionIdentity, &'a OfferedExtension> {
    let is_there = |identity: &ExtensionIdentity| {
        let mut all = installed.extensions.values().chain(installed.set_aside.values());
        all.any(|extension| stands_for(identity, extension, offered))
    };
    let declared = offered.extensions.iter().filter(|(_, offered)| offered.arrives);
    declared.filter(|(identity, _)| !is_there(identity)).collect()
}

/// The offered extensions that would arrive had they not been set aside before.
fn withheld(
    installed: &Installed,
    offered: &Offered,
    arriving: &BTreeMap<&ExtensionIdentity, &OfferedExtension>,
) -> Vec<PlannedArrival> {
    let mut withheld = Vec::new();
    for (identity, extension) in &offered.extensions {
        let is_this = |there: &InstalledExtension| stands_for(identity, there, offered);
        let is_candidate = extension.arrives && !arriving.contains_key(identity);
        if !is_candidate || installed.extensions.values().any(is_this) {
            continue;
        }
        let aside = installed.set_aside.iter().find(|(_, there)| is_this(there));
        withheld.extend(aside.map(|(directory, _)| PlannedArrival {
            identity: identity.clone(),
            version: extension.version.clone(),
            fate: ArrivalFate::Withheld,
            reasons: vec![Reason::WasSetAside { directory: directory.clone() }],
            place: None,
            after: None,
        }));
    }
    withheld
}

fn arrival_claim((identity, draft): &(&ExtensionIdentity, Draft)) -> Claim {
    Claim {
        claimant: format!("{identity}, which comes with the release"),
        directory: draft.to.clone(),
        identity: Some((*identity).clone()),
    }
}

fn arrive(identity: &ExtensionIdentity, draft: Draft, conflicts: Vec<Reason>) -> PlannedArrival {
    let version = draft.after.version.clone();
    let (obstacles, mut favour): (Vec<Reason>, Vec<Reason>) =
        draft.reasons.into_iter().chain(conflicts).partition(Reason::is_obstacle);
    let identity = identity.clone();
    if !obstacles.is_empty() {
        let (fate, reasons) = (ArrivalFate::Refused, obstacles);
        return PlannedArrival { identity, version, fate, reasons, place: None, after: None };
    }
    favour.push(Reason::ArrivesDisabled);
    PlannedArrival {
        identity,
        version,
        fate: ArrivalFate::Arrives,
        reasons: favour,
        place: Some(Place::InUse(draft.to)),
        after: Some(draft.after),
    }
}

/// What was consented to and is not needed. A grant counts as needed only where it came into force.
fn unused(consent: &Consent, extensions: &[PlannedExtension]) -> Consent {
    let mut unused = consent.clone();
    for planned in extensions {
        if planned.fate == Fate::SetAside {
            unused.set_aside.remove(&planned.directory);
        }
        let Some(identity) = planned.after.as_ref().and_then(|after| after.identity.valid()) else {
            continue;
        };
        for permission in &planned.granted {
            let grant = Grant { identity: identity.clone(), permission: permission.clone() };
            unused.grants.remove(&grant);
        }
    }
    unused
}
