//! What records say, and what a history of them amounts to.
//!
//! [`History::apply`] only keeps books: it refuses nothing. Which record may follow which is decided by what a process does
//! ([`Model::actions`](crate::Model::actions)), and what must never come to be by [`Invariant`](crate::Invariant).

/// The number of a generation.
pub type Number = u64;

/// What an attempt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Make something that is there generation 1.
    Adopt,
    /// Build and activate the next generation.
    Upgrade,
    /// Go back to the generation before.
    Rollback,
    /// Decide what is current, after the journal was lost.
    Recover,
    /// Remove a generation that nobody needs.
    Collect,
}

/// On whose authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// Nobody signed, and nobody had to.
    Development,
    /// The keyring was satisfied.
    Signed,
    /// None is needed.
    Standing,
}

/// A generation that a recovery found beside the one that it made current, and that one was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoundParent {
    /// Its number.
    pub number: Number,
    /// Whether no runtime has written to it.
    pub as_sealed: bool,
}

/// A record of the journal, without what the protocol does not depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Record {
    /// The first of a journal.
    Initialized {
        /// Whether it replaces one that was lost.
        replaces: bool,
    },
    /// An attempt begins.
    Authorized {
        /// What for.
        operation: Operation,
        /// On whose authority.
        authority: Authority,
    },
    /// Somebody was turned away.
    Refused,
    /// A keyring counts from here on.
    Keyring {
        /// Its epoch.
        epoch: u64,
    },
    /// It is said what will be built.
    Prepared {
        /// From what.
        from: Option<Number>,
        /// Under which number.
        to: Number,
    },
    /// What an attempt leaves is closed, and its digest on record.
    Quiesced {
        /// What is left.
        generation: Number,
    },
    /// The next generation is whole and durable.
    Sealed {
        /// Its number.
        generation: Number,
    },
    /// The commit point of an upgrade.
    Activated {
        /// What is current from here on.
        generation: Number,
        /// Starts that it has to prove itself; none if it has not to.
        tries: u32,
    },
    /// The store is the runtime's to write to.
    Started {
        /// The current generation.
        generation: Number,
    },
    /// A start on trial is counted.
    Tried {
        /// The current generation.
        generation: Number,
        /// Starts that are left.
        left: u32,
    },
    /// A start on trial is given back.
    Stopped {
        /// The current generation.
        generation: Number,
        /// Starts that are left.
        left: u32,
    },
    /// The store is closed and sealed anew.
    Closed {
        /// The current generation.
        generation: Number,
    },
    /// The trial is over: it has proven itself.
    Confirmed {
        /// The current generation.
        generation: Number,
    },
    /// The commit point of a rollback.
    Reverted {
        /// What is left, for good.
        from: Number,
        /// What is current from here on.
        to: Number,
    },
    /// The attempt ends without effect.
    Aborted,
    /// The commit point of a recovery.
    Recovered {
        /// What is current from here on.
        generation: Number,
        /// Whether no runtime has written to it.
        as_sealed: bool,
        /// The way back, if there is one.
        parent: Option<FoundParent>,
    },
    /// A generation is given up; its directory is removed behind this.
    Collected {
        /// Which.
        generation: Number,
    },
}

impl Record {
    /// Its name, as it stands in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialized { .. } => "INITIALIZED",
            Self::Authorized { .. } => "AUTHORIZED",
            Self::Refused => "REFUSED",
            Self::Keyring { .. } => "KEYRING",
            Self::Prepared { .. } => "PREPARED",
            Self::Quiesced { .. } => "QUIESCED",
            Self::Sealed { .. } => "SEALED",
            Self::Activated { .. } => "ACTIVATED",
            Self::Started { .. } => "STARTED",
            Self::Tried { .. } => "TRIED",
            Self::Stopped { .. } => "STOPPED",
            Self::Closed { .. } => "CLOSED",
            Self::Confirmed { .. } => "CONFIRMED",
            Self::Reverted { .. } => "REVERTED",
            Self::Aborted => "ABORTED",
            Self::Recovered { .. } => "RECOVERED",
            Self::Collected { .. } => "COLLECTED",
        }
    }

    /// Whether it ends an attempt, with effect or without.
    pub const fn ends_an_attempt(self) -> bool {
        matches!(
            self,
            Self::Activated { .. }
                | Self::Reverted { .. }
                | Self::Aborted
                | Self::Recovered { .. }
                | Self::Collected { .. }
        )
    }
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It is allowed.
    Authorized,
    /// It is said what will be built.
    Prepared,
    /// What it leaves is closed.
    Quiesced,
    /// What it has built is durable.
    Sealed,
}

/// An attempt that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// What it is about.
    pub operation: Operation,
    /// How far it has come.
    pub stage: Stage,
    /// What it builds.
    pub to: Option<Number>,
}

/// The trial of the current generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trial {
    /// Starts that it was activated with.
    pub tries: u32,
    /// Starts that are left.
    pub left: u32,
    /// Whether the last start was not given back.
    pub running: bool,
}

/// What became of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It is being built.
    Building,
    /// It is or was current.
    Kept,
    /// It was rolled back.
    Bad,
    /// It never came to be.
    Aborted,
    /// It was given up.
    Collected,
}

/// What the journal says of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Known {
    /// Its number.
    pub number: Number,
    /// What it was built from.
    pub parent: Option<Number>,
    /// What became of it.
    pub fate: Fate,
    /// Whether a runtime may have written to its store since it was sealed last.
    pub open: bool,
    /// Whether it is a copy of an installation, which is not run from a home.
    pub adopted: bool,
}

