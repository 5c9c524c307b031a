//! What a migration changes for those who make requests, in both directions.

use std::fmt;

use crate::authority::Authority;
use crate::rename::Renames;
use crate::symbolic::{Difference, Direction, Sides};

/// The requests that two authorities answer differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Possibly allowed after, and not for certain before.
    pub newly_allowed: Vec<Difference>,
    /// Possibly allowed before, and not for certain after.
    pub newly_denied: Vec<Difference>,
}

/// Compares two authorities for every request there can be. A capability that is renamed is the same on both sides.
pub fn diff(before: &Authority, after: &Authority, renames: &Renames) -> Diff {
    let sides = Sides { before, after, renames };
    Diff {
        newly_allowed: sides.differences(Direction::NewlyAllowed, &[]).0,
        newly_denied: sides.differences(Direction::NewlyDenied, &[]).0,
    }
}

impl Diff {
    /// Whether every request is answered alike.
    pub fn is_empty(&self) -> bool {
        self.newly_allowed.is_empty() && self.newly_denied.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(formatter, "nothing is newly allowed, nothing is newly denied");
        }
        for difference in &self.newly_allowed {
            writeln!(formatter, "newly allowed: {difference}")?;
        }
        for difference in &self.newly_denied {
            writeln!(formatter, "newly denied: {difference}")?;
        }
        Ok(())
    }
}
