//! The renderings of example findings.

mod contrast;
mod example;
mod markup;

use super::*;
use crate::disk::{Content, Node, Operation, ROOT};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that would run if it were not escaped.
const HOSTILE: &str = "<script>alert('\"&\u{1b}[2J\u{202e}')</script>";

#[test]
fn the_text_of_a_finding_is_exactly_this() {
    assert_eq!(
        example::acknowledged_too_early().text(),
        include_str!("acknowledged_too_early.txt")
    );
}

#[test]
fn the_text_is_never_wider_than_it_says() {
    let long = "a/rather/long/path/".repeat(9);
    let mut finding = example::everything();
    finding.broken = "word ".repeat(60);
    let frames = vec![Frame::new(long.as_str(), "file.rs", 1), Frame::new("outer", "file.rs", 2)];
    let entry = Entry::new(99, Action::Sync, long, Fate::Failed { errno: 12345 });
    finding.segments[0].push(entry.called_from(frames));
    for finding in [finding, example::acknowledged_too_early()] {
        for line in finding.text().lines() {
            assert!(line.chars().count() <= Timeline::TEXT_COLUMNS, "{line}");
        }
    }
}

#[test]
fn every_action_and_every_fate_is_told_in_the_text() {
    let text = example::everything().text();
    for told in [
        "durable       create  /home/file  a file, mode 600",
        "durable       create  /home/file  a directory, mode 700",
        "durable       create  /home/file  a link to generations/2",
        "durable       name    /home/file",
        "DROPPED       remove  /home/file",
        "kept          rename  /home/file  → to",
        "TORN @512     write   /home/file  8192 bytes at 4000",
        "only the first 512 of 8192 bytes are there",
        "HOLE @4096    write   /home/file  8192 bytes at 4000",
        "bytes 4096 to 8192 of the file are lost",
        "SIZE ONLY     write   /home/file  8192 bytes at 4000",
        "the size is there, the bytes are not: zeros",
        "the size is there, the bytes are not: garbage",
        "kept          resize  /home/file  to 8192 bytes",
        "kept          chmod   /home/file  to 640",
        "synced        sync    /home/file",
        "FAILED EIO    sync    /home/file",
        "LIED          sync    /home/file",
        "LEFT OUT      sync    /home/file",
        "FAILED EIO    read    /home/file",
        "-             damage  /home/file  bit 3 of byte 17 is flipped",
        "● record 7 is acknowledged",
        "━━ ⚡ the power goes, after 21 ━━",
        "━━ ⚡ the process dies, after 1 ━━",
        "━━ ⚡ the engine panics ━━",
        "── read and judged ──",
    ] {
        assert!(text.contains(told), "{told} in\n{text}");
    }
}

#[test]
fn every_row_of_the_page_tells_what_the_text_tells() {
    let finding = example::everything();
    let page = finding.html();
    let (mut verbs, mut fates) = (BTreeSet::new(), BTreeSet::new());
    for entry in finding.segments[0].entries() {
        let begins = page.find(&format!("<tr id=\"run1-{}\"", entry.number)).unwrap();
        let row = page[begins..].split("</tr>").next().unwrap();
        let mut told = vec![entry.fate_word(), entry.action.details(&entry.path)];
        told.extend(entry.action.preview());
        told.extend(entry.fate_note());
        match &entry.action {
            Action::Mark { text } => told.push(text.clone()),
            action => told.extend([format!("<b>{}</b>", action.verb()), entry.path.clone()]),
        }
        for told in told {
            assert!(row.contains(&told), "{told} in {row}");
        }
        verbs.insert(entry.action.verb());
        fates.insert(entry.fate.slug());
    }
    assert_eq!((verbs.len(), fates.len()), (11, 10), "the example has every action and every fate");
    for run in &finding.segments {
        assert!(page.contains(&format!(">{}</td>", run.ending.words())), "{:?}", run.ending);
    }
}

#[test]
fn every_page_is_well_formed() {
    for finding in
        [example::acknowledged_too_early(), example::everything(), example::hostile(HOSTILE)]
    {
        let page = finding.html();
        assert_eq!(markup::fault(&page), None, "{page}");
    }
}

