//! Extensions as the upgrade system sees them: who each is, what it asks for, which files are its own.

use std::collections::{BTreeMap, BTreeSet};

use extension_migration::{
    Compatibility, DeclaredIdentity, DeclaredVersion, Directory, ExtensionPath, Files,
    InstalledExtension, InvalidKind, Kind, Permission, Permissions,
};
use upgrade::{InstalledExtensions, SealedFiles};

use crate::manifest::{ExtensionManifest, MANIFEST_NAMES};

/// Where extensions lie that an upgrade has set aside.
const ASIDE: &str = "extensions";

/// The kind of an extension that names nothing that hosts it: a text for the model.
const TEXT_KIND: &str = "prompt";

/// The publisher of an extension that names no author.
const NOBODY: &str = "unstated";

/// What a manifest says, without any file.
pub(crate) struct Described {
    pub(crate) identity: DeclaredIdentity,
    pub(crate) version: DeclaredVersion,
    pub(crate) kind: Kind,
    pub(crate) compatibility: Compatibility,
    pub(crate) permissions: Permissions,
}

/// What a manifest says.
///
/// 1.0.x asked nothing of names and authors, so both are brought into the form that names have now: `Notes_2` by `The Notes
/// Company` is `notes-2` by `the-notes-company`. Two that come to be the same are told apart by no runtime either, and are
/// refused.
///
/// # Errors
/// If what hosts it has no name that could be one.
pub(crate) fn described(manifest: &ExtensionManifest) -> Result<Described, InvalidKind> {
    let author = manifest.author.as_deref().map(name_of).filter(|name| !name.is_empty());
    let publisher = author.unwrap_or_else(|| NOBODY.to_owned());
    let kind = manifest.runtime.as_ref().map(|(kind, _)| name_of(kind));
    Ok(Described {
        identity: DeclaredIdentity::read(&name_of(&manifest.name), &publisher),
        version: DeclaredVersion::read(&manifest.version.to_string()),
        kind: Kind::new(kind.as_deref().unwrap_or(TEXT_KIND))?,
        compatibility: match &manifest.femtoclaw {
            Some(range) => Compatibility::read(&[range]),
            None => Compatibility::Unstated,
        },
        permissions: manifest.permissions.iter().map(Permission::new).collect(),
    })
}

/// Lower-case letters, digits, and a dash for whatever else there is, none of them twice or at an end.
fn name_of(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        let is_letter = character.is_ascii_lowercase() || character.is_ascii_digit();
        match character {
            _ if is_letter => name.push(character),
            '.' if name.ends_with(|last: char| last.is_ascii_alphanumeric()) => name.push('.'),
            _ if name.ends_with(|last: char| last.is_ascii_alphanumeric()) => name.push('-'),
            _ => {}
        }
    }
    name.trim_end_matches(['-', '.']).to_owned()
}

/// The extensions that are there.
///
/// # Errors
/// Every manifest that cannot be read, and every directory that cannot be named.
pub(crate) fn installed(
    in_use: &SealedFiles<'_>,
    set_aside: &SealedFiles<'_>,
) -> Result<InstalledExtensions, Vec<String>> {
    let mut found = InstalledExtensions::default();
    let mut reasons = Vec::new();
    for place in directories(in_use) {
        let named = named(&place, &found.places);
        match named.and_then(|directory| Ok((directory, read(in_use, &place)?))) {
            Ok((directory, extension)) => {
                found.places.insert(directory.clone(), place);
                found.installed.extensions.insert(directory, extension);
            }
            Err(reason) => reasons.push(format!("{place}: {reason}")),
        }
    }
    for place in directories(set_aside) {
        // What an adoption has set aside lies elsewhere, and could not be read.
        let Some(name) = place.strip_prefix(ASIDE).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let directory = Directory::new(name).map_err(|error| error.to_string());
        match directory.and_then(|directory| Ok((directory, read(set_aside, &place)?))) {
            Ok((directory, extension)) => {
                found.installed.set_aside.insert(directory, extension);
            }
            Err(reason) => reasons.push(format!("set aside, {place}: {reason}")),
        }
    }
    if reasons.is_empty() { Ok(found) } else { Err(reasons) }
}

fn directories(files: &SealedFiles<'_>) -> BTreeSet<String> {
    crate::adoption::extension_directories(files.seals().keys().map(String::as_str))
}

/// The last part of a place, or all of it where that is taken.
fn named(place: &str, taken: &BTreeMap<Directory, String>) -> Result<Directory, String> {
    let last = place.rsplit('/').next().unwrap_or(place);
    let short = Directory::new(last).map_err(|error| error.to_string())?;
    if !taken.contains_key(&short) {
        return Ok(short);
    }
    Directory::new(&place.replace('/', "+")).map_err(|error| error.to_string())
}

fn read(files: &SealedFiles<'_>, place: &str) -> Result<InstalledExtension, String> {
    let manifest = MANIFEST_NAMES.iter().map(|name| format!("{place}/{name}"));
    let manifest = manifest.into_iter().find(|path| files.seals().contains_key(path));
    let manifest = manifest.ok_or("it has no manifest")?;
    let parsed = ExtensionManifest::parse(&files.read(&manifest)?);
    let described = described(&parsed.map_err(|error| error.to_string())?);
    let Described { identity, version, kind, compatibility, permissions } =
        described.map_err(|error| error.to_string())?;
    let (artifacts, data) = own_files(files, place);
    Ok(InstalledExtension {
        identity,
        version,
        kind,
        compatibility,
        permissions,
        // What 1.0.x finds it runs, and no release brings one that arrives.
        enabled: true,
        artifacts,
        // Whatever is read here is held to the generation's seal.
        recorded: None,
        data,
    })
}

/// Its files: what it came with, and what it may have written. 1.0.x keeps no record, so all but the manifest and the scripts
/// counts as written: it is kept when the extension is replaced.
fn own_files(files: &SealedFiles<'_>, place: &str) -> (Files, Files) {
    let own = files.seals().iter().filter_map(|(path, seal)| {
        let path = path.strip_prefix(place)?.strip_prefix('/')?;
        // One with a name that no plan can speak of goes wherever its extension goes.
        Some((ExtensionPath::new(path).ok()?, seal.digest))
    });
    own.partition(|(path, _)| {
        MANIFEST_NAMES.contains(&path.as_str()) || path.as_str().starts_with("scripts/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(front: &str) -> ExtensionManifest {
        let text = format!("---\nversion: 1.0.0\n{front}\n---\n");
        ExtensionManifest::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_of_1_0_x_come_into_the_form_that_names_have() {
        for (text, name) in [
            ("Notes_2", "notes-2"),
            ("  The Notes -- Company Inc. ", "the-notes-company-inc"),
            ("a..b", "a.b"),
            ("\u{e9}t\u{e9}", "t"),
            ("---", ""),
        ] {
            assert_eq!(name_of(text), name, "{text:?}");
        }
    }

    #[test]
    fn what_a_manifest_does_not_say_is_not_guessed() {
        let found = described(&manifest("name: a")).unwrap();
        assert_eq!(found.identity.valid().unwrap().publisher(), NOBODY);
        assert_eq!((found.kind.as_str(), found.compatibility), ("prompt", Compatibility::Unstated));
        let stated = described(&manifest("name: a\nauthor: B\nfemtoclaw: ^2")).unwrap();
        assert_eq!(stated.identity.valid().unwrap().publisher(), "b");
        assert_eq!(stated.compatibility, Compatibility::read(&["^2"]));
        assert!(described(&manifest("name: a\nruntime:\n  kind: \"??\"")).is_err());
    }
}
