//! Histories, and what they amount to.

use super::*;
use journal::DataPolicy;
use proptest::prelude::*;
use versioning::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, ProtocolVersion, SchemaVersion,
};

fn versions() -> Versions {
    Versions {
        runtime: RuntimeVersion::new(1, 0, 3),
        storage: SchemaVersion::new(1),
        configuration: ConfigurationSchema::new(1),
        protocol: ProtocolVersion { major: 1, minor: 0 },
        capabilities: CapabilitySet::new(1),
        extensions: ExtensionSet::new(1),
    }
}

fn number(number: u64) -> GenerationNumber {
    GenerationNumber::new(number)
}

fn authorized(operation: Operation) -> Event {
    authorized_by(operation, Authority::Development)
}

fn authorized_by(operation: Operation, authority: Authority) -> Event {
    let operator = "test".to_owned();
    Event::Authorized { operation, authority, operator, signed: None, clock_behind: false }
}

fn prepared(from: Option<u64>, to: u64) -> Event {
    Event::Prepared {
        from: from.map(number),
        to: number(to),
        previous: None,
        target: Box::new(versions()),
        plan: Digest::of(b"plan"),
        release: None,
    }
}

fn quiesced(generation: u64) -> Event {
    let (store, parts) = (Digest::of(b"store"), Digest::of(b"parts"));
    Event::Quiesced { generation: number(generation), store, parts }
}

fn sealed(generation: u64) -> Event {
    Event::Sealed { generation: number(generation), manifest: Digest::of(b"manifest") }
}

fn activated(generation: u64, tries: u32) -> Event {
    Event::Activated { generation: number(generation), tries }
}

fn reverted(from: u64, to: u64) -> Event {
    let data = DataPolicy::SetAside;
    let (from, to, reason) = (number(from), number(to), String::new());
    Event::Reverted { from, to, data, reason, records: None }
}

fn tried(generation: u64, left: u32) -> Event {
    Event::Tried { generation: number(generation), left }
}

fn stopped(generation: u64, left: u32) -> Event {
    Event::Stopped { generation: number(generation), left }
}

fn started(generation: u64) -> Event {
    Event::Started { generation: number(generation), runtime: RuntimeVersion::new(1, 0, 3) }
}

fn confirmed(generation: u64) -> Event {
    Event::Confirmed { generation: number(generation) }
}

fn aborted() -> Event {
    Event::Aborted { reason: String::new() }
}

/// Folds events as attempts of their own: each `AUTHORIZED` begins one.
fn fold(events: &[Event]) -> Result<HomeState, (usize, String)> {
    let mut state = HomeState::empty();
    for (at, event) in events.iter().enumerate() {
        let attempt = state.attempt.as_ref().map_or(at as u64, |open| open.number);
        state
            .advance(at as u64, attempt, event, Timestamp::EPOCH)
            .map_err(|reason| (at, reason))?;
    }
    Ok(state)
}

fn initialized() -> Event {
    Event::Initialized { format: 1, product: "test".to_owned(), replaces: None }
}

/// Adopted as generation 1, upgraded to generation 2.
fn history() -> Vec<Event> {
    vec![
        initialized(),
        authorized(Operation::Adopt),
        prepared(None, 1),
        sealed(1),
        activated(1, 0),
        authorized(Operation::Upgrade),
        prepared(Some(1), 2),
        quiesced(1),
        sealed(2),
        activated(2, 3),
    ]
}

// trace: test FC-7.1 FC-7.3 FC-29.1.4
#[test]
fn an_upgrade_is_old_until_activated_and_new_from_then_on() {
    let history = history();
    for end in 5..history.len() {
        assert_eq!(fold(&history[..end]).unwrap().current, Some(number(1)), "{end}");
    }
    let state = fold(&history).unwrap();
    assert_eq!((state.current, state.phase), (Some(number(2)), Phase::Idle));
    assert_eq!(state.standing, Standing::Trial { tries: 3, left: 3, running: false });
    assert_eq!(state.rollback_target().unwrap().0, number(1));
    assert_eq!(state.next_generation(), number(3));
}

