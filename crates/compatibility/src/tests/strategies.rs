//! Arbitrary statements from small universes, so that they meet.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use versioning::{CapabilitySet, ConfigurationSchema, ExtensionSet, SchemaVersion, Versions};
use versioning::{ProtocolVersion, RuntimeVersion};

use super::fixtures::span;
use crate::*;

const VERSIONS: [&str; 8] =
    ["1.0.0", "1.0.3", "1.0.3+linux", "2.0.0-rc.1", "2.0.0", "2.1.0", "2.1.0+mac", "3.0.0-alpha"];
const REQUIREMENTS: [&str; 7] =
    ["*", "^1", "^2", ">=1.0.0, <3.0.0", "=1.0.3", ">=2.0.0-rc.1", ">=3.0.0-alpha"];
const CAPABILITIES: [&str; 5] = ["a", "b", "c", "d", "e"];
const KINDS: [&str; 3] = ["tool", "skill", "brain"];
const PERMISSIONS: [&str; 4] = ["network", "files", "camera", "process"];
const FEATURES: [&str; 4] = ["stream", "cancel", "batch", "trace"];

fn runtime() -> impl Strategy<Value = RuntimeVersion> {
    select(&VERSIONS[..]).prop_map(|text| text.parse().unwrap())
}

fn number<V>(make: fn(u32) -> V) -> impl Strategy<Value = V>
where
    V: std::fmt::Debug,
{
    (1_u32..=4).prop_map(make)
}

fn numbers<V>(make: fn(u32) -> V) -> impl Strategy<Value = Span<V>>
where
    V: Copy + Ord + std::fmt::Display + std::fmt::Debug,
{
    (1_u32..=4, 1_u32..=4).prop_map(move |(a, b)| span(make, a.min(b), a.max(b)))
}

fn range() -> impl Strategy<Value = RuntimeRange> {
    vec(select(&REQUIREMENTS[..]), 0..3).prop_map(|texts| RuntimeRange::parse(&texts).unwrap())
}

fn protocol() -> impl Strategy<Value = ProtocolVersion> {
    (1_u32..=3, 0_u32..=2).prop_map(|(major, minor)| ProtocolVersion { major, minor })
}

fn versions() -> impl Strategy<Value = Versions> {
    let parts = (
        runtime(),
        number(SchemaVersion::new),
        number(ConfigurationSchema::new),
        protocol(),
        number(CapabilitySet::new),
        number(ExtensionSet::new),
    );
    parts.prop_map(|(runtime, storage, configuration, protocol, capabilities, extensions)| {
        Versions { runtime, storage, configuration, protocol, capabilities, extensions }
    })
}

