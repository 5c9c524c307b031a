//! Extensions as the upgrade system sees them: who each is, what it asks for, which files are its own.

use std::collections::{BTreeMap, BTreeSet};

use extension_migration::{
    Compatibility, DeclaredIdentity, DeclaredVersion, Directory, ExtensionPath, Files,
    InstalledExtension, InvalidKind, Kind, MAXIMUM_NAME_BYTES, Permission, Permissions,
};
use integrity::Digest;
use upgrade::{InstalledExtensions, SealedFiles};

use crate::manifest::{ExtensionManifest, MANIFEST_NAMES};

/// Where extensions lie that an upgrade has set aside.
const ASIDE: &str = "extensions";

/// The kind of an extension that names nothing that hosts it: a text for the model.
const TEXT_KIND: &str = "prompt";

/// The publisher of an extension that names no author.
const NOBODY: &str = "unstated";

/// What stands for what a manifest says in a form that cannot be understood: no kind that is hosted, no permission that is known,
/// no range.
const UNREADABLE: &str = "unreadable";

/// More extensions than anybody has.
const MAXIMUM_EXTENSIONS: usize = 4096;

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
/// refused. What it says in a form that cannot be understood fits no runtime.
///
/// # Errors
/// None in practice: the kinds that stand in for others are kinds.
pub(crate) fn described(manifest: &ExtensionManifest) -> Result<Described, InvalidKind> {
    let is_misshapen = |key: &str| manifest.misshapen.iter().any(|found| found == key);
    let publisher = manifest.author.as_deref().map_or_else(|| NOBODY.to_owned(), name_of);
    let kind = manifest.runtime.as_ref().map(|(kind, _)| name_of(kind));
    let kind = kind.map_or_else(|| Kind::new(TEXT_KIND), |kind| Kind::new(&kind));
    let kind = kind.ok().filter(|_| !is_misshapen("runtime"));
    let mut permissions: Permissions = manifest.permissions.iter().map(Permission::new).collect();
    if is_misshapen("permissions") {
        permissions.insert(Permission::new(UNREADABLE));
    }
    Ok(Described {
        identity: DeclaredIdentity::read(&name_of(&manifest.name), &publisher),
        version: DeclaredVersion::read(&manifest.version.to_string()),
        kind: kind.map_or_else(|| Kind::new(UNREADABLE), Ok)?,
        compatibility: match &manifest.femtoclaw {
            _ if is_misshapen("femtoclaw") => Compatibility::read(&[UNREADABLE]),
            Some(range) => Compatibility::read(&[range]),
            None => Compatibility::Unstated,
        },
        permissions,
    })
}

/// Lower-case letters, digits, and a dash for whatever else there is, none of them twice or at an end. What has none of these,
/// or too many, is named by its digest.
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
    let name = name.trim_end_matches(['-', '.']);
    if !name.is_empty() && name.len() <= MAXIMUM_NAME_BYTES {
        return name.to_owned();
    }
    let (kept, digest) = (MAXIMUM_NAME_BYTES / 2, Digest::of(text.as_bytes()).short());
    let start = name.get(..kept.min(name.len())).unwrap_or_default();
    let start = start.trim_end_matches(['-', '.']);
    if start.is_empty() { format!("x{digest}") } else { format!("{start}-{digest}") }
}

/// The extensions that are there.
///
/// # Errors
/// Every manifest that cannot be read; also if there are more extensions than anybody has.
pub(crate) fn installed(
    in_use: &SealedFiles<'_>,
    set_aside: &SealedFiles<'_>,
) -> Result<InstalledExtensions, Vec<String>> {
    let places = directories(in_use);
    if places.len() > MAXIMUM_EXTENSIONS {
        let found = places.len();
        return Err(vec![format!("there are {found} extensions, more than {MAXIMUM_EXTENSIONS}")]);
    }
    let mut found = InstalledExtensions::default();
    let mut reasons = Vec::new();
    for place in places {
        let named = named(&place, &found.places).ok_or_else(|| "it cannot be named".to_owned());
        match named.and_then(|directory| Ok((directory, read(in_use, &place)?))) {
            Ok((directory, extension)) => {
                found.places.insert(directory.clone(), place);
                found.installed.extensions.insert(directory, extension);
            }
            Err(reason) => reasons.push(format!("{place}: {reason}")),
        }
    }
    found.installed.set_aside = aside(set_aside);
    if reasons.is_empty() { Ok(found) } else { Err(reasons) }
}

/// What lies where upgrades set extensions aside. An adoption may have put there what it could not read: nobody wants to do
/// anything with it, but its place is taken.
fn aside(files: &SealedFiles<'_>) -> BTreeMap<Directory, InstalledExtension> {
    let paths = files.seals().keys();
    let below = paths.filter_map(|path| path.strip_prefix(ASIDE)?.strip_prefix('/'));
    let names: BTreeSet<&str> = below.filter_map(|path| path.split('/').next()).collect();
    let lying = |name: &str| {
        let directory = Directory::new(name).ok()?;
        Some((directory, read(files, &format!("{ASIDE}/{name}")).ok().or_else(unreadable)?))
    };
    names.into_iter().filter_map(lying).collect()
}