// trace: test FC-15.4
#[test]
fn after_a_rollback_the_abandoned_generation_is_bad_and_its_number_used_up() {
    let rollback = [authorized(Operation::Rollback), quiesced(2), reverted(2, 1)];
    let state = fold(&[history(), rollback.into()].concat()).unwrap();
    let unread = [authorized(Operation::Rollback), reverted(2, 1)];
    assert!(fold(&[history(), unread.into()].concat()).is_ok(), "2 need not be readable");
    assert_eq!(state.current, Some(number(1)));
    assert_eq!(state.standing, Standing::Confirmed);
    assert_eq!(state.generations[&number(2)].fate, Fate::Bad);
    assert_eq!(state.next_generation(), number(3));
    assert!(state.rollback_target().is_none(), "a bad generation is never gone back to");
}

fn preserved(from: u64, to: u64) -> Event {
    let (from, to, data) = (number(from), number(to), DataPolicy::Preserve);
    Event::Reverted { from, to, data, reason: String::new(), records: None }
}

// trace: test FC-7.1 FC-15.3
#[test]
fn a_rollback_that_carries_records_back_builds_on_what_it_leads_to() {
    let rollback = authorized(Operation::Rollback);
    let built = [rollback.clone(), prepared(Some(2), 3), quiesced(2), sealed(3)];
    let after = |events: &[Event]| fold(&[&history(), events].concat());
    for end in 0..built.len() {
        assert_eq!(after(&built[..end]).unwrap().current, Some(number(2)), "{end}");
        let ended = after(&[&built[..end], &[preserved(2, 3)]].concat());
        assert!(ended.is_err(), "{end}: it is not complete");
    }
    let state = after(&[&built as &[Event], &[preserved(2, 3)]].concat()).unwrap();
    assert_eq!((state.current, state.standing), (Some(number(3)), Standing::Confirmed));
    assert_eq!(state.rollback_target().map(|(found, _)| found), Some(number(1)));
    assert_eq!(state.generations[&number(2)].fate, Fate::Bad);
    let wrong: [(&str, Event); 4] = [
        ("the generation before itself", preserved(2, 1)),
        ("set aside, to what was built", reverted(2, 3)),
        ("set aside, as if nothing had been built", reverted(2, 1)),
        ("on trial", activated(3, 3)),
    ];
    for (why, event) in wrong {
        assert!(after(&[&built as &[Event], &[event]].concat()).is_err(), "{why}");
    }
    assert!(after(&[rollback, preserved(2, 1)]).is_err(), "nothing was built");
    let undone = after(&[&built as &[Event], &[aborted()]].concat()).unwrap();
    assert_eq!(undone.current, Some(number(2)));
    assert_eq!(undone.generations[&number(3)].fate, Fate::Aborted);
}

