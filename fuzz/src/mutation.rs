//! Mutations that are the same on every run: a poor man's fuzzer for the stable compiler.

/// The pieces that are spliced in: what parsers stumble over.
const PIECES: [&[u8]; 16] = [
    b"",
    b"\n",
    b"\0\0\0\0",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b"null",
    b"-1",
    b"18446744073709551616",
    b"\"\\ud800\"",
];

/// The longest stretch that is cut out or doubled.
const MAXIMUM_STRETCH: u64 = 64;

/// An endless row of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The same seed gives the same row.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, below `limit` (which is taken as at least 1).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64 + 1)).unwrap_or(length)
    }
}

/// Changes the bytes in one to four places.
pub fn mutate(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut mutated = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let from = numbers.place(mutated.len());
        let to = (from + numbers.place(MAXIMUM_STRETCH as usize)).min(mutated.len());
        match numbers.below(6) {
            0 => {
                if let Some(byte) = mutated.get_mut(from) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
            1 => {
                mutated.drain(from..to);
            }
            2 => {
                let stretch = mutated.get(from..to).unwrap_or_default().to_vec();
                mutated.splice(from..from, stretch);
            }
            3 => mutated.truncate(from),
            _ => {
                let piece =
                    PIECES.get(numbers.place(PIECES.len() - 1)).copied().unwrap_or_default();
                mutated.splice(from..from, piece.iter().copied());
            }
        }
    }
    mutated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mutations_and_another_seed_others() {
        let row = |seed| {
            let mut numbers = Numbers::new(seed);
            (0..50).map(|_| mutate(b"{\"some\": \"text\"}", &mut numbers)).collect::<Vec<_>>()
        };
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
        assert!(
            row(1).iter().filter(|mutated| mutated.as_slice() != b"{\"some\": \"text\"}").count()
                > 40
        );
    }
}
