//! Ids that were given twice, in bounded memory.

use std::collections::BTreeMap;

use integrity::Digest;

/// Runs of consecutive numbers that are remembered. A log with one writer is one run.
pub const MAXIMUM_NUMBER_RUNS: usize = 65_536;

/// Texts that are remembered.
pub const MAXIMUM_TEXTS: usize = 262_144;

/// Where an id was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nowhere.
    First,
    /// At this line.
    Again { line: u64 },
    /// Unknown: there are more ids than are remembered.
    Forgotten,
}

/// Numbers, remembered as runs in which number and line both grow by one.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// First number of each run: its line, and how many numbers the run has.
    runs: BTreeMap<u64, (u64, u64)>,
    /// The first number of the run that was added to last.
    last: u64,
}

impl Numbers {
    pub(crate) fn see(&mut self, number: u64, line: u64) -> Seen {
        if let Some((first, (first_line, count))) = self.runs.range(..=number).next_back()
            && number - first < *count
        {
            return Seen::Again { line: first_line.saturating_add(number - first) };
        }
        if let Some((first_line, count)) = self.runs.get_mut(&self.last)
            && self.last.checked_add(*count) == Some(number)
            && first_line.checked_add(*count) == Some(line)
        {
            *count += 1;
            return Seen::First;
        }
        if self.runs.len() >= MAXIMUM_NUMBER_RUNS {
            return Seen::Forgotten;
        }
        self.runs.insert(number, (line, 1));
        self.last = number;
        Seen::First
    }
}

/// Texts, remembered by their digests.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    lines: BTreeMap<Digest, u64>,
}

impl Texts {
    pub(crate) fn see(&mut self, text: &str, line: u64) -> Seen {
        let digest = Digest::of(text.as_bytes());
        if let Some(line) = self.lines.get(&digest) {
            return Seen::Again { line: *line };
        }
        if self.lines.len() >= MAXIMUM_TEXTS {
            return Seen::Forgotten;
        }
        self.lines.insert(digest, line);
        Seen::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_remembered_as_a_map_would(numbers in prop::collection::vec(0_u64..12, 0..40)) {
            let (mut runs, mut map) = (Numbers::default(), BTreeMap::new());
            for (index, number) in numbers.into_iter().enumerate() {
                let line = index as u64 + 1;
                let expected = match map.get(&number) {
                    Some(line) => Seen::Again { line: *line },
                    None => Seen::First,
                };
                map.entry(number).or_insert(line);
                prop_assert_eq!(runs.see(number, line), expected);
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_runs_not_by_numbers() {
        let mut numbers = Numbers::default();
        for number in 0..1_000_000 {
            assert_eq!(numbers.see(number, number + 1), Seen::First);
        }
        assert_eq!(numbers.runs.len(), 1);
        assert_eq!(numbers.see(u64::MAX, 1_000_001), Seen::First);
        assert_eq!(numbers.see(500, 1_000_002), Seen::Again { line: 501 });
    }
}
