//! Lines of OpenSSH's allowed signers file (`ssh-keygen(1)`, ALLOWED SIGNERS), in a form that leaves nothing to be guessed.
//!
//! `alice@example.com namespaces="upgrade@femtoclaw.dev",valid-before="20270101Z" ssh-ed25519 AAAA… comment`
//!
//! One literal principal a line, no pattern and no list, since principals are counted; the namespaces are stated, and are
//! ours; times are in UTC; no certificate authority. OpenSSH reads every such line to the same meaning: a key is valid from
//! the second `valid-after` to the second `valid-before`, both included.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use versioning::Timestamp;

use crate::key::{InvalidKey, MAXIMUM_COMMENT_BYTES, PublicKey};
use crate::signature::Role;

#[cfg(test)]
mod tests;

/// Longest principal, in bytes.
pub const MAXIMUM_PRINCIPAL_BYTES: usize = 128;

/// Longest line, in bytes.
pub const MAXIMUM_LINE_BYTES: usize = MAXIMUM_PRINCIPAL_BYTES + MAXIMUM_COMMENT_BYTES + 512;

const NANOSECONDS_A_SECOND: i128 = 1_000_000_000;

/// What is not a line that may stand in a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSigner {
    /// Longer than any line.
    #[error("a line of {bytes} bytes is too long; the bound is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// It does not have the three parts.
    #[error("a line is `principal options key`, with one space between them")]
    Form,
    /// A principal that is a pattern or a list, or has other characters than names of people have.
    #[error(
        "{found:?} is no single principal: it begins with a letter or a digit, has letters, digits and @ . _ + - only, \
         and at most {MAXIMUM_PRINCIPAL_BYTES} of them; patterns and lists cannot be counted"
    )]
    Principal {
        /// What stands there.
        found: String,
    },
    /// An option that may not be used, or is not spelled `name="value"`.
    #[error(
        "the option {found:?} is not accepted; there are namespaces=\"…\", valid-after=\"…\" and valid-before=\"…\""
    )]
    Option {
        /// What stands there.
        found: String,
    },
    /// An option that stands there twice.
    #[error("the option {option} stands there twice")]
    Twice {
        /// Which.
        option: String,
    },
    /// No namespace is stated, so the key would be good for all of them.
    #[error("the option namespaces is missing: a key is good for what it is stated to be good for")]
    NoNamespaces,
    /// A namespace that is not one of ours.
    #[error("{found:?} is none of the namespaces of a keyring")]
    Namespace {
        /// What stands there.
        found: String,
    },
    /// A time that is none, or does not say that it is UTC.
    #[error(
        "{found:?} is no time in UTC after 1970, spelled YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ"
    )]
    Time {
        /// What stands there.
        found: String,
    },
    /// The key would never be valid.
    #[error("the key would be valid after {after} and before {before}, which is never")]
    NeverValid {
        /// The first second.
        after: Moment,
        /// The last second.
        before: Moment,
    },
    /// The key is none that may be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

/// Who signs: a literal name, such as an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

impl Principal {
    /// Its spelling: what `ssh-keygen` takes with `-I`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Principal {
    type Err = InvalidSigner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"@._+-".contains(&byte);
        let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !begins || text.len() > MAXIMUM_PRINCIPAL_BYTES || !text.bytes().all(fits) {
            let found = text.chars().take(MAXIMUM_PRINCIPAL_BYTES).collect();
            return Err(InvalidSigner::Principal { found });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Principal {
    type Error = InvalidSigner;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A second in UTC after 1970-01-01T00:00:00Z, which OpenSSH takes for no time at all. Written `YYYYMMDDHHMMSSZ`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i128);

impl Moment {
    /// The second in which a time lies.
    ///
    /// # Errors
    /// If that is not after 1970-01-01T00:00:00Z.
    pub fn of(time: Timestamp) -> Result<Self, InvalidSigner> {
        match seconds(time) {
            seconds @ 1.. => Ok(Self(seconds)),
            _ => Err(InvalidSigner::Time { found: time.to_string() }),
        }
    }

    /// Its beginning.
    pub fn timestamp(self) -> Timestamp {
        // It came from a timestamp, so it is one.
        Timestamp::from_unix_nanoseconds(self.0 * NANOSECONDS_A_SECOND).unwrap_or(Timestamp::EPOCH)
    }
}

/// Whole seconds since 1970, which is what OpenSSH compares.
fn seconds(time: Timestamp) -> i128 {
    time.unix_nanoseconds().div_euclid(NANOSECONDS_A_SECOND)
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.timestamp().to_string().replace(['-', ':', 'T'], "");
        formatter.write_str(&text)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Moment {
    type Err = InvalidSigner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidSigner::Time { found: text.chars().take(32).collect() };
        let digits = text.strip_suffix('Z').ok_or_else(wrong)?;
        if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let full = format!("{digits:0<14}");
        let part = |from: usize, to: usize| full.get(from..to).unwrap_or_default();
        let (date, time) = (
            format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
            format!("{}:{}:{}", part(8, 10), part(10, 12), part(12, 14)),
        );
        let moment = format!("{date}T{time}Z").parse().map_err(|_| wrong()).and_then(Self::of)?;
        // A leap second would be read as another one.
        if moment.to_string() == format!("{full}Z") { Ok(moment) } else { Err(wrong()) }
    }
}

/// One line: a principal, what it may sign as, since when and until when, and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct AllowedSigner {
    principal: Principal,
    roles: BTreeSet<Role>,
    valid_after: Option<Moment>,
    valid_before: Option<Moment>,
    key: PublicKey,
}

/// Whether a key may be used at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    NotYet(Moment),
    Expired(Moment),
}

