//! What a file of a 1.0.x installation is for.

use serde::{Deserialize, Serialize};
use upgrade::Part;

use crate::pieces::Layout;

/// What a file is for. Told by its shape, since 1.0.x fixes no names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Write-ahead log of executions: one event a line.
    Wal,
    /// Write-ahead log of the conversation memory: one `push` event a line.
    MemoryWal,
    /// Execution records, an array.
    Executions,
    /// Turns of the history, an array.
    History,
    /// Audit entries, an array.
    Audit,
    /// Telemetry events, an array.
    Telemetry,
    /// Messages of the conversation memory, an array.
    Messages,
    /// One snapshot.
    Snapshot,
    /// Snapshots, an array.
    Snapshots,
    /// Policies, an array.
    Policies,
    /// Capabilities, an array.
    Capabilities,
    /// The configuration.
    Configuration,
    /// The index of extensions.
    ExtensionIndex,
    /// A file of an extension.
    Extension,
    /// Nothing that is known, or nothing that can be read.
    Unrecognized,
}

impl Role {
    /// The part of a generation that such a file goes to.
    pub const fn part(self) -> Part {
        match self {
            Self::Policies | Self::Capabilities => Part::Policy,
            Self::Configuration => Part::Configuration,
            Self::ExtensionIndex | Self::Extension => Part::Extensions,
            Self::Unrecognized => Part::SetAside,
            _ => Part::Store,
        }
    }

    /// The keyspace that its records go to, if it holds any.
    pub const fn keyspace(self) -> Option<&'static str> {
        Some(match self {
            Self::Wal => "wal",
            Self::MemoryWal | Self::Messages => "memory",
            Self::Executions => "executions",
            Self::History => "history",
            Self::Audit => "audit",
            Self::Telemetry => "telemetry",
            Self::Snapshot | Self::Snapshots => "snapshots",
            _ => return None,
        })
    }

    /// How its records lie in the file.
    pub(crate) const fn layout(self) -> Layout {
        match self {
            Self::Wal | Self::MemoryWal => Layout::Lines,
            Self::Snapshot | Self::Configuration | Self::ExtensionIndex => Layout::Document,
            _ => Layout::Array,
        }
    }

    /// How it is called in sentences.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Wal => "a write-ahead log",
            Self::MemoryWal => "a memory log",
            Self::Executions => "execution records",
            Self::History => "a history",
            Self::Audit => "an audit log",
            Self::Telemetry => "telemetry",
            Self::Messages => "messages",
            Self::Snapshot => "a snapshot",
            Self::Snapshots => "snapshots",
            Self::Policies => "policies",
            Self::Capabilities => "capabilities",
            Self::Configuration => "a configuration",
            Self::ExtensionIndex => "an index of extensions",
            Self::Extension => "a file of an extension",
            Self::Unrecognized => "unknown",
        }
    }
}
