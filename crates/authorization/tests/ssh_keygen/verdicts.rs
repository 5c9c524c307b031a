//! Both say the same of every case of the table.

use std::num::NonZeroU32;

use authorization::{AllowedSigner, Keyring, Role, Signatures, Thresholds};

use crate::cases::{self, Case, Maker, Who};
use crate::tool::{Key, Question, Tool};

const MESSAGE: &[u8] = b"{\"type\":\"something that is signed\"}\n";
const ALTERED: &[u8] = b"{\"type\":\"something that is sigmed\"}\n";

struct World {
    tool: Tool,
    alice: Key,
    bob: Key,
    mallory: Key,
    /// Never signs: keeps every threshold within reach.
    keeper: Key,
}

impl World {
    fn new() -> Self {
        let tool = Tool::new();
        let [alice, bob, mallory, keeper] =
            ["alice", "bob", "mallory", "keeper"].map(|name| tool.make_key(name));
        Self { tool, alice, bob, mallory, keeper }
    }

    fn key(&self, who: Who) -> &Key {
        match who {
            Who::Alice => &self.alice,
            Who::Bob => &self.bob,
            Who::Mallory => &self.mallory,
        }
    }

    fn signature(&self, case: &Case) -> Vec<u8> {
        let key = self.key(case.key);
        let armored = match case.maker {
            Maker::Tool => self.tool.sign(key, case.signed_as.namespace(), MESSAGE),
            Maker::Ours => key.ours.sign(case.signed_as, MESSAGE).unwrap().armored().to_owned(),
        };
        case.block.apply(&armored)
    }

    fn keyring(&self, case: &Case) -> Keyring {
        let line = |name: &str, roles: &[Role], key: &Key| {
            let key = key.ours.public_key().clone();
            AllowedSigner::new(name.parse().unwrap(), roles.iter().copied(), key).unwrap()
        };
        let alice = line(Who::Alice.principal(), &case.roles, &self.alice);
        let alice = alice.valid(case.after, case.before).unwrap();
        let bob = line(Who::Bob.principal(), &Role::ALL, &self.bob);
        let keeper = line("keeper", &Role::ALL, &self.keeper);
        let thresholds = Thresholds::all(NonZeroU32::MIN);
        let keyring = Keyring::first(thresholds, vec![alice.clone(), bob.clone(), keeper]).unwrap();
        if !case.revoked {
            return keyring;
        }
        let revoked = self.key(case.key).ours.public_key().clone();
        let draft = keyring.next().unwrap().revoke(revoked);
        let draft = match case.key {
            Who::Alice => draft.allow(alice),
            Who::Bob => draft.allow(bob),
            Who::Mallory => draft,
        };
        draft.finish().unwrap()
    }

    fn theirs(&self, name: &str, case: &Case, keyring: &Keyring, signature: &[u8]) -> bool {
        self.tool.accepts(&Question {
            name,
            namespace: case.asked_as.namespace(),
            principal: case.principal.principal(),
            allowed_signers: &keyring.allowed_signers_file(None),
            revoked: &keyring.revocation_file(),
            message: if case.altered { ALTERED } else { MESSAGE },
            signature,
            now: case.now,
        })
    }

    /// Prints and returns how many of the cases both accept.
    fn judge(&self, cases: &[(usize, Case)]) -> usize {
        let mut accepted = 0;
        for (number, case) in cases {
            let (keyring, signature) = (self.keyring(case), self.signature(case));
            let ours = ours(case, &keyring, &signature);
            let theirs = self.theirs(&number.to_string(), case, &keyring, &signature);
            assert_eq!((ours, theirs), (case.expected(), case.expected()), "{number}: {case:?}");
            accepted += usize::from(theirs);
        }
        accepted
    }
}

/// What this library says of a principal.
fn ours(case: &Case, keyring: &Keyring, signature: &[u8]) -> bool {
    let message = if case.altered { ALTERED } else { MESSAGE };
    let Ok(signatures) = Signatures::parse(signature) else { return false };
    let now = case.now.timestamp();
    let Ok(signers) = keyring.verify(case.asked_as, message, &signatures, now) else {
        return false;
    };
    signers.iter().any(|signer| signer.principal.as_str() == case.principal.principal())
}

#[test]
fn both_give_the_same_verdict_on_every_case() {
    let world = World::new();
    let cases: Vec<(usize, Case)> = cases::all().into_iter().enumerate().collect();
    let (number, half) = (cases.len(), cases.len() / 2);
    let (first, second) = cases.split_at(half);
    let accepted = std::thread::scope(|scope| {
        let first = scope.spawn(|| world.judge(first));
        world.judge(second) + first.join().unwrap()
    });
    println!("{number} cases, {accepted} of them accepted by both, the others refused by both");
    assert!(number >= 200, "{number} cases are too few");
    assert!(accepted >= 40, "{accepted} accepted cases are too few to show anything");
}

#[test]
fn both_make_the_same_signatures_bit_for_bit() {
    let tool = Tool::new();
    let long: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let messages: [&[u8]; 5] = [b"", b"\n", b"message", b"\0\xff\r\n", &long];
    let mut made = 0;
    for name in ["one", "two", "three"] {
        let key = tool.make_key(name);
        for role in Role::ALL {
            for message in messages {
                let ours = key.ours.sign(role, message).unwrap();
                assert_eq!(ours.armored(), tool.sign(&key, role.namespace(), message));
                made += 1;
            }
        }
    }
    println!("{made} signatures are the same");
}

#[test]
fn what_people_sign_with_ssh_keygen_is_counted() {
    let world = World::new();
    let case = &cases::all()[0];
    let first = world.keyring(case);
    let two = Thresholds::all(NonZeroU32::new(2).unwrap());
    let next = first.next().unwrap().thresholds(two).finish().unwrap();
    let sign = |key: &Key| world.tool.sign(key, "keyring@femtoclaw.dev", &next.to_bytes());
    // As people do it: one file of signatures after the other.
    let both = Signatures::parse((sign(&world.alice) + &sign(&world.bob)).as_bytes()).unwrap();
    let now = case.now.timestamp();
    assert_eq!(first.verify_next(&next, &both, now).unwrap().own.len(), 2);
    let one = Signatures::parse((sign(&world.alice) + &sign(&world.alice)).as_bytes()).unwrap();
    assert!(first.verify_next(&next, &one, now).is_err());
}
