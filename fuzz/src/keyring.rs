//! An epoch of a keyring (FC-UPGRADE-0001 §21).
//!
//! Whatever the bytes are: what is read is these bytes and means the same when it is read again; every threshold can be
//! reached; enough have signed if and only if as many distinct people have, with keys that may, as a count that knows nothing
//! of the library finds; and what is read can be followed by a next epoch.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use upgrade::authorization::{
    AllowedSigner, InvalidDocument, InvalidKeyring, Keyring, Role, Signature, Signatures, Signer,
};
use versioning::Timestamp;

use crate::keys::{MESSAGE, SEEDS, public_keys, sign};
use crate::{Outcome, Verdict, insist, require};

/// When signatures are looked at: 2027-01-15T08:00:00Z.
const NOW_SECONDS: i128 = 1_800_000_000;

/// Who signs together, by the seeds of their keys.
const TOGETHER: [&[u8]; 4] = [&SEEDS, &[1, 1], &[1, 2], &[3, 4, 4]];

/// What was observed of a keyring that was taken.
#[derive(Debug, Clone)]
struct Observed {
    data: Vec<u8>,
    keyring: Keyring,
    written: Vec<u8>,
    read_again: Option<Keyring>,
    /// Its lines, each written and read again.
    lines_again: Vec<Option<AllowedSigner>>,
    judged: Vec<Judged>,
    /// The next epoch, if nothing is changed.
    next: Result<Keyring, InvalidKeyring>,
}

/// What the keyring says of some signatures.
#[derive(Debug, Clone)]
struct Judged {
    /// As what they are to count.
    role: Role,
    /// As what they were made.
    made_as: Role,
    seeds: &'static [u8],
    /// Whether it is over what they were made over.
    is_message: bool,
    counted: Option<Vec<Signer>>,
}

/// Hands the bytes to the keyring.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        None => Outcome::Refused,
        Some(observed) => insist(judge(&observed)),
    }
}

fn observe(data: &[u8]) -> Option<Observed> {
    let keyring = Keyring::parse(data).ok()?;
    let written = keyring.to_bytes();
    let again = |line: &AllowedSigner| line.to_string().parse().ok();
    Some(Observed {
        data: data.to_vec(),
        read_again: Keyring::parse(&written).ok(),
        lines_again: keyring.signers().iter().map(again).collect(),
        judged: judged(&keyring),
        next: keyring.next().and_then(|draft| draft.finish()),
        written,
        keyring,
    })
}

fn judged(keyring: &Keyring) -> Vec<Judged> {
    let mut all = Vec::new();
    for role in Role::ALL {
        let mut ask = |made_as, seeds: &'static [u8], message: &[u8]| {
            let verified = keyring.verify(role, message, &signed(made_as, seeds), now());
            let (counted, is_message) = (verified.ok(), message == MESSAGE);
            all.push(Judged { role, made_as, seeds, is_message, counted });
        };
        for seeds in TOGETHER {
            ask(role, seeds, MESSAGE);
        }
        ask(role, &SEEDS, b"something else\n");
        let other = if role == Role::Operator { Role::Publisher } else { Role::Operator };
        ask(other, &SEEDS, MESSAGE);
    }
    all
}

fn now() -> Timestamp {
    Timestamp::from_unix_nanoseconds(NOW_SECONDS * 1_000_000_000).unwrap_or(Timestamp::EPOCH)
}

fn signed(role: Role, seeds: &[u8]) -> Signatures {
    static MADE: OnceLock<Vec<(Role, u8, Signature)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let each = |role| SEEDS.map(|seed| (role, seed, sign(role, MESSAGE, seed)));
        Role::ALL.into_iter().flat_map(each).collect()
    });
    let of = |wanted: &u8| {
        let found = made.iter().find(|(made_as, seed, _)| (made_as, seed) == (&role, wanted));
        found.map(|(_, _, signature)| signature.clone())
    };
    match Signatures::new(seeds.iter().filter_map(of).collect()) {
        Ok(signatures) => signatures,
        Err(error) => panic!("{error}"),
    }
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { data, keyring, written, read_again, lines_again, judged, next } = observed;
    require(written == data, "it is written otherwise than it was read")?;
    require(read_again.as_ref() == Some(keyring), "read again it is another keyring")?;
    let same = keyring.signers().iter().zip(lines_again);
    let mut same = same.map(|(line, again)| again.as_ref() == Some(line));
    require(same.all(|same| same), "a line that is written and read again is another")?;
    for role in Role::ALL {
        let able = people(keyring, role, |_| true).len() as u64;
        let needed = u64::from(keyring.thresholds().of(role).get());
        require(needed <= able, "a threshold is out of reach")?;
    }
    for found in judged {
        judge_signatures(keyring, found)?;
    }
    judge_next(keyring, next)?;
    Ok(Outcome::Accepted)
}

