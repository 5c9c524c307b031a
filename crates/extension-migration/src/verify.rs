//! Holds what was staged against the plan.

use std::collections::BTreeMap;

use integrity::Digest;

use crate::ExtensionPlan;

/// How what was staged differs from the plan. Paths are relative to the generation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The plan stops the upgrade, so nothing may be staged by it.
    #[error("the plan is not accepted, so nothing may be staged by it")]
    NotAccepted,
    /// A planned file is not there.
    #[error("{path} is missing")]
    Missing {
        /// The file.
        path: String,
    },
    /// A file's bytes are not those that were planned.
    #[error("{path} should be {expected} and is {found}")]
    Altered {
        /// The file.
        path: String,
        /// What was planned.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// A file is there that was not planned.
    #[error("{path} is there, and no extension has it")]
    Unplanned {
        /// The file.
        path: String,
    },
}

/// Holds the files of the staged generation's extensions, in use and set aside, against the plan (FC-UPGRADE-0001 §12).
///
/// `found` is every file below [`EXTENSIONS`](crate::EXTENSIONS) and [`SET_ASIDE`](crate::SET_ASIDE), by its path relative
/// to the generation with `/` between components, as read back from the disk.
///
/// # Errors
/// Every difference, ordered by path, or that the plan is not accepted.
pub fn verify(plan: &ExtensionPlan, found: &BTreeMap<String, Digest>) -> Result<(), Vec<Problem>> {
    if !plan.is_accepted() {
        return Err(vec![Problem::NotAccepted]);
    }
    let planned = plan.files();
    let mut problems = BTreeMap::new();
    for (path, expected) in &planned {
        let problem = match found.get(path) {
            Some(found) if found == expected => continue,
            Some(found) => {
                Problem::Altered { path: path.clone(), expected: *expected, found: *found }
            }
            None => Problem::Missing { path: path.clone() },
        };
        problems.insert(path, problem);
    }
    for path in found.keys().filter(|path| !planned.contains_key(*path)) {
        problems.insert(path, Problem::Unplanned { path: path.clone() });
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into_values().collect()) }
}