#[test]
fn the_checker_of_markup_finds_what_is_wrong() {
    for page in
        ["<p>", "<p></q>", "</p>", "<p a=b></p>", "a & b", "<p>a < b</p>", "<p a=\"1\" a=\"2\"/>"]
    {
        assert!(markup::fault(page).is_some(), "{page}");
    }
    assert_eq!(markup::fault("<p a=\"b\">c &amp; <br/></p>"), None);
}

#[test]
fn what_is_hostile_is_shown_and_not_obeyed() {
    let finding = example::hostile(HOSTILE);
    let (page, harmless) = (finding.html(), example::hostile("harmless").html());
    assert_eq!(page.matches("<script").count(), 1, "only ours");
    assert_eq!(
        page.matches('<').count(),
        harmless.matches('<').count(),
        "no value has become an element"
    );
    assert!(
        page.contains("&lt;script&gt;alert(&#39;&quot;&amp;\\u{1b}[2J\\u{202e}&#39;)"),
        "{page}"
    );
    for rendering in [finding.text(), page] {
        assert!(!rendering.contains(['\u{1b}', '\u{202e}']), "{rendering}");
    }
}

#[test]
fn a_page_refers_to_nothing_outside_of_itself() {
    let page = example::everything().html();
    let without_namespace = page.replacen("http://www.w3.org/1999/xhtml", "", 1);
    for outside in ["http:", "https:", "//", "url(", "@import", "src="] {
        let found = without_namespace.replace("// ", "").contains(outside);
        assert!(!found, "{outside}");
    }
}

#[test]
fn a_pair_of_two_runs_is_connected_across_the_crash_between_them() {
    let mut finding = example::acknowledged_too_early();
    let (lost, kept) = (EntryRef::new(0, 215), EntryRef::new(2, 12));
    finding.order = Some(Order { lost, kept, tried: true });
    let text = finding.text();
    let gutter: Vec<&str> = text.lines().filter(|line| line.starts_with(['┌', '│', '└'])).collect();
    assert!(gutter[0].starts_with("┌─▶  215"), "{text}");
    assert!(gutter.iter().any(|line| line.starts_with("│  ━━ ⚡ the power goes")), "{text}");
    assert!(gutter.last().unwrap().starts_with("└─▶   12"), "{text}");
    assert!(text.contains("215 of upgrade to 2.0.0 (write"), "{text}");
    assert!(finding.html().contains("class=\"crash linked between\""));
}

#[test]
fn a_pair_of_which_one_is_not_told_is_not_drawn() {
    let mut finding = example::acknowledged_too_early();
    finding.order = Some(Order::within(0, 215, 1));
    assert!(!finding.text().contains('┌') && !finding.text().contains("ORDER"));
    assert!(!finding.html().contains("class=\"pair\""));
}

#[test]
fn a_timeline_is_data_for_machines_too() {
    let value = serde_json::to_value(example::acknowledged_too_early()).unwrap();
    let lines = &value["segments"][0]["lines"];
    assert_eq!(lines[0], serde_json::json!({"kind": "skipped", "operations": 205}));
    assert_eq!(lines[1]["kind"], "entry");
    assert_eq!(lines[1]["action"]["node"], serde_json::json!({"kind": "file"}));
    assert_eq!(lines[15]["fate"], serde_json::json!({"kind": "torn", "after": 4096}));
    assert_eq!(value["order"]["lost"], serde_json::json!({"segment": 0, "number": 215}));
}

#[test]
fn links_lead_to_rows_that_are_there() {
    let page = example::acknowledged_too_early().html();
    let targets: Vec<&str> =
        page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(targets.len(), 4, "two above the table, one in each of the pair");
    for target in targets {
        assert_eq!(page.matches(&format!("id=\"{target}\"")).count(), 1, "{target}");
    }
}

