//! Short ways to make what the tests plan with.

use std::collections::BTreeMap;

use extension_migration::*;
use integrity::Digest;
use versioning::RuntimeVersion;

pub(crate) const COMMUNITY: &str = "femtoclaw-community";
pub(crate) const TWO: RuntimeVersion = RuntimeVersion::new(2, 0, 0);

pub(crate) fn identity(name: &str) -> ExtensionIdentity {
    ExtensionIdentity::new(name, COMMUNITY).unwrap()
}

pub(crate) fn directory(name: &str) -> Directory {
    Directory::new(name).unwrap()
}

pub(crate) fn path(text: &str) -> ExtensionPath {
    ExtensionPath::new(text).unwrap()
}

pub(crate) fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(name, bytes)| (path(name), Digest::of(bytes.as_bytes()))).collect()
}

pub(crate) fn permissions(texts: &[&str]) -> Permissions {
    texts.iter().map(|text| Permission::new(*text)).collect()
}

/// A talon as 1.0.x installs it: no record of its artifacts, and no word about the runtime.
pub(crate) fn talon(name: &str, kind: &str, asks: &[&str]) -> InstalledExtension {
    InstalledExtension {
        identity: DeclaredIdentity::read(name, COMMUNITY),
        version: DeclaredVersion::read("1.0.0"),
        kind: Kind::new(kind).unwrap(),
        compatibility: Compatibility::Unstated,
        permissions: permissions(asks),
        enabled: true,
        artifacts: files(&[("TALON.md", name), ("scripts/run.sh", name)]),
        recorded: None,
        data: Files::new(),
    }
}

/// An offered extension that runs on 2.x.
pub(crate) fn offer(version: &str, asks: &[&str]) -> OfferedExtension {
    OfferedExtension {
        version: DeclaredVersion::read(version),
        kind: Kind::new("shell").unwrap(),
        compatibility: Compatibility::read(&["^2"]),
        permissions: permissions(asks),
        artifacts: files(&[("TALON.md", version), ("bin/run", version)]),
        arrives: false,
    }
}

/// A release that hosts shell and plain extensions, and runs what states no runtime.
pub(crate) fn release(extensions: Vec<(ExtensionIdentity, OfferedExtension)>) -> Offered {
    Offered {
        hosted: [Kind::new("shell").unwrap(), Kind::new("plain").unwrap()].into(),
        permissions: None,
        unstated: UnstatedPolicy::CompatibleIfHosted,
        extensions: extensions.into_iter().collect(),
        renames: BTreeMap::new(),
    }
}

pub(crate) fn home(extensions: Vec<(&str, InstalledExtension)>) -> Installed {
    let extensions = extensions.into_iter().map(|(name, what)| (directory(name), what));
    Installed { extensions: extensions.collect(), ..Installed::default() }
}

pub(crate) fn aside(name: &str) -> Consent {
    Consent { set_aside: [directory(name)].into(), ..Consent::default() }
}

pub(crate) fn grant(name: &str, permission: &str) -> Consent {
    let permission = Permission::new(permission);
    let grants = [Grant { identity: identity(name), permission }].into();
    Consent { grants, ..Consent::default() }
}

/// Plans for 2.0.0.
pub(crate) fn planned(home: &Installed, release: &Offered, consent: &Consent) -> ExtensionPlan {
    plan(home, release, &TWO, consent)
}

/// Fate and codes of the reasons of the extension in a directory.
pub(crate) fn fate(plan: &ExtensionPlan, name: &str) -> (Fate, Vec<&'static str>) {
    let mut of = plan.extensions.iter().filter(|planned| planned.directory.as_str() == name);
    let planned = of.next().unwrap();
    assert!(of.next().is_none(), "{name} has two fates");
    (planned.fate, planned.reasons.iter().map(Reason::code).collect())
}