fn unreadable() -> Option<InstalledExtension> {
    Some(InstalledExtension {
        identity: DeclaredIdentity::read("", ""),
        version: DeclaredVersion::read(""),
        kind: Kind::new(UNREADABLE).ok()?,
        compatibility: Compatibility::Unstated,
        permissions: Permissions::new(),
        enabled: false,
        artifacts: Files::new(),
        recorded: None,
        data: Files::new(),
    })
}

fn directories(files: &SealedFiles<'_>) -> BTreeSet<String> {
    crate::adoption::extension_directories(files.seals().keys().map(String::as_str))
}

/// A name of its own for a place: its last part, or all of it, or any that is free.
fn named(place: &str, taken: &BTreeMap<Directory, String>) -> Option<Directory> {
    let last = place.rsplit('/').next().unwrap_or(place).to_owned();
    let numbered = (2..).map(|number| format!("{}-{number}", name_of(place)));
    let names = [last, place.replace('/', "+"), name_of(place)].into_iter().chain(numbered);
    // So many are taken at most, and three more are tried.
    let mut names = names.take(taken.len() + 4);
    names.find_map(|name| Directory::new(&name).ok().filter(|name| !taken.contains_key(name)))
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
        // One with a name that no plan can speak of stays with its extension.
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
        ] {
            assert_eq!(name_of(text), name, "{text:?}");
        }
        // What has no letter, or too many, still has a name of its own.
        let long = |end: &str| name_of(&format!("{}{end}", "many words ".repeat(20)));
        for (one, other) in [(name_of("---"), name_of("\u{96ea}")), (long("a"), long("b"))] {
            assert_ne!(one, other);
            assert!(Kind::new(&one).is_ok() && Kind::new(&other).is_ok(), "{one} {other}");
        }
    }

    /// Files with these bytes.
    fn sealed(files: &[(&str, &str)]) -> SealedFiles<'static> {
        let bytes: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let seal = |bytes: &Vec<u8>| integrity::FileSeal {
            size: bytes.len() as u64,
            executable: false,
            digest: Digest::of(bytes),
        };
        let seals = bytes.iter().map(|(path, bytes)| (path.clone(), seal(bytes))).collect();
        SealedFiles::new(seals, move |path| bytes.get(path).cloned().ok_or_else(|| path.to_owned()))
    }

    #[test]
    fn no_two_extensions_are_taken_for_one() {
        const TALON: &str = "---\nname: search\nversion: 1.0.0\n---\n";
        let places = ["skills/search", "skills/talons+search", "talons/search", "x\\y", "a/x\\y"];
        let paths = places.map(|place| format!("{place}/TALON.md"));
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), TALON)).collect();
        let found = installed(&sealed(&files), &sealed(&[])).unwrap();
        assert_eq!(found.installed.extensions.len(), places.len());
        assert_eq!(found.places.values().collect::<BTreeSet<_>>().len(), places.len());
    }

    #[test]
    fn what_was_set_aside_keeps_its_place_whatever_it_is() {
        let aside = [
            ("extensions/broken/TALON.md", "no manifest"),
            ("extensions/file", ""),
            ("extensions/acme/weather/TALON.md", "no manifest"),
            ("talons/other/TALON.md", "no manifest"),
        ];
        let found = installed(&sealed(&[]), &sealed(&aside)).unwrap();
        let names: Vec<&str> = found.installed.set_aside.keys().map(Directory::as_str).collect();
        assert_eq!(names, ["acme", "broken", "file"]);
    }

    #[test]
    fn what_is_said_in_another_form_is_not_taken_for_nothing() {
        let found = |front: &str| described(&manifest(&format!("name: a\n{front}"))).unwrap();
        assert!(matches!(
            found("femtoclaw: [\">=1\", \"<2\"]").compatibility,
            Compatibility::Unreadable { .. }
        ));
        assert_eq!(found("runtime: wasm").kind.as_str(), UNREADABLE);
        assert_eq!(found("runtime:\n  kind: [wasm]").kind.as_str(), UNREADABLE);
        let permissions = found("permissions:\n  root: true").permissions;
        assert!(permissions.contains(&Permission::new(UNREADABLE)));
        assert_eq!(found("permissions:").permissions, Permissions::new());
    }

    #[test]
    fn what_a_manifest_does_not_say_is_not_guessed() {
        let found = described(&manifest("name: a")).unwrap();
        assert_eq!(found.identity.valid().unwrap().publisher(), NOBODY);
        assert_eq!((found.kind.as_str(), found.compatibility), ("prompt", Compatibility::Unstated));
        let stated = described(&manifest("name: a\nauthor: B\nfemtoclaw: ^2")).unwrap();
        assert_eq!(stated.identity.valid().unwrap().publisher(), "b");
        assert_eq!(stated.compatibility, Compatibility::read(&["^2"]));
        let odd = described(&manifest("name: a\nruntime:\n  kind: \"??\"")).unwrap();
        assert!(odd.kind.as_str().starts_with('x'), "{}", odd.kind);
    }
}