/// What a history of records amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct History {
    /// Whether there is a journal at all.
    pub begun: bool,
    /// Whether it replaces one that was lost.
    pub replaces: bool,
    /// The epoch of the keyring that counts; 0 if there is none.
    pub keyring: u64,
    /// The attempt that is going on.
    pub attempt: Option<Attempt>,
    /// What is current.
    pub current: Option<Number>,
    /// Its trial, if it has not proven itself.
    pub trial: Option<Trial>,
    /// Every generation that was ever heard of, in the order of their numbers.
    pub known: Vec<Known>,
}

impl History {
    /// Keeps the books of one more record.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Initialized { replaces } => {
                *self = Self { begun: true, replaces, ..Self::default() };
            }
            Record::Authorized { operation, .. } => {
                self.attempt = Some(Attempt { operation, stage: Stage::Authorized, to: None });
            }
            Record::Refused => {}
            Record::Keyring { epoch } => self.keyring = epoch,
            Record::Prepared { from, to } => self.prepare(from, to),
            Record::Quiesced { .. } => self.reach(Stage::Quiesced),
            Record::Sealed { .. } => self.reach(Stage::Sealed),
            Record::Activated { generation, tries } => {
                self.make_current(generation);
                self.trial = (tries > 0).then_some(Trial { tries, left: tries, running: false });
            }
            Record::Started { generation } => self.open(generation, true),
            Record::Tried { left, .. } => self.count(left, true),
            Record::Stopped { left, .. } => self.count(left, false),
            Record::Closed { generation } => self.open(generation, false),
            Record::Confirmed { .. } => self.trial = None,
            Record::Reverted { from, to } => {
                self.make_current(to);
                self.fate(from, Fate::Bad);
            }
            Record::Aborted => {
                let to = self.attempt.take().and_then(|attempt| attempt.to);
                if let Some(to) = to {
                    self.fate(to, Fate::Aborted);
                }
            }
            Record::Recovered { generation, as_sealed, parent } => {
                self.recover(generation, as_sealed, parent);
            }
            Record::Collected { generation } => {
                self.fate(generation, Fate::Collected);
                self.attempt = None;
            }
        }
    }

    /// What is known of a generation.
    pub fn known(&self, number: Number) -> Option<&Known> {
        self.known.iter().find(|known| known.number == number)
    }

    /// The generation that a rollback leads to.
    pub fn target(&self) -> Option<Number> {
        let parent = self.known(self.current?)?.parent?;
        self.known(parent).filter(|parent| parent.fate == Fate::Kept).map(|parent| parent.number)
    }

    /// The highest number that was ever used; 0 if none was.
    pub fn last_number(&self) -> Number {
        self.known.iter().map(|known| known.number).max().unwrap_or(0)
    }

    /// Generations with this fate.
    pub fn with_fate(&self, fate: Fate) -> impl Iterator<Item = Number> {
        self.known.iter().filter(move |known| known.fate == fate).map(|known| known.number)
    }

    /// Generations that a collection may remove.
    pub fn collectable(&self) -> impl Iterator<Item = Number> {
        let (target, current, on_trial) = (self.target(), self.current, self.trial.is_some());
        self.with_fate(Fate::Kept)
            .filter(move |number| !on_trial && Some(*number) != current && Some(*number) != target)
    }

    fn prepare(&mut self, from: Option<Number>, to: Number) {
        let (fate, adopted) = (Fate::Building, from.is_none());
        // What records are carried back into is built on what a rollback leads to.
        let carries_back =
            self.attempt.is_some_and(|attempt| attempt.operation == Operation::Rollback);
        let parent = if carries_back { self.target() } else { from };
        self.learn(Known { number: to, parent, fate, open: false, adopted });
        if let Some(attempt) = &mut self.attempt {
            attempt.stage = Stage::Prepared;
            attempt.to = Some(to);
        }
    }

    fn recover(&mut self, number: Number, as_sealed: bool, parent: Option<FoundParent>) {
        if let Some(FoundParent { number, as_sealed }) = parent {
            let (fate, open) = (Fate::Kept, !as_sealed);
            self.learn(Known { number, parent: None, fate, open, adopted: false });
        }
        let parent = parent.map(|parent| parent.number);
        let (fate, open) = (Fate::Kept, !as_sealed);
        self.learn(Known { number, parent, fate, open, adopted: false });
        self.make_current(number);
    }

    /// A number that is heard of again takes the place of what was known: that this never happens is for others to say.
    fn learn(&mut self, known: Known) {
        self.known.retain(|before| before.number != known.number);
        let place = self.known.partition_point(|before| before.number < known.number);
        self.known.insert(place, known);
    }

    fn reach(&mut self, stage: Stage) {
        if let Some(attempt) = &mut self.attempt {
            attempt.stage = stage;
        }
    }

    fn make_current(&mut self, number: Number) {
        self.fate(number, Fate::Kept);
        self.current = Some(number);
        self.trial = None;
        self.attempt = None;
    }

    fn fate(&mut self, number: Number, fate: Fate) {
        if let Some(known) = self.known.iter_mut().find(|known| known.number == number) {
            known.fate = fate;
        }
    }

    fn open(&mut self, number: Number, open: bool) {
        if let Some(known) = self.known.iter_mut().find(|known| known.number == number) {
            known.open = open;
        }
    }

    fn count(&mut self, left: u32, running: bool) {
        if let Some(trial) = &mut self.trial {
            trial.left = left;
            trial.running = running;
        }
    }
}
