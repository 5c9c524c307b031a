//! What an upgrade does to extensions (FC-UPGRADE-0001 §12).

use std::cell::RefCell;
use std::collections::BTreeMap;

use extension_migration::{ArrivalFate, ExtensionPlan, Fate, Reason};
use integrity::FileSeal;
use rollback::{Generation, Part};
use versioning::Versions;

use crate::error::Cause;
use crate::{Consent, Environment, InstalledExtensions, OfferedExtensions, Refusal, SealedFiles};

/// What becomes of the extensions, with what that was decided from.
pub(super) struct ExtensionsAfter {
    pub(super) plan: ExtensionPlan,
    pub(super) installed: InstalledExtensions,
    pub(super) offered: OfferedExtensions,
}

/// Decides what becomes of every extension, with every reason.
///
/// # Errors
/// What keeps a sealed file from being read.
pub(super) fn plan(
    environment: Environment<'_>,
    generation: &Generation,
    to: &Versions,
    consent: &Consent,
    refusals: &mut Vec<Refusal>,
) -> Result<Option<ExtensionsAfter>, Cause> {
    let unread = RefCell::new(None);
    let in_use = sealed_files(generation, Part::Extensions, &unread);
    let set_aside = sealed_files(generation, Part::SetAside, &unread);
    let found = environment.catalogue.extensions(&in_use, &set_aside);
    drop((in_use, set_aside));
    // A disk that does not answer says nothing about an extension.
    if let Some(error) = unread.into_inner() {
        return Err(error.into());
    }
    let installed = match found {
        Ok(installed) => installed,
        Err(reasons) => {
            refusals.extend(reasons.into_iter().map(|reason| {
                let message = format!("extension: {reason}");
                Refusal::new("extension-unreadable", "§12", "extensions", message)
            }));
            return Ok(None);
        }
    };
    let offered = environment.catalogue.offered_extensions(to);
    let plan = extension_migration::plan(
        &installed.installed,
        &offered.offered,
        &to.runtime,
        &consent.to_extensions(),
    );
    refuse(&plan, refusals);
    Ok(Some(ExtensionsAfter { plan, installed, offered }))
}

// trace: impl FC-12.2
fn refuse(plan: &ExtensionPlan, refusals: &mut Vec<Refusal>) {
    for planned in plan.extensions.iter().filter(|planned| planned.fate == Fate::Rejected) {
        let who = format!("{} {} in {}", planned.identity, planned.version, planned.directory);
        let aside =
            format!("Agree to go on without it: `--set-aside-extension {}`", planned.directory);
        for reason in planned.reasons.iter().filter(|reason| reason.is_obstacle()) {
            let refusal = obstacle(&who, reason);
            let grant = match (reason, planned.identity.valid()) {
                (Reason::PermissionNotGranted { permission }, Some(identity)) => {
                    let (name, publisher) = (identity.name(), identity.publisher());
                    let text = format!("{name}@{publisher}:{}", permission.as_str());
                    format!("; or grant it: `--grant-permission {text}`")
                }
                _ => String::new(),
            };
            refusals.push(refusal.advise(format!("{aside}{grant}.")));
        }
    }
    for arrival in plan.arrivals.iter().filter(|found| found.fate == ArrivalFate::Refused) {
        let who = format!("{} {}", arrival.identity, arrival.version);
        let obstacles = arrival.reasons.iter().filter(|reason| reason.is_obstacle());
        refusals.extend(obstacles.map(|reason| obstacle(&who, reason)));
    }
}

fn obstacle(who: &str, reason: &Reason) -> Refusal {
    let message = format!("extension {who}: {reason}");
    Refusal::new(reason.code(), "§12", format!("extension {who}"), message)
}

/// The files of a part, each read by its seal; what could not be read is left in `unread`.
fn sealed_files<'g>(
    generation: &'g Generation,
    part: Part,
    unread: &'g RefCell<Option<rollback::Error>>,
) -> SealedFiles<'g> {
    let directory = part.directory();
    let read = move |path: &str| {
        generation.read_sealed(&format!("{directory}/{path}")).map_err(|error| {
            let sentence = error.to_string();
            unread.borrow_mut().get_or_insert(error);
            sentence
        })
    };
    SealedFiles::new(seals_of(generation, part), read)
}

/// The seals of a part, by path relative to it.
pub(super) fn seals_of(generation: &Generation, part: Part) -> BTreeMap<String, FileSeal> {
    let directory = part.directory();
    let below = |path: &str| path.strip_prefix(directory)?.strip_prefix('/').map(str::to_owned);
    let sealed = generation.manifest().files.iter();
    sealed.filter_map(|(path, seal)| Some((below(path)?, *seal))).collect()
}
