//! Attacks on what is on record.

use std::fs;
use std::process::Command;

use super::Attack;
use super::ground::{Case, Ground, Stage, done, rechained};

const RECORDS: &str = "journal/records.jsonl";

/// The witness file, by its name in the journal's directory.
fn witness(case: &Case<'_>) -> std::path::PathBuf {
    let entries = fs::read_dir(case.at("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut others = entries.filter(|path| *path != case.at(RECORDS));
    let found = others.next().unwrap();
    assert_eq!(others.next(), None, "the journal has more than two files");
    found
}

/// Changes the records; the file keeps its length.
fn rewrite(case: &Case<'_>, change: impl FnOnce(&mut Vec<String>)) {
    let path = case.at(RECORDS);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    change(&mut lines);
    let mut bytes = lines.join("\n").into_bytes();
    bytes.resize(text.len().max(bytes.len() + 1), b'\n');
    fs::write(path, bytes).unwrap();
}

/// Edits what one record says, and nothing else.
fn edit(lines: &mut [String], from: &str, to: &str) {
    let line = lines.iter_mut().find(|line| line.contains(from)).expect(from);
    *line = line.replacen(from, to, 1);
}

fn attack(name: &'static str, error: &'static str, prepare: fn(&Case<'_>)) -> Attack {
    let mut attack = Attack::refused(name, error, |case| {
        ["rollback", "--authorization", &case.ground.statement("back")].map(str::to_owned).into()
    });
    attack.before = Some(prepare);
    attack.on(Stage::Confirmed).exit(8).unrecorded()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = records();
    attacks.extend(heads());
    attacks.extend(files());
    attacks
}

fn records() -> Vec<Attack> {
    vec![
        attack("the last record is removed", "journal-truncated", |case| {
            rewrite(case, |lines| drop(lines.pop()));
        }),
        attack("half of the records are removed", "journal-truncated", |case| {
            rewrite(case, |lines| lines.truncate(lines.len() / 2));
        }),
        attack("the first record is removed", "journal-broken", |case| {
            rewrite(case, |lines| drop(lines.remove(0)));
        }),
        attack("a record in between is removed", "journal-broken", |case| {
            rewrite(case, |lines| drop(lines.remove(5)));
        }),
        attack("a record is edited", "journal-broken", |case| {
            rewrite(case, |lines| edit(lines, "\"left\":2", "\"left\":3"));
        }),
        attack("the last record is edited", "journal-broken", |case| {
            rewrite(case, |lines| lines.last_mut().unwrap().push('!'));
        }),
        attack("two records change places", "journal-broken", |case| {
            rewrite(case, |lines| lines.swap(3, 4));
        }),
        attack("a record is said twice", "journal-broken", |case| {
            rewrite(case, |lines| lines.insert(5, lines[4].clone()));
        }),
        attack("a record is edited, and all hashes are made right", "journal-forked", |case| {
            rewrite(case, |lines| {
                edit(lines, "\"node\":\"node-1\"", "\"node\":\"node-2\"");
                rechained(lines);
            });
        }),
        attack("a record of another home is spliced in", "journal-broken", |case| {
            let other =
                fs::read_to_string(case.ground.home(Stage::Returned).join(RECORDS)).unwrap();
            let spliced = other.lines().rfind(|line| !line.is_empty()).unwrap().to_owned();
            rewrite(case, |lines| *lines.last_mut().unwrap() = spliced);
        }),
    ]
}

fn heads() -> Vec<Attack> {
    vec![
        attack("the journal of another branch", "journal-forked", |case| {
            // Both go on from the same records, each in its own way.
            rewrite(case, |lines| {
                let last = lines.last_mut().unwrap();
                let at = last.find("\"time\":\"20").unwrap() + 8;
                last.replace_range(at..at + 4, "2099");
                rechained(lines);
            });
        }),
        attack("an earlier journal without its witness", "journal-truncated", |case| {
            fs::copy(case.ground.home(Stage::Secured).join(RECORDS), case.at(RECORDS)).unwrap();
        }),
        attack("the witness is removed", "journal-witness-lost", |case| {
            fs::remove_file(witness(case)).unwrap();
        }),
        attack("the witness is emptied", "journal-witness-lost", |case| {
            fs::write(witness(case), b"").unwrap();
        }),
        attack("the witness is edited", "journal-witness-lost", |case| {
            let text = fs::read_to_string(witness(case)).unwrap();
            fs::write(witness(case), text.replace("acknowledged ", "acknowledged 9")).unwrap();
        }),
        attack("the witness of another journal", "journal-truncated", |case| {
            let name = witness(case).file_name().unwrap().to_owned();
            let other = case.ground.home(Stage::Finished).join("journal").join(name);
            fs::copy(other, witness(case)).unwrap();
        }),
        attack("the records are gone", "journal-missing", |case| {
            fs::remove_file(case.at(RECORDS)).unwrap();
        }),
        attack("the journal is gone", "journal-missing", |case| {
            fs::remove_dir_all(case.at("journal")).unwrap();
        }),
        attack("the journal is emptied", "journal-truncated", |case| {
            fs::write(case.at(RECORDS), b"").unwrap();
        }),
        attack("the journal of a home that went on", "integrity-violated", |case| {
            // It is whole, and its own witness vouches for it; the generation that it makes current is not there.
            let name = witness(case).file_name().unwrap().to_owned();
            let other = case.ground.home(Stage::Finished).join("journal");
            fs::copy(other.join("records.jsonl"), case.at(RECORDS)).unwrap();
            fs::copy(other.join(name), witness(case)).unwrap();
        })
        .exit(6)
        .command(|_| vec!["plan".to_owned()]),
    ]
}

fn files() -> Vec<Attack> {
    fn planted(name: &'static str, prepare: fn(&Case<'_>)) -> Attack {
        attack(name, "planted", prepare).exit(6)
    }
    fn pipe(path: &std::path::Path) {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    vec![
        planted("the records are a pipe", |case| pipe(&case.at(RECORDS))),
        planted("the witness is a pipe", |case| pipe(&witness(case))),
        planted("the records are a link", |case| {
            fs::copy(case.at(RECORDS), case.file("elsewhere")).unwrap();
            fs::remove_file(case.at(RECORDS)).unwrap();
            std::os::unix::fs::symlink(case.file("elsewhere"), case.at(RECORDS)).unwrap();
        }),
        planted("the records are a device", |case| {
            fs::remove_file(case.at(RECORDS)).unwrap();
            std::os::unix::fs::symlink("/dev/zero", case.at(RECORDS)).unwrap();
        }),
        planted("the witness is a device", |case| {
            let path = witness(case);
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        }),
        planted("the records are a pipe, for an audit", |case| pipe(&case.at(RECORDS)))
            .command(|_| ["audit", "head"].map(str::to_owned).into()),
        planted("the records are a device, for an audit", |case| {
            fs::remove_file(case.at(RECORDS)).unwrap();
            std::os::unix::fs::symlink("/dev/zero", case.at(RECORDS)).unwrap();
        })
        .command(|_| ["audit", "show"].map(str::to_owned).into()),
        attack("the journal is huge", "journal-too-large", |case| {
            let file = fs::OpenOptions::new().write(true).open(case.at(RECORDS)).unwrap();
            file.set_len((256 << 20) + 1).unwrap();
        }),
        attack("the journal cannot be read", "file-operation-failed", |case| {
            let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o0);
            fs::set_permissions(case.at(RECORDS), nobody).unwrap();
            case.without_privileges();
        })
        .exit(1),
    ]
}

/// What no program can see that has nothing but the home: that its end was cut off together with the witness. So chain heads
/// are kept elsewhere. It is no way to a release that nobody signed, all the same.
pub(super) fn what_nobody_can_see_without_a_copy(ground: &Ground) {
    let case = Case::new(ground, Stage::Confirmed);
    let before = done(&case.home(), &["status"]);
    let head = |case: &Case<'_>| {
        let text = fs::read_to_string(case.at(RECORDS)).unwrap();
        text.lines().rfind(|line| !line.is_empty()).unwrap().to_owned()
    };
    let kept = head(&case);
    // The slot of the last record; the other one vouches for the record before.
    let path = witness(&case);
    rewrite(&case, |lines| {
        let last = lines.len() - 1;
        lines.pop();
        let mut bytes = fs::read(&path).unwrap();
        let at = (last % 2) * 512;
        bytes[at..at + 512].fill(b'\n');
        fs::write(&path, bytes).unwrap();
    });
    let after = done(&case.home(), &["status"]);
    assert_ne!(before, after, "it was confirmed, and is on trial again");
    assert_ne!(head(&case), kept, "whoever kept the head finds it out");
    let line = ["apply", "--release", &ground.package("weak"), "--development"];
    let output = case.run(&line.map(str::to_owned)).unwrap();
    assert_eq!(output.status.code(), Some(5));
}
