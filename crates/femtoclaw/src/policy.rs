//! Who may do what: the files of the policy part, by the dialect of the release that they belong to.

use std::collections::BTreeMap;

use capability_migration::{
    Authority, CapabilityError, PoliciesOf1_0_0, PoliciesOf1_0_3, PoliciesOf2, Policy1, PolicySet,
    Registry, policies_1_0,
};
use serde_json::Value;
use upgrade::Files;
use versioning::CapabilitySet;

use crate::releases::{FIRST_SET, LAST_OLD_SET};

/// The file of 2.0.0 and later that holds the policies.
pub const POLICY_FILE: &str = "policies.json";

/// The file of 2.0.0 and later that holds the capabilities.
pub const CAPABILITY_FILE: &str = "capabilities.json";

/// Reads who may do what.
///
/// # Errors
/// Every file that is neither, cannot be read, or says of something what another file says too.
pub(crate) fn authority(set: CapabilitySet, files: &Files) -> Result<Authority, Vec<String>> {
    match set.number() {
        FIRST_SET => old(files, Registry::from_1_0_0, |policies| {
            PolicySet::V1_0_0(PoliciesOf1_0_0(policies))
        }),
        LAST_OLD_SET => old(files, Registry::from_1_0_3, |policies| {
            PolicySet::V1_0_3(PoliciesOf1_0_3(policies))
        }),
        _ => new(files),
    }
}

/// Writes it down for 2.0.0 and later.
///
/// # Errors
/// If it is of 1.0.x, or for it.
pub(crate) fn write(set: CapabilitySet, authority: &Authority) -> Result<Files, Vec<String>> {
    match (&authority.policies, set.number()) {
        (PolicySet::V2(policies), number) if number > LAST_OLD_SET => {
            let texts = [
                (POLICY_FILE, policies.to_json()),
                (CAPABILITY_FILE, authority.registry.to_json()),
            ];
            let file = |(name, text): (&str, String)| (name.to_owned(), text.into_bytes());
            Ok(texts.map(file).into())
        }
        _ => Err(vec![format!("capability set {set} has no form for these policies")]),
    }
}

/// Files of 1.0.x: an embedder may have as many as it likes, wherever it likes.
fn old(
    files: &Files,
    registry: fn(&str) -> Result<Registry, CapabilityError>,
    policy_set: fn(Vec<Policy1>) -> PolicySet,
) -> Result<Authority, Vec<String>> {
    let (mut policies, mut capabilities) = (Vec::new(), Vec::new());
    let mut named = BTreeMap::new();
    let mut reasons = Vec::new();
    for (path, bytes) in files {
        let mut refuse = |reason: String| reasons.push(format!("{path}: {reason}"));
        let Ok(text) = std::str::from_utf8(bytes) else {
            refuse("not UTF-8".to_owned());
            continue;
        };
        if !is_of_policies(text) {
            match registry(text) {
                Ok(found) => capabilities.extend(found.iter().cloned()),
                Err(error) => refuse(error.to_string()),
            }
            continue;
        }
        match policies_1_0(text) {
            Ok(found) => {
                for policy in found {
                    // Which of two files a runtime reads last, nothing says.
                    if let Some(other) =
                        named.insert(policy.name.clone(), path).filter(|other| *other != path)
                    {
                        refuse(format!("the policy {:?} is in {other}, too", policy.name));
                    }
                    policies.push(policy);
                }
            }
            Err(error) => refuse(error.to_string()),
        }
    }
    let registry = Registry::new(capabilities).map_err(|error| reasons.push(error.to_string()));
    match (registry, reasons.is_empty()) {
        (Ok(registry), true) => Ok(Authority { policies: policy_set(policies), registry }),
        _ => Err(reasons),
    }
}

/// Whether a file holds policies: each has rules, which no capability has.
fn is_of_policies(text: &str) -> bool {
    let document: Option<Value> = serde_json::from_str(text).ok();
    let first = document.as_ref().and_then(|document| document.get(0));
    first.is_some_and(|first| first.get("rules").is_some())
}

fn new(files: &Files) -> Result<Authority, Vec<String>> {
    let mut reasons: Vec<String> = files
        .keys()
        .filter(|name| ![POLICY_FILE, CAPABILITY_FILE].contains(&name.as_str()))
        .map(|name| format!("{name}: neither policies nor capabilities"))
        .collect();
    let policies = read(files, POLICY_FILE, PoliciesOf2::from_json, &mut reasons);
    let registry = read(files, CAPABILITY_FILE, Registry::from_json, &mut reasons);
    match (policies, registry, reasons.is_empty()) {
        (Some(policies), Some(registry), true) => {
            Ok(Authority { policies: PolicySet::V2(policies), registry })
        }
        _ => Err(reasons),
    }
}

fn read<T>(
    files: &Files,
    name: &str,
    parse: fn(&str) -> Result<T, CapabilityError>,
    reasons: &mut Vec<String>,
) -> Option<T> {
    let Some(bytes) = files.get(name) else {
        reasons.push(format!("{name} is missing"));
        return None;
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned());
    let parsed = text.and_then(|text| parse(text).map_err(|error| error.to_string()));
    parsed.map_err(|reason| reasons.push(format!("{name}: {reason}"))).ok()
}

#[cfg(test)]
mod tests;
