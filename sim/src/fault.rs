//! Which calls fail, and how.

use std::backtrace::Backtrace;
use std::sync::Arc;

use crate::world::Errno;

/// A kind of call that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Opening a file or directory.
    Open,
    /// Making a file, directory or link.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Cutting or extending.
    Resize,
    /// Making durable.
    Sync,
    /// Asking for kind and size.
    Stat,
    /// Hard-linking.
    Link,
    /// Removing a name.
    Remove,
    /// Renaming.
    Rename,
    /// Changing permissions.
    Mode,
    /// Locking.
    Lock,
    /// Listing a directory.
    List,
    /// Following links: one, or all of a path.
    Resolve,
}

impl Call {
    /// How many kinds there are.
    const KINDS: usize = 14;

    /// What it is called, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Resize => "resize",
            Self::Sync => "sync",
            Self::Stat => "stat",
            Self::Link => "link",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Mode => "mode",
            Self::Lock => "lock",
            Self::List => "list",
            Self::Resolve => "resolve",
        }
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// With this error, and without effect.
    Error(Errno),
    /// It does less than it was asked to.
    Short,
    /// It says it is done, and is not: a sync that makes nothing durable, a write that changes nothing.
    Lie,
    /// A write that flips a bit on its way to the disk.
    Rot,
}

/// One fault: the `nth` call of a kind (from 1), and all after it if it is sticky.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The kind of call.
    pub call: Call,
    /// Only of paths that this is a part of; empty for all.
    pub path: &'static str,
    /// And not of those that this is a part of; empty for none.
    pub except: &'static str,
    /// Which of them, from 1.
    pub nth: u64,
    /// How it fails.
    pub effect: Effect,
    /// Whether all calls of the kind after it fail too.
    pub sticky: bool,
}

impl Fault {
    /// Whether it is about what has this path.
    pub fn is_about(&self, path: &str) -> bool {
        let excepted = !self.except.is_empty() && path.contains(self.except);
        path.contains(self.path) && !excepted
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What it should.
    Pass,
    /// It fails.
    Fail(Errno),
    /// It does less.
    Short,
    /// It says it is done, and is not.
    Lie,
    /// What it writes is not what it was given.
    Rot,
}

impl Outcome {
    /// How many of `length` bytes the call works on: half of them if it is cut short, and never none.
    pub fn shorten(self, length: usize) -> usize {
        if self == Self::Short { length.div_ceil(2) } else { length }
    }
}

/// A call that met a fault.
#[derive(Debug, Clone)]
pub struct Met {
    /// How long the log was.
    pub at: usize,
    /// What was called.
    pub call: Call,
    /// Of what.
    pub path: String,
    /// What happened to it.
    pub outcome: Outcome,
    /// Who called, if that is noted.
    pub site: Option<Arc<Backtrace>>,
}

/// Which calls fail, how many there were, and how many did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    fault: Option<Fault>,
    /// Calls that the fault is about.
    met: u64,
    calls: [u64; Call::KINDS],
    hits: u64,
}

impl FaultPlan {
    /// Nothing fails.
    pub fn none() -> Self {
        Self::default()
    }

    /// This fails.
    pub fn of(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    /// How many calls of a kind there were.
    pub fn calls(&self, call: Call) -> u64 {
        self.calls.get(call as usize).copied().unwrap_or_default()
    }

    /// How many calls failed.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Counts a call, and says what happens to it.
    pub fn next(&mut self, call: Call, path: &str) -> Outcome {
        if let Some(count) = self.calls.get_mut(call as usize) {
            *count += 1;
        }
        let Some(fault) = self.fault.filter(|fault| fault.call == call && fault.is_about(path))
        else {
            return Outcome::Pass;
        };
        self.met += 1;
        if self.met != fault.nth && !(fault.sticky && self.met > fault.nth) {
            return Outcome::Pass;
        }
        self.hits += 1;
        match fault.effect {
            Effect::Error(errno) => Outcome::Fail(errno),
            Effect::Short => Outcome::Short,
            Effect::Lie => Outcome::Lie,
            Effect::Rot => Outcome::Rot,
        }
    }
}
