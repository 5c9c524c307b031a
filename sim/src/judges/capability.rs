//! Nobody may do more than before.

use std::collections::{BTreeMap, BTreeSet};

use femtoclaw_catalogue::FemtoClaw;
use serde_json::json;
use sim::disk::{Disk, Fingerprint, Node};
use upgrade::capability_migration::{
    Authority, Code, PoliciesOf1_0_0, PoliciesOf1_0_3, PolicySet, Renames, Request,
};
use upgrade::{Catalogue, Files, Manifest};
use versioning::{GenerationNumber, Versions};

use super::{Case, Judge, Verdict, file, generation_path};
use crate::observe::State;

// trace: invariant FC-11.1.3 FC-11.2
// trace: invariant FC-5.1.2 FC-28.1.3
pub(super) const JUDGE: Judge = Judge {
    name: "capability",
    claim: "the set of what is authorised never widens",
    clause: "§11",
    judge,
};

/// The policies of what is current are those of the undisturbed run, of which [`widened`] says that they never widen.
fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(state) = case.seen.found.state() else { return Verdict::NotApplicable };
    let Some(found) = policy_of(&case.seen.disk, &state) else { return Verdict::NotApplicable };
    let known = case.model.policies.contains(&Some(found));
    Verdict::of((!known).then(|| "the policies of what is current are others".to_owned()))
}

/// The policies of what is current, as one fingerprint.
pub(crate) fn policy_of(disk: &Disk, state: &State) -> Option<Fingerprint> {
    let State::Home { current, .. } = state else { return None };
    disk.fingerprint_below(&format!("{}/policy", generation_path(*current)))
}

/// A call that is allowed by a generation and was not by the one that it was built from, if there is one.
///
/// Each call is asked of both. Of what decides this in the product only the reading of the files and the renames are used, and
/// how either answers one call.
pub(crate) fn widened(disk: &Disk, state: &State) -> Option<String> {
    let State::Home { current, .. } = state else { return None };
    let Some(manifest) = manifest(disk, *current) else {
        return Some("nobody can tell: there is no manifest".to_owned());
    };
    let parent = manifest.origin.parent()?;
    let versions = (self::manifest(disk, parent.generation)?.versions, manifest.versions);
    let read = |generation, versions| rules(disk, generation, versions);
    let (before, after) = (read(parent.generation, &versions.0), read(*current, &versions.1));
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (before, after) => {
            let unread = before.err().into_iter().chain(after.err()).flatten();
            return Some(format!("nobody can tell: {}", unread.collect::<Vec<_>>().join("; ")));
        }
    };
    let plan = match FemtoClaw.authority_plan(&versions.0, &versions.1) {
        Ok(plan) => plan,
        Err(reasons) => return Some(format!("nobody can tell: {}", reasons.join("; "))),
    };
    let names = [Names::of(&before), Names::of(&after)];
    let calls = Names::of_both(names).calls();
    calls.into_iter().find_map(|call| {
        let allows =
            |rules: &Authority, call: &Request| rules.decide(call).code == Code::Authorized;
        let then = before_renaming(&call, &plan.registry.renames, &before);
        (allows(&after, &call) && !allows(&before, &then)).then(|| call.to_string())
    })
}

/// A rename is made where the former id is there.
fn before_renaming(call: &Request, renames: &Renames, before: &Authority) -> Request {
    let former = renames.before(&call.resource).filter(|id| before.registry.get(id).is_some());
    Request { resource: former.unwrap_or(&call.resource).to_owned(), ..call.clone() }
}

fn manifest(disk: &Disk, generation: GenerationNumber) -> Option<Manifest> {
    let path = format!("{}/manifest.json", generation_path(generation));
    serde_json::from_slice(&file(disk, &path)?).ok()
}

/// Who may do what in a generation.
fn rules(
    disk: &Disk,
    generation: GenerationNumber,
    versions: &Versions,
) -> Result<Authority, Vec<String>> {
    let files = files_below(disk, &format!("{}/policy/", generation_path(generation)));
    FemtoClaw.authority(versions, &files)
}

fn files_below(disk: &Disk, prefix: &str) -> Files {
    let paths = disk.paths();
    let below = paths.iter().filter_map(|(path, inode)| {
        let relative = path.strip_prefix(prefix)?;
        match &disk.inode(*inode)?.node {
            Node::File(content) => Some((relative.to_owned(), content.bytes())),
            _ => None,
        }
    });
    below.collect()
}

/// Every name that rules and registries use.
#[derive(Default)]
struct Names {
    principals: BTreeSet<String>,
    resources: BTreeSet<String>,
    actions: BTreeSet<String>,
}

impl Names {
    fn of(authority: &Authority) -> Self {
        let mut names = Self::default();
        names.resources.extend(authority.registry.iter().map(|found| found.id.to_string()));
        match &authority.policies {
            PolicySet::V1_0_0(PoliciesOf1_0_0(policies))
            | PolicySet::V1_0_3(PoliciesOf1_0_3(policies)) => {
                for rule in policies.iter().flat_map(|policy| &policy.rules) {
                    names.add(&rule.principal, &rule.resource, &rule.action);
                }
            }
            PolicySet::V2(policies) => {
                for rule in policies.0.iter().flat_map(|policy| &policy.rules) {
                    let text = |pattern: &dyn ToString| pattern.to_string();
                    names.add(&text(&rule.principal), &text(&rule.resource), &text(&rule.action));
                }
            }
        }
        names
    }

    fn add(&mut self, principal: &str, resource: &str, action: &str) {
        self.principals.insert(principal.to_owned());
        self.resources.insert(resource.to_owned());
        self.actions.insert(action.to_owned());
    }

    fn of_both(both: [Self; 2]) -> Self {
        let mut all = Self::default();
        for names in both {
            all.principals.extend(names.principals);
            all.resources.extend(names.resources);
            all.actions.extend(names.actions);
        }
        // And somebody, something and some deed that nobody speaks of.
        all.add("stranger", "unheard-of", "undo");
        all
    }

    fn calls(&self) -> Vec<Request> {
        let mut calls = Vec::new();
        let arguments = [json!({}), json!({"bin": "ls", "argv": [], "url": "http://localhost"})];
        let arguments: Vec<BTreeMap<String, serde_json::Value>> =
            arguments.into_iter().filter_map(|found| serde_json::from_value(found).ok()).collect();
        for principal in &self.principals {
            for resource in &self.resources {
                for action in &self.actions {
                    calls.extend(arguments.iter().map(|arguments| Request {
                        principal: principal.clone(),
                        resource: resource.clone(),
                        action: action.clone(),
                        arguments: arguments.clone().into_iter().collect(),
                    }));
                }
            }
        }
        calls
    }
}
