//! Random homes and releases, from so few names, paths and permissions that they meet.

use std::collections::BTreeMap;

use extension_migration::*;
use integrity::Digest;
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use proptest::sample::select;
use versioning::RuntimeVersion;

/// All that a plan is made from.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) installed: Installed,
    pub(crate) offered: Offered,
    pub(crate) runtime: RuntimeVersion,
    pub(crate) consent: Consent,
}

impl Case {
    pub(crate) fn plan(&self) -> ExtensionPlan {
        plan(&self.installed, &self.offered, &self.runtime, &self.consent)
    }
}

fn identity() -> impl Strategy<Value = ExtensionIdentity> {
    (select(vec!["a", "b", "c", "d"]), prop_oneof![9 => Just("p"), 1 => Just("q")])
        .prop_map(|(name, publisher)| ExtensionIdentity::new(name, publisher).unwrap())
}

fn declared() -> impl Strategy<Value = DeclaredIdentity> {
    prop_oneof![
        19 => identity().prop_map(DeclaredIdentity::from),
        1 => Just(DeclaredIdentity::read("../x", "p")),
    ]
}

fn version(common: &'static str) -> impl Strategy<Value = DeclaredVersion> {
    prop_oneof![
        12 => Just(common),
        6 => select(vec!["1.0.0", "1.1.0", "2.0.0-rc.1"]),
        1 => Just("banana"),
    ]
    .prop_map(DeclaredVersion::read)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![9 => Just("shell"), 1 => Just("rust")].prop_map(|text| Kind::new(text).unwrap())
}

fn compatibility() -> impl Strategy<Value = Compatibility> {
    prop_oneof![
        8 => Just(Compatibility::read(&[">=1"])),
        6 => Just(Compatibility::Unstated),
        1 => Just(Compatibility::read(&["^1"])),
        1 => Just(Compatibility::read(&["apple"])),
    ]
}

fn permission() -> impl Strategy<Value = Permission> {
    select(vec!["fs.read", "fs.read:/d/*", "fs.read:/d/a", "network", "network:x.org", "aws"])
        .prop_map(Permission::new)
}