#[test]
fn every_name_that_a_link_can_lead_to_is_given_once() {
    let mut finding = example::acknowledged_too_early();
    let failed = Fate::Failed { errno: libc::EIO };
    let call = Action::Call { name: "read".to_owned() };
    finding.segments[0].push(Entry::new(Number::beside(220), call, "/home", failed));
    finding.order = Some(Order::within(0, Number::beside(220), 220));
    let (page, text) = (finding.html(), finding.text());
    let names: Vec<&str> =
        page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let different: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
    assert!(names.contains(&"run1-220") && names.contains(&"run1-220a"), "{names:?}");
    assert!(page.contains("href=\"#run1-220a\""), "{page}");
    assert!(text.contains("└─▶ 220a  FAILED EIO    read"), "{text}");
    let value = serde_json::to_value(&finding).unwrap();
    assert_eq!(value["order"]["lost"]["number"], "220a");
    assert_eq!(value["order"]["kept"]["number"], 220);
}

#[test]
fn a_sync_that_was_left_out_was_not_lost() {
    let mut finding = example::acknowledged_too_early();
    finding.order = Some(Order::within(0, 216, 219));
    let told = "216 (sync /home/journal/records.jsonl) was left out, and 219";
    assert!(finding.text().contains(told), "{}", finding.text());
    let page = finding.html();
    assert!(page.contains("this was left out") && page.contains("relied on what was left out:"));
}

#[test]
fn what_was_not_tried_is_not_claimed() {
    let mut finding = example::acknowledged_too_early();
    assert!(finding.text().contains(" relied on it") && !finding.text().contains("may have"));
    finding.order = Some(Order { tried: false, ..Order::within(0, 215, 219) });
    assert!(finding.text().contains("acknowledged) may have relied on it"), "{}", finding.text());
    let page = finding.html();
    for told in [
        "A pair whose order may have mattered",
        "this may have relied on it",
        "although this may have relied on it:",
        "may have relied on what was lost:",
    ] {
        assert!(page.contains(told), "{told} in {page}");
    }
}

#[test]
fn what_was_shrunk_is_told_with_its_own_id() {
    let mut finding = example::acknowledged_too_early();
    assert!(!finding.text().contains("shrunk to"));
    finding.shrunk = Some("upgrade-small.posix.1.216.8c3f".to_owned());
    for told in [finding.text(), finding.html()] {
        assert!(told.contains("shrunk to") && told.contains("upgrade-small.posix.1.216.8c3f"));
    }
}

#[test]
fn folding_keeps_what_matters_and_counts_the_rest() {
    let mut run = Segment::new("run", Ending::PowerGoes { after: 40 });
    for number in 1..=40 {
        let fate = if number == 20 { Fate::Dropped } else { Fate::Durable };
        run.push(Entry::new(number, Action::Sync, "/home", fate));
    }
    let mut finding = example::acknowledged_too_early();
    finding.segments = vec![run];
    finding.order = Some(Order::within(0, 20, 30));
    finding.fold(1);
    finding.fold(1);
    let lines: Vec<String> = finding.segments[0]
        .lines
        .iter()
        .map(|line| match line {
            Line::Entry(entry) => entry.number.to_string(),
            Line::Skipped { operations } | Line::Taken { operations } => format!("…{operations}"),
        })
        .collect();
    assert_eq!(lines.join(" "), "…18 19 20 21 …7 29 30 31 …7 39 40");
}

#[test]
fn what_is_not_told_is_counted_by_what_the_crash_did_to_it() {
    let mut run = Segment::new("run", Ending::PowerGoes { after: 9 });
    run.skip(3);
    run.skip(1);
    run.take(1);
    run.take(0);
    run.take(1);
    run.skip(0);
    run.push(Entry::new(9, Action::Sync, "/home", Fate::Kept));
    let mut finding = example::acknowledged_too_early();
    finding.segments = vec![run];
    finding.order = None;
    finding.fold(1);
    let lines = &finding.segments[0].lines;
    assert_eq!(lines[0], Line::Skipped { operations: 4 });
    assert_eq!(lines[1], Line::Taken { operations: 2 });
    for told in [finding.text(), finding.html()] {
        assert!(told.contains("4 operations that the crash left"), "{told}");
        assert!(told.contains("2 operations that the crash took"), "{told}");
    }
}

