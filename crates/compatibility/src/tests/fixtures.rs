//! The releases of the worked examples.

use std::collections::{BTreeMap, BTreeSet};

use versioning::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, ProtocolVersion, SchemaVersion, Versions,
};

use crate::*;

pub(super) fn id(text: &str) -> CapabilityId {
    text.parse().unwrap()
}

pub(super) fn span<V: Copy + Ord + std::fmt::Display>(
    number: impl Fn(u32) -> V,
    oldest: u32,
    newest: u32,
) -> Span<V> {
    Span::new(number(oldest), number(newest)).unwrap()
}

/// The versions of a release: storage, configuration, capabilities, and its protocol.
pub(super) fn versions(runtime: &str, numbers: [u32; 3], protocol: (u32, u32)) -> Versions {
    let [storage, configuration, capabilities] = numbers;
    Versions {
        runtime: runtime.parse().unwrap(),
        storage: SchemaVersion::new(storage),
        configuration: ConfigurationSchema::new(configuration),
        protocol: ProtocolVersion { major: protocol.0, minor: protocol.1 },
        capabilities: CapabilitySet::new(capabilities),
        extensions: ExtensionSet::new(1),
    }
}

/// What a peer speaks: majors with their minors, without features.
pub(super) fn speaks(peer: &str, majors: &[(u32, u32, u32)]) -> Speaks {
    let dialect = |oldest, newest| Dialect {
        minors: span(|minor| minor, oldest, newest),
        features: BTreeMap::new(),
    };
    let majors = majors.iter().map(|(major, oldest, newest)| (*major, dialect(*oldest, *newest)));
    Speaks::new(peer.parse().unwrap(), majors.collect()).unwrap()
}

pub(super) fn capabilities(
    sets: (u32, u32),
    known: &[&str],
    renames: &[(&str, &str)],
) -> CapabilityOffer {
    CapabilityOffer::new(CapabilityStatement {
        sets: span(CapabilitySet::new, sets.0, sets.1),
        known: known.iter().map(|text| id(text)).collect(),
        renames: renames.iter().map(|(old, new)| (id(old), id(new))).collect(),
        keeps_unknown: false,
        redefined: BTreeMap::new(),
    })
    .unwrap()
}

pub(super) fn migrations(edges: &[(u32, u32)]) -> BTreeSet<Migration> {
    let migration = |(from, to): &(u32, u32)| Migration {
        from: SchemaVersion::new(*from),
        to: SchemaVersion::new(*to),
    };
    edges.iter().map(migration).collect()
}

pub(super) fn weather() -> InstalledExtension {
    InstalledExtension {
        identity: ExtensionIdentity {
            name: "weather".parse().unwrap(),
            publisher: Some("acme".parse().unwrap()),
        },
        version: "1.2.0".to_owned(),
        kind: "tool".parse().unwrap(),
        runtime: None,
        api: None,
        permissions: BTreeSet::from(["network".parse().unwrap()]),
    }
}

/// A home of 1.0.3 with one extension and two capabilities.
pub(super) fn home_1_0_3() -> Installed {
    let versions = versions("1.0.3", [1, 1, 2], (1, 0));
    Installed {
        rollback_target: Some(RollbackTarget {
            versions: versions.clone(),
            reads: Span::only(SchemaVersion::new(1)),
        }),
        versions,
        extensions: vec![weather()],
        capabilities: BTreeMap::from([(id("web_get"), true), (id("process"), false)]),
        generations_kept: 3,
        steps_back: BTreeSet::new(),
    }
}

/// A home of 2.0.0, whose extension was replaced by one that says what it works with.
pub(super) fn home_2_0_0() -> Installed {
    let mut home = home_1_0_3().after(&offer_2_0_0());
    for extension in &mut home.extensions {
        extension.runtime = Some(RuntimeRange::parse(&["^2"]).unwrap());
    }
    home
}

/// 2.0.0 speaks both protocols, and brings the way back.
pub(super) fn offer_2_0_0() -> Offer {
    Offer {
        versions: versions("2.0.0", [3, 2, 2], (2, 0)),
        on_request: false,
        upgrades_from: RuntimeRange::parse(&[">=1.0.0, <2.0.0", ">=2.0.0-rc.1, <2.0.0"]).unwrap(),
        storage: StorageOffer {
            reads: span(SchemaVersion::new, 1, 3),
            readable_by: Span::only(SchemaVersion::new(3)),
            migrations: migrations(&[(1, 2), (2, 3), (3, 1)]),
        },
        configurations: span(ConfigurationSchema::new, 1, 2),
        protocol: speaks("FemtoClaw 2.0.0", &[(1, 0, 0), (2, 0, 0)]),
        capabilities: capabilities((1, 2), &["web.get", "process"], &[("web_get", "web.get")]),
        extensions: ExtensionHost {
            kinds: BTreeSet::from(["tool".parse().unwrap()]),
            permissions: BTreeSet::from(["network".parse().unwrap(), "files".parse().unwrap()]),
            api: span(ExtensionApi::new, 1, 2),
        },
    }
}

/// 2.1.0 is a minor: same schemas, one more minor of the protocol. It no longer knows of 1.0.x.
pub(super) fn offer_2_1_0() -> Offer {
    Offer {
        versions: versions("2.1.0", [3, 2, 2], (2, 1)),
        upgrades_from: RuntimeRange::parse(&["^2"]).unwrap(),
        storage: StorageOffer {
            reads: span(SchemaVersion::new, 2, 3),
            migrations: migrations(&[(2, 3)]),
            ..offer_2_0_0().storage
        },
        protocol: speaks("FemtoClaw 2.1.0", &[(1, 0, 0), (2, 0, 1)]),
        capabilities: capabilities((2, 2), &["web.get", "process"], &[]),
        ..offer_2_0_0()
    }
}

/// 3.0.0-alpha writes what nothing before it reads, and knows `process` no more.
pub(super) fn offer_3_0_0_alpha() -> Offer {
    Offer {
        versions: versions("3.0.0-alpha.1", [4, 2, 3], (2, 2)),
        upgrades_from: RuntimeRange::parse(&["^2"]).unwrap(),
        storage: StorageOffer {
            reads: span(SchemaVersion::new, 3, 4),
            readable_by: Span::only(SchemaVersion::new(4)),
            migrations: migrations(&[(3, 4)]),
        },
        protocol: speaks("FemtoClaw 3.0.0-alpha.1", &[(2, 0, 2)]),
        capabilities: capabilities((2, 3), &["web.get"], &[]),
        ..offer_2_1_0()
    }
}

pub(super) fn codes(verdict: &Verdict, severity: Severity) -> Vec<&'static str> {
    verdict.of(severity).map(Reason::code).collect()
}
