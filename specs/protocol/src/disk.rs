//! Generations as they lie on the disk, and what a crash may take of them.

use crate::history::Number;

/// What the files of a generation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Some are there, some are not.
    Partial,
    /// All are written; what was not synced may be lost.
    Written,
    /// All are durable.
    Durable,
    /// They were durable, and rotted.
    Rotten,
}

/// Under which name they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A staging directory, which is nobody's.
    Staging,
    /// Its number; the name may be lost.
    Renamed,
    /// Its number, durably.
    Durable,
}

/// A generation on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Built {
    /// Its number.
    pub number: Number,
    /// What its manifest says it was built from.
    pub parent: Option<Number>,
    /// Its name.
    pub name: Name,
    /// Its files.
    pub content: Content,
    /// The acknowledged writes of runtimes that its store holds, a bit each.
    pub writes: u8,
}

impl Built {
    /// Whether it is whole, and stays so whatever happens.
    pub const fn is_whole(self) -> bool {
        matches!((self.name, self.content), (Name::Durable, Content::Durable))
    }
}

/// The generations of a home.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disk {
    /// Those that are there.
    pub built: Vec<Built>,
    /// Whether there may be others, of which nobody knows: the journal that named them is lost.
    pub unknown: bool,
}

impl Disk {
    /// A generation, if it is there.
    pub fn find(&self, number: Number) -> Option<&Built> {
        self.built.iter().find(|built| built.number == number)
    }

    /// Whether a generation is there, whole and durable.
    pub fn is_whole(&self, number: Number) -> bool {
        self.find(number).is_some_and(|built| built.is_whole())
    }

    /// The highest number under which anything lies; 0 if nothing does.
    pub fn last_number(&self) -> Number {
        let named = self.built.iter().filter(|built| built.name != Name::Staging);
        named.map(|built| built.number).max().unwrap_or(0)
    }

    /// Puts a generation where it belongs, in place of what lay there.
    pub fn place(&mut self, built: Built) {
        self.remove(built.number);
        let place = self.built.partition_point(|before| before.number < built.number);
        self.built.insert(place, built);
    }

    /// Removes a generation.
    pub fn remove(&mut self, number: Number) {
        self.built.retain(|built| built.number != number);
    }

    /// Removes all that is staged.
    pub fn sweep(&mut self) {
        self.built.retain(|built| built.name != Name::Staging);
    }

    /// Whether a crash of the machine has a choice here.
    pub fn is_uncertain(&self) -> bool {
        self.built
            .iter()
            .any(|built| built.name != Name::Durable || matches!(built.content, Content::Written))
    }

    /// What a crash of the machine leaves: of what was not synced all, or nothing.
    pub fn crash(&mut self, kept: bool) {
        if !kept {
            self.built.retain(|built| built.name != Name::Staging);
        }
        for built in &mut self.built {
            match (built.name, kept) {
                (Name::Staging, _) => {}
                (Name::Renamed, false) => built.name = Name::Staging,
                (Name::Renamed | Name::Durable, _) => built.name = Name::Durable,
            }
            if built.content == Content::Written {
                built.content = if kept { Content::Durable } else { Content::Partial };
            }
        }
    }
}
