//! What is said of every reason.

use std::collections::BTreeSet;

use versioning::{CapabilitySet, ConfigurationSchema, ProtocolVersion, SchemaVersion};

use super::fixtures::*;
use crate::*;

/// One of each reason, and of each weight where a reason has several.
fn one_of_each() -> Vec<Reason> {
    let version = || "2.0.0+linux".parse().unwrap();
    let schema = SchemaVersion::new;
    let configuration = ConfigurationSchema::new;
    let text = || "2.0".to_owned();
    let extension = || weather().identity;
    let spoken = ProtocolVersion { major: 1, minor: 0 };
    let (reads, way) = (span(schema, 1, 3), vec![schema(1), schema(2)]);
    let mut reasons: Vec<Reason> = vec![
        ReleaseReason::RuntimeOutOfRange {
            installed: version(),
            offered: version(),
            upgrades_from: text(),
        }
        .into(),
        ReleaseReason::Downgrade { part: Part::Storage, from: text(), to: text() }.into(),
        ReleaseReason::SameVersion { version: version(), moving: Vec::new() }.into(),
        ReleaseReason::SameVersion { version: version(), moving: vec![Part::Protocol] }.into(),
        ReleaseReason::PrereleaseNotAskedFor { version: version() }.into(),
        ReleaseReason::PrereleaseAskedFor { version: version() }.into(),
        ReleaseReason::ConfigurationNotMigratable {
            found: configuration(1),
            migrates_from: span(configuration, 2, 3),
        }
        .into(),
        ReleaseReason::ConfigurationMigrates { from: configuration(1), to: configuration(2) }
            .into(),
        StorageReason::NotReadable { found: schema(4), reads }.into(),
        StorageReason::NoPath { from: schema(1), to: schema(2) }.into(),
        StorageReason::Migrates { way: way.clone() }.into(),
        StorageReason::RollbackConverts { target: version(), way }.into(),
        StorageReason::NoRollbackTarget { generations_kept: 0 }.into(),
        ExtensionReason::RuntimeOutOfRange {
            extension: extension(),
            version: text(),
            offered: version(),
            works_with: text(),
        }
        .into(),
        ExtensionReason::KindNotHosted {
            extension: extension(),
            version: text(),
            kind: "skill".parse().unwrap(),
        }
        .into(),
        ExtensionReason::PermissionUnknown {
            extension: extension(),
            version: text(),
            permission: "camera".parse().unwrap(),
        }
        .into(),
        ExtensionReason::ApiNotOffered {
            extension: extension(),
            version: text(),
            needs: ExtensionApi::new(3),
            offered: span(ExtensionApi::new, 1, 2),
        }
        .into(),
        CapabilityReason::SetNotAccepted {
            found: CapabilitySet::new(1),
            accepts: span(CapabilitySet::new, 2, 3),
        }
        .into(),
        CapabilityReason::Renamed { id: id("a"), to: id("b") }.into(),
        CapabilityReason::Collides { id: id("a"), to: id("b"), with: id("b") }.into(),
        CapabilityReason::Redefined {
            id: id("a"),
            known_as: id("a"),
            since: CapabilitySet::new(3),
            installed: CapabilitySet::new(2),
        }
        .into(),
    ];
    for data in [RollbackData::Preserve, RollbackData::SetAside] {
        let writes = schema(4);
        reasons.push(
            StorageReason::RollbackUnreadable { target: version(), writes, reads, data }.into(),
        );
    }
    for peers in [Peers::Independent, Peers::MoveTogether] {
        reasons.push(ProtocolReason::MajorDropped { spoken, offered: text(), peers }.into());
        reasons.push(ProtocolReason::MinorDropped { spoken, offered: text(), peers }.into());
    }
    for yes in [false, true] {
        reasons.push(CapabilityReason::Lost { id: id("a"), enabled: yes }.into());
        reasons.push(
            ExtensionReason::StatesNoRuntime {
                extension: extension(),
                version: text(),
                major: yes,
            }
            .into(),
        );
    }
    reasons
}

#[test]
fn a_reason_is_read_back_as_what_was_written_and_by_the_code_that_it_tells() {
    for reason in one_of_each() {
        let json = serde_json::to_value(&reason).unwrap();
        assert_eq!(json["code"], reason.code());
        assert_eq!(serde_json::from_value::<Reason>(json).unwrap(), reason);
    }
}

#[test]
fn what_is_said_of_a_reason_is_one_sentence_on_one_line_with_a_clause() {
    for reason in one_of_each() {
        let Telling { code, clause, subject, message, action, severity } = reason.telling();
        assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
        assert!(clause.starts_with('§') && !subject.is_empty(), "{code}");
        assert!(
            message.ends_with('.') && !message.contains(". ") && !message.contains('\n'),
            "{message}"
        );
        assert!(
            severity == Severity::Note || action.is_some(),
            "{code} says nothing of what to do"
        );
        assert!(action.is_none_or(|action| action.ends_with('.')), "{code}");
    }
}

#[test]
fn no_two_reasons_share_a_code() {
    let codes: BTreeSet<_> = one_of_each().iter().map(Reason::code).collect();
    assert_eq!(codes.len(), 25, "{codes:?}");
}

#[test]
fn what_an_extension_calls_its_version_cannot_write_over_a_terminal() {
    let mut home = home_2_0_0();
    home.extensions[0].version = "1\u{1b}[2J\n2".to_owned();
    home.extensions[0].kind = "skill".parse().unwrap();
    let verdict = judge(&home, &offer_2_1_0(), &Policy::default());
    assert!(
        verdict.to_string().contains("weather by acme 1[2J2 is of the kind skill"),
        "{verdict}"
    );
}
