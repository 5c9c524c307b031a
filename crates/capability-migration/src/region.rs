//! Sets of requests in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::alphabet::Symbol;

/// Some names of one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Names {
    /// All names.
    All,
    /// The names of these symbols.
    These(Vec<Symbol>),
}

/// Requests by who, on what, doing what: every combination of the three.
///
/// Arguments can restrict it further: by the conditions of the rules that are named beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// Who.
    pub principals: Names,
    /// With which capabilities.
    pub resources: Names,
    /// Doing what.
    pub actions: Names,
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("anything"),
            Self::These(symbols) => {
                let symbols: Vec<_> = symbols.iter().map(ToString::to_string).collect();
                formatter.write_str(&symbols.join(" or "))
            }
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principals, resources, actions } = self;
        write!(formatter, "principal {principals}, resource {resources}, action {actions}")
    }
}

impl Names {
    pub(crate) fn new(chosen: &BTreeSet<usize>, symbols: &[Symbol]) -> Self {
        if chosen.len() == symbols.len() {
            return Self::All;
        }
        let symbols = symbols.iter().enumerate().filter(|(at, _)| chosen.contains(at));
        Self::These(symbols.map(|(_, symbol)| symbol.clone()).collect())
    }
}

/// A principal, a resource and an action, each by its place in the alphabet.
pub(crate) type Cell = [usize; 3];
/// Every combination of some principals, some resources and some actions.
pub(crate) type Block = [BTreeSet<usize>; 3];

/// Puts cells together into as few blocks as come about by joining actions, then principals, then resources. Each cell is in
/// exactly one block.
pub(crate) fn blocks(cells: impl IntoIterator<Item = Cell>) -> Vec<Block> {
    let mut actions: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for [principal, resource, action] in cells {
        actions.entry((resource, principal)).or_default().insert(action);
    }
    let mut principals: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for ((resource, principal), actions) in actions {
        principals.entry((resource, actions)).or_default().insert(principal);
    }
    let mut resources: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for ((resource, actions), principals) in principals {
        resources.entry((principals, actions)).or_default().insert(resource);
    }
    let block = |((principals, actions), resources)| [principals, resources, actions];
    resources.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_joined_into_blocks_that_hold_them_and_nothing_else() {
        let cells = [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [0, 1, 0]];
        let blocks = blocks(cells);
        assert_eq!(blocks.len(), 2);
        let mut found = Vec::new();
        for [principals, resources, actions] in &blocks {
            for principal in principals {
                for resource in resources {
                    found.extend(actions.iter().map(|action| [*principal, *resource, *action]));
                }
            }
        }
        found.sort_unstable();
        let mut cells = cells.to_vec();
        cells.sort_unstable();
        assert_eq!(found, cells);
    }
}
