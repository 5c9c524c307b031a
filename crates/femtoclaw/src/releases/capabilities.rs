//! What each release changes about capabilities, and how it reads policies.

use std::collections::BTreeMap;

use capability_migration::{
    Capability, CapabilityError, CapabilityId, Plan, Reading, RegistryPlan, Renames,
};
use versioning::CapabilitySet;

pub(super) const SHELL: &str = "shell";
pub(super) const PROCESS: &str = "process";
pub(super) const FS_WATCH: &str = "fs.watch";
/// Until set 3 …
pub(super) const NET: &str = "net";
/// … and from set 4 on: asking others is all that it ever did.
pub(super) const NET_REQUEST: &str = "net.request";
/// In 1.0.0 …
pub(super) const WEB_GET_OLD: &str = "web_get";
/// … and from 1.0.3 on; a home that 1.0.3 has taken over may still have the old one.
pub(super) const WEB_GET: &str = "web.get";

/// The set of 1.0.0.
pub(crate) const FIRST_SET: u32 = 1;
/// The set of 1.0.3, the last whose policies are those of 1.0.x.
pub(crate) const LAST_OLD_SET: u32 = 2;
/// The set of 2.1.0, which can watch files.
pub(super) const WATCHING_SET: u32 = 4;
/// The set of 3.0.0, which carries over only what it knows.
pub(super) const SELECTIVE_SET: u32 = 5;

/// What leads from one set to another.
///
/// A 1.0.x rule counts as it was enforced, not as it was written: 1.0.0 looked at neither principal nor conditions, 1.0.3 at
/// nothing but the resource. So nobody can do more than before, and what worked goes on working.
pub(crate) fn authority_plan(
    from: CapabilitySet,
    to: CapabilitySet,
) -> Result<Plan, CapabilityError> {
    let comes_with = |set: u32| from.number() < set && set <= to.number();
    let mut renames: Vec<(CapabilityId, CapabilityId)> = Vec::new();
    if from.number() <= LAST_OLD_SET && to.number() > LAST_OLD_SET {
        renames.push((WEB_GET_OLD.parse()?, WEB_GET.parse()?));
    }
    let mut registry = RegistryPlan::default();
    if comes_with(WATCHING_SET) {
        renames.push((NET.parse()?, NET_REQUEST.parse()?));
        registry.offered.push(watching()?);
    }
    if comes_with(SELECTIVE_SET) {
        let reason = "programs are run by the shell alone".to_owned();
        registry.removed = BTreeMap::from([(PROCESS.parse()?, reason)]);
    }
    registry.renames = Renames::new(renames)?;
    Ok(Plan { registry, ..Plan::new(Reading::Enforced) })
}

fn watching() -> Result<Capability, CapabilityError> {
    Ok(Capability {
        id: FS_WATCH.parse()?,
        description: "Watch files for changes".to_owned(),
        enabled: false,
        parameters: Vec::new(),
        unknown: serde_json::Map::new(),
    })
}
