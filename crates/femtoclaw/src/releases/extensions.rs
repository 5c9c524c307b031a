//! What each release says of extensions, and brings.

use std::collections::BTreeMap;

use extension_migration::{
    ExtensionPath, Files, Kind, Offered, OfferedExtension, Permission, UnstatedPolicy,
};
use integrity::Digest;
use upgrade::{Artifact, OfferedExtensions};
use versioning::Versions;

use super::capabilities::{SELECTIVE_SET, WATCHING_SET};
use crate::extensions::described;
use crate::manifest::ExtensionManifest;

/// What hosts extensions. One that says nothing of it is a text for the model.
pub(super) const HOSTED: [&str; 6] = ["docker", "node", "prompt", "python", "rust", "shell"];

/// What extensions can be allowed.
pub(super) const PERMISSIONS: [&str; 9] =
    ["aws", "docker", "env", "filesystem", "git", "kubernetes", "network", "process", "shell"];

/// Where extensions lie.
const ROOT: &str = "talons";

/// A file of an extension that a release brings.
type Brought = (&'static str, Artifact);

/// `search` 1.1.0.
const SEARCH: [Brought; 2] = [
    ("TALON.md", Artifact { bytes: include_bytes!("search-1.1.0/TALON.md"), executable: false }),
    (
        "scripts/run.sh",
        Artifact { bytes: include_bytes!("search-1.1.0/scripts/run.sh"), executable: true },
    ),
];

/// What the release of these versions says of extensions.
///
/// 2.x still runs what 1.0.x ran, which says of no runtime that it runs on it; 3.0.0 does not.
pub(crate) fn offered_extensions(versions: &Versions) -> OfferedExtensions {
    let set = versions.capabilities.number();
    let brought: &[&[Brought]] = if set >= WATCHING_SET { &[&SEARCH] } else { &[] };
    let unstated = if set >= SELECTIVE_SET {
        UnstatedPolicy::Incompatible
    } else {
        UnstatedPolicy::CompatibleIfHosted
    };
    let mut offered = Offered {
        hosted: HOSTED.iter().filter_map(|kind| Kind::new(kind).ok()).collect(),
        permissions: Some(PERMISSIONS.iter().copied().map(Permission::new).collect()),
        unstated,
        ..Offered::default()
    };
    let mut artifacts = BTreeMap::new();
    for files in brought {
        // That each can be read, the tests hold.
        let Some((identity, extension)) = read(files) else { continue };
        offered.extensions.insert(identity, extension);
        artifacts.extend(files.iter().map(|(_, artifact)| (Digest::of(artifact.bytes), *artifact)));
    }
    OfferedExtensions { offered, artifacts, root: ROOT }
}

fn read(files: &[Brought]) -> Option<(extension_migration::ExtensionIdentity, OfferedExtension)> {
    let (_, manifest) = files.first()?;
    let described = described(&ExtensionManifest::parse(manifest.bytes).ok()?).ok()?;
    let digests = files
        .iter()
        .map(|(path, artifact)| Some((ExtensionPath::new(path).ok()?, Digest::of(artifact.bytes))));
    let identity = described.identity.valid()?.clone();
    Some((
        identity,
        OfferedExtension {
            version: described.version,
            kind: described.kind,
            compatibility: described.compatibility,
            permissions: described.permissions,
            artifacts: digests.collect::<Option<Files>>()?,
            arrives: false,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_states_and_brings_what_can_be_read() {
        assert_eq!(crate::releases::all().len(), 6);
        for release in crate::releases::all() {
            let found = offered_extensions(release.versions());
            assert_eq!(found.offered.hosted.len(), HOSTED.len());
            let brings = release.versions().capabilities.number() >= WATCHING_SET;
            assert_eq!(found.offered.extensions.len(), usize::from(brings));
            for extension in found.offered.extensions.values() {
                let bytes = |digest| found.artifacts.contains_key(digest);
                assert!(extension.artifacts.values().all(bytes));
            }
        }
    }
}
