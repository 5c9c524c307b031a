//! Sizes and times, as people read them.

use std::time::Duration;

/// Decimal units of bytes, each a thousand times the one before.
const BYTE_UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// From here on a count is not exact.
const MANY: u64 = 1_000_000;

/// A count, in millions where there are many: `999999`, `12.3M`.
pub(crate) fn count(count: u64) -> String {
    if count < MANY {
        count.to_string()
    } else {
        format!("{}.{}M", count / MANY, count % MANY / 100_000)
    }
}

/// Bytes with a decimal unit: `512 B`, `1.5 kB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let [first, units @ ..] = &BYTE_UNITS;
    let (mut value, mut unit) = (bytes, first);
    for next in units {
        // What would be rounded up to a thousand has the next unit.
        let largest = if unit == first { 999.5 } else { 999.95 };
        if value < largest {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == first { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// A time that is not known exactly, in one unit that suits it, or two.
pub(crate) fn about(time: Duration) -> String {
    let seconds = time.as_secs_f64().round().max(1.0) as u64;
    let minutes = seconds.div_ceil(60);
    match (seconds, minutes) {
        (..100, _) => format!("{seconds} s"),
        (_, ..100) => format!("{minutes} min"),
        (_, ..6000) => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_exact_unless_it_is_large_and_never_more_than_there_is() {
        for (found, text) in [
            (0, "0"),
            (999_999, "999999"),
            (1_000_000, "1.0M"),
            (12_399_999, "12.3M"),
            (u64::MAX, "18446744073709.5M"),
        ] {
            assert_eq!(count(found), text);
        }
    }

    #[test]
    fn bytes_have_the_unit_that_suits_them_and_never_a_thousand_of_it() {
        for (count, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (999.6, "1.0 kB"),
            (1_000.0, "1.0 kB"),
            (999_949.0, "999.9 kB"),
            (999_950.0, "1.0 MB"),
            (85_300_000.0, "85.3 MB"),
            (4.2e9, "4.2 GB"),
            (u64::MAX as f64, "18.4 EB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn a_time_is_told_as_exactly_as_it_matters() {
        for (seconds, text) in [
            (0, "1 s"),
            (15, "15 s"),
            (99, "99 s"),
            (100, "2 min"),
            (59 * 60, "59 min"),
            (100 * 60, "1 h 40 min"),
            (99 * 3600, "99 h 0 min"),
            (100 * 3600, "4 days"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
    }
}
