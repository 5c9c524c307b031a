//! What was found (FC-UPGRADE-0001 §13).

use std::cmp::Reverse;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use versioning::{RuntimeVersion, UpgradeKinds};

use crate::reason::{Reason, Severity, StorageReason, Telling};

/// Whether an offer suits an installation, with every reason, the weightiest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    from: RuntimeVersion,
    to: RuntimeVersion,
    kinds: Option<UpgradeKinds>,
    reasons: Vec<Reason>,
}

impl Verdict {
    // trace: impl FC-24.3
    pub(crate) fn new(
        from: RuntimeVersion,
        to: RuntimeVersion,
        kinds: Option<UpgradeKinds>,
        mut reasons: Vec<Reason>,
    ) -> Self {
        reasons.sort_by_cached_key(|reason| (Reverse(reason.severity()), reason.clone()));
        reasons.dedup();
        Self { from, to, kinds, reasons }
    }

    /// What is installed.
    pub fn from(&self) -> &RuntimeVersion {
        &self.from
    }

    /// What is offered.
    pub fn to(&self) -> &RuntimeVersion {
        &self.to
    }

    /// What kinds of upgrade it is; `None` if it is none.
    pub fn kinds(&self) -> Option<&UpgradeKinds> {
        self.kinds.as_ref()
    }

    /// Every reason: the weightiest first, then in a fixed order.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The reasons of one weight.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(move |reason| reason.severity() == severity)
    }

    /// True if and only if nothing refuses it.
    // trace: impl FC-13.3
    pub fn is_accepted(&self) -> bool {
        self.of(Severity::Refuse).next().is_none()
    }

    /// Whether a person has to agree to something first.
    pub fn needs_consent(&self) -> bool {
        self.of(Severity::NeedsConsent).next().is_some()
    }

    /// Whether a rollback after it would leave something behind, or have nothing to go back to.
    pub fn is_irreversible(&self) -> bool {
        let lasting = |reason: &Reason| {
            let Reason::Storage(reason) = reason else { return false };
            matches!(
                reason,
                StorageReason::RollbackUnreadable { .. } | StorageReason::NoRollbackTarget { .. }
            )
        };
        self.reasons.iter().any(lasting)
    }

    pub(crate) fn headline(&self) -> String {
        let Self { from, to, .. } = self;
        let outcome = match (self.is_accepted(), self.needs_consent()) {
            (false, _) => "refused",
            (true, true) => "accepted, with consent",
            (true, false) => "accepted",
        };
        let kinds = self.kinds.as_ref().map_or(String::new(), |kinds| format!(" ({kinds})"));
        format!("{from} to {to}{kinds}: {outcome}")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.headline())?;
        for reason in &self.reasons {
            write!(formatter, "\n  - {reason}")?;
        }
        Ok(())
    }
}

/// A reason with all that is said of it, as one object.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    reason: &'a Reason,
    #[serde(flatten)]
    telling: Telling,
}

impl Serialize for Verdict {
    /// `{from, to, kinds, accepted, needs_consent, irreversible, reasons}`; each reason has `code`, its facts, `severity`,
    /// `clause`, `subject`, `message` and, where there is one, `action`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.reasons.iter().map(|reason| Line { reason, telling: reason.telling() });
        let lines: Vec<_> = lines.collect();
        let mut verdict = serializer.serialize_struct("Verdict", 7)?;
        verdict.serialize_field("from", &self.from)?;
        verdict.serialize_field("to", &self.to)?;
        verdict.serialize_field("kinds", &self.kinds)?;
        verdict.serialize_field("accepted", &self.is_accepted())?;
        verdict.serialize_field("needs_consent", &self.needs_consent())?;
        verdict.serialize_field("irreversible", &self.is_irreversible())?;
        verdict.serialize_field("reasons", &lines)?;
        verdict.end()
    }
}
