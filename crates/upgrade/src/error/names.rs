//! Stable names of what has many reasons: one each, so that a script can tell one attack from another.

use authorization::{Denied, NotEnough, Reason, SuccessionRefused};
use release::{ManifestFault, MemberFault};

use crate::InvalidAuthorization;

/// Why a statement does not allow something.
pub(super) fn denied(denied: &Denied) -> &'static str {
    match denied {
        Denied::OtherAction { .. } => "authorization-for-another-action",
        Denied::OtherNode { .. } => "authorization-for-another-node",
        Denied::FromChanged { .. } => "authorization-from-changed",
        Denied::OtherTarget { .. } => "authorization-for-another-target",
        Denied::PlanChanged { .. } => "authorization-plan-changed",
        Denied::OtherDataPolicy { .. } => "authorization-data-policy",
        Denied::GrantMissing { .. } => "authorization-grant-missing",
        Denied::OtherKeyringEpoch { .. } => "authorization-keyring-epoch",
        Denied::WindowEmpty { .. } | Denied::WindowTooLong { .. } => "authorization-window",
        Denied::BeforeJournal { .. } => "authorization-before-journal",
        Denied::NotYetValid { .. } => "authorization-not-yet-valid",
        Denied::Expired { .. } => "authorization-expired",
        Denied::AlreadyUsed => "authorization-used",
        _ => "authorization-denied",
    }
}

/// Why what was given is no authorisation.
pub(super) fn unreadable(reason: &InvalidAuthorization) -> &'static str {
    match reason {
        InvalidAuthorization::Statement(_) => "authorization-unreadable",
        InvalidAuthorization::Signatures(_) => "signatures-unreadable",
    }
}

/// Why too few have signed: by the first signature that did not count; if there is none, they are simply too few.
pub(super) fn not_signed(missing: &NotEnough) -> &'static str {
    match missing.not_counted.first().map(|found| &found.reason) {
        None => "not-signed",
        Some(Reason::OtherNamespace { .. }) => "signature-for-another-purpose",
        Some(Reason::OtherContent) => "signature-of-another-content",
        Some(Reason::Revoked) => "signer-revoked",
        Some(Reason::UnknownKey) => "signer-unknown",
        Some(Reason::OtherRole { .. }) => "signer-without-role",
        Some(Reason::NotYetValid { .. }) => "signer-not-yet-valid",
        Some(Reason::Expired { .. }) => "signer-expired",
        Some(Reason::SameKey) => "signed-twice-with-one-key",
        Some(Reason::SamePrincipal { .. }) => "signed-twice-by-one-person",
        Some(_) => "signature-not-counted",
    }
}

/// Why an epoch of the keyring may not be installed.
pub(super) fn succession(refused: &SuccessionRefused) -> &'static str {
    match refused {
        SuccessionRefused::Epoch { .. } | SuccessionRefused::Last(_) => "keyring-epoch",
        SuccessionRefused::Previous { .. } => "keyring-of-another-history",
        SuccessionRefused::Unrevoked { .. } => "keyring-takes-revocation-back",
        SuccessionRefused::Before(_) => "keyring-not-signed-by-present",
        SuccessionRefused::Own(_) => "keyring-not-signed-by-itself",
        _ => "keyring-refused",
    }
}

/// What is wrong with a package.
pub(super) fn release(error: &release::Error) -> &'static str {
    use release::Error;
    match error {
        Error::File(_) => "release-not-read",
        Error::NotAPlainFile { .. } => "release-not-a-file",
        Error::PackageTooLarge { .. } => "release-too-large",
        Error::Truncated { .. } => "release-truncated",
        Error::BytesBehindTheEnd { .. } => "release-extended",
        Error::Member { fault, .. } => member(fault),
        Error::Manifest(fault) => manifest(fault),
        Error::ContentDiffers { .. } => "release-content-differs",
        Error::UnpackedDiffers { .. } => "release-changed-on-disk",
        _ => "release-refused",
    }
}

/// What is wrong with a member of a package.
fn member(fault: &MemberFault) -> &'static str {
    match fault {
        MemberFault::Path(_) => "release-path",
        MemberFault::SymbolicLink | MemberFault::HardLink => "release-link",
        MemberFault::Device | MemberFault::Pipe => "release-device",
        MemberFault::Repeated { .. } => "release-name-twice",
        MemberFault::OutOfOrder { .. } | MemberFault::Missing => "release-member-missing",
        MemberFault::Unknown { .. } => "release-member-unknown",
        MemberFault::Size { .. } | MemberFault::SizeSpelling => "release-member-size",
        MemberFault::Mode | MemberFault::Owner => "release-permissions",
        _ => "release-archive-malformed",
    }
}

/// What is wrong with the manifest of a package.
fn manifest(fault: &ManifestFault) -> &'static str {
    match fault {
        ManifestFault::TooLarge { .. }
        | ManifestFault::TooDeep
        | ManifestFault::TooManyValues
        | ManifestFault::TooManyMigrations { .. }
        | ManifestFault::TooManyArtifacts { .. }
        | ManifestFault::ArtifactTooLarge { .. }
        | ManifestFault::ContentTooLarge => "release-too-large",
        ManifestFault::Path(_) => "release-path",
        ManifestFault::RepeatedPath { .. }
        | ManifestFault::SameButForCase { .. }
        | ManifestFault::FileAndDirectory { .. } => "release-name-twice",
        _ => "release-manifest-malformed",
    }
}

/// What is wrong with a journal that takes a decision.
pub(super) fn journal(cause: &journal::Error) -> &'static str {
    use journal::Error;
    match cause {
        Error::Missing { .. } => "journal-missing",
        Error::BrokenChain { .. } => "journal-broken",
        Error::Truncated { .. } => "journal-truncated",
        Error::Forked { .. } => "journal-forked",
        Error::WitnessUnreadable { .. } => "journal-witness-lost",
        Error::TooLarge { .. } => "journal-too-large",
        _ => "journal-lost",
    }
}