fn judge_signatures(keyring: &Keyring, found: &Judged) -> Result<(), String> {
    let keys = public_keys().iter().filter(|(seed, _)| found.seeds.contains(seed));
    let keys: Vec<_> = keys.map(|(_, key)| key).collect();
    let may = |line: &AllowedSigner| {
        let is_valid = line.valid_after().is_none_or(|after| after.timestamp() <= now())
            && line.valid_before().is_none_or(|before| now() <= before.timestamp());
        is_valid && keys.contains(&line.key())
    };
    let is_good = found.is_message && found.made_as == found.role;
    let people = if is_good { people(keyring, found.role, may) } else { BTreeSet::new() };
    let suffices = people.len() as u64 >= u64::from(keyring.thresholds().of(found.role).get());
    require(
        suffices == found.counted.is_some(),
        "signatures count for more, or for fewer, people than have signed",
    )?;
    let Some(counted) = &found.counted else { return Ok(()) };
    let names: BTreeSet<&str> = counted.iter().map(|one| one.principal.as_str()).collect();
    require(names == people, "somebody is counted who has not signed, or is not")?;
    require(names.len() == counted.len(), "somebody is counted twice")?;
    let keys: BTreeSet<_> = counted.iter().map(|one| one.key).collect();
    require(keys.len() == counted.len(), "a key is counted twice")
}

/// Who has a key for a role that is not revoked, of those lines that are meant.
fn people(
    keyring: &Keyring,
    role: Role,
    is_meant: impl Fn(&AllowedSigner) -> bool,
) -> BTreeSet<&str> {
    let may = |line: &&AllowedSigner| {
        line.roles().contains(&role) && !keyring.revoked().contains(line.key()) && is_meant(line)
    };
    keyring.signers().iter().filter(may).map(|line| line.principal().as_str()).collect()
}

fn judge_next(keyring: &Keyring, next: &Result<Keyring, InvalidKeyring>) -> Result<(), String> {
    match next {
        Ok(next) => {
            let follows = next.epoch().checked_sub(1) == Some(keyring.epoch())
                && next.previous() == Some(keyring.digest());
            require(follows, "the next epoch does not follow")?;
            let same = (next.signers(), next.revoked()) == (keyring.signers(), keyring.revoked())
                && next.thresholds() == keyring.thresholds();
            require(same, "the next epoch says something else although nothing was changed")
        }
        // Indented, it may be longer than it was.
        Err(InvalidKeyring::Document(InvalidDocument::TooLarge { .. })) => Ok(()),
        Err(InvalidKeyring::LastEpoch { .. }) if keyring.epoch() == u64::MAX => Ok(()),
        Err(error) => Err(format!("no epoch can follow: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn keyrings_are_read_and_what_is_none_is_refused() {
        let all = seeds::keyrings();
        for (name, bytes) in &all {
            let expected = match *name {
                "out-of-reach" | "key-twice" => Outcome::Refused,
                _ => Outcome::Accepted,
            };
            assert_eq!(run(bytes), expected, "{name}");
        }
        assert_eq!(run(b"{}"), Outcome::Refused);
    }

    /// The seeds are not all the same to the oracle: some signatures suffice, and some do not.
    #[test]
    fn signatures_suffice_and_do_not() {
        let verdicts: BTreeSet<bool> = seeds::keyrings()
            .iter()
            .filter_map(|(_, bytes)| observe(bytes))
            .flat_map(|observed| observed.judged)
            .filter(|found| found.is_message && found.made_as == found.role)
            .map(|found| found.counted.is_some())
            .collect();
        assert_eq!(verdicts.len(), 2);
    }

    /// The oracle is shown what a broken keyring would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let seed = |wanted| seeds::keyrings().into_iter().find(|(name, _)| *name == wanted);
        let observed = observe(&seed("first").unwrap().1).unwrap();
        let other = observe(&seed("next").unwrap().1).unwrap();
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        let with = |change: &dyn Fn(&mut Judged)| {
            let mut changed = observed.clone();
            change(&mut changed.judged[0]);
            changed
        };
        let everybody = observed.judged[0].counted.clone().unwrap();
        let [one, ..] = everybody.as_slice() else { panic!("nobody is counted") };
        let twice = vec![one.clone(), one.clone()];
        let sabotages = [
            Observed { written: b"{}".to_vec(), ..observed.clone() },
            Observed { read_again: None, ..observed.clone() },
            Observed { lines_again: vec![None], ..observed.clone() },
            Observed { next: Ok(other.keyring.clone()), ..other },
            Observed { next: Ok(observed.keyring.clone()), ..observed.clone() },
            Observed { next: Err(InvalidKeyring::EpochZero), ..observed.clone() },
            with(&|judged| judged.counted = None),
            with(&|judged| judged.counted = Some(twice.clone())),
            with(&|judged| judged.counted = Some(Vec::new())),
            with(&|judged| judged.is_message = false),
            with(&|judged| judged.made_as = Role::Keyring),
            with(&|judged| judged.seeds = &[1, 2]),
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
