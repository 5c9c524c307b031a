//! The records that everything is measured on: the same for the same seed, on every machine.

/// Bytes of every key.
pub const KEY_BYTES: usize = 16;

/// Bytes of a record, key and value, on average: to turn sizes into numbers of records.
pub const RECORD_BYTES: u64 = 170;

/// Records that share the first half of their key.
const RECORDS_PER_ACCOUNT: u64 = 1000;

const KINDS: [&str; 4] = ["message", "execution", "telemetry", "audit"];
const WORDS: [&str; 16] = [
    "agent", "began", "called", "data", "every", "found", "given", "home", "in", "journal", "kept",
    "later", "memory", "named", "of", "policy",
];

/// Writes the key and the value of one record. Keys ascend with `number`; values are JSON objects of about 150 bytes.
pub fn write_record(seed: u64, number: u64, key: &mut Vec<u8>, value: &mut Vec<u8>) {
    let account = number / RECORDS_PER_ACCOUNT;
    key.clear();
    key.extend_from_slice(&account.to_be_bytes());
    key.extend_from_slice(&number.to_be_bytes());
    let mut bits = scrambled(seed ^ number);
    let kind = pick(&KINDS, &mut bits);
    let at = 1_700_000_000_000 + number * 37 + (bits & 0xf);
    value.clear();
    value.extend_from_slice(b"{\"account\":");
    value.extend_from_slice(account.to_string().as_bytes());
    value.extend_from_slice(b",\"at\":");
    value.extend_from_slice(at.to_string().as_bytes());
    value.extend_from_slice(b",\"id\":\"");
    value.extend_from_slice(format!("{:016x}", scrambled(bits)).as_bytes());
    value.extend_from_slice(b"\",\"kind\":\"");
    value.extend_from_slice(kind.as_bytes());
    value.extend_from_slice(b"\",\"text\":\"");
    for _ in 0..12 {
        value.extend_from_slice(pick(&WORDS, &mut bits).as_bytes());
        value.push(b' ');
    }
    value.extend_from_slice(b"\"}");
}

/// Hands every record to `visit`, in the order of keys, until it fails.
///
/// # Errors
/// What `visit` returns.
pub fn each_record<E>(
    seed: u64,
    records: u64,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (mut key, mut value) = (Vec::new(), Vec::new());
    for number in 0..records {
        write_record(seed, number, &mut key, &mut value);
        visit(&key, &value)?;
    }
    Ok(())
}

/// Sebastiano Vigna's splitmix64: every bit of the output depends on every bit of the input.
fn scrambled(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of them, chosen by the lowest bits, which are used up.
fn pick<'w>(words: &[&'w str], bits: &mut u64) -> &'w str {
    let count = words.len() as u64;
    let at = usize::try_from(*bits % count).unwrap_or_default();
    *bits /= count;
    words.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_ascend_and_have_the_size_that_sizes_are_computed_from() {
        let (mut bytes, mut last) = (0, Vec::new());
        each_record(7, 10_000, |key, value| {
            assert!(key > last.as_slice() && key.len() == KEY_BYTES);
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(value).unwrap();
            assert_eq!(object.len(), 5);
            bytes += (key.len() + value.len()) as u64;
            last = key.to_vec();
            Ok::<(), ()>(())
        })
        .unwrap();
        let average = bytes / 10_000;
        assert!(average.abs_diff(RECORD_BYTES) <= 5, "{average}");
    }

    #[test]
    fn another_seed_gives_other_records_and_the_same_seed_the_same() {
        let values = |seed| {
            let mut all = Vec::new();
            each_record(seed, 100, |_, value| {
                all.push(value.to_vec());
                Ok::<(), ()>(())
            })
            .unwrap();
            all
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }
}