impl AllowedSigner {
    /// A signer whose key is valid always.
    ///
    /// # Errors
    /// [`InvalidSigner::NoNamespaces`] without a role.
    pub fn new(
        principal: Principal,
        roles: impl IntoIterator<Item = Role>,
        key: PublicKey,
    ) -> Result<Self, InvalidSigner> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        if roles.is_empty() {
            return Err(InvalidSigner::NoNamespaces);
        }
        Ok(Self { principal, roles, valid_after: None, valid_before: None, key })
    }

    /// The same, valid from one second to another, both included.
    ///
    /// # Errors
    /// [`InvalidSigner::NeverValid`] if the last is not after the first.
    pub fn valid(
        mut self,
        after: Option<Moment>,
        before: Option<Moment>,
    ) -> Result<Self, InvalidSigner> {
        if let (Some(after), Some(before)) = (after, before)
            && before <= after
        {
            return Err(InvalidSigner::NeverValid { after, before });
        }
        self.valid_after = after;
        self.valid_before = before;
        Ok(self)
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What it may sign as.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// The first second in which its key is valid; always until then, if there is none.
    pub fn valid_after(&self) -> Option<Moment> {
        self.valid_after
    }

    /// The last second in which its key is valid; for ever, if there is none.
    pub fn valid_before(&self) -> Option<Moment> {
        self.valid_before
    }

    /// Its key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// As OpenSSH decides it: both ends included, in whole seconds.
    pub(crate) fn validity(&self, now: Timestamp) -> Validity {
        let now = seconds(now);
        match (self.valid_after, self.valid_before) {
            (Some(after), _) if now < after.0 => Validity::NotYet(after),
            (_, Some(before)) if now > before.0 => Validity::Expired(before),
            _ => Validity::Valid,
        }
    }
}

impl fmt::Display for AllowedSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces: Vec<&str> = self.roles.iter().map(|role| role.namespace()).collect();
        write!(formatter, "{} namespaces=\"{}\"", self.principal, namespaces.join(","))?;
        if let Some(after) = self.valid_after {
            write!(formatter, ",valid-after=\"{after}\"")?;
        }
        if let Some(before) = self.valid_before {
            write!(formatter, ",valid-before=\"{before}\"")?;
        }
        write!(formatter, " {}", self.key)
    }
}

impl fmt::Debug for AllowedSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for AllowedSigner {
    type Err = InvalidSigner;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (bytes, limit) = (line.len(), MAXIMUM_LINE_BYTES);
        if bytes > limit {
            return Err(InvalidSigner::TooLong { bytes, limit });
        }
        let (principal, rest) = line.split_once(' ').ok_or(InvalidSigner::Form)?;
        let principal = principal.parse()?;
        if rest.starts_with("ssh-") {
            return Err(InvalidSigner::NoNamespaces);
        }
        let (options, key) = rest.split_once(' ').ok_or(InvalidSigner::Form)?;
        let options = Options::parse(options)?;
        let roles = options.roles.ok_or(InvalidSigner::NoNamespaces)?;
        Self::new(principal, roles, key.parse()?)?.valid(options.after, options.before)
    }
}

#[derive(Default)]
struct Options {
    roles: Option<BTreeSet<Role>>,
    after: Option<Moment>,
    before: Option<Moment>,
}

impl Options {
    /// Reads `name="value"` after `name="value"`, with commas between them. A value has no quotes and no spaces.
    fn parse(text: &str) -> Result<Self, InvalidSigner> {
        let mut options = Self::default();
        let mut rest = text;
        loop {
            let wrong = || InvalidSigner::Option { found: rest.to_owned() };
            let (name, quoted) = rest.split_once("=\"").ok_or_else(wrong)?;
            let (value, behind) = quoted.split_once('"').ok_or_else(wrong)?;
            options.set(name, value)?;
            if behind.is_empty() {
                return Ok(options);
            }
            rest = behind.strip_prefix(',').ok_or_else(wrong)?;
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidSigner> {
        let is_new = match name {
            "namespaces" => self.roles.replace(roles(value)?).is_none(),
            "valid-after" => self.after.replace(value.parse()?).is_none(),
            "valid-before" => self.before.replace(value.parse()?).is_none(),
            _ => return Err(InvalidSigner::Option { found: name.to_owned() }),
        };
        if is_new { Ok(()) } else { Err(InvalidSigner::Twice { option: name.to_owned() }) }
    }
}

fn roles(value: &str) -> Result<BTreeSet<Role>, InvalidSigner> {
    let mut roles = BTreeSet::new();
    for name in value.split(',') {
        let found = || InvalidSigner::Namespace { found: name.to_owned() };
        let role = Role::of_namespace(name).ok_or_else(found)?;
        if !roles.insert(role) {
            return Err(InvalidSigner::Twice { option: format!("namespaces {name}") });
        }
    }
    Ok(roles)
}
