//! Medians, spreads and ratios.

use serde::{Deserialize, Serialize};

/// Median and spread of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of these numbers; `None` if there are none.
    pub(crate) fn of(numbers: &[f64]) -> Option<Self> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self { median: median(&sorted)?, min: *sorted.first()?, max: *sorted.last()? })
    }
}

/// The median of sorted numbers: the one in the middle, or the mean of the two.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
}

/// The median of the ratios of each round. Both are by rounds: what disturbs a whole round cancels out.
pub(crate) fn median_ratio(numerators: &[f64], denominators: &[f64]) -> Option<f64> {
    let pairs = numerators.iter().zip(denominators);
    let ratios: Vec<f64> = pairs.map(|(numerator, denominator)| numerator / denominator).collect();
    Spread::of(&ratios).map(|spread| spread.median)
}

/// With three digits behind the point: more would only pretend.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// What is at each place in a round: the same, begun one further each time, so that nobody always comes first.
pub(crate) fn rotated<T: Copy>(of: &[T], round: usize) -> Vec<T> {
    let start = round.checked_rem(of.len()).unwrap_or_default();
    of.iter().cycle().skip(start).take(of.len()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_the_middle_and_spreads_the_ends() {
        let spread = |numbers: &[f64]| Spread::of(numbers).map(|it| (it.median, it.min, it.max));
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0)));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some((2.5, 1.0, 4.0)));
        assert_eq!(spread(&[7.0]), Some((7.0, 7.0, 7.0)));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The second round was three times as slow for both; the ratio of the medians would be 3.
        let (peer, ours) = ([2.0, 6.0, 6.0], [1.0, 3.0, 2.0]);
        assert_eq!(median_ratio(&peer, &ours), Some(2.0));
        assert_eq!(median_ratio(&[], &[]), None);
    }

    #[test]
    fn every_place_of_a_round_is_everybodys_once() {
        assert_eq!(rotated(&[1, 2, 3], 0), [1, 2, 3]);
        assert_eq!(rotated(&[1, 2, 3], 1), [2, 3, 1]);
        assert_eq!(rotated(&[1, 2, 3], 5), [3, 1, 2]);
        assert_eq!(rotated::<u8>(&[], 5), [] as [u8; 0]);
    }
}
