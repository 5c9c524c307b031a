//! Why an upgrade is not possible: one reason each, for people and for programs (FC-UPGRADE-0001 §13).

use std::fmt;

use compatibility::UpgradePath;
use serde::Serialize;

/// One reason why an upgrade is not possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its stable name, in kebab-case.
    pub code: &'static str,
    /// The clause of FC-UPGRADE-0001 that it rests on.
    pub clause: &'static str,
    /// What it is about, such as `storage` or `extension weather by acme`.
    pub subject: String,
    /// A sentence. Secrets never appear in it.
    pub message: String,
    /// What can be done about it, where anything can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl Refusal {
    pub(crate) fn new(
        code: &'static str,
        clause: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (subject, message) = (subject.into(), message.into());
        Self { code, clause, subject, message, action: None }
    }

    pub(crate) fn advise(self, action: impl Into<String>) -> Self {
        Self { action: Some(action.into()), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, clause, message, action, .. } = self;
        write!(formatter, "{message} [{code}, {clause}]")?;
        match action {
            Some(action) => write!(formatter, " {action}"),
            None => Ok(()),
        }
    }
}

impl From<&compatibility::Reason> for Refusal {
    fn from(reason: &compatibility::Reason) -> Self {
        let compatibility::Telling { code, clause, subject, message, action, .. } =
            reason.telling();
        Self { code, clause, subject, message, action }
    }
}

/// Every reason why an upgrade is not possible, and another way, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// The reasons: at least one.
    pub reasons: Vec<Refusal>,
    /// The way over several releases, where the direct one is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<UpgradePath>,
}

impl From<Refusal> for Refusals {
    fn from(reason: Refusal) -> Self {
        Self { reasons: vec![reason], path: None }
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reasons, path } = self;
        let lines: Vec<String> = reasons.iter().map(|reason| format!("  - {reason}")).collect();
        formatter.write_str(&lines.join("\n"))?;
        let Some(path) = path else { return Ok(()) };
        let first = path.hops.first().map(compatibility::Verdict::to);
        write!(formatter, "\nAnother way leads there: {}", path.from)?;
        for hop in &path.hops {
            write!(formatter, " → {}", hop.to())?;
        }
        match first {
            Some(first) => write!(formatter, ". Upgrade to {first} first."),
            None => formatter.write_str("."),
        }
    }
}
