//! A file of signatures (FC-UPGRADE-0001 §21).
//!
//! Whatever the bytes are: what is read is the blocks that stand there with nothing but white space between them, and means
//! the same when it is written and read again; and a block counts if and only if it is, to its last character, one that a key
//! has made.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use upgrade::authorization::{Keyring, MAXIMUM_BLOCKS, Role, Signature, Signatures, Thresholds};
use versioning::Timestamp;

use crate::keys::{MESSAGE, SEEDS, sign, signer};
use crate::{Outcome, Verdict, insist, require};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The length of a line, as `ssh-keygen` breaks them.
const LINE_BYTES: usize = 70;

/// What was observed of a file that was taken.
#[derive(Debug, Clone)]
struct Observed {
    data: Vec<u8>,
    signatures: Signatures,
    written: Vec<u8>,
    read_again: Option<Signatures>,
    /// Of each block, as what it counts by itself.
    counts: Vec<BTreeSet<Role>>,
    /// How many people all of them together count for.
    together: Vec<(Role, usize)>,
}

/// What the keys have made, and a keyring in which each may sign as everything.
struct Made {
    keyring: Keyring,
    signatures: Vec<(Role, Signature)>,
}

/// Hands the bytes to whoever reads signatures.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        None => Outcome::Refused,
        Some(observed) => insist(judge(&observed)),
    }
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let signers = SEEDS.map(|seed| signer(&format!("somebody-{seed}"), &Role::ALL, seed));
        let keyring = Keyring::first(Thresholds::all(NonZeroU32::MIN), signers.to_vec());
        let each = |role| SEEDS.map(|seed| (role, sign(role, MESSAGE, seed)));
        match keyring {
            Ok(keyring) => {
                Made { keyring, signatures: Role::ALL.into_iter().flat_map(each).collect() }
            }
            Err(error) => panic!("{error}"),
        }
    })
}

fn people(role: Role, signatures: &Signatures) -> usize {
    let verified = made().keyring.verify(role, MESSAGE, signatures, Timestamp::EPOCH);
    verified.map_or(0, |counted| counted.len())
}

fn observe(data: &[u8]) -> Option<Observed> {
    let signatures = Signatures::parse(data).ok()?;
    let counts = |block: &Signature| {
        let alone = Signatures::from(block.clone());
        Role::ALL.into_iter().filter(|role| people(*role, &alone) > 0).collect()
    };
    let written = signatures.to_bytes();
    Some(Observed {
        data: data.to_vec(),
        read_again: Signatures::parse(&written).ok(),
        counts: signatures.iter().map(counts).collect(),
        together: Role::ALL.map(|role| (role, people(role, &signatures))).to_vec(),
        written,
        signatures,
    })
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { data, signatures, written, read_again, counts, together } = observed;
    let number = signatures.iter().count();
    require((1..=MAXIMUM_BLOCKS).contains(&number), "there are none, or too many")?;
    require(read_again.as_ref() == Some(signatures), "read again they are others")?;
    let armored: String = signatures.iter().map(Signature::armored).collect();
    require(*written == armored.as_bytes(), "they are written otherwise than they were read")?;
    let mut rest = data.as_slice();
    for block in signatures.iter() {
        let armored = block.armored().trim_end().as_bytes();
        rest = rest.strip_prefix(armored).ok_or("a block is not what stands there")?;
        rest = rest.trim_ascii_start();
    }
    require(rest.is_empty(), "something that stands there is in no block")?;
    let is_made = |role: Role, block: &Signature| {
        let same =
            |found: &(Role, Signature)| found.0 == role && found.1.armored() == block.armored();
        made().signatures.iter().any(same)
    };
    for (block, counts) in signatures.iter().zip(counts) {
        let expected: BTreeSet<Role> =
            Role::ALL.into_iter().filter(|role| is_made(*role, block)).collect();
        require(*counts == expected, "a block counts that no key has made, or one does not")?;
    }
    for (role, people) in together {
        let blocks = signatures.iter().filter(|block| is_made(*role, block));
        let expected: BTreeSet<&str> = blocks.map(Signature::armored).collect();
        require(*people == expected.len(), "together they count for more or fewer people")?;
    }
    Ok(Outcome::Accepted)
}

/// Breaks the lines of every block as they must be, so that a mutation gets past them to what they encode.
pub fn rewrap(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut wrapped = String::new();
    for (number, part) in text.split(BEGIN).enumerate() {
        let Some((block, behind)) = part.split_once(END) else {
            if number > 0 {
                wrapped.push_str(BEGIN);
            }
            wrapped.push_str(part);
            continue;
        };
        let is_digit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let digits: Vec<char> = block.chars().filter(is_digit).collect();
        wrapped.push_str(BEGIN);
        for line in digits.chunks(LINE_BYTES) {
            wrapped.push('\n');
            wrapped.extend(line);
        }
        wrapped.push('\n');
        wrapped.push_str(END);
        wrapped.push_str(behind);
    }
    wrapped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    fn seed(wanted: &str) -> Vec<u8> {
        let found = seeds::signatures().into_iter().find(|(name, _)| *name == wanted);
        found.unwrap().1
    }

    #[test]
    fn signatures_are_read_and_what_is_none_is_refused() {
        for (name, bytes) in seeds::signatures() {
            let expected = if name == "no-end" { Outcome::Refused } else { Outcome::Accepted };
            assert_eq!(run(&bytes), expected, "{name}");
            assert_eq!(rewrap(&bytes), bytes, "{name}");
        }
        assert_eq!(run(b""), Outcome::Refused);
    }

    /// The seeds are not all the same to the oracle: some blocks count, and some do not.
    #[test]
    fn blocks_count_and_do_not() {
        let roles = |name| observe(&seed(name)).unwrap().counts.concat_sorted();
        assert_eq!(roles("one"), [Role::Operator]);
        assert_eq!(roles("of-something-else"), []);
    }

    trait Concat {
        fn concat_sorted(&self) -> Vec<Role>;
    }

    impl Concat for Vec<BTreeSet<Role>> {
        fn concat_sorted(&self) -> Vec<Role> {
            self.iter().flatten().copied().collect()
        }
    }

    /// The oracle is shown what broken signatures would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let observed = observe(&seed("several")).unwrap();
        let other = observe(&seed("of-something-else")).unwrap();
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        let nobody = vec![BTreeSet::new(); observed.counts.len()];
        let mut more = observed.clone();
        more.together[0].1 += 1;
        let sabotages = [
            Observed { read_again: None, ..observed.clone() },
            Observed { written: b"another".to_vec(), ..observed.clone() },
            Observed { data: b"another".to_vec(), ..observed.clone() },
            Observed { data: [&observed.data, &b"more"[..]].concat(), ..observed.clone() },
            Observed { counts: nobody, ..observed.clone() },
            Observed { counts: vec![BTreeSet::from([Role::Operator])], ..other },
            more,
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
