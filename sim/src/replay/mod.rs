//! A state is made again from its id, judged, made as small as it can be, told, and kept.

mod again;
mod check;
mod course;
mod made;
mod shrink;
mod sites;
mod story;

use std::fs;

use serde_json::json;

use crate::arguments::{REGRESSIONS, Replay};
use crate::hooks;
use crate::id::StateId;
use crate::judges::Broken;
use crate::report::Violation;
use crate::scenario::Scenario;
use crate::session::Session;
pub(crate) use check::Check;
use made::Made;
use shrink::{Small, shrink};

/// Makes a state again and judges it. Returns whether everything holds.
pub(crate) fn run(replay: &Replay, json: bool) -> bool {
    hooks::freeze(replay.id.seed);
    let began = hooks::real_nanoseconds();
    let (made, judged) = match make_and_judge(&replay.id) {
        Ok(done) => done,
        Err(why) => {
            eprintln!("{}: {why}", replay.id);
            return false;
        }
    };
    let Err(broken) = judged else {
        if json {
            println!("{}", json!({ "type": "replay", "id": replay.id.to_string(), "ok": true }));
        } else {
            println!("{}: everything holds", replay.id);
        }
        return true;
    };
    let operations = made.operations();
    if replay.keep {
        keep(&replay.id.to_string(), broken.judge, &broken.what);
    }
    let small = if replay.shrink { shrink(made, broken, began) } else { Small::of(made, broken) };
    let timeline = story::tell(&small, operations);
    let broken = small.broken;
    let seconds = (hooks::real_nanoseconds() - began) as f64 / 1e9;
    if let Some(path) = &replay.html
        && let Err(error) = fs::write(path, timeline.html())
    {
        eprintln!("{path} cannot be written: {error}");
    }
    if json {
        let line = json!({
            "type": "replay", "id": replay.id.to_string(), "ok": false, "judge": broken.judge,
            "what": broken.what, "operations": story::told(&timeline), "seconds": seconds,
            "timeline": timeline,
        });
        println!("{line}");
    } else {
        println!("{}", timeline.text());
        println!("{} operations told, in {seconds:.1} s", story::told(&timeline));
    }
    false
}

/// Makes every state of the file of regressions again: each must hold now.
pub(crate) fn regressions() -> bool {
    let kept = match kept() {
        Ok(kept) => kept,
        Err(error) => {
            eprintln!("{REGRESSIONS} cannot be read: {error}");
            return false;
        }
    };
    let mut ok = true;
    for id in kept {
        match judged(&id) {
            Ok(None) => println!("{id}: holds"),
            Ok(Some(Violation { judge, what, .. })) => {
                println!("{id}: {judge} says: {what}");
                ok = false;
            }
            Err(why) => {
                println!("{id}: cannot be made any more, and has to be found anew: {why}");
                ok = false;
            }
        }
    }
    ok
}

/// Makes those states of the file of regressions again that are of these scenarios, or all, up to the first violation: what
/// was broken once is what breaks most easily. One that cannot be made is none, as is a file that cannot be read.
pub(crate) fn hunt_regressions(scenarios: &[Scenario], session: &mut Session) {
    let is_of = |id: &str, scenario: &Scenario| {
        let name = id.split(['+', ':']).next();
        name == Some(scenario.name.as_str())
    };
    let kept = kept().unwrap_or_default();
    let wanted = kept
        .iter()
        .filter(|id| scenarios.is_empty() || scenarios.iter().any(|scenario| is_of(id, scenario)));
    for id in wanted {
        if session.is_over() {
            return;
        }
        if let Ok(Some(violation)) = judged(id) {
            session.violate(violation);
        }
    }
}

/// The ids in the file of regressions.
fn kept() -> std::io::Result<Vec<String>> {
    let text = fs::read_to_string(REGRESSIONS)
        .or_else(|_| fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/regressions.txt")))?;
    let lines = text.lines().map(str::trim);
    let ids = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(ids.map(str::to_owned).collect())
}

/// Makes what has this id again. Returns who says that something is broken, and what, if anybody does.
fn judged(id: &str) -> Result<Option<Violation>, String> {
    if let Some(check) = Check::named(id) {
        return check.judge();
    }
    let of: StateId = id.parse()?;
    hooks::freeze(of.seed);
    let (_, judged) = make_and_judge(&of)?;
    Ok(judged.err().map(|Broken { judge, what }| {
        let (id, judge) = (id.to_owned(), judge.to_owned());
        Violation { id, judge, what }
    }))
}

fn make_and_judge(id: &StateId) -> Result<(Made, Result<(), Broken>), String> {
    let made = Made::of(id)?;
    let judged = made.judge();
    Ok((made, judged))
}

/// Adds a state to the file of regressions, with what was broken.
fn keep(id: &str, judge: &str, what: &str) {
    let text = fs::read_to_string(REGRESSIONS).unwrap_or_default();
    let entry = format!("\n# {judge}: {}\n{id}\n", what.replace('\n', " "));
    match fs::write(REGRESSIONS, text + &entry) {
        Ok(()) => println!("kept in {REGRESSIONS}: every test run makes it again"),
        Err(error) => eprintln!("{REGRESSIONS} cannot be written: {error}"),
    }
}
