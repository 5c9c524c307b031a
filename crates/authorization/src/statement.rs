//! What an operator allows: a JSON document, whose literal bytes are signed.
//!
//! ```json
//! {"type": "femtoclaw.dev/upgrade-authorization/v1", "action": "upgrade", "id": "00112233445566778899aabbccddeeff",
//!  "audience": {"nodes": ["node-1"]}, "from": {"generation": 7, "manifest": "blake3:…"},
//!  "to": {"release": "blake3:…", "version": "2.0.0", "security_epoch": 3}, "plan": "blake3:…",
//!  "data_policy": "preserve", "grants": [], "keyring_epoch": 2,
//!  "not_before": "2026-11-23T00:00:00Z", "not_after": "2026-11-24T00:00:00Z", "reason": "…"}
//! ```
//!
//! `to` is `{"generation", "manifest"}` for a rollback and for a recovery, and `{"generations": […]}` for a collection. `from`
//! may be `null` for a recovery only, when the journal that would tell is lost.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use integrity::Digest;
use serde::{Deserialize, Serialize};
use versioning::{GenerationNumber, RuntimeVersion, Timestamp};

use crate::document::{Field, InvalidDocument, Object};

mod check;
#[cfg(test)]
mod tests;

pub use check::{Denied, MAXIMUM_WINDOW_DAYS, Situation};

/// Largest statement, in bytes.
pub const MAXIMUM_STATEMENT_BYTES: usize = 64 * 1024;

/// Most nodes that one statement can be for.
pub const MAXIMUM_NODES: usize = 1024;

/// Longest name of a node, in bytes.
pub const MAXIMUM_NODE_BYTES: usize = 255;

/// Most grants.
pub const MAXIMUM_GRANTS: usize = 256;

/// Longest grant, in bytes.
pub const MAXIMUM_GRANT_BYTES: usize = 1024;

/// Most generations that one statement can collect.
pub const MAXIMUM_GENERATIONS: usize = 1024;

/// Longest reason, in bytes.
pub const MAXIMUM_REASON_BYTES: usize = 1024;

const TYPE: &str = "femtoclaw.dev/upgrade-authorization/v1";

/// What is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStatement {
    /// The document has another form.
    #[error("the authorization is not in its form: {0}")]
    Document(#[from] InvalidDocument),
    /// It is for no node, or collects nothing.
    #[error("the field {field} says nothing")]
    Nothing {
        /// Which field.
        field: String,
    },
    /// Only a recovery can do without knowing what it starts from.
    #[error("the field from is null, which it may be for recover only, not for {action}")]
    FromMissing {
        /// What it allows.
        action: ActionKind,
    },
    /// What was made would not be read again: a text is too long or does not print, or there is too much of something.
    #[error("this cannot be stated: {0}")]
    Unwritable(Box<Self>),
}

/// What a statement is called: 128 bits, used once. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorizationId([u8; 16]);

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id of 32 lower-case hexadecimal digits")]
pub struct InvalidId {
    /// What was found instead.
    pub text: String,
}

impl AuthorizationId {
    /// The id with these bits. Whoever makes one takes them from a source of randomness.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for AuthorizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for AuthorizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for AuthorizationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_digit))
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(|bits| Self(bits.to_be_bytes()))
            .ok_or_else(|| InvalidId { text: text.chars().take(64).collect() })
    }
}

impl TryFrom<String> for AuthorizationId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AuthorizationId> for String {
    fn from(id: AuthorizationId) -> Self {
        id.to_string()
    }
}

/// A generation, named by its number and held to its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GenerationReference {
    /// Its number.
    pub generation: GenerationNumber,
    /// The digest of its manifest.
    pub manifest: Digest,
}

impl fmt::Display for GenerationReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "generation {} ({})", self.generation, self.manifest)
    }
}

/// What is allowed, and to where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Action {
    /// Upgrade to a release.
    Upgrade {
        /// The digest of the release's manifest.
        release: Digest,
        /// Its version, for people; the digest decides.
        version: RuntimeVersion,
        /// Its security epoch.
        security_epoch: u64,
    },
    /// Go back to a generation.
    Rollback(GenerationReference),
    /// Begin a new journal with a generation.
    Recover(GenerationReference),
    /// Remove generations that nobody needs any more.
    Collect {
        /// Which: all of them, and no other.
        generations: BTreeSet<GenerationNumber>,
    },
}

