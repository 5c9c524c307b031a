//! What an extension asks to be allowed (FC-UPGRADE-0001 §12, "extension safety guarantees").
//!
//! A permission is a text, `name` or `name:scope`, and stands for a set of things that it allows. The names below are
//! known, so it is known of them which covers which; everything else is kept as it is written and equals only itself.
//!
//! | permission | without scope | scope |
//! |---|---|---|
//! | `fs.read`, `fs.write` | every file | an absolute path, or `/directory/*` for everything below a directory |
//! | `network` | every host | a host, or `*.domain` for every host below a domain |
//! | `shell` | every command | the name of one command |
//! | `environment` | every variable | the name of one variable |
//!
//! A scope that is not in its plainest spelling (`/a/../b`, `Example.ORG`, a `*` elsewhere) makes the whole permission an
//! unknown one: it is never guessed what was meant.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of permissions in the order of their texts.
pub type Permissions = BTreeSet<Permission>;

/// A permission. Two are equal if their texts are; ordered by text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Permission {
    text: String,
    meaning: Meaning,
}

/// What is known of a permission: a function of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Known(KnownName, Scope),
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownName {
    ReadFiles,
    WriteFiles,
    Network,
    Shell,
    Environment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// All there is.
    All,
    /// This one.
    One(String),
    /// Everything that begins with this text, which ends with a separator, and goes on.
    Below(String),
    /// Everything that ends with this text, which begins with a separator, and begins with something else.
    Under(String),
}

impl Permission {
    /// Reads a permission. Every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let meaning = Meaning::of(&text).unwrap_or(Meaning::Unknown);
        Self { text, meaning }
    }

    /// Its text, as it was read.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether its name and scope are understood.
    pub fn is_known(&self) -> bool {
        self.meaning != Meaning::Unknown
    }

    /// True if everything that `other` allows is allowed by this permission as well. Reflexive and transitive.
    ///
    /// Sound, and no more: two permissions may amount to the same without one being known to cover the other.
    pub fn covers(&self, other: &Self) -> bool {
        if self.text == other.text {
            return true;
        }
        match (&self.meaning, &other.meaning) {
            (Meaning::Known(name, scope), Meaning::Known(other_name, other_scope)) => {
                name == other_name && scope.covers(other_scope)
            }
            _ => false,
        }
    }
}

/// The permissions of `asked` that no permission of `held` covers, in order: what would grow.
pub fn growth(held: &Permissions, asked: &Permissions) -> Permissions {
    asked.iter().filter(|asked| !held.iter().any(|held| held.covers(asked))).cloned().collect()
}

impl Scope {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::One(own), Self::One(other)) => own == other,
            // What is below a part of the directory is below the directory; the prefix itself is not.
            (Self::Below(prefix), Self::One(other)) => {
                other.len() > prefix.len() && other.starts_with(prefix.as_str())
            }
            (Self::Below(prefix), Self::Below(other)) => other.starts_with(prefix.as_str()),
            (Self::Under(suffix), Self::One(other)) => {
                other.len() > suffix.len() && other.ends_with(suffix.as_str())
            }
            (Self::Under(suffix), Self::Under(other)) => other.ends_with(suffix.as_str()),
            _ => false,
        }
    }
}

impl Meaning {
    fn of(text: &str) -> Option<Self> {
        let (name, scope) = match text.split_once(':') {
            Some((name, scope)) => (name, Some(scope)),
            None => (text, None),
        };
        let name = match name {
            "fs.read" => KnownName::ReadFiles,
            "fs.write" => KnownName::WriteFiles,
            "network" => KnownName::Network,
            "shell" => KnownName::Shell,
            "environment" => KnownName::Environment,
            _ => return None,
        };
        let Some(scope) = scope else { return Some(Self::Known(name, Scope::All)) };
        let scope = match name {
            KnownName::ReadFiles | KnownName::WriteFiles => path_scope(scope),
            KnownName::Network => host_scope(scope),
            KnownName::Shell | KnownName::Environment => {
                is_word(scope).then(|| Scope::One(scope.to_owned()))
            }
        };
        Some(Self::Known(name, scope?))
    }
}

/// `/a/b`, or `/a/*`; `/*` for every file.
fn path_scope(text: &str) -> Option<Scope> {
    let absolute = text.strip_prefix('/')?;
    let (directory, is_pattern) = match absolute.strip_suffix('*') {
        Some("") => return Some(Scope::Below("/".to_owned())),
        Some(directory) => (directory.strip_suffix('/')?, true),
        None => (absolute, false),
    };
    let is_plain = |component: &str| {
        !matches!(component, "" | "." | "..")
            && !component.contains(|c: char| c == '*' || c == '\\' || c.is_control())
    };
    if !directory.split('/').all(is_plain) {
        return None;
    }
    Some(if is_pattern {
        Scope::Below(format!("/{directory}/"))
    } else {
        Scope::One(text.to_owned())
    })
}

/// `api.example.org`, or `*.example.org`.
fn host_scope(text: &str) -> Option<Scope> {
    let (domain, is_pattern) = match text.strip_prefix("*.") {
        Some(domain) => (domain, true),
        None => (text, false),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !domain.split('.').all(is_label) {
        return None;
    }
    Some(if is_pattern { Scope::Under(format!(".{domain}")) } else { Scope::One(text.to_owned()) })
}

/// The name of a command or a variable: no path, no pattern, no arguments.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'))
}

