//! Bit rot: a bit of a sealed home is flipped, a sector is zeroed, stale, another one's, or cannot be read. It must be found,
//! by name, or make no difference. Never silently wrong, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sim::Random;
use sim::disk::{Disk, InodeNumber, Node};
use sim::fault::FaultPlan;
use sim::world::World;
use upgrade::NoTelemetry;

use crate::hooks;
use crate::model::Model;
use crate::observe::{Found, State, look};
use crate::report::Violation;
use crate::scenario::{HOME, HOME_ON_DISK, Recording, environment};
use crate::session::Session;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Of a file that is not ours, and larger than this, so many bytes are tried, spread evenly.
const DENSE_BYTES: u64 = 4096;
/// In a campaign that somebody waits for, so many bytes of every file.
const QUICK_BYTES: u64 = 12;

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

/// All classes: each is met in every campaign.
pub(crate) const CLASSES: [&str; 6] = [
    "bit-rot",
    "sector-zeroed",
    "sector-misdirected",
    "sector-stale",
    "sector-unreadable",
    crate::forgery::CLASS,
];

/// A sealed home, what is in it, and what it held before it was sealed last.
pub(crate) struct Sealed<'s> {
    pub(crate) recording: &'s Recording,
    pub(crate) model: &'s Model,
    /// The same home with another past.
    pub(crate) other: &'s Disk,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
}

impl Sealed<'_> {
    /// Rots every file of the home, each byte of those that are ours; then forges what can be forged.
    pub(crate) fn explore(&self, session: &mut Session) {
        self.forge(session);
        let disk = &self.recording.before;
        let mut random = Random::new(self.seed);
        let mut number = 0;
        for (path, inode) in disk.paths() {
            let Some(Node::File(content)) = disk.inode(inode).map(|inode| &inode.node) else {
                continue;
            };
            if !path.starts_with(HOME_ON_DISK) {
                continue;
            }
            for rot in self.rots(&path, content.size(), &mut random) {
                number += 1;
                if session.is_over() {
                    return;
                }
                if session.is_ours(number) {
                    self.rot(session, &path, inode, rot);
                }
            }
        }
    }

    fn forge(&self, session: &mut Session) {
        let mut number = 0;
        for (what, disk) in crate::forgery::all(&self.recording.before, self.other) {
            number += 1;
            if session.is_over() {
                return;
            }
            if !session.is_ours(number) {
                continue;
            }
            let id = format!("forgery:{}:{}", self.seed, what.replace(' ', "-"));
            session.about_to_judge(&id);
            session.count_fault(crate::forgery::CLASS);
            session.judged(0, false);
            let world = || World::new(disk.clone(), FaultPlan::none());
            let path = what.split(':').next().unwrap_or_default();
            let broken = self.read(world()).or_else(|| self.boot(world(), &disk, path));
            if let Some(what) = broken {
                session.report.violate(Violation { id, judge: "rot".to_owned(), what });
            }
        }
    }

    fn rots(&self, path: &str, size: u64, random: &mut Random) -> Vec<Rot> {
        let ours = !path.contains("/store/");
        let most = match (self.quick, ours) {
            (true, _) => QUICK_BYTES,
            (false, true) => u64::MAX,
            (false, false) => DENSE_BYTES,
        };
        let step = size.div_ceil(most).max(1);
        let mut rots = Vec::new();
        // The padding of the journal is alike everywhere, and larger than all else.
        let spread =
            |offset: u64| if path.ends_with(".jsonl") && offset > 1 << 16 { 64 } else { 1 };
        let mut offset = 0;
        while offset < size {
            rots.push(Rot::Bit { offset, mask: 1 << random.below(8) });
            offset += step * spread(offset);
        }
        let sectors = size.div_ceil(SECTOR);
        let step = sectors.div_ceil(if self.quick { 2 } else { 256 }).max(1);
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
        let id = format!("rot:{}:{path}:{rot:?}", self.seed);
        let mut disk = self.recording.before.clone();
        if !damage(&mut disk, inode, rot) {
            return;
        }
        let unreadable = match rot {
            Rot::Unreadable { offset } => Some((inode, offset..offset + SECTOR)),
            _ => None,
        };
        session.about_to_judge(&id);
        let world = || {
            let world = World::new(disk.clone(), FaultPlan::none());
            match unreadable.clone() {
                Some((inode, bytes)) => world.with_unreadable(inode, bytes),
                None => world,
            }
        };
        session.count_fault(rot.class());
        session.judged(0, false);
        let broken = self.read(world()).or_else(|| self.boot(world(), &disk, path));
        if let Some(what) = broken {
            session.report.violate(Violation { id, judge: "rot".to_owned(), what });
        }
    }

    /// Found, or without effect.
    fn read(&self, world: World) -> Option<String> {
        hooks::install(Some(world));
        let found = look();
        hooks::install(None);
        match &found {
            Found::Panicked(said) => return Some(format!("it panics: {said}")),
            Found::Refused { .. } => return None,
            Found::Home(home) if !home.problems.is_empty() => return None,
            Found::Home(_) => {}
        }
        let before: Vec<_> = self.model.records.iter().take(self.model.records_before).collect();
        let same_records = found.records().iter().collect::<Vec<_>>() == before;
        let same = found.state().as_ref() == self.model.states.first() && same_records;
        (!same).then(|| "the state is another one, and nobody noticed".to_owned())
    }

    /// What `boot` promises: if it starts a runtime, then on what was sealed, but for the bytes of the store.
    fn boot(&self, world: World, disk: &Disk, path: &str) -> Option<String> {
        let Some(State::Home { current, .. }) = self.model.states.first() else { return None };
        let generation = format!("{HOME_ON_DISK}/generations/{current}");
        if path.contains("/generations/") && !path.starts_with(&format!("{generation}/")) {
            return None;
        }
        hooks::install(Some(world));
        let version = {
            let mut telemetry = NoTelemetry;
            let home =
                upgrade::Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO);
            home.ok().and_then(|home| home.state().runtime().cloned())
        };
        let booted = version.map(|version| {
            catch_unwind(AssertUnwindSafe(|| {
                let mut telemetry = NoTelemetry;
                let root = Path::new(HOME);
                upgrade::boot(root, &version, environment(), &mut telemetry, Duration::ZERO).is_ok()
            }))
        });
        hooks::install(None);
        match booted {
            Some(Err(_)) => Some(format!("boot panics: {}", crate::panics::last())),
            Some(Ok(true)) => {
                let store = format!("{generation}/store");
                let parts = |disk: &Disk| disk.fingerprint_below_without(&generation, &[&store]);
                let same = parts(disk) == parts(&self.recording.before);
                (!same)
                    .then(|| "boot starts a runtime on something else than was sealed".to_owned())
            }
            _ => None,
        }
    }
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
