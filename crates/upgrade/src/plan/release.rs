//! Which release, and whether it suits what is installed (FC-UPGRADE-0001 §13).

use std::collections::{BTreeMap, BTreeSet};

use capability_migration::Authority;
use compatibility::{
    Installed, InstalledExtension, Migration, Offer, Policy, RollbackTarget, Span, UpgradePath,
    Verdict,
};
use extension_migration::{Compatibility, ExtensionPlan, Fate};
use versioning::Versions;

use super::Request;
use crate::{Environment, Refusal, Release};

/// The release that is asked for; the newest that may be taken without being asked for, if none is.
pub(super) fn choose(
    environment: Environment<'_>,
    request: &Request,
    installed: &Versions,
    refusals: &mut Vec<Refusal>,
) -> Option<Release> {
    let releases = environment.catalogue.releases();
    let installable = || releases.iter().filter(|release| release.installable);
    let names = || installable().map(|r| r.runtime().to_string()).collect::<Vec<_>>().join(", ");
    let mut refuse = |code, message: String| {
        refusals.push(Refusal::new(code, "§13", "release", message));
    };
    let Some(wanted) = &request.target else {
        let newest = installable()
            .filter(|release| !release.offer.must_be_asked_for())
            .max_by(|a, b| a.runtime().cmp(b.runtime()));
        if newest.is_none() {
            refuse("release-unknown", "this command carries no release".to_owned());
        }
        return newest.cloned();
    };
    let found = releases.iter().find(|release| release.runtime() == wanted);
    match found {
        None => refuse(
            "release-unknown",
            format!("{wanted} is not known; this command carries {}", names()),
        ),
        Some(release) if !release.installable && *release.runtime() != installed.runtime => {
            refuse(
                "release-not-installable",
                format!(
                    "{wanted} is known, but this command cannot install it; it carries {}",
                    names()
                ),
            );
        }
        Some(_) => {}
    }
    found.cloned()
}

/// What is judged.
pub(super) struct Case<'c> {
    pub(super) environment: Environment<'c>,
    pub(super) installed: &'c Versions,
    /// What could be read of it.
    pub(super) authority: Option<&'c Authority>,
    /// What could be planned of them.
    pub(super) extensions: Option<&'c ExtensionPlan>,
    /// By what a rollback could carry back what is written after the upgrade.
    pub(super) steps_back: BTreeSet<Migration>,
    pub(super) request: &'c Request,
}

impl Case<'_> {
    /// Whether a release suits what is installed, with every reason.
    // trace: impl FC-13.3
    pub(super) fn judge(&self, release: &Release, refusals: &mut Vec<Refusal>) -> Verdict {
        let verdict = compatibility::judge(&self.state(), &release.offer, &self.policy());
        refusals.extend(verdict.of(compatibility::Severity::Refuse).map(Refusal::from));
        let registry = self.authority.iter().flat_map(|authority| authority.registry.iter());
        let unnamed = registry.filter(|found| compatible_id(found).is_none());
        refusals.extend(unnamed.map(|found| {
            let message = format!("the id of capability {} is too long to be judged", found.id);
            Refusal::new("capability-id-too-long", "§11", "capabilities", message)
        }));
        verdict
    }

    /// The way over several releases to one that cannot be reached directly, if there is one.
    pub(super) fn path(&self, release: &Release) -> Option<UpgradePath> {
        let releases = self.environment.catalogue.releases().iter();
        let offers: Vec<Offer> = releases
            .filter(|release| release.installable)
            .map(|release| release.offer.clone())
            .collect();
        let policy = Policy { target: Some(release.runtime().clone()), ..self.policy() };
        let path = compatibility::paths(&self.state(), &offers, &policy).ok()?;
        (path.hops.len() > 1).then_some(path)
    }

    fn policy(&self) -> Policy {
        let consent = &self.request.consent;
        Policy {
            target: self.request.target.clone(),
            rollback_data: consent.rollback_data,
            peers: consent.peers,
            ..Policy::default()
        }
    }

    fn state(&self) -> Installed {
        let versions = self.installed.clone();
        let own = self.environment.catalogue.releases().iter();
        let own = own.into_iter().find(|release| *release.runtime() == versions.runtime);
        let reads = own.map_or(Span::only(versions.storage), |release| release.offer.storage.reads);
        Installed {
            extensions: self.extensions.map(kept).unwrap_or_default(),
            capabilities: self.authority.map(capabilities).unwrap_or_default(),
            // What is current now is what a rollback goes back to, and is never given back before the next upgrade.
            rollback_target: Some(RollbackTarget { versions: versions.clone(), reads }),
            generations_kept: 1,
            steps_back: self.steps_back.clone(),
            versions,
        }
    }
}

fn capabilities(authority: &Authority) -> BTreeMap<compatibility::CapabilityId, bool> {
    let capabilities = authority.registry.iter();
    capabilities.filter_map(|found| Some((compatible_id(found)?, found.enabled))).collect()
}

fn compatible_id(
    capability: &capability_migration::Capability,
) -> Option<compatibility::CapabilityId> {
    capability.id.as_str().parse().ok()
}

/// The extensions that stay as they are: of all others the extension plan says why.
fn kept(plan: &ExtensionPlan) -> Vec<InstalledExtension> {
    let kept = plan.extensions.iter().filter(|planned| planned.fate == Fate::Kept);
    kept.filter_map(|planned| installed_extension(planned.after.as_ref()?)).collect()
}

fn installed_extension(
    extension: &extension_migration::InstalledExtension,
) -> Option<InstalledExtension> {
    let identity = extension.identity.valid()?;
    Some(InstalledExtension {
        identity: compatibility::ExtensionIdentity {
            name: identity.name().parse().ok()?,
            publisher: Some(identity.publisher().parse().ok()?),
        },
        version: extension.version.to_string(),
        kind: extension.kind.as_str().parse().ok()?,
        runtime: match &extension.compatibility {
            Compatibility::AnyOf(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
                compatibility::RuntimeRange::parse(&ranges).ok()
            }
            _ => None,
        },
        api: None,
        // Whether the release knows what it asks for is for the extension plan to say, which also knows of scopes.
        permissions: BTreeSet::new(),
    })
}