fn files(paths: &[&'static str]) -> impl Strategy<Value = Files> + use<> {
    let path = select(paths.to_vec()).prop_map(|text| ExtensionPath::new(text).unwrap());
    btree_map(path, (0..2_u8).prop_map(|byte| Digest::of(&[byte])), 0..3)
}

fn artifacts() -> impl Strategy<Value = Files> {
    (files(&["run", "lib/a", "lib/b"]), files(&["d"])).prop_map(|(mut common, rare)| {
        common.extend(rare.into_iter().take(usize::from(common.len() == 2)));
        common.insert(ExtensionPath::new("TALON.md").unwrap(), Digest::of(b"talon"));
        common
    })
}

fn data() -> impl Strategy<Value = Files> {
    prop_oneof![19 => files(&["d/x", "d/y", "notes", "e/z", "f"]), 1 => files(&["run"])]
}

prop_compose! {
    fn installed_extension()(
        identity in declared(),
        version in version("1.0.0"),
        kind in kind(),
        compatibility in compatibility(),
        permissions in btree_set(permission(), 0..4),
        enabled: bool,
        artifacts in artifacts(),
        record in 0..20_u8,
        data in data(),
    ) -> InstalledExtension {
        let recorded = match record {
            0 => Some(Files::new()),
            1 => Some(artifacts.keys().map(|path| (path.clone(), Digest::of(b"other"))).collect()),
            2 => Some([(ExtensionPath::new("gone").unwrap(), Digest::of(b""))].into()),
            3..10 => Some(artifacts.clone()),
            _ => None,
        };
        InstalledExtension {
            identity, version, kind, compatibility, permissions, enabled, artifacts, recorded, data,
        }
    }
}

prop_compose! {
    fn offered_extension()(
        version in version("2.0.0"),
        kind in kind(),
        compatibility in compatibility(),
        permissions in btree_set(permission(), 0..2),
        artifacts in prop_oneof![19 => artifacts(), 1 => Just(Files::new())],
        arrives: bool,
    ) -> OfferedExtension {
        OfferedExtension { version, kind, compatibility, permissions, artifacts, arrives }
    }
}

/// Extensions by directory. Mostly in the directory of their name, as a well-kept home has them.
fn extensions(most: usize) -> impl Strategy<Value = BTreeMap<Directory, InstalledExtension>> {
    let place =
        prop_oneof![9 => Just(None), 1 => select(vec!["a", "b", "z", "a.2"]).prop_map(Some)];
    prop::collection::vec((place, installed_extension()), 0..most).prop_map(|extensions| {
        let place = |place: Option<&str>, extension: &InstalledExtension| {
            let own = extension.identity.valid().map_or("x", ExtensionIdentity::name);
            Directory::new(place.unwrap_or(own)).unwrap()
        };
        extensions.into_iter().map(|(at, what)| (place(at, &what), what)).collect()
    })
}

fn offered() -> impl Strategy<Value = Offered> {
    let hosted = prop_oneof![
        9 => Just(vec!["rust", "shell"]),
        1 => Just(vec!["shell"]),
    ];
    let unstated = prop_oneof![
        9 => Just(UnstatedPolicy::CompatibleIfHosted),
        1 => Just(UnstatedPolicy::Incompatible),
    ];
    let renames = prop_oneof![
        2 => Just(BTreeMap::new()),
        1 => btree_map(identity(), identity(), 1..3),
    ];
    let extensions = btree_map(identity(), offered_extension(), 0..3);
    // One that says which permissions it knows rejects much.
    let permissions = prop_oneof![
        4 => Just(None),
        1 => btree_set(permission(), 0..6).prop_map(Some),
    ];
    (hosted, permissions, unstated, extensions, renames, any::<bool>()).prop_map(
        |(hosted, permissions, unstated, mut extensions, renames, is_sound)| {
            if is_sound {
                // A release that knows what it renames: it brings the successor, and no longer the predecessor.
                extensions.retain(|identity, _| !renames.contains_key(identity));
            }
            let hosted = hosted.into_iter().map(|kind| Kind::new(kind).unwrap()).collect();
            Offered { hosted, permissions, unstated, extensions, renames }
        },
    )
}

fn consent() -> impl Strategy<Value = Consent> {
    let names = select(vec!["a", "b", "c", "d", "x", "z", "a.2"]);
    let directories = btree_set(names.prop_map(|name| Directory::new(name).unwrap()), 0..7);
    let grant = (identity(), permission())
        .prop_map(|(identity, permission)| Grant { identity, permission });
    (directories, btree_set(grant, 0..10))
        .prop_map(|(set_aside, grants)| Consent { set_aside, grants })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let runtime = prop_oneof![
        9 => Just("2.0.0"),
        1 => Just("2.0.0-rc.1"),
    ];
    (extensions(4), extensions(2), offered(), runtime, consent()).prop_map(
        |(extensions, mut set_aside, offered, runtime, consent)| {
            for extension in set_aside.values_mut() {
                // What was set aside before lay on a disk, which has no file where a directory is.
                extension.artifacts.retain(|path, _| path.as_str() != "d");
                extension.data.retain(|path, _| !extension.artifacts.contains_key(path));
            }
            let installed = Installed { extensions, set_aside };
            Case { installed, offered, runtime: runtime.parse().unwrap(), consent }
        },
    )
}

/// What makes a case worse.
#[derive(Debug, Clone)]
pub(crate) enum Conflict {
    ForeignNamesake,
    SecondOfOneIdentity,
    TamperedArtifact,
    InvalidVersion,
    NothingHosted,
    MorePermissions(Permission),
    DataOverArtifact,
    RunsOnNothing,
    OlderOffers,
    NoGrants,
    NoConsent,
}

pub(crate) fn conflict() -> impl Strategy<Value = Conflict> {
    prop_oneof![
        Just(Conflict::ForeignNamesake),
        Just(Conflict::SecondOfOneIdentity),
        Just(Conflict::TamperedArtifact),
        Just(Conflict::InvalidVersion),
        Just(Conflict::NothingHosted),
        permission().prop_map(Conflict::MorePermissions),
        Just(Conflict::DataOverArtifact),
        Just(Conflict::RunsOnNothing),
        Just(Conflict::OlderOffers),
        Just(Conflict::NoGrants),
        Just(Conflict::NoConsent),
    ]
}

impl Conflict {
    /// Adds the conflict to an extension of the case, chosen by a number, or to the case as a whole.
    pub(crate) fn add_to(&self, case: &mut Case, which: usize) {
        let count = case.installed.extensions.len().max(1);
        let chosen = case.installed.extensions.values_mut().nth(which % count);
        let offered = &mut case.offered;
        match (self, chosen) {
            (Self::ForeignNamesake, Some(extension)) => {
                // A publisher that nobody else is of: what is offered under an identity that is installed, or that
                // something is renamed to, could be a remedy as well.
                let Some(own) = extension.identity.valid() else { return };
                let foreign = ExtensionIdentity::new(own.name(), "mallory").unwrap();
                offered.extensions.insert(foreign, namesake());
            }
            (Self::SecondOfOneIdentity, Some(extension)) => {
                // In a directory that is not taken: what another extension gives way to is not only a conflict.
                let (second, number) = (extension.clone(), case.installed.extensions.len());
                let free = Directory::new(&format!("second.{number}")).unwrap();
                case.installed.extensions.insert(free, second);
            }
            (Self::TamperedArtifact, Some(extension)) => extension.recorded = Some(Files::new()),
            (Self::InvalidVersion, Some(extension)) => {
                extension.version = DeclaredVersion::read("banana");
            }
            (Self::DataOverArtifact, Some(extension)) => {
                for (path, digest) in &extension.artifacts {
                    extension.data.entry(path.clone()).or_insert(*digest);
                }
            }
            (Self::NothingHosted, _) => offered.hosted.clear(),
            (Self::MorePermissions(permission), _) => {
                for extension in offered.extensions.values_mut() {
                    extension.permissions.insert(permission.clone());
                }
            }
            (Self::RunsOnNothing, _) => {
                for extension in offered.extensions.values_mut() {
                    extension.compatibility = Compatibility::AnyOf(Vec::new());
                }
            }
            (Self::OlderOffers, _) => {
                // A version instead of none would be a remedy.
                let offers = offered.extensions.values_mut();
                let valid = offers.filter(|extension| extension.version.valid().is_some());
                for extension in valid {
                    extension.version = DeclaredVersion::read("0.0.1");
                }
            }
            (Self::NoGrants, _) => case.consent.grants.clear(),
            (Self::NoConsent, _) => case.consent.set_aside.clear(),
            (_, None) => {}
        }
    }
}

fn namesake() -> OfferedExtension {
    OfferedExtension {
        version: DeclaredVersion::read("9.0.0"),
        kind: Kind::new("shell").unwrap(),
        compatibility: Compatibility::read(&[">=1"]),
        permissions: Permissions::new(),
        artifacts: [(ExtensionPath::new("TALON.md").unwrap(), Digest::of(b"foreign"))].into(),
        arrives: true,
    }
}