/// What is allowed, without where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// An upgrade.
    Upgrade,
    /// A rollback.
    Rollback,
    /// A recovery.
    Recover,
    /// A collection.
    Collect,
}

impl Action {
    /// What it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Upgrade { .. } => ActionKind::Upgrade,
            Self::Rollback(_) => ActionKind::Rollback,
            Self::Recover(_) => ActionKind::Recover,
            Self::Collect { .. } => ActionKind::Collect,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind())?;
        match self {
            Self::Upgrade { release, version, security_epoch } => {
                write!(formatter, " to {version} ({release}, security epoch {security_epoch})")
            }
            Self::Rollback(to) | Self::Recover(to) => write!(formatter, " to {to}"),
            Self::Collect { generations } => {
                let numbers: Vec<String> = generations.iter().map(ToString::to_string).collect();
                write!(formatter, " of generations {}", numbers.join(", "))
            }
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Recover => "recover",
            Self::Collect => "collect",
        })
    }
}

/// What happens to data that has no place in the next generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPolicy {
    /// It may be set aside.
    SetAside,
    /// All of it must go on; else nothing happens.
    Preserve,
}

impl fmt::Display for DataPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SetAside => "set-aside",
            Self::Preserve => "preserve",
        })
    }
}

/// What an operator allows. Nothing is concluded from it before its literal bytes are verified in the role
/// [`Operator`](crate::Role::Operator).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is called. It is used once.
    pub id: AuthorizationId,
    /// What is allowed.
    pub action: Action,
    /// On which nodes, each named literally.
    pub nodes: BTreeSet<String>,
    /// What must be current. `None` for a recovery without a journal only.
    pub from: Option<GenerationReference>,
    /// The digest of the plan that was approved.
    pub plan: Digest,
    /// What may happen to data that has no place.
    pub data_policy: DataPolicy,
    /// What may be widened, by name.
    pub grants: BTreeSet<String>,
    /// The epoch of the keyring by which it is to be judged.
    pub keyring_epoch: u64,
    /// The first moment at which it holds.
    pub not_before: Timestamp,
    /// The last moment at which it holds.
    pub not_after: Timestamp,
    /// Why, for people and for the audit.
    pub reason: String,
}

/// The document as it is written.
#[derive(Serialize)]
struct Written<'a> {
    r#type: &'static str,
    action: ActionKind,
    id: AuthorizationId,
    audience: Audience<'a>,
    from: Option<GenerationReference>,
    to: &'a Action,
    plan: Digest,
    data_policy: DataPolicy,
    grants: &'a BTreeSet<String>,
    keyring_epoch: u64,
    not_before: Timestamp,
    not_after: Timestamp,
    reason: &'a str,
}

#[derive(Serialize)]
struct Audience<'a> {
    nodes: &'a BTreeSet<String>,
}

