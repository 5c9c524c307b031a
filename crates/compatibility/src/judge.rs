//! Whether an offer suits an installation (FC-UPGRADE-0001 §13).
//!
//! Every check looks at its own facts only and none is left out because another has failed: so a verdict has every reason, and
//! a further conflict can add reasons but never take one away.

use std::cmp::Ordering;

use versioning::{UpgradeKind, UpgradeKinds, Versions};

use crate::reason::{
    CapabilityReason, ExtensionReason, ProtocolReason, Reason, ReleaseReason, StorageReason,
};
use crate::storage::route;
use crate::{
    CapabilityId, Installed, InstalledExtension, Offer, Part, Policy, RollbackData, Verdict,
};

/// Judges an offer for an installation. Total and deterministic: it answers whatever it is given, and always the same.
pub fn judge(installed: &Installed, offer: &Offer, policy: &Policy) -> Verdict {
    let kinds = versioning::classify(&installed.versions, &offer.versions).ok();
    let mut reasons = Vec::new();
    judge_versions(&installed.versions, offer, &mut reasons);
    judge_asking(offer, policy, &mut reasons);
    judge_storage(installed, offer, &mut reasons);
    judge_rollback(installed, offer, policy, &mut reasons);
    judge_configuration(installed, offer, &mut reasons);
    judge_protocol(installed, offer, policy, &mut reasons);
    for extension in &installed.extensions {
        judge_extension(extension, offer, kinds.as_ref(), &mut reasons);
    }
    judge_capability_set(installed, offer, &mut reasons);
    for (id, &enabled) in &installed.capabilities {
        judge_capability(installed, id, enabled, offer, &mut reasons);
    }
    let (from, to) = (installed.versions.runtime.clone(), offer.versions.runtime.clone());
    Verdict::new(from, to, kinds, reasons)
}

// trace: impl FC-13.2.1
fn judge_versions(installed: &Versions, offer: &Offer, reasons: &mut Vec<Reason>) {
    let offered = &offer.versions;
    let mut moving = Vec::new();
    for (part, order, from, to) in compare(installed, offered) {
        match order {
            Ordering::Less => moving.push(part),
            Ordering::Equal => {}
            Ordering::Greater => reasons.push(ReleaseReason::Downgrade { part, from, to }.into()),
        }
    }
    if installed.runtime == offered.runtime {
        let version = offered.runtime.clone();
        reasons.push(ReleaseReason::SameVersion { version, moving }.into());
    }
    if !offer.upgrades_from.contains(&installed.runtime) {
        let (installed, offered) = (installed.runtime.clone(), offered.runtime.clone());
        let upgrades_from = offer.upgrades_from.to_string();
        let reason = ReleaseReason::RuntimeOutOfRange { installed, offered, upgrades_from };
        reasons.push(reason.into());
    }
}

/// How each part moves, and between what.
fn compare(from: &Versions, to: &Versions) -> [(Part, Ordering, String, String); 6] {
    fn row<V: Ord + ToString>(part: Part, from: &V, to: &V) -> (Part, Ordering, String, String) {
        (part, from.cmp(to), from.to_string(), to.to_string())
    }
    [
        row(Part::Runtime, &from.runtime, &to.runtime),
        row(Part::Storage, &from.storage, &to.storage),
        row(Part::Configuration, &from.configuration, &to.configuration),
        row(Part::Protocol, &from.protocol, &to.protocol),
        row(Part::Capabilities, &from.capabilities, &to.capabilities),
        row(Part::Extensions, &from.extensions, &to.extensions),
    ]
}

fn judge_asking(offer: &Offer, policy: &Policy, reasons: &mut Vec<Reason>) {
    if !offer.must_be_asked_for() {
        return;
    }
    let version = offer.versions.runtime.clone();
    let reason = if policy.asks_for(&version) {
        ReleaseReason::PrereleaseAskedFor { version }
    } else {
        ReleaseReason::PrereleaseNotAskedFor { version }
    };
    reasons.push(reason.into());
}

// trace: impl FC-13.2.2
fn judge_storage(installed: &Installed, offer: &Offer, reasons: &mut Vec<Reason>) {
    let (found, writes) = (installed.versions.storage, offer.versions.storage);
    if !offer.readable().reads(found) {
        let reads = offer.storage.reads;
        reasons.push(StorageReason::NotReadable { found, reads }.into());
    }
    match route(&offer.storage.migrations, found, |schema| schema == writes) {
        None => reasons.push(StorageReason::NoPath { from: found, to: writes }.into()),
        Some(way) if found != writes => reasons.push(StorageReason::Migrates { way }.into()),
        Some(_) => {}
    }
}

