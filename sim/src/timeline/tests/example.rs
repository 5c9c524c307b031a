//! Example findings.

use crate::timeline::{Action, Ending, Entry, Fate, Frame, NodeKind, Order, Segment, Timeline};

const RECORDS: &str = "/home/journal/records.jsonl";
const WITNESS: &str = "/home/journal/witness";
const STAGING: &str = "/home/generations/.staging-2";

/// A record was acknowledged whose sync the sabotage had left out; the recovery was crashed too.
pub(super) fn acknowledged_too_early() -> Timeline {
    Timeline {
        id: "upgrade-small.posix.1.217.8c3f".to_owned(),
        seed: 1,
        commit: "fe9633d".to_owned(),
        scenario: "upgrade-small".to_owned(),
        profile: "posix".to_owned(),
        shrunk: None,
        weakest_profile: Some("ordered".to_owned()),
        fault: Some("sabotage: sync 216 is left out".to_owned()),
        judge: "acknowledged records are an intact prefix".to_owned(),
        broken: "Record 7 (SEALED) was acknowledged before the crash, and the journal that is \
                 recovered ends with record 6 (QUIESCED)."
            .to_owned(),
        segments: vec![upgrade(), first_recovery(), second_recovery()],
        order: Some(Order::within(0, 215, 219)),
        operations_in_all: 412,
    }
}

fn upgrade() -> Segment {
    let manifest = "/home/generations/.staging-2/.tmpQ7xPm2";
    let line = br#"{"seq":7,"attempt":4,"event":{"SEALED":{"manifest":"blake3:09c1aa"}}}"#;
    let slot = b"acknowledged 7 blake3:5d0e77b1c2a94c38 blake3:71aa\n";
    let file = Action::Create { node: NodeKind::File, mode: 0o600 };
    let mut run = Segment::new("upgrade to 2.0.0", Ending::PowerGoes { after: 220 });
    run.skip(205);
    run.push(Entry::new(206, file, manifest, Fate::Durable));
    run.push(Entry::new(207, Action::Name, manifest, Fate::Durable));
    run.push(Entry::new(
        208,
        Action::write(0, b"{\"format\":1,\"generation\":2}\n"),
        manifest,
        Fate::Durable,
    ));
    run.push(Entry::new(209, Action::Sync, manifest, Fate::Durable).called_from(replace_frames()));
    let rename = Action::Rename { to: format!("{STAGING}/manifest.json") };
    run.push(Entry::new(210, rename, manifest, Fate::Durable));
    run.push(Entry::new(211, Action::Sync, STAGING, Fate::Durable));
    let rename = Action::Rename { to: "/home/generations/2".to_owned() };
    run.push(Entry::new(212, rename, STAGING, Fate::Durable));
    run.push(Entry::new(213, Action::Sync, "/home/generations", Fate::Durable).called_from(vec![
        Frame::new("durable::rename", "crates/durable/src/lib.rs", 88),
        Frame::new("rollback::Staging::seal", "crates/rollback/src/stage.rs", 141),
    ]));
    run.push(Entry::mark(214, "generation 2 is sealed"));
    let write = Entry::new(215, Action::write(2048, line), RECORDS, Fate::Dropped);
    run.push(write.called_from(append_frames(241)));
    let sync = Entry::new(216, Action::Sync, RECORDS, Fate::LeftOut);
    run.push(sync.called_from(append_frames(243)));
    run.push(Entry::new(217, Action::write(128, slot), WITNESS, Fate::Durable));
    run.push(Entry::new(218, Action::Sync, WITNESS, Fate::Durable).called_from(vec![
        Frame::new("journal::Witness::write", "crates/journal/src/witness.rs", 45),
        Frame::new("journal::Journal::append", "crates/journal/src/file.rs", 180),
    ]));
    run.push(Entry::mark(219, "record 7 is acknowledged"));
    let body = [b'x', 0, 1, 2].repeat(3000);
    let table = "/home/generations/2/store/tables/17";
    run.push(Entry::new(220, Action::write(0, &body), table, Fate::Torn { after: 4096 }));
    run
}

fn first_recovery() -> Segment {
    let mut run = Segment::new("recovery 1", Ending::ProcessDies { after: 3 });
    run.push(Entry::new(1, Action::write(2048, &[b'\n'; 70]), RECORDS, Fate::Kept));
    let error = Fate::Failed { errno: libc::ENOSPC };
    let file = Action::Create { node: NodeKind::File, mode: 0o600 };
    run.push(Entry::new(2, file, "/home/.tmpLockAA", error));
    run.push(Entry::new(3, Action::Remove, "/home/generations/.staging-3", Fate::Kept));
    run
}

