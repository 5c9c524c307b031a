//! The schemas of the TOML as JSON Schema, for editors and for programs that are not ours.

use std::collections::BTreeMap;

use upgrade::Files;
use versioning::ConfigurationSchema;

use super::layouts::{SECOND, THIRD, secrets_schema};
use super::{CONFIGURATION_FILE, SECRETS_FILE};

/// What [`super::RuntimeConfiguration::parse`] holds the files of schemas 2 and 3 to, each file by itself, as JSON Schema
/// 2020-12 (FC-UPGRADE-0001 §10). By the names that they have in `docs/schemas`.
pub fn json_schemas() -> BTreeMap<String, serde_json::Value> {
    let mut schemas = BTreeMap::new();
    for layout in [SECOND, THIRD] {
        let number = layout.schema;
        for (name, file, schema) in [
            ("configuration", CONFIGURATION_FILE, layout.configuration()),
            ("secrets", SECRETS_FILE, secrets_schema()),
        ] {
            let title = format!("{file} of FemtoClaw, configuration schema {number}");
            schemas.insert(format!("{name}-{number}.schema.json"), schema.json_schema(&title));
        }
    }
    schemas
}

/// Those of one configuration schema, as files.
pub(crate) fn schema_files(schema: ConfigurationSchema) -> Files {
    let ending = format!("-{}.schema.json", schema.number());
    let of_schema = json_schemas().into_iter().filter(|(name, _)| name.ends_with(&ending));
    of_schema.map(|(name, schema)| (name, format!("{schema:#}\n").into_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Set to anything, it makes the test write the files instead of comparing them.
    const RENEW: &str = "FEMTOCLAW_RENEW_SCHEMAS";

    #[test]
    fn the_files_are_what_the_code_says() {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let schemas = json_schemas();
        for (name, schema) in &schemas {
            let path = directory.join(name);
            let expected = serde_json::to_string_pretty(schema).unwrap() + "\n";
            if std::env::var_os(RENEW).is_some() {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(&path, &expected).unwrap();
            }
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == expected, "docs/schemas/{name} is stale; {RENEW}=1 renews it");
        }
        // Beside them lies a directory with those of what the command prints, which its own tests hold.
        let there = std::fs::read_dir(directory).unwrap();
        let files = there.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file());
        assert_eq!(files.count(), schemas.len(), "docs/schemas holds what no code says");
    }
}
