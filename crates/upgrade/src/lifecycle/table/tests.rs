//! The table as a whole: as it was looked at by a person, and what must hold of any.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use super::*;

/// The file that was looked at.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lifecycle/table.txt");

/// Names what is to be accepted, where it is.
const ACCEPT: &str = "FEMTOCLAW_ACCEPT";

/// Every phase × every event.
fn written_out() -> String {
    let mut text = "The lifecycle of a home (FC-UPGRADE-0001 §29): which phase follows on which event, of all phases and all \
                    events.\nIt is what `transition` says in table.rs; a test holds one to the other, and tells how to accept \
                    what was meant.\n\n"
        .to_owned();
    for (number, phase) in Phase::ALL.into_iter().enumerate() {
        let _ = writeln!(text, "{number:>4}  {phase}");
    }
    let _ = writeln!(text, "   .  refused: no such record is written, and none is believed\n");
    let _ = write!(text, "{:<22}", "event / in phase");
    (0..Phase::ALL.len()).for_each(|number| _ = write!(text, "{number:>4}"));
    for event in EventKind::ALL {
        let _ = write!(text, "\n{:<22}", format!("{event:?}"));
        for phase in Phase::ALL {
            let next = transition(phase, event)
                .map_or_else(|| ".".to_owned(), |next| place(next).to_string());
            let _ = write!(text, "{next:>4}");
        }
    }
    text += "\n\nThe same, but for what is refused:\n\n";
    for (phase, event, next) in all() {
        let _ = writeln!(text, "{phase} + {event:?} -> {next}");
    }
    text
}

fn place(phase: Phase) -> usize {
    let found = Phase::ALL.into_iter().position(|listed| listed == phase);
    found.unwrap_or_else(|| panic!("{phase} is not a listed phase"))
}

/// Everything that is not refused.
fn all() -> Vec<(Phase, EventKind, Phase)> {
    let of = |phase: Phase| {
        EventKind::ALL
            .into_iter()
            .filter_map(move |event| Some((phase, event, transition(phase, event)?)))
    };
    Phase::ALL.into_iter().flat_map(of).collect()
}

/// Every phase that these lead to, themselves included.
fn reached(from: Phase) -> BTreeSet<Phase> {
    let mut found = BTreeSet::from([from]);
    // Bounded by the number of phases: each turn but the last finds one.
    loop {
        let next: Vec<Phase> =
            all().into_iter().filter(|(at, ..)| found.contains(at)).map(|(.., to)| to).collect();
        let before = found.len();
        found.extend(next);
        if found.len() == before {
            return found;
        }
    }
}

// trace: test FC-29.1.6
#[test]
fn every_phase_and_every_event_are_ruled_on_as_in_the_table_that_was_accepted() {
    let found = written_out();
    let accepted = fs::read_to_string(SNAPSHOT).unwrap_or_default();
    if found == accepted {
        return;
    }
    if std::env::var_os(ACCEPT).is_some_and(|what| what == "lifecycle") {
        fs::write(SNAPSHOT, &found).unwrap();
        panic!("{SNAPSHOT} was written anew: look at what is other now, and run this once more");
    }
    panic!(
        "the lifecycle is not the one in {SNAPSHOT}:\n{}\nIf that is meant: `{ACCEPT}=lifecycle cargo test -p femtoclaw-upgrade \
         lifecycle` writes it anew.",
        differences(&accepted, &found)
    );
}

/// The lines that only one of two texts has.
fn differences(accepted: &str, found: &str) -> String {
    let only = |sign: char, of: &str, other: &str| -> String {
        let lines = of.lines().filter(|line| !other.lines().any(|found| found == *line));
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    only('-', accepted, found) + &only('+', found, accepted)
}

#[test]
fn every_phase_and_every_event_have_a_place_of_their_own() {
    assert_eq!(BTreeSet::from(Phase::ALL).len(), Phase::ALL.len());
    assert_eq!(BTreeSet::from(EventKind::ALL).len(), EventKind::ALL.len());
    // What leads nowhere is not on the list.
    all().into_iter().for_each(|(.., next)| assert!(place(next) < Phase::ALL.len()));
}

#[test]
fn every_phase_is_reached_from_the_beginning_and_leads_back_to_rest() {
    assert_eq!(reached(Phase::Empty), BTreeSet::from(Phase::ALL));
    for phase in Phase::ALL {
        assert!(reached(phase).contains(&Phase::Idle), "{phase} leads nowhere");
        assert_eq!(reached(phase).contains(&Phase::Empty), phase == Phase::Empty, "{phase}");
    }
}

#[test]
fn every_attempt_can_end_without_effect_and_nothing_else_can() {
    for phase in Phase::ALL {
        let is_attempt = !matches!(phase, Phase::Empty | Phase::Idle);
        let ends = transition(phase, EventKind::Aborted);
        assert_eq!(ends, is_attempt.then_some(Phase::Idle), "{phase}");
    }
}

#[test]
fn an_attempt_begins_by_authority_and_ends_by_one_event_of_its_own_kind() {
    use Operation::{Adopt, Collect, Recover, Rollback, Upgrade};
    for (phase, event, next) in all() {
        match (operation(phase), operation(next)) {
            (None, Some(begun)) => assert_eq!(event, EventKind::Authorized(begun)),
            (Some(one), Some(other)) => assert_eq!(one, other, "{phase} + {event:?}"),
            (Some(ended), None) => {
                let with_effect = match ended {
                    Adopt | Upgrade => EventKind::Activated,
                    Rollback => EventKind::Reverted,
                    Recover => EventKind::Recovered,
                    Collect => EventKind::Collected,
                    other => panic!("{other:?} has no phase"),
                };
                assert!([with_effect, EventKind::Aborted].contains(&event), "{phase} + {event:?}");
            }
            (None, None) => assert_eq!(next, Phase::Idle, "{phase} + {event:?}"),
        }
    }
}

/// The order of §29: nothing is built before it was said what, of what nobody writes to; nothing becomes current unsealed.
// trace: test FC-29.1.1 FC-29.1.2 FC-29.1.3 FC-29.1.4 FC-14.2
#[test]
fn an_upgrade_becomes_current_only_by_every_stage_in_order() {
    use EventKind::{Activated, Authorized, Prepared, Quiesced, Sealed};
    let stages = [Authorized(Operation::Upgrade), Prepared, Quiesced, Sealed, Activated];
    let way = stages.iter().try_fold(Phase::Idle, |phase, event| transition(phase, *event));
    assert_eq!(way, Some(Phase::Idle));
    for left_out in 0..stages.len() {
        let others = stages.iter().enumerate().filter(|(place, _)| *place != left_out);
        let mut rest = others.map(|(_, event)| *event);
        let way = rest.try_fold(Phase::Idle, transition);
        // Without its end the attempt goes on; without anything else it cannot come to its end.
        let goes_on = left_out == stages.len() - 1;
        assert_eq!(way, goes_on.then_some(Phase::Sealed(Operation::Upgrade)), "{left_out}");
    }
}

/// The attempt that goes on in a phase.
fn operation(phase: Phase) -> Option<Operation> {
    match phase {
        Phase::Empty | Phase::Idle => None,
        Phase::Authorized(operation)
        | Phase::Prepared(operation)
        | Phase::Quiesced(operation)
        | Phase::Sealed(operation) => Some(operation),
    }
}
