//! The table of cases: what is signed by whom as what, and how it is asked for.

use authorization::{Moment, Role};
use versioning::Timestamp;

/// Who makes the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Tool,
    Ours,
}

/// Whose key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Alice,
    Bob,
    /// On no line.
    Mallory,
}

impl Who {
    pub(crate) fn principal(self) -> &'static str {
        match self {
            Self::Alice => "alice@example.com",
            Self::Bob => "bob@example.com",
            Self::Mallory => "mallory@example.com",
        }
    }
}

/// What is done to the armored block before it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    Whole,
    Empty,
    Half,
    NoFooter,
    FooterCut,
    NoHeader,
    OtherLabel,
    CarriageReturns,
    TextBefore,
    NewlineBefore,
    LineMissing,
    LineTwice,
    LinesSwapped,
    LaterVersion,
    /// The character of the base64 at this place is another one.
    Flipped(usize),
}

impl Block {
    pub(crate) fn apply(self, armored: &str) -> Vec<u8> {
        let mut lines: Vec<&str> = armored.lines().collect();
        let last = lines.len() - 1;
        let text = match self {
            Self::Whole => armored.to_owned(),
            Self::Empty => String::new(),
            Self::Half => armored[..armored.len() / 2].to_owned(),
            Self::NoFooter => joined(&lines[..last]),
            Self::FooterCut => armored.trim_end()[..armored.len() - 10].to_owned(),
            Self::NoHeader => joined(&lines[1..]),
            Self::OtherLabel => armored.replace("SSH SIGNATURE", "SSH2 SIGNATURE"),
            Self::CarriageReturns => armored.replace('\n', "\r\n"),
            Self::TextBefore => format!("signature:\n{armored}"),
            Self::NewlineBefore => format!("\n{armored}"),
            Self::LineMissing => {
                lines.remove(2);
                joined(&lines)
            }
            Self::LineTwice => {
                lines.insert(2, lines[2]);
                joined(&lines)
            }
            Self::LinesSwapped => {
                lines.swap(2, 3);
                joined(&lines)
            }
            Self::LaterVersion => armored.replacen("U1NIU0lHAAAAAQ", "U1NIU0lHAAAAAg", 1),
            Self::Flipped(place) => flipped(armored, place),
        };
        text.into_bytes()
    }
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn flipped(armored: &str, place: usize) -> String {
    let start = armored.find('\n').unwrap() + 1;
    let mut bytes = armored.as_bytes().to_vec();
    let places = (start..bytes.len()).filter(|at| bytes[*at] != b'\n').collect::<Vec<_>>();
    let at = places[place];
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// One question, of which both must say the same.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) maker: Maker,
    pub(crate) key: Who,
    pub(crate) signed_as: Role,
    pub(crate) asked_as: Role,
    pub(crate) principal: Who,
    /// What alice may sign as. Bob may sign as everything.
    pub(crate) roles: Vec<Role>,
    /// When alice's key is valid. Bob's always is.
    pub(crate) after: Option<Moment>,
    pub(crate) before: Option<Moment>,
    pub(crate) now: Moment,
    /// Whether the key that signs is revoked. Its line stays.
    pub(crate) revoked: bool,
    pub(crate) altered: bool,
    pub(crate) block: Block,
}

impl Case {
    fn right(maker: Maker) -> Self {
        Self {
            maker,
            key: Who::Alice,
            signed_as: Role::Operator,
            asked_as: Role::Operator,
            principal: Who::Alice,
            roles: Role::ALL.to_vec(),
            after: None,
            before: None,
            now: second(AFTER + 1000),
            revoked: false,
            altered: false,
            block: Block::Whole,
        }
    }

    /// What must come out, by the rules as one would explain them.
    pub(crate) fn expected(&self) -> bool {
        let allowed = match self.key {
            Who::Alice => {
                self.roles.contains(&self.asked_as)
                    && self.after.is_none_or(|after| self.now >= after)
                    && self.before.is_none_or(|before| self.now <= before)
            }
            Who::Bob => true,
            Who::Mallory => false,
        };
        allowed
            && self.key == self.principal
            && self.signed_as == self.asked_as
            && !self.revoked
            && !self.altered
            && self.block == Block::Whole
    }
}

/// 2026-01-01T00:00:00Z.
const AFTER: i128 = 1_767_225_600;
/// 2026-07-01T12:34:56Z.
const BEFORE: i128 = 1_782_909_296;

pub(crate) fn second(second: i128) -> Moment {
    Moment::of(Timestamp::from_unix_nanoseconds(second * 1_000_000_000).unwrap()).unwrap()
}

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for maker in [Maker::Tool, Maker::Ours] {
        cases.extend(of_roles(maker));
        cases.extend(of_times(maker));
        cases.extend(of_people(maker));
        cases.extend(of_blocks(maker));
    }
    cases
}

fn of_roles(maker: Maker) -> Vec<Case> {
    let mut cases = Vec::new();
    for signed_as in Role::ALL {
        for asked_as in Role::ALL {
            for roles in
                [Role::ALL.to_vec(), vec![Role::Operator], vec![Role::Publisher, Role::Keyring]]
            {
                for altered in [false, true] {
                    let roles = roles.clone();
                    cases.push(Case { signed_as, asked_as, roles, altered, ..Case::right(maker) });
                }
            }
        }
    }
    cases
}

fn of_times(maker: Maker) -> Vec<Case> {
    let mut cases = Vec::new();
    for (after, before) in [(false, false), (true, false), (false, true), (true, true)] {
        for now in [AFTER - 1, AFTER, AFTER + 1, BEFORE - 1, BEFORE, BEFORE + 1, 1, 4_102_444_800] {
            for revoked in [false, true] {
                let after = after.then(|| second(AFTER));
                let before = before.then(|| second(BEFORE));
                let now = second(now);
                cases.push(Case { after, before, now, revoked, ..Case::right(maker) });
            }
        }
    }
    cases
}

fn of_people(maker: Maker) -> Vec<Case> {
    let people = [Who::Alice, Who::Bob, Who::Mallory];
    let mut cases = Vec::new();
    for key in people {
        for principal in people {
            for (revoked, altered) in [(false, false), (true, false), (false, true), (true, true)] {
                cases.push(Case { key, principal, revoked, altered, ..Case::right(maker) });
            }
        }
    }
    cases
}

fn of_blocks(maker: Maker) -> Vec<Case> {
    let mut blocks = vec![
        Block::Whole,
        Block::Empty,
        Block::Half,
        Block::NoFooter,
        Block::FooterCut,
        Block::NoHeader,
        Block::OtherLabel,
        Block::CarriageReturns,
        Block::TextBefore,
        Block::NewlineBefore,
        Block::LineMissing,
        Block::LineTwice,
        Block::LinesSwapped,
        Block::LaterVersion,
    ];
    // The base64 has 254 whole characters, one with bits to spare, and one that fills up; every field is hit.
    blocks.extend((0..254).step_by(5).map(Block::Flipped));
    blocks.into_iter().map(|block| Case { block, ..Case::right(maker) }).collect()
}