#[test]
fn operations_of_a_recording_become_actions() {
    let file = || Node::File(Content::default());
    let name = || "records.jsonl".to_owned();
    let data: Arc<[u8]> = Arc::from(*b"{\"seq\":7}\n");
    let link = Node::Link("generations/2".to_owned());
    let operations = [
        (Operation::Create { inode: 2, node: file(), mode: 0o600 }, "create a file, mode 600"),
        (Operation::Create { inode: 2, node: link, mode: 0o777 }, "create a link to generations/2"),
        (Operation::Enter { directory: ROOT, name: name().into(), inode: 2 }, "name "),
        (Operation::Leave { directory: ROOT, name: name().into() }, "remove "),
        (Operation::Write { inode: 2, offset: 4, data }, "write 10 bytes at 4 “{\"seq\":7}\\n”"),
        (Operation::Resize { inode: 2, size: 9 }, "resize to 9 bytes"),
        (Operation::Mode { inode: 2, mode: 0o640 }, "chmod to 640"),
        (Operation::Sync { inode: 2 }, "sync "),
        (Operation::SyncFailed { inode: 2 }, "sync "),
    ];
    for (operation, expected) in operations {
        let action = Action::of(&operation);
        let preview = action.preview().map(|preview| format!(" {preview}")).unwrap_or_default();
        assert_eq!(format!("{} {}{preview}", action.verb(), action.details("/file")), expected);
    }
}

#[test]
fn a_recorded_rename_is_told_with_the_name_before_it() {
    let from = (2, ".tmpAb12Cd".into());
    let same = Operation::Move { from: from.clone(), to: (2, "witness".into()) };
    let entry = Entry::of(1, &same, "/home/journal/witness", Fate::Kept);
    assert_eq!(entry.path, "/home/journal/.tmpAb12Cd");
    assert_eq!(entry.action.details(&entry.path), "→ witness");
    let other = Operation::Move { from, to: (3, "witness".into()) };
    let entry = Entry::of(1, &other, "/home/journal/witness", Fate::Kept);
    assert_eq!(entry.action.details(&entry.path), "→ /home/journal/witness");
}

#[test]
fn a_recorded_sync_that_failed_is_told_as_failed() {
    let entry = Entry::of(1, &Operation::SyncFailed { inode: 2 }, "/file", Fate::Dropped);
    assert_eq!((entry.action, entry.fate), (Action::Sync, Fate::Failed { errno: libc::EIO }));
    let full = Fate::Failed { errno: libc::ENOSPC };
    let entry = Entry::of(1, &Operation::SyncFailed { inode: 2 }, "/file", full.clone());
    assert_eq!(entry.fate, full, "with what it said, if that is known");
}

#[test]
fn a_preview_is_text_where_it_can_be() {
    let preview = |data: &[u8]| Action::write(0, data).preview();
    assert_eq!(preview(b""), None);
    assert_eq!(preview(b"\n\n\n").as_deref(), Some("newlines"));
    assert_eq!(preview(&[0; 4096]).as_deref(), Some("zeros"));
    assert_eq!(preview(&[0xab; 4]).as_deref(), Some("ab throughout"));
    assert_eq!(preview(b"\x00\x01\xff").as_deref(), Some("00 01 ff"));
    assert_eq!(preview("ä".repeat(40).as_bytes()), Some(format!("“{}…”", "ä".repeat(32))));
    let cut = format!("x{}", "ä".repeat(40));
    assert_eq!(preview(cut.as_bytes()), Some(format!("“x{}…”", "ä".repeat(31))));
}

#[test]
fn an_id_that_a_shell_would_read_is_quoted() {
    let mut finding = example::acknowledged_too_early();
    finding.id = "a b'c".to_owned();
    assert_eq!(finding.replay_command(), r"cargo xtask sim --replay 'a b'\''c'");
}

#[test]
fn temporary_names_are_shown_without_what_is_random() {
    for (path, shown) in [
        ("/home/.tmpAb12Cd", "/home/.tmp…"),
        ("/home/.tmpAb12Cd/x/.tmpZz", "/home/.tmp…/x/.tmp…"),
        ("/home/.tmp", "/home/.tmp"),
        ("/home/tmp", "/home/tmp"),
    ] {
        assert_eq!(describe::shown_path(path), shown);
    }
}
