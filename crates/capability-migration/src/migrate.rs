//! A whole migration of authority: the registry, the policies, and the proof that nothing was widened.

use crate::authority::{Authority, PolicySet};
use crate::dialect_2::{PoliciesOf2, Policy2};
use crate::error::{CapabilityError, Result};
use crate::grant::Grant;
use crate::migrate_1_0::{Reading, Translation};
use crate::migrate_registry::{MigratedRegistry, RegistryPlan, migrate_registry};
use crate::registry::Registry;
use crate::rename::Renames;
use crate::report::{ArchivedRule, Report};
use crate::symbolic::examine;

/// What a release changes about authority, and what it is authorised to add.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What changes about capabilities.
    pub registry: RegistryPlan,
    /// What of a 1.0.x rule counts.
    pub reading: Reading,
    /// Policies that come with the release. They stand behind those that are there.
    pub added: Vec<Policy2>,
    /// What may be allowed that is not allowed now.
    pub grants: Vec<Grant>,
}

impl Plan {
    /// A plan that changes nothing but the dialect.
    pub fn new(reading: Reading) -> Self {
        Self { registry: RegistryPlan::default(), reading, added: vec![], grants: vec![] }
    }
}

/// Authority after its migration.
#[derive(Debug, Clone, PartialEq)]
pub struct Migrated {
    /// Policies of 2.x, and the registry.
    pub authority: Authority,
    /// The renames that were made.
    pub renames: Renames,
    /// The rules that are not there any more as they were written.
    pub archived: Vec<ArchivedRule>,
    /// Grants that were not needed.
    pub unused_grants: Vec<Grant>,
    /// What was changed.
    pub report: Report,
}

/// Migrates registry and policies to 2.x, from the dialect that the home really ran (FC-UPGRADE-0001 §11).
///
/// For every principal, capability, action and arguments: what is allowed afterwards was allowed before for certain, or is
/// covered by a grant. The steps are made so that it holds; and it is decided once more for what came out.
///
/// # Errors
/// As [`migrate_registry`]; [`CapabilityError::Widens`] if a policy of the release, a capability to be switched on, or new
/// parameters would allow more than the grants cover.
// trace: impl FC-11.1.3 FC-11.2
pub fn migrate(before: &Authority, plan: &Plan) -> Result<Migrated> {
    let MigratedRegistry { registry, renames, mut report } =
        migrate_registry(&before.registry, &plan.registry)?;
    let mut translation = Translation::new(&before.registry, &renames, plan.reading);
    match &before.policies {
        PolicySet::V1_0_0(policies) => translation.carry_1_0_0(policies),
        PolicySet::V1_0_3(policies) => translation.carry_1_0_3(policies),
        PolicySet::V2(policies) => translation.carry_2(policies)?,
    }
    let (mut policies, archived, of_policies) = translation.finish();
    report.append(of_policies);
    if !matches!(before.policies, PolicySet::V2(_)) {
        note_checked_arguments(&registry, &mut report);
    }
    for policy in &plan.added {
        add(&mut policies, policy, &mut report);
    }
    let authority = Authority { policies: PolicySet::V2(policies), registry };
    let examined = examine(before, &authority, &renames, &plan.grants);
    if !examined.widenings.is_empty() {
        return Err(CapabilityError::Widens { widenings: examined.widenings });
    }
    for grant in &plan.grants {
        let needed = !examined.unused_grants.contains(grant);
        let what = if needed { "was needed, and used" } else { "was not needed" };
        report.note(format_args!("grant: {grant}"), what);
    }
    let unused_grants = examined.unused_grants;
    Ok(Migrated { authority, renames, archived, unused_grants, report })
}

/// 1.0.x never compared arguments with the declared parameters.
fn note_checked_arguments(registry: &Registry, report: &mut Report) {
    for capability in registry.iter().filter(|capability| !capability.parameters.is_empty()) {
        let what = "its arguments are held to its declared parameters from now on";
        report.note(format_args!("capability {}", capability.id), what);
    }
}

/// A policy's name is there once, since decisions name rules by it: rules for a name that is there go behind its own.
fn add(policies: &mut PoliciesOf2, added: &Policy2, report: &mut Report) {
    let subject = format!("policy {:?}", added.name);
    match policies.0.iter_mut().find(|policy| policy.name == added.name) {
        Some(policy) => {
            report.note(subject, "gets the rules that come with the release, behind its own");
            policy.rules.extend(added.rules.iter().cloned());
        }
        None => {
            report.note(subject, "comes with the release");
            policies.0.push(added.clone());
        }
    }
}
