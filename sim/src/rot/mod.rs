//! Bit rot: a bit of a sealed home is flipped, a sector is zeroed, stale, another one's, or cannot be read; or somebody
//! forges it. It must be found, by name, or make no difference, to whoever reads it, starts on it, or goes on from it.
//! Never silently wrong, never a panic.

mod forgery;
mod held;

use std::fmt;
use std::ops::Range;

use sim::Random;
use sim::disk::{Content, Disk, Fingerprint, InodeNumber, Node};
use sim::fault::FaultPlan;
use sim::world::World;

use crate::model::Model;
use crate::report::Violation;
use crate::scenario::{HOME_ON_DISK, Recording, Scenario};
use crate::session::Session;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Of a file of the engine, at most so many bytes are tried, spread evenly.
const ENGINE_BYTES: u64 = 4096;
/// Of the journal, which says what everything else is, so many times as many bytes are tried as of other files.
const JOURNAL_FACTOR: u64 = 16;
/// Of reserved space, which is alike everywhere, every so many-th byte is tried; and for somebody who waits.
const RESERVED_STEP: u64 = 64;
const RESERVED_STEP_SPARSE: u64 = 1 << 16;

/// How much of each file rots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Density {
    /// Bytes, spread evenly.
    pub(crate) bytes: u64,
    /// Sectors, likewise.
    pub(crate) sectors: u64,
}

impl Density {
    /// For somebody who waits.
    pub(crate) const SPARSE: Self = Self { bytes: 2, sectors: 1 };
    /// Every byte of what is ours, many of what is the engine's.
    pub(crate) const EVERY_BYTE: Self = Self { bytes: u64::MAX, sectors: 256 };
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rot {
    Bit {
        offset: u64,
        mask: u8,
    },
    Zeroed {
        offset: u64,
    },
    /// What stood elsewhere in the file stands here: a write that went astray, or one that did not come.
    Misplaced {
        offset: u64,
        from: u64,
    },
    /// What the file held before anything was written there: reserved space. A write that never reached the disk, though it
    /// was said to have.
    Stale {
        offset: u64,
    },
    Unreadable {
        offset: u64,
    },
}

impl Rot {
    fn class(self) -> &'static str {
        match self {
            Self::Bit { .. } => "bit-rot",
            Self::Zeroed { .. } => "sector-zeroed",
            Self::Misplaced { .. } => "sector-misdirected",
            Self::Stale { .. } => "sector-stale",
            Self::Unreadable { .. } => "sector-unreadable",
        }
    }
}

impl fmt::Display for Rot {
    /// What, and where: all in one word, for an id.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.class();
        match *self {
            Self::Bit { offset, mask } => write!(out, "{class}@{offset}.{}", mask.trailing_zeros()),
            Self::Misplaced { offset, from } => write!(out, "{class}@{offset}<{from}"),
            Self::Zeroed { offset } | Self::Stale { offset } | Self::Unreadable { offset } => {
                write!(out, "{class}@{offset}")
            }
        }
    }
}

/// All classes: each is met in every campaign.
pub(crate) const CLASSES: [&str; 6] = [
    "bit-rot",
    "sector-zeroed",
    "sector-misdirected",
    "sector-stale",
    "sector-unreadable",
    forgery::CLASS,
];

/// A sealed home, what is in it, and what was to be done with it.
pub(crate) struct Sealed<'s> {
    pub(crate) scenario: &'s Scenario,
    pub(crate) recording: &'s Recording,
    pub(crate) model: &'s Model,
    /// The same home with other pasts.
    pub(crate) others: &'s [Disk],
    pub(crate) seed: u64,
    pub(crate) density: Density,
}

/// A home that rotted.
struct Rotten {
    /// The file that rotted.
    path: String,
    disk: Disk,
    /// Bytes of it that cannot be read.
    unreadable: Option<(InodeNumber, Range<u64>)>,
}

impl Rotten {
    /// What a process sees of it.
    fn world(&self) -> World {
        let mut world = World::new(self.disk.clone(), FaultPlan::none());
        world.set_unreadable(self.unreadable.clone());
        world
    }

    fn fingerprint(&self) -> Fingerprint {
        let bytes = self.unreadable.as_ref().map_or(0, |(_, bytes)| 1 + bytes.start);
        self.disk.fingerprint_without(&[]) ^ Fingerprint::from(bytes)
    }
}