impl Statement {
    /// Reads a statement. Whether anybody signed it, and whether it holds, is not asked here.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidStatement> {
        let mut document = Object::parse(bytes, MAXIMUM_STATEMENT_BYTES)?;
        document.take("type")?.must_be(TYPE)?;
        let kind = action_kind(&document.take("action")?)?;
        let statement = Self {
            id: document.take("id")?.parsed()?,
            action: action(kind, document.take("to")?)?,
            nodes: nodes(document.take("audience")?)?,
            from: document.take("from")?.nullable().map(generation_reference).transpose()?,
            plan: document.take("plan")?.parsed()?,
            data_policy: data_policy(&document.take("data_policy")?)?,
            grants: document
                .take("grants")?
                .set(MAXIMUM_GRANTS, |grant| name(grant, MAXIMUM_GRANT_BYTES))?,
            keyring_epoch: document.take("keyring_epoch")?.number()?,
            not_before: document.take("not_before")?.parsed()?,
            not_after: document.take("not_after")?.parsed()?,
            reason: document.take("reason")?.line(MAXIMUM_REASON_BYTES)?,
        };
        document.finish()?;
        statement.check_whole()?;
        Ok(statement)
    }

    /// The document, indented: always the same bytes for the same statement.
    ///
    /// # Errors
    /// [`InvalidStatement::Unwritable`] if it could not be read again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidStatement> {
        let written = Written {
            r#type: TYPE,
            action: self.action.kind(),
            id: self.id,
            audience: Audience { nodes: &self.nodes },
            from: self.from,
            to: &self.action,
            plan: self.plan,
            data_policy: self.data_policy,
            grants: &self.grants,
            keyring_epoch: self.keyring_epoch,
            not_before: self.not_before,
            not_after: self.not_after,
            reason: &self.reason,
        };
        let bytes = crate::document::write(&written)?;
        match Self::parse(&bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(InvalidStatement::Unwritable(Box::new(error))),
        }
    }

    /// The digest of the bytes that [`Statement::to_bytes`] makes. A file that spells the same in another way has another
    /// one: whoever records what was signed takes [`Digest::of`] its literal bytes.
    ///
    /// # Errors
    /// As [`Statement::to_bytes`].
    pub fn digest(&self) -> Result<Digest, InvalidStatement> {
        self.to_bytes().map(|bytes| Digest::of(&bytes))
    }

    /// What holds between the fields.
    fn check_whole(&self) -> Result<(), InvalidStatement> {
        let nothing = |field: &str| Err(InvalidStatement::Nothing { field: field.to_owned() });
        if self.nodes.is_empty() {
            return nothing("audience.nodes");
        }
        if matches!(&self.action, Action::Collect { generations } if generations.is_empty()) {
            return nothing("to.generations");
        }
        let action = self.action.kind();
        if self.from.is_none() && action != ActionKind::Recover {
            return Err(InvalidStatement::FromMissing { action });
        }
        Ok(())
    }
}

fn action_kind(field: &Field) -> Result<ActionKind, InvalidDocument> {
    match field.text()? {
        "upgrade" => Ok(ActionKind::Upgrade),
        "rollback" => Ok(ActionKind::Rollback),
        "recover" => Ok(ActionKind::Recover),
        "collect" => Ok(ActionKind::Collect),
        _ => Err(field.wrong("upgrade, rollback, recover or collect")),
    }
}

fn data_policy(field: &Field) -> Result<DataPolicy, InvalidDocument> {
    match field.text()? {
        "set-aside" => Ok(DataPolicy::SetAside),
        "preserve" => Ok(DataPolicy::Preserve),
        _ => Err(field.wrong("set-aside or preserve")),
    }
}

fn action(kind: ActionKind, to: Field) -> Result<Action, InvalidDocument> {
    match kind {
        ActionKind::Rollback => generation_reference(to).map(Action::Rollback),
        ActionKind::Recover => generation_reference(to).map(Action::Recover),
        ActionKind::Upgrade => {
            let mut to = to.object()?;
            let action = Action::Upgrade {
                release: to.take("release")?.parsed()?,
                version: to.take("version")?.parsed()?,
                security_epoch: to.take("security_epoch")?.number()?,
            };
            to.finish()?;
            Ok(action)
        }
        ActionKind::Collect => {
            let mut to = to.object()?;
            let generations = to.take("generations")?.set(MAXIMUM_GENERATIONS, generation)?;
            to.finish()?;
            Ok(Action::Collect { generations })
        }
    }
}

fn generation_reference(field: Field) -> Result<GenerationReference, InvalidDocument> {
    let mut object = field.object()?;
    let reference = GenerationReference {
        generation: generation(&object.take("generation")?)?,
        manifest: object.take("manifest")?.parsed()?,
    };
    object.finish()?;
    Ok(reference)
}

/// Generations are counted from 1.
fn generation(field: &Field) -> Result<GenerationNumber, InvalidDocument> {
    match field.number()? {
        0 => Err(field.wrong("a number from 1 on")),
        number => Ok(GenerationNumber::new(number)),
    }
}

fn nodes(field: Field) -> Result<BTreeSet<String>, InvalidDocument> {
    let mut audience = field.object()?;
    let nodes =
        audience.take("nodes")?.set(MAXIMUM_NODES, |node| name(node, MAXIMUM_NODE_BYTES))?;
    audience.finish()?;
    Ok(nodes)
}

/// A text that is not empty.
fn name(field: &Field, limit: usize) -> Result<String, InvalidDocument> {
    let name = field.line(limit)?;
    if name.is_empty() { Err(field.wrong("a text that is not empty")) } else { Ok(name) }
}
