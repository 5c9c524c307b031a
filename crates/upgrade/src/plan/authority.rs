//! What an upgrade does to who may do what (FC-UPGRADE-0001 §11).

use capability_migration::{Authority, CapabilityError, Diff, Migrated, diff};
use serde::Serialize;
use versioning::Versions;

use crate::{Consent, Environment, Files, Refusal};

/// What an upgrade does to capabilities and policies. By default nothing may be allowed that was not allowed before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlannedAuthority {
    /// Every change, a sentence each.
    pub changes: Vec<String>,
    /// What will be allowed and is not allowed now, a sentence each: grants cover it.
    pub newly_allowed: Vec<String>,
    /// What will be denied and is not denied now, a sentence each.
    pub newly_denied: Vec<String>,
    /// Rules that will not be there any more as they were written, each with the reason. The files they stand in are kept.
    pub archived: Vec<String>,
}

/// Authority as it is now, what becomes of it, and the files that say so; none if they stay as they are.
pub(super) struct AuthorityAfter {
    pub(super) planned: PlannedAuthority,
    pub(super) files: Option<Files>,
}

/// Reads who may do what.
pub(super) fn read(
    environment: Environment<'_>,
    versions: &Versions,
    files: &Files,
    refusals: &mut Vec<Refusal>,
) -> Option<Authority> {
    let found = environment.catalogue.authority(versions, files);
    found.map_err(|reasons| refuse("policy-unreadable", reasons, refusals)).ok()
}

/// Migrates it. That nothing is widened is decided here, for every request there can be.
// trace: impl FC-11.2
// trace: impl FC-5.1.2 FC-28.1.3
pub(super) fn plan(
    environment: Environment<'_>,
    (from, before): (&Versions, &Authority),
    to: &Versions,
    consent: &Consent,
    refusals: &mut Vec<Refusal>,
) -> Option<AuthorityAfter> {
    let catalogue = environment.catalogue;
    let mut plan = catalogue
        .authority_plan(from, to)
        .map_err(|reasons| refuse("policy-not-migratable", reasons, refusals))
        .ok()?;
    plan.grants.clone_from(&consent.grants);
    let migrated = capability_migration::migrate(before, &plan)
        .map_err(|error| refuse_migration(error, refusals))
        .ok()?;
    let planned = describe(before, &migrated);
    if migrated.authority == *before {
        return Some(AuthorityAfter { planned, files: None });
    }
    let files = catalogue
        .write_authority(to, &migrated.authority)
        .map_err(|reasons| refuse("policy-not-migratable", reasons, refusals))
        .ok()?;
    // What is written is what will be read, and what was proven.
    match catalogue.authority(to, &files) {
        Ok(found) if found == migrated.authority => {}
        Ok(_) => {
            let reason = "what would be written down is not what was decided".to_owned();
            refuse("policy-not-as-written", vec![reason], refusals);
        }
        Err(reasons) => refuse("policy-not-as-written", reasons, refusals),
    }
    Some(AuthorityAfter { planned, files: Some(files) })
}

// trace: impl FC-11.3
fn describe(before: &Authority, migrated: &Migrated) -> PlannedAuthority {
    let Diff { newly_allowed, newly_denied } = diff(before, &migrated.authority, &migrated.renames);
    let entries = migrated.report.entries().iter();
    PlannedAuthority {
        changes: entries.map(|entry| format!("{}: {}", entry.subject, entry.what)).collect(),
        newly_allowed: newly_allowed.iter().map(ToString::to_string).collect(),
        newly_denied: newly_denied.iter().map(ToString::to_string).collect(),
        archived: migrated
            .archived
            .iter()
            .map(|archived| format!("{}: {}", archived.rule, archived.reason))
            .collect(),
    }
}

/// A reason for each request that would be allowed, and is not.
fn refuse_migration(error: CapabilityError, refusals: &mut Vec<Refusal>) {
    match error {
        CapabilityError::Widens { widenings } => {
            let widening = |found: &capability_migration::Widening| {
                let message = format!("policy: newly allowed, and not granted: {found}");
                Refusal::new("authority-widens", "§11", "policy", message).advise(
                    "If it is to be so, grant exactly that: `--grant PRINCIPAL:RESOURCE:ACTION`.",
                )
            };
            refusals.extend(widenings.iter().map(widening));
        }
        error => refuse("policy-not-migratable", vec![error.to_string()], refusals),
    }
}

fn refuse(code: &'static str, reasons: Vec<String>, refusals: &mut Vec<Refusal>) {
    let reasons = reasons.into_iter().map(|reason| format!("policy: {reason}"));
    refusals.extend(reasons.map(|reason| Refusal::new(code, "§11", "policy", reason)));
}