impl PartialEq for Permission {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Permission {}

impl Ord for Permission {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Permission {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<String> for Permission {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.text
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is an extension's own and may hold anything, so it is quoted once it is not understood.
        match self.meaning {
            Meaning::Known(..) => formatter.write_str(&self.text),
            Meaning::Unknown => write!(formatter, "{:?}", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covers(own: &str, other: &str) -> bool {
        Permission::new(own).covers(&Permission::new(other))
    }

    #[test]
    fn a_wider_scope_covers_a_narrower_one() {
        for (wide, narrow) in [
            ("fs.read", "fs.read:/data/*"),
            ("fs.read:/*", "fs.read:/data/a"),
            ("fs.read:/data/*", "fs.read:/data/a/b"),
            ("fs.read:/data/*", "fs.read:/data/a/*"),
            ("network", "network:example.org"),
            ("network:*.example.org", "network:a.b.example.org"),
            ("network:*.example.org", "network:*.b.example.org"),
            ("shell", "shell:aws"),
        ] {
            assert!(covers(wide, narrow), "{wide} does not cover {narrow}");
            assert!(!covers(narrow, wide), "{narrow} covers {wide}");
        }
    }

    #[test]
    fn what_only_looks_narrower_is_not_covered() {
        for (own, other) in [
            ("fs.read:/data/*", "fs.read:/data"),
            ("fs.read:/data/*", "fs.read:/database/a"),
            ("fs.read:/data/*", "fs.read:/data/../etc/passwd"),
            ("fs.read:/data/*", "fs.read:/data//a"),
            ("fs.read:/data/*", "fs.write:/data/a"),
            ("fs.read", "fs.read:data"),
            ("fs.write", "fs.read"),
            ("network:*.example.org", "network:example.org"),
            ("network:*.example.org", "network:badexample.org"),
            ("network:*.example.org", "network:.example.org"),
            ("network", "network:*"),
            ("shell", "shell:aws; rm"),
            ("shell", "aws"),
            ("aws", "aws:s3"),
            ("aws:*", "aws:s3"),
            ("fs", "fs.read"),
        ] {
            assert!(!covers(own, other), "{own} covers {other}");
        }
    }

    #[test]
    fn unknown_permissions_are_kept_and_equal_only_themselves() {
        let unknown = Permission::new("aws");
        assert!(!unknown.is_known());
        assert!(unknown.covers(&unknown));
        let json = serde_json::to_string(&Permission::new("Fs.Read: x")).unwrap();
        assert_eq!(json, "\"Fs.Read: x\"");
    }

    /// Whether a known permission allows one concrete thing, told by hand and not by comparing scopes.
    fn allows(permission: &Permission, name: &str, thing: &str) -> bool {
        let (own, scope) =
            permission.as_str().split_once(':').unwrap_or((permission.as_str(), "ALL"));
        own == name
            && match scope {
                "ALL" => true,
                _ if scope.ends_with('*') => {
                    let parts: Vec<&str> = scope.trim_end_matches("/*").split('/').collect();
                    let things: Vec<&str> = thing.split('/').collect();
                    things.len() > parts.len() && things[..parts.len()] == parts
                }
                _ if scope.starts_with('*') => {
                    let parts: Vec<&str> = scope.trim_start_matches("*.").rsplit('.').collect();
                    let things: Vec<&str> = thing.rsplit('.').collect();
                    things.len() > parts.len() && things[..parts.len()] == parts
                }
                _ => scope == thing,
            }
    }

    fn permission() -> impl Strategy<Value = Permission> {
        prop_oneof![
            "fs\\.(read|write)(:(/[ab]{1,2}){0,3}(/\\*)?)?",
            "network(:(\\*\\.)?[ab]{1,2}(\\.[ab]{1,2}){0,2})?",
            "(shell|environment|aws)(:[ab]{0,2})?",
            "[a-z.:/*]{0,8}",
        ]
        .prop_map(Permission::new)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_covered_allows_nothing_more(
            wide in permission(),
            narrow in permission(),
            path in "(/[ab]{1,2}){1,4}",
            host in "[ab]{1,2}(\\.[ab]{1,2}){0,3}",
        ) {
            if wide.covers(&narrow) && wide.is_known() {
                for (name, thing) in [
                    ("fs.read", &path), ("fs.write", &path), ("network", &host), ("shell", &host),
                ] {
                    prop_assert!(!allows(&narrow, name, thing) || allows(&wide, name, thing));
                }
            }
        }

        #[test]
        fn covering_is_reflexive_and_transitive(a in permission(), b in permission(), c in permission()) {
            prop_assert!(a.covers(&a));
            prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
        }

        #[test]
        fn what_would_grow_is_all_that_is_not_covered(
            held in prop::collection::btree_set(permission(), 0..4),
            asked in prop::collection::btree_set(permission(), 0..4),
        ) {
            let grown = growth(&held, &asked);
            prop_assert!(grown.is_subset(&asked));
            let with_grants: Permissions = held.union(&grown).cloned().collect();
            prop_assert!(growth(&with_grants, &asked).is_empty());
            prop_assert!(growth(&asked, &asked).is_empty());
        }

        #[test]
        fn no_text_makes_reading_panic(text: String) {
            let permission = Permission::new(text.clone());
            prop_assert_eq!(permission.as_str(), text);
        }
    }
}
