//! The order of durable steps, seen from outside: `strace` of the real command.
//!
//! The trace is replayed into the set of files and directories that are not yet durable, and the law of ARCHITECTURE.md
//! (“The order of durable steps”) is held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::{PROGRAM, Scene};

/// What a traced call did to the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Lock(PathBuf),
    Create(PathBuf),
    OpenToWrite(PathBuf),
    Write(PathBuf, String),
    Change(PathBuf),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Symlink(PathBuf),
    Remove(PathBuf),
}

const CALLS: &str = "trace=flock,openat,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,\
                     fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,\
                     unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat";

/// Traces a command on a scene's home.
fn trace(scene: &Scene, arguments: &[&str]) -> Vec<Step> {
    let log = scene.path().join("trace");
    let output = std::process::Command::new("strace")
        .args(["-f", "-y", "-s", "4096", "-e", CALLS, "-e", "signal=none", "-o"])
        .arg(&log)
        .arg(PROGRAM)
        .args(arguments)
        .args(["--yes", "--home"])
        .arg(scene.home())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("strace must be installed for this test");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = std::fs::read_to_string(log).unwrap();
    let steps: Vec<Step> = join_unfinished(&text).iter().filter_map(|line| parse(line)).collect();
    assert!(steps.len() > 10, "the trace has {} steps, of {} bytes", steps.len(), text.len());
    steps.into_iter().filter(|step| touches(step, &scene.home())).collect()
}

/// Calls that another thread interrupted stand on two lines.
fn join_unfinished(text: &str) -> Vec<String> {
    let mut open = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            open.insert(process.to_owned(), begun.to_owned());
        } else if call.starts_with("<...") {
            let rest = call.split_once("resumed>").unwrap().1;
            lines.push(open.remove(process).unwrap() + rest);
        } else {
            lines.push(call.to_owned());
        }
    }
    lines
}

fn touches(step: &Step, home: &Path) -> bool {
    let path = match step {
        Step::Lock(path)
        | Step::Create(path)
        | Step::OpenToWrite(path)
        | Step::Write(path, _)
        | Step::Change(path)
        | Step::Sync(path)
        | Step::Rename(_, path)
        | Step::Link(_, path)
        | Step::Symlink(path)
        | Step::Remove(path) => path,
    };
    path.starts_with(home)
}

fn parse(line: &str) -> Option<Step> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let (descriptor, strings) = (descriptor(arguments), strings(arguments));
    let path = |at: usize| Some(resolve(arguments, strings.get(at)?, at));
    Some(match name {
        "flock" => Step::Lock(descriptor?),
        "openat" if arguments.contains("O_CREAT") => Step::Create(path(0)?),
        "openat" if arguments.contains("O_WRONLY") || arguments.contains("O_RDWR") => {
            Step::OpenToWrite(path(0)?)
        }
        "write" | "pwrite64" | "writev" | "pwritev" => {
            Step::Write(descriptor?, strings.first().cloned().unwrap_or_default())
        }
        "ftruncate" | "fallocate" | "fchmod" => Step::Change(descriptor?),
        "chmod" | "fchmodat" => Step::Change(path(0)?),
        "fsync" | "fdatasync" => Step::Sync(descriptor?),
        "rename" | "renameat" | "renameat2" => Step::Rename(path(0)?, path(1)?),
        "link" | "linkat" => Step::Link(path(0)?, path(1)?),
        "symlink" | "symlinkat" => Step::Symlink(path(1)?),
        "mkdir" | "mkdirat" => Step::Create(path(0)?),
        "unlink" | "unlinkat" | "rmdir" => Step::Remove(path(0)?),
        _ => return None,
    })
}

/// The path that `-y` shows behind the first descriptor: `5</home/journal/witness>`.
fn descriptor(arguments: &str) -> Option<PathBuf> {
    let (number, rest) = arguments.split_once('<')?;
    number.parse::<u32>().ok()?;
    Some(rest.split_once('>')?.0.trim_end_matches(" (deleted)").into())
}

/// The strings of a call, unquoted.
fn strings(arguments: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = arguments.chars();
    while characters.any(|character| character == '"') {
        let mut text = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => text.extend(characters.next()),
                other => text.push(other),
            }
        }
        found.push(text);
    }
    found
}

/// A path, made absolute by the directory descriptor that stands before it.
fn resolve(arguments: &str, path: &str, at: usize) -> PathBuf {
    if path.starts_with('/') {
        return path.into();
    }
    let before = arguments.split('"').nth(at * 2).unwrap_or_default();
    let directory = before.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    Path::new(directory.map_or("", |(directory, _)| directory)).join(path)
}

