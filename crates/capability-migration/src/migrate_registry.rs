//! From one registry to the next: ids keep their meaning, and nothing becomes usable by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{CapabilityError, Result};
use crate::registry::{Capability, CapabilityId, Parameter, Registry};
use crate::rename::Renames;
use crate::report::Report;

/// What a release changes about capabilities.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegistryPlan {
    /// The capabilities that the release knows. Their `enabled` counts for nothing: what is new arrives switched off.
    pub offered: Vec<Capability>,
    /// New ids of capabilities.
    pub renames: Renames,
    /// The capabilities that are no more, by the id they have, each with the reason.
    pub removed: BTreeMap<CapabilityId, String>,
    /// The capabilities to switch on, by their ids afterwards. Whether that widens anything is for the policies to say.
    pub enabled: BTreeSet<CapabilityId>,
}

/// A registry after its migration.
#[derive(Debug, Clone, PartialEq)]
pub struct MigratedRegistry {
    /// The registry.
    pub registry: Registry,
    /// The renames that were made: of those of the plan, the ones whose former id was there.
    pub renames: Renames,
    /// What was changed.
    pub report: Report,
}

/// Migrates a registry (FC-UPGRADE-0001 §11).
///
/// Every capability is there afterwards, by its id or by its declared new one, or is retired with the reason. What the
/// release does not know is kept as it is. What is switched on stays so, what is switched off too.
///
/// # Errors
/// If an id would come to stand for something else, or the plan contradicts itself or the registry.
// trace: impl FC-11.1.1
pub fn migrate_registry(before: &Registry, plan: &RegistryPlan) -> Result<MigratedRegistry> {
    let renames = plan.renames.within(before)?;
    let offered = Registry::new(plan.offered.iter().cloned())?;
    let mut work = Work {
        registry: Registry::with_retired(before.retired()),
        report: Report::default(),
        offered: &offered,
    };
    for capability in before.iter() {
        let to = renames.after(capability.id.as_str());
        match (plan.removed.get(&capability.id), to == capability.id.as_str()) {
            (Some(_), false) => {
                return Err(contradicted(&capability.id, "removed", "also renamed"));
            }
            (Some(reason), true) => work.remove(capability, reason)?,
            (None, false) => work.rename(capability, to)?,
            (None, true) => work.keep(capability)?,
        }
    }
    work.add_what_is_new(before)?;
    work.enable(&plan.enabled)?;
    Ok(MigratedRegistry { registry: work.registry, renames, report: work.report })
}

struct Work<'a> {
    registry: Registry,
    report: Report,
    offered: &'a Registry,
}

impl Work<'_> {
    fn remove(&mut self, capability: &Capability, reason: &str) -> Result<()> {
        let id = &capability.id;
        if self.offered.get(id.as_str()).is_some() {
            return Err(contradicted(id, "removed", "also offered"));
        }
        self.report.note(format_args!("capability {id}"), format!("retired: {reason}"));
        self.registry.retire(capability.clone(), reason.to_owned());
        Ok(())
    }

    /// A new id is the declaration that what it takes, or what it is, may be new as well.
    fn rename(&mut self, capability: &Capability, to: &str) -> Result<()> {
        let from = &capability.id;
        let mut renamed = Capability { id: to.parse()?, ..capability.clone() };
        self.report.note(format_args!("capability {from}"), format!("is called {to} from now on"));
        if let Some(offered) = self.offered.get(to) {
            if meaning(&offered.parameters) != meaning(&capability.parameters) {
                let (now, was) = (words(&offered.parameters), words(&capability.parameters));
                self.report
                    .note(format_args!("capability {to}"), format!("takes {now}, not {was}"));
                renamed.parameters.clone_from(&offered.parameters);
            }
            self.describe(&mut renamed, offered);
        }
        self.registry.retire(capability.clone(), format!("it is called {to} now"));
        self.registry.insert(renamed)
    }

    // trace: impl FC-11.1.2
    fn keep(&mut self, capability: &Capability) -> Result<()> {
        let mut kept = capability.clone();
        match self.offered.get(kept.id.as_str()) {
            Some(offered) if meaning(&offered.parameters) != meaning(&kept.parameters) => {
                return Err(CapabilityError::MeaningChanged {
                    id: kept.id,
                    found: words(&capability.parameters),
                    offered: words(&offered.parameters),
                });
            }
            Some(offered) => self.describe(&mut kept, offered),
            None => {
                let what = "is not known to the release, and is kept as it is";
                self.report.note(format_args!("capability {}", kept.id), what);
            }
        }
        self.registry.insert(kept)
    }

    /// A description is for people; what a capability means to the machine is its id and its parameters.
    fn describe(&mut self, capability: &mut Capability, offered: &Capability) {
        if capability.description != offered.description {
            let (now, was) = (&offered.description, &capability.description);
            let subject = format!("capability {}", capability.id);
            self.report.note(subject, format!("is described as {now:?}, not {was:?}"));
            capability.description.clone_from(&offered.description);
        }
    }

    fn add_what_is_new(&mut self, before: &Registry) -> Result<()> {
        for offered in self.offered.iter() {
            let id = &offered.id;
            if self.registry.get(id.as_str()).is_some() {
                continue;
            }
            let retired = |it: &crate::registry::Retired| it.capability.id == *id;
            if before.get(id.as_str()).is_some() || self.registry.retired().iter().any(retired) {
                return Err(contradicted(id, "offered", "an id that was given up before"));
            }
            self.report.note(format_args!("capability {id}"), "is new, and switched off");
            self.registry.insert(Capability { enabled: false, ..offered.clone() })?;
        }
        Ok(())
    }

    fn enable(&mut self, ids: &BTreeSet<CapabilityId>) -> Result<()> {
        for id in ids {
            let Some(capability) = self.registry.get_mut(id) else {
                return Err(contradicted(id, "to be switched on", "not there"));
            };
            if !capability.enabled {
                capability.enabled = true;
                self.report.note(format_args!("capability {id}"), "is switched on");
            }
        }
        Ok(())
    }
}

/// What the machine can see of a capability's meaning: its parameters in whatever order.
fn meaning(parameters: &[Parameter]) -> BTreeSet<(&str, &str, bool)> {
    parameters.iter().map(|it| (it.name.as_str(), it.kind.as_str(), it.required)).collect()
}

fn words(parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return "no parameters".to_owned();
    }
    let words = |it: &Parameter| {
        let required = if it.required { "required" } else { "optional" };
        format!("{:?} ({} {})", it.name, required, it.kind)
    };
    parameters.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn contradicted(id: &CapabilityId, said: &'static str, but: &'static str) -> CapabilityError {
    CapabilityError::PlanContradicted { id: id.clone(), said, but }
}