fn names<N>(from: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<N>>
where
    N: std::str::FromStr<Err = Invalid> + Ord + std::fmt::Debug,
{
    btree_set(select(from).prop_map(|text| text.parse().unwrap()), 0..=from.len())
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let feature =
        (0_u32..=3, any::<bool>()).prop_map(|(since, required)| Feature { since, required });
    let name = select(&FEATURES[..]).prop_map(|text| text.parse().unwrap());
    let features = btree_map(name, feature, 0..=3);
    (0_u32..=3, 0_u32..=3, features).prop_map(|(a, b, mut features)| {
        features.retain(|_: &FeatureName, feature: &mut Feature| feature.since <= a.max(b));
        Dialect { minors: span(|minor| minor, a.min(b), a.max(b)), features }
    })
}

pub(super) fn speaks() -> impl Strategy<Value = Speaks> {
    let peer = select(&["alpha", "beta", "gamma"][..]).prop_map(|text| text.parse().unwrap());
    let majors = btree_map(1_u32..=3, dialect(), 1..=3);
    (peer, majors).prop_map(|(peer, majors)| Speaks::new(peer, majors).unwrap())
}

fn capability_offer() -> impl Strategy<Value = CapabilityOffer> {
    let fates = vec((0_usize..4, 0_usize..5, 0_u32..6), CAPABILITIES.len());
    (fates, numbers(CapabilitySet::new), any::<bool>()).prop_map(|(fates, sets, keeps_unknown)| {
        let ids = CAPABILITIES.map(|text| text.parse::<CapabilityId>().unwrap());
        let with_fate = || ids.iter().zip(&fates);
        let known: BTreeSet<_> =
            with_fate().filter(|(_, fate)| fate.0 >= 2).map(|(id, _)| id.clone()).collect();
        let renames = with_fate()
            .filter(|(_, fate)| fate.0 == 1)
            .filter_map(|(id, fate)| Some((id.clone(), known.get(&ids[fate.1])?.clone())))
            .collect();
        let redefined = with_fate()
            .filter(|(id, fate)| fate.2 <= 2 && known.contains(*id))
            .map(|(id, fate)| (id.clone(), CapabilitySet::new(fate.2)))
            .collect();
        CapabilityOffer::new(CapabilityStatement { sets, known, renames, keeps_unknown, redefined })
            .unwrap()
    })
}

fn migration() -> impl Strategy<Value = Migration> {
    (number(SchemaVersion::new), number(SchemaVersion::new))
        .prop_map(|(from, to)| Migration { from, to })
}

fn storage_offer() -> impl Strategy<Value = StorageOffer> {
    let parts =
        (numbers(SchemaVersion::new), numbers(SchemaVersion::new), btree_set(migration(), 0..8));
    parts.prop_map(|(reads, readable_by, migrations)| StorageOffer {
        reads,
        readable_by,
        migrations,
    })
}

pub(super) fn offer() -> impl Strategy<Value = Offer> {
    let host = (names(&KINDS), names(&PERMISSIONS), numbers(ExtensionApi::new))
        .prop_map(|(kinds, permissions, api)| ExtensionHost { kinds, permissions, api });
    let parts = (
        versions(),
        prop::bool::weighted(0.2),
        range(),
        storage_offer(),
        numbers(ConfigurationSchema::new),
        speaks(),
        capability_offer(),
        host,
    );
    parts.prop_map(|parts| {
        let (versions, on_request, upgrades_from, storage, configurations, protocol, rest, host) =
            parts;
        Offer {
            versions,
            on_request,
            upgrades_from,
            storage,
            configurations,
            protocol,
            capabilities: rest,
            extensions: host,
        }
    })
}

fn extension() -> impl Strategy<Value = InstalledExtension> {
    let parts = (
        select(&["weather", "mail", "shell"][..]),
        option::of(select(&["acme", "zenith"][..])),
        select(&["1.0.0", "banana", "2\n"][..]),
        names(&PERMISSIONS),
        select(&KINDS[..]),
        option::of(range()),
        option::of(number(ExtensionApi::new)),
    );
    parts.prop_map(|(name, publisher, version, permissions, kind, runtime, api)| {
        InstalledExtension {
            identity: ExtensionIdentity {
                name: name.parse().unwrap(),
                publisher: publisher.map(|text| text.parse().unwrap()),
            },
            version: version.to_owned(),
            kind: kind.parse().unwrap(),
            runtime,
            api,
            permissions,
        }
    })
}

pub(super) fn installed() -> impl Strategy<Value = Installed> {
    let id = select(&CAPABILITIES[..]).prop_map(|text| text.parse().unwrap());
    let target = (versions(), numbers(SchemaVersion::new))
        .prop_map(|(versions, reads)| RollbackTarget { versions, reads });
    let parts = (
        versions(),
        vec(extension(), 0..4),
        btree_map(id, any::<bool>(), 0..=5),
        option::weighted(0.8, target),
        0_u32..3,
        btree_set(migration(), 0..8),
    );
    parts.prop_map(|parts| {
        let (versions, extensions, capabilities, rollback_target, generations_kept, steps_back) =
            parts;
        Installed {
            versions,
            extensions,
            capabilities,
            rollback_target,
            generations_kept,
            steps_back,
        }
    })
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let parts = (
        option::of(runtime()),
        btree_set(runtime(), 0..3),
        select(&[RollbackData::Preserve, RollbackData::SetAside][..]),
        select(&[Peers::Independent, Peers::MoveTogether][..]),
    );
    parts.prop_map(|(target, asked_for, rollback_data, peers)| Policy {
        target,
        asked_for,
        rollback_data,
        peers,
    })
}

/// An offer that a home accepts, and is otherwise as arbitrary as it was.
pub(super) fn fitted() -> impl Strategy<Value = (Installed, Offer, Policy)> {
    (installed(), offer(), policy()).prop_map(|(mut home, mut offer, mut policy)| {
        let (from, to) = (home.versions.clone(), &mut offer.versions);
        to.runtime = if from.runtime.major() < 3 {
            RuntimeVersion::new(3, 0, 0)
        } else {
            RuntimeVersion::new(3, 1, 0)
        };
        to.storage = to.storage.max(from.storage);
        to.configuration = to.configuration.max(from.configuration);
        to.protocol = to.protocol.max(from.protocol);
        to.capabilities = to.capabilities.max(from.capabilities);
        to.extensions = to.extensions.max(from.extensions);
        let exact = format!("={}", from.runtime);
        offer.upgrades_from = offer.upgrades_from.or(&RuntimeRange::parse(&[&exact]).unwrap());
        offer.storage.reads = offer.storage.reads.cover(&Span::only(from.storage));
        let direct = Migration { from: from.storage, to: offer.versions.storage };
        offer.storage.migrations.insert(direct);
        offer.configurations = offer.configurations.cover(&Span::only(from.configuration));
        policy.asked_for.insert(offer.versions.runtime.clone());
        policy.rollback_data = RollbackData::SetAside;
        policy.peers = Peers::MoveTogether;
        for extension in &mut home.extensions {
            extension.runtime = None;
            offer.extensions.kinds.insert(extension.kind.clone());
            offer.extensions.permissions.extend(extension.permissions.iter().cloned());
            let api = extension.api.map_or(offer.extensions.api, Span::only);
            offer.extensions.api = offer.extensions.api.cover(&api);
        }
        let mut told = offer.capabilities.statement().clone();
        told.sets = told.sets.cover(&Span::only(from.capabilities));
        told.redefined.clear();
        told.renames.retain(|_, new| !home.capabilities.contains_key(new));
        let mut taken = BTreeSet::new();
        told.renames.retain(|_, new| taken.insert(new.clone()));
        let lost =
            |id: &&CapabilityId| !told.known.contains(*id) && !told.renames.contains_key(*id);
        let lost: Vec<_> = home.capabilities.keys().filter(lost).cloned().collect();
        let disabled = lost.into_iter().map(|id| (id, false)).collect::<BTreeMap<_, _>>();
        home.capabilities.extend(disabled);
        offer.capabilities = CapabilityOffer::new(told).unwrap();
        (home, offer, policy)
    })
}
