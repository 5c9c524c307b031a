//! Which part of what is pending is kept.

use std::collections::BTreeMap;

use super::Profile;
use crate::disk::{InodeNumber, Operation};
use crate::random::Random;

/// While at most this many units are pending, every pair of them is lost once.
const PAIRED_UNITS: usize = 24;

/// What is kept or lost together, or in order. As indices into what is pending.
///
/// A unit of several operations is kept up to one of them: the bytes of one file, in the order in which they were written,
/// or, where the file system keeps them in order, the names and sizes of all.
#[derive(Debug)]
pub(super) struct Units {
    units: Vec<Vec<usize>>,
    /// What is kept in any case.
    newest: Vec<usize>,
    pending: usize,
}

/// How many operations each unit has of what is pending: enough to know how many choices there are, and found without looking
/// at what was pending before.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Units of names and sizes.
    names: Vec<usize>,
    /// By file.
    files: BTreeMap<InodeNumber, usize>,
    /// The one that the operation belongs to that was added last.
    newest: Option<Unit>,
}

/// What an operation is kept or lost with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// What else was done to this file.
    File(InodeNumber),
    /// The names and sizes of all, or, where these are in no order, nothing else.
    Names,
}

impl Unit {
    /// Of an operation, unless nothing can be seen of it.
    fn of(operation: &Operation, profile: Profile) -> Option<Self> {
        let inode = operation.owner()?;
        let in_a_file = match profile {
            Profile::Ordered => operation.is_data(),
            _ => matches!(
                operation,
                Operation::Write { .. } | Operation::Resize { .. } | Operation::Mode { .. }
            ),
        };
        Some(if in_a_file { Self::File(inode) } else { Self::Names })
    }
}

impl Sizes {
    /// Everything that is pending.
    pub(super) fn of(pending: &[(usize, &Operation)], profile: Profile) -> Self {
        let mut sizes = Self::default();
        pending.iter().for_each(|(_, operation)| sizes.add(operation, profile));
        sizes
    }

    /// One more is pending.
    pub(super) fn add(&mut self, operation: &Operation, profile: Profile) {
        self.newest = Unit::of(operation, profile);
        match self.newest {
            Some(Unit::File(inode)) => *self.files.entry(inode).or_default() += 1,
            Some(Unit::Names) => match (profile, self.names.last_mut()) {
                (Profile::Ordered, Some(names)) => *names += 1,
                _ => self.names.push(1),
            },
            None => {}
        }
    }

    /// Whether there are at most so many choices of everything.
    pub(super) fn allow_at_most(&self, most: usize) -> bool {
        product(self.names.iter().chain(self.files.values()).copied(), most)
    }

    /// Whether there are at most so many beside what was added last, and what is of its unit.
    pub(super) fn allow_at_most_beside_newest(&self, most: usize) -> bool {
        let names = match self.newest {
            Some(Unit::Names) => self.names.len().saturating_sub(1),
            _ => self.names.len(),
        };
        let names = self.names.iter().take(names).copied();
        let others =
            self.files.iter().filter(|(inode, _)| self.newest != Some(Unit::File(**inode)));
        product(names.chain(others.map(|(_, size)| *size)), most)
    }
}

/// Whether there are at most so many choices of units that have so many operations.
fn product(sizes: impl Iterator<Item = usize>, most: usize) -> bool {
    let mut product: usize = 1;
    for size in sizes {
        product = product.saturating_mul(size + 1);
        // There may be thousands of them, and nobody needs to know how many more.
        if product > most {
            break;
        }
    }
    product <= most
}

impl Units {
    /// Everything that is pending.
    pub(super) fn of_all(pending: &[(usize, &Operation)], profile: Profile) -> Self {
        let mut files: BTreeMap<InodeNumber, Vec<usize>> = BTreeMap::new();
        let mut names: Vec<Vec<usize>> = Vec::new();
        for (at, (_, operation)) in pending.iter().enumerate() {
            match Unit::of(operation, profile) {
                None => {}
                Some(Unit::File(inode)) => files.entry(inode).or_default().push(at),
                Some(Unit::Names) => match (profile, names.last_mut()) {
                    (Profile::Ordered, Some(names)) => names.push(at),
                    _ => names.push(vec![at]),
                },
            }
        }
        names.extend(files.into_values());
        Self { units: names, newest: Vec::new(), pending: pending.len() }
    }

    /// Everything but what was issued last, and, of its own unit, what came before it: these are kept.
    pub(super) fn beside_newest(pending: &[(usize, &Operation)], profile: Profile) -> Self {
        let mut all = Self::of_all(pending, profile);
        let last = pending.len().saturating_sub(1);
        let own = all.units.iter().position(|unit| unit.last() == Some(&last));
        all.newest = own.map(|own| all.units.remove(own)).unwrap_or_default();
        all
    }