impl Sealed<'_> {
    /// Forges what can be forged, and rots every file of the home.
    pub(crate) fn explore(&self, session: &mut Session) {
        let mut number = 0;
        for (what, disk) in forgery::all(&self.recording.before, self.others) {
            number += 1;
            if session.is_ours(number) {
                let path = what.split(':').next().unwrap_or_default().to_owned();
                let id = format!(
                    "forgery:{}:{}:{}",
                    self.scenario.name,
                    self.seed,
                    what.replace(' ', "-")
                );
                let rotten = Rotten { path, disk, unreadable: None };
                self.hold(session, forgery::CLASS, id, &rotten);
            }
        }
        let disk = &self.recording.before;
        let mut random = Random::new(self.seed);
        for (path, inode) in disk.paths() {
            let file = disk.inode(inode).map(|inode| &inode.node);
            let Some(Node::File(content)) = file.filter(|_| path.starts_with(HOME_ON_DISK)) else {
                continue;
            };
            for rot in self.rots(&path, content, &mut random) {
                number += 1;
                if session.is_ours(number) {
                    self.rot(session, &path, inode, rot);
                }
            }
        }
    }

    fn rots(&self, path: &str, content: &Content, random: &mut Random) -> Vec<Rot> {
        let engine = path.contains("/store/");
        // Reserved space is alike everywhere, and larger than all that was written.
        let size = if path.ends_with(".jsonl") { written(content) } else { content.size() };
        let bytes = match (engine, path.contains("/journal/")) {
            (true, _) => self.density.bytes.min(ENGINE_BYTES),
            (_, true) => self.density.bytes.saturating_mul(JOURNAL_FACTOR),
            _ => self.density.bytes,
        };
        let step = size.div_ceil(bytes).max(1);
        let mut rots = Vec::new();
        let mut offset = 0;
        while offset < content.size() {
            rots.push(Rot::Bit { offset, mask: 1 << random.below(8) });
            let reserved_step = if self.density == Density::EVERY_BYTE {
                RESERVED_STEP
            } else {
                RESERVED_STEP_SPARSE
            };
            offset += if offset >= size { step.max(reserved_step) } else { step };
        }
        let sectors = size.div_ceil(SECTOR);
        let step = sectors.div_ceil(self.density.sectors).max(1);
        for sector in (0..sectors).step_by(usize::try_from(step).unwrap_or(1)) {
            let offset = sector * SECTOR;
            rots.push(Rot::Zeroed { offset });
            rots.push(Rot::Stale { offset });
            rots.push(Rot::Unreadable { offset });
            let from = random.below(sectors) * SECTOR;
            rots.push(Rot::Misplaced { offset, from });
        }
        rots
    }

    fn rot(&self, session: &mut Session, path: &str, inode: InodeNumber, rot: Rot) {
        let mut disk = self.recording.before.clone();
        if !damage(&mut disk, inode, rot) {
            return;
        }
        let unreadable = match rot {
            Rot::Unreadable { offset } => Some((inode, offset..offset + SECTOR)),
            _ => None,
        };
        let id = format!("rot:{}:{}:{path}:{rot}", self.scenario.name, self.seed);
        self.hold(session, rot.class(), id, &Rotten { path: path.to_owned(), disk, unreadable });
    }

    fn hold(&self, session: &mut Session, class: &str, id: String, rotten: &Rotten) {
        if session.is_over() {
            return;
        }
        if !session.about_to_judge(&id) {
            return;
        }
        session.count_fault(class);
        let broken = self.broken(rotten);
        session.judged(rotten.fingerprint(), broken.is_some());
        if let Some(what) = broken {
            session.violate(Violation { id, judge: "rot".to_owned(), what });
        }
    }
}

/// How many bytes were written of a file, without the newlines that are reserved behind them.
fn written(content: &Content) -> u64 {
    let bytes = content.bytes();
    bytes.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last as u64 + 1)
}

/// Damages a file; false if that makes no difference to its bytes, so that there is nothing to find.
fn damage(disk: &mut Disk, inode: InodeNumber, rot: Rot) -> bool {
    let Some(Node::File(content)) = disk.inode(inode).map(|inode| &inode.node) else {
        return false;
    };
    let size = content.size();
    let sector = |offset: u64| {
        let mut bytes = vec![0; usize::try_from(SECTOR.min(size - offset)).unwrap_or_default()];
        content.read(offset, &mut bytes);
        bytes
    };
    let (offset, bytes) = match rot {
        Rot::Bit { offset, mask } => {
            let mut byte = [0];
            content.read(offset, &mut byte);
            (offset, vec![byte[0] ^ mask])
        }
        Rot::Zeroed { offset } => (offset, vec![0; sector(offset).len()]),
        Rot::Misplaced { offset, from } => {
            let mut bytes = sector(from);
            bytes.truncate(sector(offset).len());
            (offset, bytes)
        }
        // Before the last records were appended there was padding.
        Rot::Stale { offset } => (offset, vec![b'\n'; sector(offset).len()]),
        Rot::Unreadable { .. } => return true,
    };
    let mut there = vec![0; bytes.len()];
    content.read(offset, &mut there);
    if there == bytes {
        return false;
    }
    disk.content_mut(inode).map(|content| content.write(offset, &bytes)).is_some()
}
