//! What an upgrade does to the configuration (FC-UPGRADE-0001 §10).

use versioning::Versions;

use crate::{Environment, Files, MigratedConfiguration, Refusal};

/// Migrates a configuration, holds the result to its schema, and holds it to what a runtime made of it before: any difference
/// must have been declared.
// trace: impl FC-10.1.3
pub(super) fn plan(
    environment: Environment<'_>,
    (from, files): (&Versions, &Files),
    to: &Versions,
    refusals: &mut Vec<Refusal>,
) -> Option<MigratedConfiguration> {
    let catalogue = environment.catalogue;
    let migrated = catalogue.migrate_configuration(from.configuration, to.configuration, files);
    let migrated =
        migrated.map_err(|found| refuse("configuration-invalid", found, refusals)).ok()?;
    let validation = catalogue.validate_configuration(to.configuration, &migrated.files);
    if let Err(found) = validation {
        refuse("configuration-invalid", found, refusals);
        return None;
    }
    compare_meaning(environment, (from, files), (to, &migrated), refusals);
    Some(migrated)
}

// trace: impl FC-10.1.2
fn compare_meaning(
    environment: Environment<'_>,
    (from, files): (&Versions, &Files),
    (to, migrated): (&Versions, &MigratedConfiguration),
    refusals: &mut Vec<Refusal>,
) {
    let effective =
        |schema, files: &Files| environment.catalogue.effective_configuration(schema, files);
    let before = effective(from.configuration, files);
    let after = effective(to.configuration, &migrated.files);
    match (before, after) {
        (Ok(before), Ok(after)) => {
            let undeclared = config_migration::undeclared(&before, &after, &migrated.intended);
            let sentence = |difference: &config_migration::Difference| {
                format!("{difference}, which no migration declares")
            };
            refuse("meaning-changed", undeclared.iter().map(sentence).collect(), refusals);
        }
        (before, after) => {
            let found = before.err().into_iter().chain(after.err()).flatten();
            refuse("configuration-invalid", found.collect(), refusals);
        }
    }
}

fn refuse(code: &'static str, found: Vec<String>, refusals: &mut Vec<Refusal>) {
    let found = found.into_iter().map(|reason| format!("configuration: {reason}"));
    refusals.extend(found.map(|reason| Refusal::new(code, "§10", "configuration", reason)));
}
