//! What others do to a home: a second upgrader, a crash that was there before, litter.

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use sim::disk::Operation;
use sim::fault::FaultPlan;
use sim::world::World;
use upgrade::{Error, Home, NoTelemetry};

use super::step::{apply, environment};
use super::{HOME, HOME_ON_DISK};
use crate::hooks;

thread_local! {
    /// Whether somebody else wants the home too.
    static RIVALLED: Cell<bool> = const { Cell::new(false) };
}

/// A second upgrader: it must be refused, by name, and change nothing.
pub(super) fn second_upgrader() {
    RIVALLED.set(true);
    rival();
    RIVALLED.set(false);
}

/// Called with every record that is acknowledged.
pub(super) fn on_record() {
    if RIVALLED.get() {
        rival();
    }
}

fn rival() {
    let changes = || hooks::with(|world| world.log().len()).unwrap_or_default();
    let before = changes();
    let mut telemetry = NoTelemetry;
    let refused = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO);
    let name = refused.as_ref().err().map(Error::name);
    let disturbed = hooks::with(|world| world.faults().hits() > 0).unwrap_or_default();
    let as_it_should = name == Some("locked") || (disturbed && name.is_some());
    assert!(as_it_should, "a second upgrader is not refused as it should be, but with {name:?}");
    drop(refused);
    assert_eq!(changes(), before, "a second upgrader that is refused changes the disk");
}

/// Does something while somebody appends to a file, at the `nth` time that something is reported, and puts the file back when
/// it is done: what was written meanwhile is for the product to notice.
pub(super) fn written_to(
    file: &str,
    nth: u64,
    act: impl FnOnce(&mut dyn FnMut()) -> Result<(), Error>,
) -> Result<(), Error> {
    let before = spared(|| fs::metadata(file)).expect("there is a file to write to").len();
    let mut reported = 0;
    let mut write = || {
        reported += 1;
        if reported != nth {
            return;
        }
        spared(|| {
            let mut file = fs::OpenOptions::new().append(true).open(file)?;
            file.write_all(b"{\"id\":99}\n")
        })
        .expect("a file can be written to");
    };
    let acted = act(&mut write);
    spared(|| {
        let file = fs::OpenOptions::new().write(true).open(file)?;
        file.set_len(before)?;
        file.sync_all()
    })
    .expect("what was written can be taken back");
    acted
}

/// Does something while a runtime has the store of the current generation open.
pub(super) fn in_use(act: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let current = spared(|| {
        let mut telemetry = NoTelemetry;
        let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO)?;
        Ok::<_, Error>(home.state().current)
    })?;
    let current = current.expect("a generation is current");
    // As the engine takes it.
    let held = spared(|| {
        let lock = fs::File::open(format!("{HOME}/generations/{current}/store/lock"))?;
        lock.try_lock()?;
        Ok::<_, std::io::Error>(lock)
    })
    .expect("nobody else has the store open");
    let acted = act();
    drop(held);
    acted
}

/// Does something while the disk does not give a file, of which it keeps every byte.
pub(super) fn unreadable<T>(path_on_disk: &str, act: impl FnOnce() -> T) -> T {
    hooks::with(|world| {
        let inode = world.disk().lookup(path_on_disk).expect("there is a file to be read");
        world.set_unreadable(Some((inode, 0..u64::MAX)));
    });
    let done = act();
    hooks::with(|world| world.set_unreadable(None));
    done
}

/// Does something that no fault meets: it is not the product's.
pub(super) fn spared<T>(act: impl FnOnce() -> T) -> T {
    hooks::with(|world| world.spare(true));
    let done = act();
    hooks::with(|world| world.spare(false));
    done
}

/// Makes an empty directory where the home is to be.
pub(super) fn open_directory() -> Result<(), Error> {
    let act = || {
        fs::create_dir(HOME)?;
        fs::set_permissions(HOME, Permissions::from_mode(0o755))
    };
    act().expect("a directory is made");
    Ok(())
}

/// Leaves the home as an upgrade would that was killed just before its commit point.
pub(super) fn interrupt(version: &'static str) -> Result<(), Error> {
    let Some(mut disk) = hooks::with(|world| world.disk().clone()) else { return Ok(()) };
    hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
    apply(version, &FemtoClaw, Some(upgrade::Authorization::development()), &mut || {})?;
    let world = hooks::install(None);
    for logged in world.iter().flat_map(|world| world.log()) {
        let Some(operation) = logged.operation() else { continue };
        let commits = matches!(operation, Operation::Write { data, .. }
            if data.windows(11).any(|found| found == b"\"ACTIVATED\""));
        if commits && logged.path().ends_with("records.jsonl") {
            break;
        }
        disk.apply(operation);
    }
    disk.settle();
    hooks::install(Some(World::new(disk, FaultPlan::none())));
    Ok(())
}

/// Somebody removes files of the journal.
pub(super) fn lose_journal(files: &[&str]) -> Result<(), Error> {
    for name in files {
        let path = Path::new(HOME).join("journal").join(name);
        fs::remove_file(path).expect("the journal was there");
    }
    Ok(())
}

/// A byte of the journal's first record is another one.
pub(super) fn damage_journal() -> Result<(), Error> {
    let act = || -> std::io::Result<()> {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(Path::new(HOME).join("journal/records.jsonl"))?;
        file.write_all_at(b"#", 10)?;
        file.sync_all()
    };
    act().expect("the journal is damaged");
    Ok(())
}

/// Somebody who was killed, or an older version, left things lying about.
pub(super) fn litter() -> Result<(), Error> {
    let home = Path::new(HOME);
    let half = home.join("generations/.staging-7/store");
    let act = || -> std::io::Result<()> {
        fs::create_dir_all(half.join("keyspaces/0"))?;
        fs::write(half.join("0.jnl"), b"half a database")?;
        fs::create_dir_all(home.join("generations/.staging-reading/keyspaces"))?;
        fs::write(home.join("lock"), b"4294967295\n")?;
        fs::write(home.join("current.tmp"), b"")?;
        let stray = home.join("journal/records.jsonl.tmp");
        fs::write(&stray, b"{\"seq\":")?;
        fs::set_permissions(&stray, Permissions::from_mode(0o600))
    };
    act().expect("litter is left");
    assert!(HOME.ends_with(HOME_ON_DISK), "both are the home");
    Ok(())
}
