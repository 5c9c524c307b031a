//! The finitely many kinds of names that policies can tell apart.

use std::collections::BTreeSet;
use std::fmt;

use crate::authority::{Authority, PolicySet};
use crate::grant::Grant;
use crate::pattern::Pattern;
use crate::rename::Renames;

/// A set of names that no rule at hand can tell apart, and which it can tell from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// This name.
    Exactly(String),
    /// Every name below a prefix (dot included) that has no symbol of its own.
    Under {
        /// What they begin with.
        prefix: String,
        /// One of them.
        example: String,
    },
    /// Every other name.
    Other {
        /// One of them.
        example: String,
    },
}

impl Symbol {
    /// One of the names.
    pub fn example(&self) -> &str {
        match self {
            Self::Exactly(name) => name,
            Self::Under { example, .. } | Self::Other { example } => example,
        }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => write!(formatter, "{name:?}"),
            Self::Under { prefix, .. } => write!(formatter, "any other below {prefix:?}"),
            Self::Other { .. } => formatter.write_str("any other"),
        }
    }
}

/// The names and prefixes that are mentioned in one dimension.
#[derive(Default)]
struct Mentioned {
    names: BTreeSet<String>,
    prefixes: BTreeSet<String>,
}

impl Mentioned {
    fn name(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.names.extend(pattern.name().map(str::to_owned));
        self.prefixes.extend(pattern.prefix().map(str::to_owned));
    }

    /// The symbols: each mentioned name, each prefix, and the rest.
    ///
    /// Every name in the world falls into one of them, and is treated by every rule as that symbol's example is:
    /// - A mentioned name is its own symbol.
    /// - Any other name equals nothing that is mentioned, so only prefixes can match it. Those that do are all beginnings of
    ///   the same name, hence beginnings of the longest of them, `p`. The example of `p` is `p` followed by a word that
    ///   occurs nowhere and has no dot. So it equals nothing that is mentioned; it is matched by `p` and the beginnings of
    ///   `p`; and by no other prefix, since prefixes end in a dot and one that reached into the word would end within it.
    /// - A name that no prefix matches is treated as the word alone, for the same reasons.
    ///
    /// Renames do not disturb this: the names that they give and take are mentioned, and any other keeps its name.
    fn symbols(self) -> Vec<Symbol> {
        let word = self.fresh_word();
        let under = |prefix: String| {
            let example = format!("{prefix}{word}");
            Symbol::Under { prefix, example }
        };
        let names = self.names.into_iter().map(Symbol::Exactly);
        let mut symbols: Vec<_> = names.chain(self.prefixes.into_iter().map(under)).collect();
        symbols.push(Symbol::Other { example: word });
        symbols
    }

    fn fresh_word(&self) -> String {
        let texts = || self.names.iter().chain(&self.prefixes);
        let mut word = "other".to_owned();
        // Ends: once the word is longer than all that is mentioned, nothing can contain it.
        while texts().any(|text| text.contains(&word)) {
            word.push('X');
        }
        word
    }
}

/// The symbols of each dimension.
pub(crate) struct Alphabet {
    pub(crate) principals: Vec<Symbol>,
    pub(crate) resources: Vec<Symbol>,
    pub(crate) actions: Vec<Symbol>,
}

impl Alphabet {
    /// Of everything that is mentioned in the authorities, the renames and the grants.
    pub(crate) fn new(authorities: [&Authority; 2], renames: &Renames, grants: &[Grant]) -> Self {
        let mut principals = Mentioned::default();
        let mut resources = Mentioned::default();
        let mut actions = Mentioned::default();
        for authority in authorities {
            for capability in authority.registry.iter() {
                resources.name(capability.id.as_str());
            }
            match &authority.policies {
                PolicySet::V1_0_0(policies) => {
                    for rule in policies.0.iter().flat_map(|policy| &policy.rules) {
                        resources.name(&rule.resource);
                        actions.name(&rule.action);
                    }
                }
                PolicySet::V1_0_3(policies) => {
                    for rule in policies.0.iter().flat_map(|policy| &policy.rules) {
                        resources.name(&rule.resource);
                    }
                }
                PolicySet::V2(policies) => {
                    for (_, _, rule) in policies.rules() {
                        principals.pattern(&rule.principal);
                        resources.pattern(&rule.resource);
                        actions.pattern(&rule.action);
                    }
                }
            }
        }
        for (from, to) in renames.iter() {
            resources.name(from.as_str());
            resources.name(to.as_str());
        }
        for grant in grants {
            principals.pattern(&grant.principal);
            resources.pattern(&grant.resource);
            actions.pattern(&grant.action);
            resources.names.extend(grant.capability.iter().map(ToString::to_string));
        }
        Self {
            principals: principals.symbols(),
            resources: resources.symbols(),
            actions: actions.symbols(),
        }
    }
}
