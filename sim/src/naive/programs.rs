//! Small programs that use fjall as one would at first.

use std::fs::File;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use sim::fault::Call;
use sim::world::Mark;

use super::judge::{Fact, Harm};
use crate::hooks;

/// Where the naive programs keep their database.
pub(super) const DATABASE: &str = "/simulated/naive";
/// The one keyspace that they have.
const RECORDS: &str = "records";
/// Others that one program makes.
const MORE: [&str; 2] = ["second", "third"];
/// What a small record holds.
const SMALL: &[u8] = b"small";
/// Bytes of a large record: several pages, and more than fjall buffers.
const LARGE_BYTES: usize = 32 * 1024;
/// Bytes of a first record after which fjall's reader, which reads the journal by 8192 bytes, needs its second read exactly
/// for the next record's kind of compression. Wherever else the reads fall, an error is passed on; in a larger journal some
/// read falls there by chance. A record `first` takes 52 bytes beside its value, and the kind is a record's 16th byte.
const ALIGNING_BYTES: usize = 8192 - 52 - 15;

/// A program, what disturbs it, and what would be a hazard.
pub(super) struct Program {
    /// The hazard that it runs into.
    pub(super) hazard: &'static str,
    /// What it does, for people.
    pub(super) title: &'static str,
    /// What is on the disk before, durably.
    pub(super) prepare: fn(&mut Session) -> fjall::Result<()>,
    /// What it does then.
    pub(super) act: fn(&mut Session) -> fjall::Result<()>,
    /// A kind of call of which, in turn, each fails once with `EIO`. A crash comes at every point in any case.
    pub(super) fault: Option<Call>,
    /// What would be a hazard.
    pub(super) harm: Harm,
    /// How many facts the program must have noted before the crash.
    pub(super) after_facts: usize,
}

/// All programs.
pub(super) const PROGRAMS: [Program; 8] = [
    Program {
        hazard: "H1",
        title: "a database is created in place",
        prepare: |_| Ok(()),
        act: |session| session.open().map(|_| ()),
        fault: None,
        harm: Harm::NeverOpens,
        after_facts: 0,
    },
    Program {
        hazard: "H2",
        title: "a large value is inserted and not synced, beside synced records",
        prepare: Session::prepare_records,
        act: |session| session.open()?.insert("large", vec![b'x'; LARGE_BYTES]),
        fault: None,
        harm: Harm::NeverOpens,
        after_facts: 0,
    },
    Program {
        hazard: "H3",
        title: "an ingestion fails, and is taken as not done",
        prepare: Session::prepare_records,
        act: |session| {
            let records = session.open()?;
            if ingest(&records).is_err() {
                session.note(Fact::refused(RECORDS, "ingested"));
            }
            Ok(())
        },
        fault: Some(Call::Sync),
        harm: Harm::RefusedIsThere,
        after_facts: 1,
    },
    Program {
        hazard: "H4",
        title: "an ingestion fails, and is retried on the same handle",
        prepare: Session::prepare_records,
        act: |session| {
            let records = session.open()?;
            if ingest(&records).is_err() {
                session.note(Fact::Retried);
                ingest(&records)?;
            }
            Ok(())
        },
        fault: Some(Call::Sync),
        harm: Harm::NeverOpens,
        after_facts: 1,
    },
    Program {
        hazard: "H5",
        title: "a keyspace is created, and its record persisted with SyncAll",
        prepare: |session| session.open_database().map(|_| ()),
        act: |session| {
            session.open()?.insert("first", SMALL)?;
            session.persist(&[("first", SMALL)])
        },
        fault: None,
        harm: Harm::KeyspaceLost,
        after_facts: 1,
    },
    Program {
        hazard: "H7",
        title: "a keyspace is cleared, filled again by an ingestion, and persisted with SyncAll",
        prepare: Session::prepare_records,
        act: |session| {
            let records = session.open()?;
            session.forget();
            records.clear()?;
            ingest(&records)?;
            session.persist(&[("ingested", SMALL)])
        },
        fault: None,
        harm: Harm::RecordLost,
        after_facts: 1,
    },
    Program {
        hazard: "H9",
        title: "a read fails once while a database is opened, and open says Ok",
        prepare: |session| {
            let records = session.open()?;
            let aligning = vec![b'x'; ALIGNING_BYTES];
            records.insert("first", aligning.as_slice())?;
            records.insert("second", SMALL)?;
            session.persist(&[("first", &aligning), ("second", SMALL)])
        },
        act: |session| {
            session.open_database()?;
            session.note(Fact::Opened);
            Ok(())
        },
        fault: Some(Call::Read),
        harm: Harm::RecordLost,
        after_facts: 1,
    },
    Program {
        hazard: "H14",
        title: "keyspaces are made, a sync fails, and all says Ok; it is closed, opened and synced",
        prepare: Session::prepare_records,
        act: |session| {
            let database = session.open_database()?;
            for name in MORE {
                database.keyspace(name, KeyspaceCreateOptions::default)?;
            }
            drop(database);
            session.database = None;
            session.open_database()?;
            for directory in ["keyspaces", "keyspaces/0"] {
                File::open(Path::new(DATABASE).join(directory))?.sync_all()?;
            }
            session.note(Fact::Opened);
            Ok(())
        },
        fault: Some(Call::Sync),
        harm: Harm::NeverOpens,
        after_facts: 1,
    },
];