    /// Whether each unit is lost from one of its operations on, if any of it is.
    pub(super) fn are_cut_by(&self, lost: &[bool]) -> bool {
        self.units.iter().all(|unit| unit.iter().map(|at| lost.get(*at)).is_sorted())
    }

    /// Nothing but what was issued last.
    pub(super) fn only_newest(&self) -> Vec<bool> {
        let mut kept = vec![false; self.pending];
        for at in &self.newest {
            if let Some(kept) = kept.get_mut(*at) {
                *kept = true;
            }
        }
        kept
    }

    /// Keeps so many operations of each unit.
    fn keep(&self, counts: impl Fn(usize) -> usize) -> Vec<bool> {
        let mut kept = self.only_newest();
        for (number, unit) in self.units.iter().enumerate() {
            for at in unit.iter().take(counts(number)) {
                if let Some(kept) = kept.get_mut(*at) {
                    *kept = true;
                }
            }
        }
        kept
    }

    fn whole(&self, number: usize) -> usize {
        self.units.get(number).map_or(0, Vec::len)
    }

    /// Every choice.
    pub(super) fn every(&self, take: &mut dyn FnMut(&[bool])) {
        let mut counts = vec![0; self.units.len()];
        loop {
            take(&self.keep(|number| counts.get(number).copied().unwrap_or_default()));
            // Counts on, as an odometer does.
            let turning =
                counts.iter().zip(&self.units).position(|(count, unit)| *count < unit.len());
            let Some(turning) = turning else { return };
            counts[..turning].fill(0);
            counts[turning] += 1;
        }
    }

    /// Everything, and nothing.
    pub(super) fn extremes(&self, take: &mut dyn FnMut(&[bool])) {
        take(&self.keep(|number| self.whole(number)));
        take(&self.only_newest());
    }

    /// Each unit, or at most so many of them, lost alone, kept alone, and, if it has several operations, cut short.
    pub(super) fn singles(&self, most: usize, take: &mut dyn FnMut(&[bool])) {
        let step = self.units.len().div_ceil(most).max(1);
        for one in (0..self.units.len()).step_by(step) {
            for count in 0..self.whole(one) {
                take(&self.keep(|number| if number == one { count } else { self.whole(number) }));
            }
            take(&self.keep(|number| if number == one { self.whole(number) } else { 0 }));
        }
    }

    /// Each pair of units lost, while they are few.
    pub(super) fn pairs(&self, take: &mut dyn FnMut(&[bool])) {
        if self.units.len() > PAIRED_UNITS {
            return;
        }
        for one in 0..self.units.len() {
            for other in one + 1..self.units.len() {
                take(&self.keep(|number| {
                    if number == one || number == other { 0 } else { self.whole(number) }
                }));
            }
        }
    }

    /// One choice of all.
    pub(super) fn sample(&self, random: &mut Random) -> Vec<bool> {
        let counts: Vec<usize> = self
            .units
            .iter()
            .map(|unit| usize::try_from(random.below(unit.len() as u64 + 1)).unwrap_or_default())
            .collect();
        self.keep(|number| counts.get(number).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::disk::ROOT;

    fn operation() -> impl Strategy<Value = Operation> {
        let inode = 2_u64..6;
        prop_oneof![
            inode.clone().prop_map(|inode| {
                let name = Arc::from("name");
                Operation::Enter { directory: ROOT, name, inode }
            }),
            inode.clone().prop_map(|inode| {
                Operation::Write { inode, offset: 0, data: Arc::from(*b"bytes") }
            }),
            inode.clone().prop_map(|inode| Operation::Resize { inode, size: 1 }),
            inode.prop_map(|inode| Operation::Mode { inode, mode: 0o600 }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_counted_as_it_comes_is_what_there_is_to_choose_from(
            operations in proptest::collection::vec(operation(), 1..10),
            most in 0_usize..40,
        ) {
            let pending: Vec<_> = operations.iter().enumerate().collect();
            for profile in [Profile::Ordered, Profile::Posix] {
                let choices = |units: Units| {
                    let mut choices = 0;
                    units.every(&mut |_| choices += 1);
                    choices
                };
                let sizes = Sizes::of(&pending, profile);
                let all = choices(Units::of_all(&pending, profile));
                prop_assert_eq!(sizes.allow_at_most(most), all <= most);
                let beside = choices(Units::beside_newest(&pending, profile));
                prop_assert_eq!(sizes.allow_at_most_beside_newest(most), beside <= most);
            }
        }
    }
}
