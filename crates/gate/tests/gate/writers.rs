//! The gate, on real threads.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use gate::{Closed, NotDrained, WriteGate};

const NOT_AT_ALL: Duration = Duration::ZERO;
/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(600);

#[test]
fn an_open_gate_lets_in_and_a_closed_one_does_not() {
    let gate = WriteGate::new();
    drop(gate.enter().unwrap());
    gate.close();
    gate.close();
    assert_eq!(gate.enter().err(), Some(Closed));
    assert_eq!(gate.clone().enter().err(), Some(Closed));
    gate.reopen();
    assert!(gate.enter().is_ok());
    assert_eq!(gate.drain(), Ok(()));
    assert_eq!(gate.drain(), Ok(()), "what is quiet is quiet");
    assert_eq!(gate.enter().err(), Some(Closed));
}

#[test]
fn a_thread_that_is_inside_may_enter_once_more_and_cannot_wait_for_itself() {
    let gate = WriteGate::new();
    let outer = gate.enter().unwrap();
    assert_eq!(gate.drain(), Err(NotDrained::Inside));
    assert_eq!(gate.drain_within(LONG), Err(NotDrained::Inside));
    let others = thread::scope(|scope| scope.spawn(|| gate.enter().is_ok()).join().unwrap());
    assert!(others, "a drain that was refused closed it");
    gate.close();
    let inner = gate.enter().unwrap();
    drop(outer);
    assert_eq!(gate.drain(), Err(NotDrained::Inside), "one pass is left");
    drop(inner);
    assert_eq!(gate.enter().err(), Some(Closed));
    assert_eq!(gate.drain(), Ok(()));
}

#[test]
fn who_is_still_inside_is_told_and_waited_for() {
    let gate = WriteGate::new();
    let (entered, has_entered) = channel();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (gate, entered) = (gate.clone(), entered.clone());
                let (leave, may_leave) = channel::<()>();
                scope.spawn(move || {
                    let _passes = (gate.enter().unwrap(), gate.enter().unwrap());
                    entered.send(()).unwrap();
                    // Until the other end is dropped.
                    let _ = may_leave.recv();
                });
                leave
            })
            .collect();
        has_entered.iter().take(3).for_each(drop);
        for (gone, leave) in writers.into_iter().enumerate() {
            let busy = Err(NotDrained::Busy { writers: 3 - gone });
            assert_eq!(gate.drain_within(Duration::from_millis(1)), busy);
            drop(leave);
            // Bounded by the test's own patience.
            while gate.drain_within(NOT_AT_ALL) == busy {
                thread::yield_now();
            }
        }
    });
    assert_eq!(gate.drain_within(NOT_AT_ALL), Ok(()));
}

#[test]
fn a_writer_that_panics_is_not_waited_for() {
    let gate = WriteGate::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _pass = gate.enter().unwrap();
        resume_unwind(Box::new("a writer's panic"));
    }));
    assert!(panicked.is_err());
    assert_eq!(gate.drain_within(NOT_AT_ALL), Ok(()));
}

#[test]
fn a_drain_ends_when_the_gate_is_reopened() {
    let gate = WriteGate::new();
    let pass = gate.enter().unwrap();
    thread::scope(|scope| {
        let drains = [scope.spawn(|| gate.drain()), scope.spawn(|| gate.drain_within(LONG))];
        // Whether they have begun to wait is theirs to know: they are told again until they have.
        while drains.iter().any(|drain| !drain.is_finished()) {
            gate.reopen();
            thread::yield_now();
        }
        for drain in drains {
            assert_eq!(drain.join().unwrap(), Err(NotDrained::Reopened));
        }
    });
    drop(pass);
    gate.reopen();
    assert!(gate.enter().is_ok());
}

/// Writers append pairs as long as they may, while others drain, look, and reopen.
#[test]
fn whoever_has_drained_it_finds_whole_writes_and_no_writer() {
    const ROUNDS: usize = 200;
    let gate = WriteGate::new();
    let (written, inside) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..3_u32 {
            let (gate, written, inside, has_ended) = (gate.clone(), &written, &inside, &has_ended);
            scope.spawn(move || {
                while !has_ended.load(Ordering::Relaxed) {
                    let Ok(pass) = gate.enter() else {
                        thread::yield_now();
                        continue;
                    };
                    inside.fetch_add(1, Ordering::Relaxed);
                    written.lock().unwrap().push(writer);
                    thread::yield_now();
                    written.lock().unwrap().push(writer);
                    inside.fetch_sub(1, Ordering::Relaxed);
                    drop(pass);
                }
            });
        }
        for round in 0..ROUNDS {
            // Between two drains at least one of them gets in: else nothing is shown.
            while written.lock().unwrap().len() < 2 * round {
                thread::yield_now();
            }
            gate.drain().unwrap();
            assert_eq!(inside.load(Ordering::Relaxed), 0);
            let before = written.lock().unwrap().clone();
            for writer in 0..3 {
                let own = before.iter().filter(|by| **by == writer).count();
                assert!(own.is_multiple_of(2), "writer {writer} is half done");
            }
            thread::yield_now();
            assert_eq!(*written.lock().unwrap(), before, "somebody writes to what is quiet");
            gate.reopen();
        }
        has_ended.store(true, Ordering::Relaxed);
    });
    assert!(written.into_inner().unwrap().len() >= 2 * (ROUNDS - 1));
}

#[test]
fn whoever_is_turned_away_is_told_why() {
    let gate = WriteGate::default();
    let pass = gate.enter().unwrap();
    let inside = gate.drain().unwrap_err();
    let busy = thread::scope(|scope| {
        scope.spawn(|| gate.drain_within(NOT_AT_ALL)).join().unwrap().unwrap_err()
    });
    assert_eq!(
        format!("{gate:?} {pass:?}"),
        "WriteGate { is_closed: true, writers: 1 } Pass { .. }"
    );
    drop(pass);
    let closed = gate.enter().unwrap_err();
    assert_eq!(inside.to_string(), "whoever waits for the writers is one of them");
    assert_eq!(busy.to_string(), "1 writers are still at work");
    assert_eq!(closed.to_string(), "the store is being closed, and takes no more writers");
    assert_eq!(NotDrained::Reopened.to_string(), "writers were let in again meanwhile");
}