/// Opens the database, without background threads: so that the same is done in every run.
pub(super) fn open() -> fjall::Result<Database> {
    Database::builder(Path::new(DATABASE)).worker_threads_unchecked(0).cache_size(1 << 20).open()
}

fn ingest(records: &Keyspace) -> fjall::Result<()> {
    let mut ingestion = records.start_ingestion()?;
    ingestion.write("ingested", SMALL)?;
    ingestion.finish()
}

/// A running program: its handle, which lives until the process dies, and what it believes.
#[derive(Default)]
pub(super) struct Session {
    database: Option<Database>,
    /// What was known before the program began.
    pub(super) known: Vec<Fact>,
    /// What it came to know, in order: one for each mark in the log.
    pub(super) noted: Vec<Fact>,
}

impl Session {
    /// A program that begins with this knowledge.
    pub(super) fn knowing(known: Vec<Fact>) -> Self {
        Self { known, ..Self::default() }
    }

    fn prepare_records(&mut self) -> fjall::Result<()> {
        self.open()?.insert("first", SMALL)?;
        self.persist(&[("first", SMALL)])
    }

    fn open_database(&mut self) -> fjall::Result<Database> {
        let database = open()?;
        self.database = Some(database.clone());
        Ok(database)
    }

    fn open(&mut self) -> fjall::Result<Keyspace> {
        self.open_database()?.keyspace(RECORDS, KeyspaceCreateOptions::default)
    }

    /// Syncs; from then on these records must be there.
    fn persist(&mut self, records: &[(&str, &[u8])]) -> fjall::Result<()> {
        self.sync()?;
        self.note(Fact::persisted(RECORDS, records));
        Ok(())
    }

    fn sync(&self) -> fjall::Result<()> {
        match &self.database {
            Some(database) => database.persist(PersistMode::SyncAll),
            None => Ok(()),
        }
    }

    /// What was known is going to be deleted.
    fn forget(&mut self) {
        self.known.clear();
    }

    fn note(&mut self, fact: Fact) {
        hooks::with(|world| world.mark(Mark::Note(fact.to_string())));
        self.noted.push(fact);
    }

    /// The process ends here: what it would still write is not written.
    pub(super) fn die(&mut self) {
        hooks::with(|world| world.stop(true));
        self.database = None;
    }

    /// The program ends as it should; what it came to know is known from now on.
    pub(super) fn finish(mut self) -> Vec<Fact> {
        self.database = None;
        self.noted
    }
}
