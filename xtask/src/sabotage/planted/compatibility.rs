//! Versions, and what suits what: releases, installations, peers.

use super::{Planted, bug};

const VERSION: &str = "crates/versioning/src/version.rs";
const KIND: &str = "crates/versioning/src/kind.rs";
const JUDGE: &str = "crates/compatibility/src/judge.rs";
const NEGOTIATE: &str = "crates/compatibility/src/negotiate.rs";
const STORAGE: &str = "crates/compatibility/src/storage.rs";
const VERDICT: &str = "crates/compatibility/src/verdict.rs";
const OFFER: &str = "crates/femtoclaw/src/releases/offer.rs";
const PLAN: &str = "crates/upgrade/src/plan/mod.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const STATUS: &str = "crates/upgrade/src/status.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-4.1.1
    bug(
        "build-metadata-decides",
        VERSION,
        "self.0.cmp_precedence(&other.0)",
        "self.0.cmp(&other.0)",
        "the same release, built twice, is an upgrade of itself",
    )
    .by_tests(),
    // trace: sabotage FC-4.1.1
    bug(
        "version-without-all-its-numbers",
        VERSION,
        "«semver::Version::parse(text)».map(Self)",
        "semver::Version::parse(text)\
         .or_else(|error| semver::Version::parse(&format!(\"{text}.0\")).map_err(|_| error))",
        "a version that is none is taken for one",
    )
    .by_tests(),
    // trace: sabotage FC-4.1.2
    bug(
        "major-taken-for-minor",
        KIND,
        "} else if «from.major() != to.major() || from.is_prerelease() || to.is_prerelease()» {",
        "false",
        "an upgrade with incompatible changes is called a compatible one",
    )
    .by_tests(),
    // trace: sabotage FC-4.1.3
    bug(
        "minor-taken-for-patch",
        KIND,
        "} else if «from.minor() != to.minor()» {",
        "false",
        "an upgrade that brings something new is called one that mends something",
    )
    .by_tests(),
    // trace: sabotage FC-4.1.3 FC-24.2.1
    bug(
        "older-minor-not-spoken-any-more",
        OFFER,
        "(2, minor) => BTreeMap::from([first, (2, dialect(«0», minor, Some(1))?)]),",
        "minor",
        "after a minor upgrade the peers of the release before are cut off",
    )
    .by_tests(),
    // trace: sabotage FC-4.1.4
    bug(
        "patch-taken-for-minor",
        KIND,
        "else { UpgradeKind::Minor } } else { «UpgradeKind::Patch» }",
        "UpgradeKind::Minor",
        "an upgrade that only mends something is called one that brings something new",
    )
    .by_tests(),
    // trace: sabotage FC-4.2
    bug(
        "version-not-shown",
        STATUS,
        "version: «state.runtime().map(ToString::to_string)»,",
        "None",
        "nobody can see which version is current",
    )
    .by_tests(),
    // trace: sabotage FC-13.1 FC-14.1.2
    bug(
        "compatibility-not-evaluated",
        PLAN,
        "let judged = «release.as_ref().filter(|_| is_upgrade)»;",
        "None",
        "nobody has asked whether the release suits what is installed",
    )
    .by_tests(),
    // trace: sabotage FC-13.2.1 FC-25.2.3
    bug(
        "runtime-range-not-compared",
        JUDGE,
        "if «!offer.upgrades_from.contains(&installed.runtime)» {",
        "false",
        "a release is taken that cannot be reached from the one that is installed",
    )
    .by_tests(),
    // trace: sabotage FC-13.2.2
    bug(
        "unreadable-store-accepted",
        JUDGE,
        "if «!offer.readable().reads(found)» {",
        "false",
        "a release is taken that cannot read the store",
    )
    .by_tests(),
    // trace: sabotage FC-13.2.2
    bug(
        "missing-migration-overlooked",
        JUDGE,
        "None => «reasons.push(StorageReason::NoPath { from: found, to: writes }.into())»,",
        "()",
        "a release is taken to whose storage schema nothing leads",
    )
    .by_tests(),
    // trace: sabotage FC-13.2.3
    bug(
        "unhosted-extension-accepted",
        JUDGE,
        "if «!host.kinds.contains(&installed.kind)» {",
        "false",
        "a release is taken that does not host an extension which is installed",
    )
    .by_tests(),
    // trace: sabotage FC-13.2.4
    bug(
        "foreign-capability-set-accepted",
        JUDGE,
        "if «found != offer.versions.capabilities && !accepts.contains(found)» {",
        "false",
        "a release is taken that does not know what the policies are about",
    )
    .by_tests(),
    // trace: sabotage FC-11.1.2 FC-13.2.4
    bug(
        "redefined-capability-accepted",
        JUDGE,
        "if let Some(&since) = «redefined.get(known_as).filter(|since| set < **since)» {",
        "None",
        "what was granted for one thing is granted for another that has its name",
    )
    .by_tests(),
    // trace: sabotage FC-13.3
    bug(
        "refused-is-accepted",
        VERDICT,
        "«self.of(Severity::Refuse).next().is_none()»",
        "true",
        "a verdict with a reason against it says that all is well",
    )
    .by_tests(),
    // trace: sabotage FC-23.3
    bug(
        "package-versions-not-compared",
        PLAN,
        "refusals.extend(package.refusals(environment.catalogue, release, &steps));",
        "",
        "a package states other versions and migrations than those that are carried out",
    )
    .by_tests(),
    // trace: sabotage FC-14.2
    bug(
        "activated-without-verification",
        APPLY,
        "let verified = «staged.verify(self, progress)?»;",
        "Upgrade { plan: staged.plan, request: staged.request, stage: Verified { \
         after: staged.stage.store.before.clone(), staged: staged.stage } }",
        "a generation becomes current that nobody has looked at",
    )
    .by_tests(),
    // trace: sabotage FC-24.1 FC-24.2.1
    bug(
        "oldest-minor-agreed-on",
        NEGOTIATE,
        "let version = ProtocolVersion { major, minor: «minors.newest()» };",
        "minors.oldest()",
        "two peers talk as if both were as old as they can be",
    )
    .by_tests(),
    // trace: sabotage FC-24.2.2
    bug(
        "every-store-readable-by-everybody",
        STORAGE,
        "«self.reads(writer.writes) || writer.readable_by.contains(self.writes)»",
        "true",
        "a rollback is promised what its target cannot read",
    )
    .by_tests(),
    // trace: sabotage FC-24.3
    bug(
        "answer-depends-on-who-asks",
        NEGOTIATE,
        "let (first, second) = «if a <= b { (a, b) } else { (b, a) }»;",
        "(a, b)",
        "two peers are told two things about one connection",
    )
    .by_tests(),
    // trace: sabotage FC-24.3
    bug(
        "reasons-as-they-were-found",
        VERDICT,
        "reasons.sort_by_cached_key(|reason| (Reverse(reason.severity()), reason.clone()));",
        "",
        "one question has several answers, by the order in which extensions are listed",
    )
    .by_tests(),
    // trace: sabotage FC-24.4
    bug(
        "required-feature-ignored",
        NEGOTIATE,
        "if «missing.is_empty()» {",
        "true",
        "two peers begin to talk although one lacks what the other needs",
    )
    .by_tests(),
    // trace: sabotage FC-24.4
    bug(
        "impossible-feature-accepted",
        NEGOTIATE,
        "if let Some((feature, Feature { since, .. })) = «late» {",
        "None",
        "a peer states a feature that no version of it has",
    )
    .by_tests(),
    // trace: sabotage FC-26.1.3
    bug(
        "range-of-a-release-not-as-documented",
        OFFER,
        "upgrades_from: «RuntimeRange::parse(statement.upgrades_from)?»,",
        "{ let ranges = statement.upgrades_from.iter().copied().filter(|range| *range != \"^1.0.0\"); \
         RuntimeRange::parse(&ranges.collect::<Vec<_>>())? }",
        "the documents promise an upgrade that is refused",
    )
    .by_tests(),
];