/// What is not durable yet, as the trace goes on.
#[derive(Default)]
struct Disk {
    dirty: BTreeSet<PathBuf>,
}

impl Disk {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Create(path) | Step::Symlink(path) => self.entry(path),
            Step::Write(path, _) | Step::Change(path) => {
                self.dirty.insert(path.clone());
            }
            Step::Sync(path) => {
                self.dirty.remove(path);
            }
            Step::Rename(from, to) => {
                let moved: Vec<_> =
                    self.dirty.iter().filter(|path| path.starts_with(from)).cloned().collect();
                for path in moved {
                    self.dirty.remove(&path);
                    self.dirty.insert(to.join(path.strip_prefix(from).unwrap()));
                }
                self.entry(from);
                self.entry(to);
            }
            Step::Link(_, path) => self.entry(path),
            Step::Remove(path) => {
                self.dirty.retain(|dirty| !dirty.starts_with(path));
                self.entry(path);
            }
            Step::Lock(_) | Step::OpenToWrite(_) => {}
        }
    }

    fn entry(&mut self, path: &Path) {
        self.dirty.insert(path.parent().unwrap().to_path_buf());
    }

    fn dirty_below(&self, root: &Path) -> Vec<&PathBuf> {
        self.dirty.iter().filter(|path| path.starts_with(root)).collect()
    }
}

/// Holds the trace of an upgrade from generation `old` to `new` against the law. Returns what broke it first.
fn check_law(steps: &[Step], home: &Path, old: u64, new: u64) -> Result<(), String> {
    let journal = home.join("journal/records.jsonl");
    let witness = home.join("journal/witness");
    let generations = home.join("generations");
    let (current, staging) =
        (generations.join(old.to_string()), generations.join(format!(".staging-{new}")));
    let placed = generations.join(new.to_string());
    let expected = ["AUTHORIZED", "PREPARED", "QUIESCED", "SEALED", "ACTIVATED"];
    let mut disk = Disk::default();
    let (mut appended, mut locked, mut renamed) = (Vec::new(), false, false);
    for step in steps {
        let record = match step {
            Step::Write(path, text) if *path == journal && text.contains("\"seq\":") => {
                let name = expected.iter().find(|name| text.contains(&format!("\"{name}\"")));
                Some(*name.ok_or_else(|| format!("an unexpected record: {text}"))?)
            }
            _ => None,
        };
        if matches!(step, Step::Lock(_)) {
            locked = true;
        } else if !locked && !matches!(step, Step::Create(path) if path.ends_with("lock")) {
            return Err(format!("before the lock: {step:?}"));
        }
        if let Some(broken) = breaks_old(step, &current) {
            return Err(format!("the current generation is modified: {broken:?}"));
        }
        let builds = matches!(step, Step::Create(path) | Step::Write(path, _)
            if path.starts_with(&staging));
        if builds && !appended.contains(&"QUIESCED") {
            return Err(format!("built before QUIESCED: {step:?}"));
        }
        if let Step::Rename(from, to) = step
            && *to == placed
        {
            let dirty = disk.dirty_below(from);
            if !dirty.is_empty() {
                return Err(format!("renamed into place before being durable: {dirty:?}"));
            }
            renamed = true;
        }
        if let Some(name) = record {
            let dirty: Vec<_> = [&journal, &witness]
                .into_iter()
                .filter(|path| disk.dirty.contains(*path))
                .collect();
            if !dirty.is_empty() {
                return Err(format!("{name} follows a record that is not durable: {dirty:?}"));
            }
            if ["SEALED", "ACTIVATED"].contains(&name) {
                let mut dirty = disk.dirty_below(&placed);
                dirty.extend(disk.dirty.get(&generations));
                if !renamed || !dirty.is_empty() {
                    return Err(format!("{name} before the generation is durable: {dirty:?}"));
                }
            }
            appended.push(name);
        }
        if matches!(step, Step::Symlink(_)) && appended.last() != Some(&"ACTIVATED") {
            return Err("the link for people is refreshed before the commit point".to_owned());
        }
        disk.apply(step);
    }
    if appended != expected {
        return Err(format!("the records are {appended:?}"));
    }
    let dirty = disk.dirty_below(&home.join("journal"));
    if !dirty.is_empty() {
        return Err(format!("the journal is not durable in the end: {dirty:?}"));
    }
    Ok(())
}

fn breaks_old<'s>(step: &'s Step, current: &Path) -> Option<&'s Step> {
    let modifies = match step {
        Step::Create(path)
        | Step::OpenToWrite(path)
        | Step::Write(path, _)
        | Step::Change(path)
        | Step::Symlink(path)
        | Step::Remove(path) => path.starts_with(current),
        Step::Rename(from, to) => from.starts_with(current) || to.starts_with(current),
        Step::Link(_, to) => to.starts_with(current),
        Step::Lock(_) | Step::Sync(_) => false,
    };
    modifies.then_some(step)
}

