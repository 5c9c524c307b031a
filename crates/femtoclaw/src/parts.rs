//! Parsed parts: what a runtime makes of the files of a generation when it starts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use upgrade::Files;

use crate::authority::{Capability, Policy};
use crate::manifest::{ExtensionManifest, MANIFEST_NAMES};
use crate::pieces::{Ending, Layout, Limits, read_pieces};
use crate::record::RecordKind;

/// A file of a part that cannot be read. Nothing of the part may be used then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct PartError {
    /// The file.
    pub file: String,
    /// The line, from 1, where there is one.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

/// All policies in these files, by file, in the order in which they lie there. Reads what 1.0.0 and 1.0.3 write.
///
/// Files of capabilities, which lie beside them, are passed over.
///
/// # Errors
/// The first file that is neither, or cannot be read to its end.
pub fn parse_policies(files: &Files) -> Result<BTreeMap<String, Vec<Policy>>, PartError> {
    parse::<Policy, Capability>(files)
}

/// All capabilities in these files, by file, in the order in which they lie there. Reads what 1.0.0 and 1.0.3 write.
///
/// Files of policies, which lie beside them, are passed over.
///
/// # Errors
/// The first file that is neither, or cannot be read to its end.
pub fn parse_capabilities(files: &Files) -> Result<BTreeMap<String, Vec<Capability>>, PartError> {
    parse::<Capability, Policy>(files)
}

/// The manifest of every extension in these files, by its directory.
///
/// # Errors
/// The first manifest that cannot be used.
pub fn parse_extensions(files: &Files) -> Result<BTreeMap<String, ExtensionManifest>, PartError> {
    let directories = crate::adoption::extension_directories(files.keys().map(String::as_str));
    let mut manifests = BTreeMap::new();
    for directory in directories {
        let paths = MANIFEST_NAMES.iter().map(|name| format!("{directory}/{name}"));
        let found = paths.into_iter().find_map(|path| Some((files.get(&path)?, path)));
        let Some((bytes, file)) = found else { continue };
        let manifest = ExtensionManifest::parse(bytes).map_err(|error| PartError {
            file,
            line: Some(error.line),
            reason: error.fault.to_string(),
        })?;
        manifests.insert(directory, manifest);
    }
    Ok(manifests)
}

fn parse<T: RecordKind, Other: RecordKind>(
    files: &Files,
) -> Result<BTreeMap<String, Vec<T>>, PartError> {
    let mut parsed = BTreeMap::new();
    for (file, bytes) in files {
        match elements::<T>(file, bytes) {
            Ok(items) if items.is_empty() => {}
            Ok(items) => {
                parsed.insert(file.clone(), items);
            }
            Err(error) => {
                if elements::<Other>(file, bytes).is_err() {
                    return Err(error);
                }
            }
        }
    }
    Ok(parsed)
}

fn elements<T: RecordKind>(file: &str, bytes: &[u8]) -> Result<Vec<T>, PartError> {
    let fault = |line, reason| PartError { file: file.to_owned(), line, reason };
    let (mut items, mut failed) = (Vec::new(), None);
    let mut reader = bytes;
    let totals = read_pieces(&mut reader, Layout::Array, Limits::STANDARD, &mut |piece| {
        let result = match &piece.damage {
            Some(damage) => Err(damage.to_string()),
            None => T::read(piece.bytes).map_err(|error| error.to_string()),
        };
        match result {
            Ok((item, _)) => {
                items.push(item);
                ControlFlow::Continue(())
            }
            Err(reason) => {
                failed = Some(fault(Some(piece.line), reason));
                ControlFlow::Break(())
            }
        }
    })
    .map_err(|error| fault(None, error.to_string()))?;
    match failed {
        Some(error) => Err(error),
        None if totals.ending != Ending::Complete => {
            Err(fault(None, "the array is cut off".to_owned()))
        }
        None => Ok(items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Effect;

    fn files(parts: &[(&str, &str)]) -> Files {
        parts.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    const POLICY: &str = r#"[{"name":"default","version":"1.0","rules":[{"effect":"Deny","principal":"*","resource":"*","action":"execute","conditions":[{"key":"bin","operator":"in","value":["ls"]}]}]}]"#;
    const CAPABILITY: &str = r#"[{"name":"fs","description":"d","enabled":false,"parameters":[{"name":"p","param_type":"string","required":true}]}]"#;

    #[test]
    fn policies_and_capabilities_are_parsed_side_by_side() {
        let files = files(&[("policy/p.json", POLICY), ("policy/c.json", CAPABILITY)]);
        let policies = parse_policies(&files).unwrap();
        assert_eq!(policies["policy/p.json"][0].rules[0].effect, Effect::Deny);
        let capabilities = parse_capabilities(&files).unwrap();
        assert_eq!(capabilities["policy/c.json"][0].enabled, Some(false));
        assert!(capabilities["policy/c.json"][0].parameters[0].required);
    }

    #[test]
    fn a_file_that_is_neither_stops_the_runtime() {
        for text in ["", "[", "{}", "[5]", &POLICY.replace("Deny", "Maybe"), &POLICY[..90]] {
            let files = files(&[("p.json", text)]);
            assert!(parse_policies(&files).is_err(), "{text}");
            assert!(parse_capabilities(&files).is_err(), "{text}");
        }
    }

    #[test]
    fn a_manifest_that_cannot_be_used_is_named() {
        let good = "---\nname: a\nversion: 1.0.0\n---\n";
        let parsed = parse_extensions(&files(&[("t/a/TALON.md", good), ("t/a/run.sh", "")]));
        assert_eq!(parsed.unwrap()["t/a"].name, "a");
        let error =
            parse_extensions(&files(&[("t/a/SKILL.md", &good.replace("name: a", "name: ../x"))]));
        assert_eq!(
            error.unwrap_err().to_string(),
            "t/a/SKILL.md:2: the name \"../x\" is not a single plain path component"
        );
    }
}