fn second_recovery() -> Segment {
    let mut run = Segment::new("recovery 2", Ending::Judged);
    run.skip(11);
    run.push(Entry::mark(12, "the journal ends with record 6"));
    run
}

fn append_frames(line: u32) -> Vec<Frame> {
    let file = "crates/journal/src/file.rs";
    vec![
        Frame::new("journal::write_synced", file, line),
        Frame::new("journal::Journal::append", file, 180),
        Frame::new("upgrade::Verified::seal", "crates/upgrade/src/apply.rs", 311),
        Frame::new("upgrade::Home::upgrade", "crates/upgrade/src/home.rs", 97),
    ]
}

fn replace_frames() -> Vec<Frame> {
    vec![Frame::new("durable::replace", "crates/durable/src/lib.rs", 52)]
}

/// Every action, every fate and every ending.
pub(super) fn everything() -> Timeline {
    let mut run = Segment::new("everything", Ending::PowerGoes { after: 21 });
    let write = || Action::write(4000, &b"0123456789abcdef".repeat(512));
    let link = NodeKind::Link { to: "generations/2".to_owned() };
    let entries = [
        (Action::Create { node: NodeKind::File, mode: 0o600 }, Fate::Durable),
        (Action::Create { node: NodeKind::Directory, mode: 0o700 }, Fate::Durable),
        (Action::Create { node: link, mode: 0o777 }, Fate::Durable),
        (Action::Name, Fate::Durable),
        (Action::Remove, Fate::Dropped),
        (Action::Rename { to: "/home/to".to_owned() }, Fate::Kept),
        (write(), Fate::Torn { after: 512 }),
        (write(), Fate::Hole { from: 4096, to: 8192 }),
        (write(), Fate::SizeOnly { garbage: false }),
        (write(), Fate::SizeOnly { garbage: true }),
        (Action::Resize { size: 8192 }, Fate::Kept),
        (Action::Mode { mode: 0o640 }, Fate::Kept),
        (Action::Sync, Fate::Durable),
        (Action::Sync, Fate::Failed { errno: libc::EIO }),
        (Action::Sync, Fate::Lied),
        (Action::Sync, Fate::LeftOut),
        (Action::Call { name: "read".to_owned() }, Fate::Failed { errno: libc::EIO }),
        (Action::Damage { what: "bit 3 of byte 17 is flipped".to_owned() }, Fate::Untouched),
    ];
    for (number, (action, fate)) in (1..).zip(entries) {
        run.push(Entry::new(number, action, "/home/file", fate));
    }
    run.push(Entry::mark(21, "record 7 is acknowledged"));
    let other = Ending::Other { text: "the engine panics".to_owned() };
    let mut finding = acknowledged_too_early();
    finding.segments = vec![
        run,
        Segment::new("recovery 1", Ending::ProcessDies { after: 1 }),
        Segment::new("recovery 2", other),
        Segment::new("recovery 3", Ending::Judged),
    ];
    finding.order = Some(Order::within(0, 7, 21));
    finding
}

/// A finding in which everything that can be is this text.
pub(super) fn hostile(text: &str) -> Timeline {
    let own = || text.to_owned();
    let mut run = Segment::new(text, Ending::Other { text: own() });
    let actions = [
        Action::Create { node: NodeKind::Link { to: own() }, mode: 0o777 },
        Action::Rename { to: own() },
        Action::Write { offset: 0, bytes: 1, preview: own() },
        Action::Call { name: own() },
        Action::Damage { what: own() },
    ];
    for (number, action) in (1..).zip(actions) {
        let frames = vec![Frame::new(text, text, 1), Frame::new(text, text, 2)];
        run.push(Entry::new(number, action, text, Fate::Kept).called_from(frames));
    }
    run.push(Entry::mark(6, text));
    Timeline {
        id: own(),
        seed: 1,
        commit: own(),
        scenario: own(),
        profile: own(),
        shrunk: Some(own()),
        weakest_profile: Some(own()),
        fault: Some(own()),
        judge: own(),
        broken: own(),
        segments: vec![run],
        order: Some(Order::within(0, 1, 6)),
        operations_in_all: 6,
    }
}
