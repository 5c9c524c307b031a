//! The parts of a generation: everything that must move together.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a generation, each in a directory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The runtime binary.
    Runtime,
    /// The persistent records.
    Store,
    /// The configuration.
    Configuration,
    /// Policies and the capability registry.
    Policy,
    /// Extensions, each in its directory.
    Extensions,
    /// What an adoption found and could not read: kept whole, never interpreted.
    SetAside,
}

impl Part {
    /// All parts, in the order in which a generation is built.
    pub const ALL: [Self; 6] = [
        Self::Runtime,
        Self::Store,
        Self::Configuration,
        Self::Policy,
        Self::Extensions,
        Self::SetAside,
    ];

    /// The name of its directory within a generation.
    pub const fn directory(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Store => "store",
            Self::Configuration => "config",
            Self::Policy => "policy",
            Self::Extensions => "extensions",
            Self::SetAside => "set-aside",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Runtime => "runtime",
            Self::Store => "store",
            Self::Configuration => "configuration",
            Self::Policy => "policy",
            Self::Extensions => "extensions",
            Self::SetAside => "set-aside files",
        })
    }
}
