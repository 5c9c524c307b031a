//! What a release states of itself, as the judge of compatibility wants it.

use std::collections::{BTreeMap, BTreeSet};

use compatibility::{
    CapabilityOffer, CapabilityStatement, Dialect, ExtensionApi, ExtensionHost, Feature, Invalid,
    Migration, Offer, RuntimeRange, Span, Speaks, StorageOffer,
};
use versioning::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, ProtocolVersion, SchemaVersion, Versions,
};

use super::capabilities::{
    FIRST_SET, FS_WATCH, LAST_OLD_SET, NET, NET_REQUEST, PROCESS, SELECTIVE_SET, SHELL,
    WATCHING_SET, WEB_GET, WEB_GET_OLD,
};
use super::extensions::{HOSTED, PERMISSIONS};

/// What a release states, as short as it can be said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    pub(super) runtime: &'static str,
    /// Its storage and configuration schemas and its capability set.
    pub(super) schemas: [u32; 3],
    /// Major and minor.
    pub(super) protocol: [u32; 2],
    pub(super) upgrades_from: &'static [&'static str],
    pub(super) summary: &'static str,
}

/// What it amounts to.
///
/// # Errors
/// If it contradicts itself.
pub(super) fn offer(statement: &Statement) -> Result<Offer, Invalid> {
    let Statement { schemas: [storage, configuration, set], protocol: [major, minor], .. } =
        *statement;
    let text = statement.runtime.to_owned();
    let runtime = statement
        .runtime
        .parse()
        .map_err(|_| Invalid::Range { text, reason: "it is no version".to_owned() })?;
    let versions = Versions {
        runtime,
        storage: SchemaVersion::new(storage),
        configuration: ConfigurationSchema::new(configuration),
        protocol: ProtocolVersion { major, minor },
        capabilities: CapabilitySet::new(set),
        extensions: ExtensionSet::new(1),
    };
    let (oldest_configuration, oldest_set) = if is_selective(set) { (3, 4) } else { (1, 1) };
    Ok(Offer {
        on_request: false,
        upgrades_from: RuntimeRange::parse(statement.upgrades_from)?,
        storage: StorageOffer {
            reads: Span::new(SchemaVersion::new(1), versions.storage)?,
            readable_by: Span::only(versions.storage),
            migrations: (1..storage).map(migration).collect(),
        },
        configurations: Span::new(
            ConfigurationSchema::new(oldest_configuration),
            versions.configuration,
        )?,
        protocol: speaks(versions.protocol)?,
        capabilities: capabilities(
            Span::new(CapabilitySet::new(oldest_set), versions.capabilities)?,
            set,
        )?,
        extensions: ExtensionHost {
            kinds: parsed(&HOSTED)?,
            permissions: parsed(&PERMISSIONS)?,
            api: Span::only(ExtensionApi::new(1)),
        },
        versions,
    })
}

/// Whether a release carries over only what it knows.
fn is_selective(set: u32) -> bool {
    set >= SELECTIVE_SET
}

fn migration(from: u32) -> Migration {
    Migration { from: SchemaVersion::new(from), to: SchemaVersion::new(from + 1) }
}

fn parsed<T: std::str::FromStr<Err = Invalid> + Ord>(
    texts: &[&str],
) -> Result<BTreeSet<T>, Invalid> {
    texts.iter().map(|text| text.parse()).collect()
}

/// 2.x goes on speaking what 1.0.x spoke; 3.0.0 speaks what 2.1.0 spoke last.
// trace: impl FC-24.1 FC-24.2.1
fn speaks(own: ProtocolVersion) -> Result<Speaks, Invalid> {
    let first = (1, dialect(0, 0, None)?);
    let majors = match (own.major, own.minor) {
        (1, _) => BTreeMap::from([first]),
        (2, 0) => BTreeMap::from([first, (2, dialect(0, 0, None)?)]),
        (2, minor) => BTreeMap::from([first, (2, dialect(0, minor, Some(1))?)]),
        (_, minor) => {
            BTreeMap::from([(2, dialect(1, 1, Some(1))?), (3, dialect(0, minor, Some(0))?)])
        }
    };
    Speaks::new("femtoclaw".parse()?, majors)
}

/// These minors, and since which of them a peer can be asked what it logs.
fn dialect(oldest: u32, newest: u32, telemetry_since: Option<u32>) -> Result<Dialect, Invalid> {
    let feature = |since| Ok(("telemetry".parse()?, Feature { since, required: false }));
    Ok(Dialect {
        minors: Span::new(oldest, newest)?,
        features: telemetry_since.into_iter().map(feature).collect::<Result<_, Invalid>>()?,
    })
}

fn capabilities(sets: Span<CapabilitySet>, set: u32) -> Result<CapabilityOffer, Invalid> {
    let mut known = vec!["fs", SHELL];
    known.push(if set == FIRST_SET { WEB_GET_OLD } else { WEB_GET });
    known.push(if set >= WATCHING_SET { NET_REQUEST } else { NET });
    if set >= WATCHING_SET {
        known.push(FS_WATCH);
    }
    if !is_selective(set) {
        known.push(PROCESS);
    }
    let mut renames = BTreeMap::new();
    if set > LAST_OLD_SET {
        renames.insert(WEB_GET_OLD.parse()?, WEB_GET.parse()?);
    }
    if set >= WATCHING_SET {
        renames.insert(NET.parse()?, NET_REQUEST.parse()?);
    }
    let mut redefined = BTreeMap::new();
    if set >= WATCHING_SET {
        // An embedder's own of that name is not what the runtime's is, and what was granted for it was not for this.
        redefined.insert(FS_WATCH.parse()?, CapabilitySet::new(WATCHING_SET));
    }
    CapabilityOffer::new(CapabilityStatement {
        sets,
        known: parsed(&known)?,
        renames,
        keeps_unknown: !is_selective(set),
        redefined,
    })
}