// trace: impl FC-24.2.2
fn judge_rollback(
    installed: &Installed,
    offer: &Offer,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) {
    let generations_kept = installed.generations_kept;
    if installed.rollback_target.is_none() || generations_kept == 0 {
        reasons.push(StorageReason::NoRollbackTarget { generations_kept }.into());
    }
    let Some(target) = &installed.rollback_target else { return };
    let reader = target.readable();
    if reader.reads_what(&offer.readable()) {
        return;
    }
    let (writes, reads) = (offer.versions.storage, target.reads);
    let data = policy.rollback_data;
    let converted = || route(&offer.storage.migrations, writes, |schema| reader.reads(schema));
    // A rollback takes these steps only where it is to preserve, and leaves nothing on the way: where records are to be set
    // aside they are, and somebody has to agree to it.
    let carried = || {
        let steps = Some(&installed.steps_back).filter(|_| data == RollbackData::Preserve)?;
        route(steps, writes, |schema| schema == reader.writes)
    };
    let target = target.versions.runtime.clone();
    let reason = match converted().or_else(carried) {
        Some(way) => StorageReason::RollbackConverts { target, way },
        None => StorageReason::RollbackUnreadable { target, writes, reads, data },
    };
    reasons.push(reason.into());
}

fn judge_configuration(installed: &Installed, offer: &Offer, reasons: &mut Vec<Reason>) {
    let (from, to) = (installed.versions.configuration, offer.versions.configuration);
    if from == to {
        return;
    }
    let reason = if offer.configurations.contains(from) {
        ReleaseReason::ConfigurationMigrates { from, to }
    } else {
        let migrates_from = offer.configurations;
        ReleaseReason::ConfigurationNotMigratable { found: from, migrates_from }
    };
    reasons.push(reason.into());
}

// trace: impl FC-24.2.1
fn judge_protocol(
    installed: &Installed,
    offer: &Offer,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) {
    let spoken = installed.versions.protocol;
    if spoken == offer.versions.protocol || offer.protocol.speaks(spoken) {
        return;
    }
    let (offered, peers) = (offer.protocol.versions(), policy.peers);
    let reason = if offer.protocol.majors().contains_key(&spoken.major) {
        ProtocolReason::MinorDropped { spoken, offered, peers }
    } else {
        ProtocolReason::MajorDropped { spoken, offered, peers }
    };
    reasons.push(reason.into());
}

// trace: impl FC-13.2.3
fn judge_extension(
    installed: &InstalledExtension,
    offer: &Offer,
    kinds: Option<&UpgradeKinds>,
    reasons: &mut Vec<Reason>,
) {
    let host = &offer.extensions;
    let who = || (installed.identity.clone(), installed.version.clone());
    let mut push = |reason: ExtensionReason| reasons.push(reason.into());
    let (extension, version) = who();
    let offered = offer.versions.runtime.clone();
    match &installed.runtime {
        None => {
            let major = kinds.is_none_or(|kinds| kinds.contains(UpgradeKind::Major));
            push(ExtensionReason::StatesNoRuntime { extension, version, major });
        }
        Some(range) if !range.contains(&offered) => {
            let works_with = range.to_string();
            push(ExtensionReason::RuntimeOutOfRange { extension, version, offered, works_with });
        }
        Some(_) => {}
    }
    if !host.kinds.contains(&installed.kind) {
        let ((extension, version), kind) = (who(), installed.kind.clone());
        push(ExtensionReason::KindNotHosted { extension, version, kind });
    }
    for permission in installed.permissions.difference(&host.permissions) {
        let ((extension, version), permission) = (who(), permission.clone());
        push(ExtensionReason::PermissionUnknown { extension, version, permission });
    }
    if let Some(needs) = installed.api.filter(|api| !host.api.contains(*api)) {
        let ((extension, version), offered) = (who(), host.api);
        push(ExtensionReason::ApiNotOffered { extension, version, needs, offered });
    }
}

// trace: impl FC-13.2.4
fn judge_capability_set(installed: &Installed, offer: &Offer, reasons: &mut Vec<Reason>) {
    let found = installed.versions.capabilities;
    let accepts = offer.capabilities.statement().sets;
    if found != offer.versions.capabilities && !accepts.contains(found) {
        reasons.push(CapabilityReason::SetNotAccepted { found, accepts }.into());
    }
}

// trace: impl FC-11.1.2 FC-13.2.4
fn judge_capability(
    installed: &Installed,
    id: &CapabilityId,
    enabled: bool,
    offer: &Offer,
    reasons: &mut Vec<Reason>,
) {
    let Some(known_as) = offer.capabilities.known_as(id) else {
        reasons.push(CapabilityReason::Lost { id: id.clone(), enabled }.into());
        return;
    };
    if known_as != id {
        let (id, to) = (id.clone(), known_as.clone());
        judge_collisions(installed, &id, &to, offer, reasons);
        reasons.push(CapabilityReason::Renamed { id, to }.into());
    }
    let redefined = &offer.capabilities.statement().redefined;
    let set = installed.versions.capabilities;
    if let Some(&since) = redefined.get(known_as).filter(|since| set < **since) {
        let (id, known_as) = (id.clone(), known_as.clone());
        reasons.push(CapabilityReason::Redefined { id, known_as, since, installed: set }.into());
    }
}

/// Two capabilities that become one would each gain what was granted to the other.
fn judge_collisions(
    installed: &Installed,
    id: &CapabilityId,
    to: &CapabilityId,
    offer: &Offer,
    reasons: &mut Vec<Reason>,
) {
    let others = installed.capabilities.keys().filter(|other| *other != id);
    for with in others.filter(|other| offer.capabilities.known_as(other) == Some(to)) {
        let (id, to, with) = (id.clone(), to.clone(), with.clone());
        reasons.push(CapabilityReason::Collides { id, to, with }.into());
    }
}
