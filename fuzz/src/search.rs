//! Hands inputs to a target one after another, on the stable compiler.
//!
//! It knows no clock and writes no file: whoever calls decides when it is enough, and keeps what it is shown.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Outcome;
use crate::mutation::{Numbers, mutate};
use crate::seeds::Target;

/// Bytes for which a target broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The bytes.
    pub input: Vec<u8>,
    /// Which promise.
    pub what: String,
}

/// What came of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many inputs were handed over.
    pub executions: u64,
    /// The first that broke a promise, which ends the search.
    pub finding: Option<Finding>,
}

/// Hands the bytes to the target.
///
/// # Errors
/// The promise that it broke.
pub fn hold(target: &Target, bytes: &[u8]) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
    })
}

/// Hands the files of a corpus to the target, as they are. `show` is told each before.
pub fn replay(target: &Target, corpus: &[Vec<u8>], mut show: impl FnMut(&[u8])) -> Searched {
    let mut searched = Searched::default();
    for bytes in corpus {
        show(bytes);
        if searched.tried(target, bytes) {
            break;
        }
    }
    searched
}

/// Hands mutations of a corpus to the target, every other one put right, until `go_on`, which is shown each before, says
/// that it is enough.
pub fn search(
    target: &Target,
    corpus: &[Vec<u8>],
    numbers: &mut Numbers,
    mut go_on: impl FnMut(&[u8]) -> bool,
) -> Searched {
    let mut searched = Searched::default();
    loop {
        let seed = usize::try_from(numbers.below(corpus.len() as u64)).unwrap_or_default();
        let seed = corpus.get(seed).map(Vec::as_slice).unwrap_or_default();
        let mutated = mutate(seed, numbers);
        for input in [(target.repair)(&mutated), mutated] {
            if !go_on(&input) || searched.tried(target, &input) {
                return searched;
            }
        }
    }
}

impl Searched {
    /// True if the bytes broke a promise.
    fn tried(&mut self, target: &Target, bytes: &[u8]) -> bool {
        self.executions += 1;
        let what = hold(target, bytes).err();
        self.finding = what.map(|what| Finding { input: bytes.to_vec(), what });
        self.finding.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks its promise for what begins with two bytes that only a mutation makes.
    fn fragile(bytes: &[u8]) -> Outcome {
        assert!(!bytes.starts_with(b"{{"), "two of them");
        Outcome::Accepted
    }

    const FRAGILE: Target = Target { name: "fragile", run: fragile, repair: <[u8]>::to_vec };

    #[test]
    fn a_promise_that_mutations_break_is_found_and_the_input_breaks_it_again() {
        let mut shown = Vec::new();
        let searched = search(&FRAGILE, &[b"{}".to_vec()], &mut Numbers::new(1), |input| {
            shown = input.to_vec();
            true
        });
        let finding = searched.finding.unwrap();
        assert!(searched.executions > 1);
        assert_eq!(shown, finding.input);
        assert_eq!(finding.what, "two of them");
        assert_eq!(hold(&FRAGILE, &finding.input), Err("two of them".to_owned()));
        let again = replay(&FRAGILE, &[b"{}".to_vec(), finding.input.clone()], |_| ());
        assert_eq!(again, Searched { executions: 2, finding: Some(finding) });
    }

    #[test]
    fn a_search_ends_when_it_is_told_and_is_the_same_for_the_same_seed() {
        let shown = |seed: u64| {
            let mut inputs = Vec::new();
            let searched = search(&FRAGILE, &[b"x".to_vec()], &mut Numbers::new(seed), |input| {
                inputs.push(input.to_vec());
                inputs.len() <= 20
            });
            assert_eq!(searched, Searched { executions: 20, finding: None });
            inputs
        };
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
    }
}