/// What the trial of generation 2 comes to, or the event that cannot be.
fn trial(events: &[Event]) -> Result<(u32, bool), usize> {
    let before = history().len();
    let state = fold(&[&history(), events].concat()).map_err(|(at, _)| at - before)?;
    match state.standing {
        Standing::Trial { tries: 3, left, running } => Ok((left, running)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_try_takes_exactly_one_of_those_that_are_left() {
    let all = [tried(2, 2), tried(2, 1), tried(2, 0)];
    for (count, left) in [(0, 3), (1, 2), (2, 1), (3, 0)] {
        assert_eq!(trial(&all[..count]), Ok((left, count > 0)));
        for wrong in (0..5).filter(|wrong| wrong + 1 != left) {
            let events = [&all[..count], &[tried(2, wrong)]].concat();
            assert_eq!(trial(&events), Err(count), "{wrong} after {left}");
        }
    }
    assert_eq!(trial(&[tried(1, 2)]), Err(0), "of another generation");
    let ended = |event| fold(&[history(), vec![confirmed(2), event]].concat());
    assert!(ended(tried(2, 2)).is_err(), "not on trial any more");
    assert!(ended(started(2)).is_ok());
}

#[test]
fn a_stop_gives_the_last_try_back_and_no_other() {
    assert_eq!(trial(&[tried(2, 2), stopped(2, 3)]), Ok((3, false)));
    assert_eq!(trial(&[stopped(2, 4)]), Err(0), "nothing was tried");
    assert_eq!(trial(&[tried(2, 2), stopped(2, 2)]), Err(1), "nothing is given back");
    assert_eq!(trial(&[tried(2, 2), stopped(2, 4)]), Err(1), "too much is");
    assert_eq!(trial(&[tried(2, 2), stopped(2, 3), stopped(2, 4)]), Err(2), "twice");
    // The first of these crashed: it stays spent.
    let crashed = [tried(2, 2), tried(2, 1), stopped(2, 2)];
    assert_eq!(trial(&crashed), Ok((2, false)));
    assert_eq!(trial(&[&crashed as &[Event], &[stopped(2, 3)]].concat()), Err(3));
    assert!(fold(&[history(), vec![tried(2, 2), confirmed(2), stopped(2, 3)]].concat()).is_err());
}

#[test]
fn a_start_on_trial_that_was_not_counted_is_from_before_they_were() {
    assert_eq!(trial(&[started(2), started(2)]), Ok((3, false)));
    assert_eq!(trial(&[started(2), tried(2, 2)]), Ok((2, true)));
}

#[test]
fn only_a_trial_is_left_without_a_decision_and_what_is_current_then_keeps_its_authority() {
    let leave = |authority| vec![authorized_by(Operation::Rollback, authority), reverted(2, 1)];
    let standing = leave(Authority::Standing);
    let mut adopted = history();
    adopted[1] = authorized_by(Operation::Adopt, Authority::Standing);
    let after = |events: Vec<Event>| fold(&[adopted.clone(), events].concat()).unwrap().authority;
    assert_eq!(after(vec![]), Some(Authority::Development));
    assert_eq!(after(standing.clone()), Some(Authority::Standing));
    assert_eq!(after(leave(Authority::Development)), Some(Authority::Development));
    assert_eq!(
        fold(&[history(), standing.clone()].concat()).unwrap().authority,
        Some(Authority::Development)
    );
    assert!(fold(&[history(), vec![confirmed(2)], standing].concat()).is_err(), "confirmed");
}

#[test]
fn an_attempt_that_ends_without_effect_changes_nothing_but_its_number() {
    for end in 6..9 {
        let events = [&history()[..end], &[aborted()]].concat();
        let state = fold(&events).unwrap();
        assert_eq!((state.current, state.phase), (Some(number(1)), Phase::Idle));
        if end > 6 {
            assert_eq!(state.generations[&number(2)].fate, Fate::Aborted);
            assert_eq!(state.next_generation(), number(3));
        }
    }
}

#[test]
fn facts_that_contradict_the_history_are_refused() {
    let with = |event: Event| fold(&[history(), vec![event]].concat());
    let after = |events: &[Event]| fold(&[&history(), events].concat());
    assert!(with(Event::Confirmed { generation: number(1) }).is_err(), "not current");
    let collect =
        |n| after(&[authorized(Operation::Collect), Event::Collected { generation: number(n) }]);
    assert!(collect(2).is_err(), "current");
    assert!(collect(7).is_err(), "unknown");
    assert!(collect(1).is_err(), "the way back");
    let started = |runtime| Event::Started { generation: number(2), runtime };
    assert!(with(started(RuntimeVersion::new(9, 9, 9))).is_err(), "another runtime");
    assert!(with(started(RuntimeVersion::new(1, 0, 3))).is_ok());
    let confirmed = Event::Confirmed { generation: number(2) };
    assert!(after(&[confirmed.clone(), confirmed.clone()]).is_err(), "confirmed twice");
    assert!(with(authorized(Operation::Upgrade)).is_err(), "on trial");
    let upgrade = authorized(Operation::Upgrade);
    let after = |events: &[Event]| {
        fold(&[&history() as &[Event], std::slice::from_ref(&confirmed), events].concat())
    };
    assert!(after(&[upgrade.clone(), prepared(Some(1), 3)]).is_err(), "from what was left");
    assert!(after(&[upgrade.clone(), prepared(Some(2), 2)]).is_err(), "a number used again");
    let to_seal = [upgrade, prepared(Some(2), 3), quiesced(2)];
    let untried = [&to_seal as &[Event], &[sealed(3), activated(3, 0)]].concat();
    assert!(after(&untried).is_err(), "an upgrade without a trial");
    assert!(after(&[&to_seal as &[Event], &[sealed(4)]].concat()).is_err(), "another one");
    let rollback = authorized(Operation::Rollback);
    assert!(after(&[rollback.clone(), quiesced(1)]).is_err(), "not current");
    assert!(after(&[rollback, quiesced(2), reverted(2, 7)]).is_err(), "not its parent");
}

#[test]
fn a_record_of_another_attempt_is_refused() {
    let mut state = fold(&history()[..6]).unwrap();
    let reason = state.advance(6, 99, &prepared(Some(1), 2), Timestamp::EPOCH).unwrap_err();
    assert!(reason.contains("attempt 99"), "{reason}");
    let mut state = fold(&history()).unwrap();
    let confirmed = Event::Confirmed { generation: number(2) };
    assert!(state.advance(10, 5, &confirmed, Timestamp::EPOCH).is_err(), "of an ended one");
}

fn any_event() -> impl Strategy<Value = Event> {
    let n = 1_u64..4;
    prop_oneof![
        Just(authorized(Operation::Upgrade)),
        Just(authorized(Operation::Rollback)),
        Just(authorized_by(Operation::Rollback, Authority::Standing)),
        Just(authorized(Operation::Collect)),
        (proptest::option::of(n.clone()), n.clone()).prop_map(|(from, to)| prepared(from, to)),
        n.clone().prop_map(quiesced),
        n.clone().prop_map(sealed),
        (n.clone(), 0_u32..4).prop_map(|(to, tries)| activated(to, tries)),
        (n.clone(), n.clone()).prop_map(|(from, to)| reverted(from, to)),
        (n.clone(), n.clone()).prop_map(|(from, to)| preserved(from, to)),
        Just(aborted()),
        n.clone().prop_map(confirmed),
        n.clone().prop_map(started),
        (n.clone(), 0_u32..4).prop_map(|(n, left)| tried(n, left)),
        (n.clone(), 0_u32..4).prop_map(|(n, left)| stopped(n, left)),
        n.prop_map(|n| Event::Collected { generation: number(n) }),
    ]
}

proptest! {
    /// Whatever is appended: what is current is kept and sealed, and changes only by an activation or a revert.
    #[test]
    fn no_sequence_of_records_makes_anything_current_that_is_not_kept(
        events in proptest::collection::vec(any_event(), 0..60),
    ) {
        let mut state = fold(&history()).unwrap();
        for (at, event) in (100_u64..).zip(events) {
            let before = state.clone();
            let attempt = before.attempt.as_ref().map_or(at, |open| open.number);
            if state.advance(at, attempt, &event, Timestamp::EPOCH).is_err() {
                state = before;
                continue;
            }
            let (_, current) = state.current_generation().unwrap();
            prop_assert_eq!(current.fate, Fate::Kept);
            prop_assert!(current.manifest.is_some());
            prop_assert_eq!(state.attempt.is_some(), state.phase != Phase::Idle);
            if let Standing::Trial { tries, left, .. } = state.standing {
                prop_assert!(left <= tries, "{left} of {tries} are left");
            }
            let counted = matches!(event, Event::Tried { .. } | Event::Stopped { .. });
            let trial = |state: &HomeState| match state.standing {
                Standing::Trial { left, .. } => Some(left),
                Standing::Confirmed => None,
            };
            if let (Some(left), Some(now), true) =
                (trial(&before), trial(&state), state.current == before.current)
            {
                prop_assert_eq!(left.abs_diff(now), u32::from(counted), "{}", event.name());
            }
            if state.current != before.current {
                let moves = matches!(event, Event::Activated { .. } | Event::Reverted { .. });
                prop_assert!(moves, "{} made another generation current", event.name());
            }
        }
    }
}