// trace: test FC-14.2
// trace: test FC-7.1 FC-9.3
#[test]
fn an_upgrade_from_files_keeps_the_order_of_durable_steps() {
    let scene = Scene::adopted();
    let steps = trace(&scene, &["apply", "--development"]);
    assert_eq!(check_law(&steps, &scene.home(), 1, 2), Ok(()));
}

#[test]
fn an_upgrade_of_a_store_keeps_the_order_of_durable_steps() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    let steps = trace(&scene, &["apply", "--development"]);
    assert!(steps.iter().any(|step| matches!(step, Step::Link(..))), "nothing was hard-linked");
    assert_eq!(check_law(&steps, &scene.home(), 2, 3), Ok(()));
}

// trace: test FC-15.3
#[test]
fn a_rollback_is_three_durable_records_and_touches_no_generation() {
    let scene = Scene::upgraded();
    let steps = trace(&scene, &["rollback", "--development"]);
    let mut disk = Disk::default();
    let mut records = Vec::new();
    for step in &steps {
        if let Step::Write(path, text) = step
            && path.ends_with("journal/records.jsonl")
            && text.contains("\"seq\":")
        {
            assert_eq!(disk.dirty_below(&scene.home().join("journal")), Vec::<&PathBuf>::new());
            let names = ["AUTHORIZED", "QUIESCED", "REVERTED"];
            records.push(*names.iter().find(|name| text.contains(**name)).unwrap());
        }
        assert_eq!(breaks_old(step, &scene.home().join("generations")), None);
        disk.apply(step);
    }
    assert_eq!(records, ["AUTHORIZED", "QUIESCED", "REVERTED"]);
    assert_eq!(disk.dirty_below(&scene.home().join("journal")), Vec::<&PathBuf>::new());
}

#[test]
fn without_any_one_of_its_syncs_an_upgrade_would_break_the_order() {
    let scene = Scene::adopted();
    let steps = trace(&scene, &["apply", "--development"]);
    let is_durable = |without: &[usize]| {
        let rest = steps.iter().enumerate().filter(|(at, _)| !without.contains(at));
        let rest: Vec<Step> = rest.map(|(_, step)| step.clone()).collect();
        check_law(&rest, &scene.home(), 1, 2).is_ok()
    };
    let mut by_name: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    let mut needed = 0;
    for (at, step) in steps.iter().enumerate() {
        if let Step::Sync(path) = step {
            by_name.entry(name_in_the_end(path, &steps)).or_default().push(at);
            needed += usize::from(!is_durable(&[at]));
        }
    }
    println!("{needed} syncs are needed, each by itself");
    // The engine syncs what it writes, and all of it is synced again when the staging directory is sealed: there it takes
    // all syncs of a name to be missing. Nothing depends on the directories of the home and of the journal, which are synced
    // for what a killed predecessor may have left, and nobody has; on an empty directory, which has nothing to lose; and on
    // what is gone in the end.
    let is_empty =
        |name: &Path| std::fs::read_dir(name).is_ok_and(|mut found| found.next().is_none());
    let redundant: Vec<_> = by_name
        .iter()
        .filter(|(name, _)| name.exists() && !is_empty(name))
        .filter(|(name, _)| ![scene.home(), scene.home().join("journal")].contains(name))
        .filter(|(_, at)| is_durable(at))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(redundant, Vec::<&PathBuf>::new());
    assert!(needed >= 50, "only {needed} syncs are needed");
}

/// The name that a file or directory has in the end, after all renames.
fn name_in_the_end(path: &Path, steps: &[Step]) -> PathBuf {
    steps.iter().fold(path.to_path_buf(), |name, step| match step {
        Step::Rename(from, to) => name.strip_prefix(from).map_or_else(
            |_| name.clone(),
            |rest| if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) },
        ),
        _ => name,
    })
}

#[test]
fn where_hard_links_are_refused_the_store_is_copied_and_that_is_said() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    let output = std::process::Command::new("strace")
        .args(["-f", "-e", "trace=linkat", "-e", "inject=linkat:error=EPERM", "-o", "/dev/null"])
        .arg(PROGRAM)
        .args(["apply", "--development", "--yes", "--home"])
        .arg(scene.home())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("strace must be installed for this test");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("refuses hard links"), "{text}");
    let linked = Scene::adopted();
    linked.ok(&["apply", "--development"]);
    assert_eq!(scene.verified(3)["state"], linked.verified(2)["state"]);
}
