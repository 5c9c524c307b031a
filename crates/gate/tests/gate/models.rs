//! The gate and the cancellation under all schedules: loom runs each model with every order in which its threads can come
//! to a lock, be woken, and see what others have stored, and fails when one of them leaves somebody waiting for ever.
//!
//! What is checked is the source itself, included with loom's types for `sync`. Most models are unbounded; where one is not,
//! it says how often a schedule may interrupt a thread that could go on. What loom does not show: it wakes those who wait in
//! the order in which they came. Nor does it ever wake anybody for no reason, so here the condition variable does.
//!
//! # What the models were seen to catch
//!
//! Each mistake was made by hand in the source, and the models were run.
//!
//! | the mistake | found by |
//! |---|---|
//! | a pass that is given back wakes nobody | all but two of the gate's |
//! | … wakes one of those who drain | `all_who_drain_are_woken` |
//! | … wakes before it is given back | `the_last_writer_that_leaves_…`, and seven others |
//! | `enter` looks under one lock, and enters under another | `after_a_drain_…`, `whoever_waits_…`, `whoever_does_not_wait_…` |
//! | `enter` does not look | these, `a_pass_…`, `a_reopening_ends_a_drain_and_…` |
//! | `enter` refuses a thread that is inside | `a_pass_that_was_given_stays_good_…` |
//! | `close` turns out who is inside | `a_pass_…`, `a_reopening_ends_a_drain_and_…` |
//! | `drain` does not close | `after_a_drain_…`, `a_reopening_…`, `whoever_waits_…`, `whoever_does_not_…` |
//! | `drain` waits once: `if` for `while` | `the_last_writer_that_leaves_…`, and six others |
//! | … and then does not look | `the_last_writer_that_leaves_…`, and five others |
//! | `drain` looks, lets go of the lock, and waits | `the_last_writer_that_leaves_…`, and six others |
//! | `drain_within` says that it is quiet, whatever it finds | `whoever_does_not_wait_is_told_…` |
//! | … counts one writer too many | `whoever_does_not_wait_is_told_…` |
//! | `reopen` wakes nobody | `a_reopening_ends_a_drain_that_nothing_else_can_end` |
//! | … wakes before it has reopened | `a_reopening_ends_a_drain_that_nothing_else_can_end` |
//! | … is not counted | both of `a_reopening_…` |
//! | a writer that panics keeps its pass | `a_writer_that_panics_is_not_waited_for` |
//! | a relaxed count is asked, and not the mutex | `whoever_does_not_wait_…`, `whoever_waits_…` |
//! | `check` answers without the lock | `whoever_finds_that_it_was_cancelled_…`, `of_two_who_cancel_…` |
//! | `cancel` says so before it says who | the same, and both of `a_pipeline_…` |
//! | the second who cancels is named | `of_two_who_cancel_one_is_named_to_everybody` |
//! | the consumer of a pipeline ends without stopping the queue | both of `a_pipeline_…` |
//! | the queue's `stop` wakes no producer | both of `a_pipeline_…` |
//! | … wakes no worker | `nothing_is_consumed_of_a_pipeline_…` |
//! | the queue hands a result out behind a `stop` | `nothing_is_consumed_of_a_pipeline_…` |
//!
//! That the flag of a cancellation is stored and loaded with `Relaxed` is no mistake: with `Release` and `Acquire` the models say
//! the same, since whoever finds the flag takes the lock under which it was set.

mod sync {
    use std::sync::LockResult;
    use std::time::Duration;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
    pub(crate) use loom::thread::{ThreadId, current};

    /// Loom's, but the first wait ends at once and for no reason, as any may.
    pub(crate) struct Condvar {
        inner: loom::sync::Condvar,
        has_woken: std::sync::atomic::AtomicBool,
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            let has_woken = std::sync::atomic::AtomicBool::new(false);
            Self { inner: loom::sync::Condvar::new(), has_woken }
        }

        pub(crate) fn wait<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
        ) -> LockResult<MutexGuard<'a, T>> {
            let has_woken = self.has_woken.swap(true, Ordering::Relaxed);
            if has_woken { self.inner.wait(guard) } else { Ok(guard) }
        }

        /// Time is up at once, or never.
        pub(crate) fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            patience: Duration,
            mut is_to_wait: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, bool)> {
            while !patience.is_zero() && is_to_wait(&mut guard) {
                guard = self.wait(guard).unwrap();
            }
            Ok((guard, patience.is_zero()))
        }

        pub(crate) fn notify_one(&self) {
            self.inner.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.inner.notify_all();
        }
    }
}

#[path = "../../src/cancellation.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "no model needs all of it, and all of it is public in the crate"
)]
mod cancellation;
#[path = "../../../pipeline/src/queue.rs"]
mod queue;
#[path = "../../src/write_gate.rs"]
#[allow(dead_code, unreachable_pub, reason = "as above")]
mod write_gate;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicU64 as Counter;
use std::time::Duration;

use cancellation::{Cancellation, Cancelled};
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread::{self, JoinHandle};
use pipeline::Stopped;
use queue::Queue;
use write_gate::{Closed, NotDrained, WriteGate};

/// How often a schedule interrupts threads that could go on, at most. How often it goes on with another where one waits is
/// not bounded.
#[derive(Clone, Copy)]
enum Preemptions {
    AtMost(usize),
    Unbounded,
}
use Preemptions::{AtMost, Unbounded};

fn check(preemptions: Preemptions, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = match preemptions {
        AtMost(bound) => Some(bound),
        Unbounded => None,
    };
    let schedules = std::sync::Arc::new(Counter::new(0));
    let counter = std::sync::Arc::clone(&schedules);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let schedules = schedules.load(Ordering::Relaxed);
    assert!(schedules > 2, "nothing was interleaved: {schedules} schedules");
}

/// Who is inside, as the writers themselves count it. Loom knows nothing of these: they make no schedules.
#[derive(Default)]
struct Tally {
    inside: Counter,
    is_quiet: std::sync::atomic::AtomicBool,
}

impl Tally {
    fn assert_quiet(&self) {
        assert_eq!(self.inside.load(Ordering::Relaxed), 0, "a pass is alive");
        self.is_quiet.store(true, Ordering::Relaxed);
    }

    fn write(&self) {
        self.inside.fetch_add(1, Ordering::Relaxed);
        assert!(!self.is_quiet.load(Ordering::Relaxed), "somebody writes to what is quiet");
    }
}

/// What the threads of a model share.
#[derive(Clone)]
struct Scene {
    gate: WriteGate,
    tally: std::sync::Arc<Tally>,
    /// What is written: nothing but the gate orders it.
    data: Arc<AtomicU64>,
}

impl Scene {
    fn new() -> Self {
        let (gate, tally) = (WriteGate::new(), std::sync::Arc::default());
        Self { gate, tally, data: Arc::new(AtomicU64::new(0)) }
    }

    /// Writes once if it is let in, and says whether it was.
    fn writer(&self) -> JoinHandle<bool> {
        let scene = self.clone();
        thread::spawn(move || {
            let Ok(pass) = scene.gate.enter() else { return false };
            scene.tally.write();
            scene.data.fetch_add(1, Ordering::Relaxed);
            scene.tally.inside.fetch_sub(1, Ordering::Relaxed);
            drop(pass);
            true
        })
    }

    /// Drains, and says what it found when it was quiet.
    fn drainer(&self) -> JoinHandle<u64> {
        let scene = self.clone();
        thread::spawn(move || {
            assert_eq!(scene.gate.drain(), Ok(()));
            scene.look()
        })
    }

    fn look(&self) -> u64 {
        self.tally.assert_quiet();
        self.data.load(Ordering::Relaxed)
    }
}

#[test]
fn after_a_drain_no_pass_is_alive_none_can_be_made_and_all_that_was_written_is_seen() {
    check(AtMost(4), || {
        let scene = Scene::new();
        let writers = [scene.writer(), scene.writer()];
        assert_eq!(scene.gate.drain(), Ok(()));
        let seen = scene.look();
        assert_eq!(scene.gate.enter().err(), Some(Closed));
        let wrote = writers.map(|writer| writer.join().unwrap());
        assert_eq!(wrote.into_iter().filter(|wrote| *wrote).count() as u64, seen);
    });
}

/// Nobody but the writer that leaves can wake the one who drains.
#[test]
fn the_last_writer_that_leaves_wakes_the_one_who_drains() {
    check(Unbounded, || {
        let scene = Scene::new();
        let pass = scene.gate.enter().unwrap();
        scene.tally.write();
        let drainer = scene.drainer();
        scene.data.fetch_add(1, Ordering::Relaxed);
        scene.tally.inside.fetch_sub(1, Ordering::Relaxed);
        drop(pass);
        assert_eq!(drainer.join().unwrap(), 1);
    });
}

#[test]
fn all_who_drain_are_woken() {
    check(AtMost(3), || {
        let scene = Scene::new();
        let pass = scene.gate.enter().unwrap();
        scene.tally.write();
        let drainers = [scene.drainer(), scene.drainer()];
        scene.data.fetch_add(1, Ordering::Relaxed);
        scene.tally.inside.fetch_sub(1, Ordering::Relaxed);
        drop(pass);
        assert_eq!(drainers.map(|drainer| drainer.join().unwrap()), [1, 1]);
    });
}

#[test]
fn whoever_waits_with_a_limit_is_woken_too() {
    check(Unbounded, || {
        let scene = Scene::new();
        let writer = scene.writer();
        assert_eq!(scene.gate.drain_within(Duration::MAX), Ok(()));
        let seen = scene.look();
        assert_eq!(u64::from(writer.join().unwrap()), seen);
    });
}

#[test]
fn whoever_does_not_wait_is_told_how_many_are_inside() {
    check(Unbounded, || {
        let scene = Scene::new();
        let writers = [scene.writer(), scene.writer()];
        match scene.gate.drain_within(Duration::ZERO) {
            Ok(()) => {
                let seen = scene.look();
                let wrote = writers.map(|writer| writer.join().unwrap());
                assert_eq!(wrote.into_iter().filter(|wrote| *wrote).count() as u64, seen);
            }
            Err(NotDrained::Busy { writers: busy }) => {
                let wrote = writers.map(|writer| writer.join().unwrap());
                let wrote = wrote.into_iter().filter(|wrote| *wrote).count();
                assert!((1..=wrote).contains(&busy), "{busy} of {wrote}");
                assert_eq!(scene.gate.drain_within(Duration::ZERO), Ok(()));
            }
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(scene.gate.enter().err(), Some(Closed));
    });
}

#[test]
fn a_pass_that_was_given_stays_good_when_the_gate_is_closed() {
    check(Unbounded, || {
        let scene = Scene::new();
        let pass = scene.gate.enter().unwrap();
        let closing = {
            let gate = scene.gate.clone();
            thread::spawn(move || gate.close())
        };
        let again = scene.gate.enter();
        assert!(again.is_ok(), "a thread that is inside is let in again");
        drop(again);
        scene.tally.write();
        closing.join().unwrap();
        let drainer = scene.drainer();
        scene.data.fetch_add(1, Ordering::Relaxed);
        scene.tally.inside.fetch_sub(1, Ordering::Relaxed);
        drop(pass);
        assert_eq!(drainer.join().unwrap(), 1);
        assert_eq!(scene.gate.enter().err(), Some(Closed));
    });
}

#[test]
fn a_writer_that_panics_is_not_waited_for() {
    check(Unbounded, || {
        let scene = Scene::new();
        let panicking = {
            let scene = scene.clone();
            thread::spawn(move || {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    let pass = scene.gate.enter();
                    // Without a word on standard error, for every schedule.
                    resume_unwind(Box::new(pass.is_ok()));
                }));
                *panicked.unwrap_err().downcast::<bool>().unwrap()
            })
        };
        assert_eq!(scene.gate.drain(), Ok(()));
        scene.look();
        panicking.join().unwrap();
    });
}

/// The writer stays until the one who drains has ended: it can only end by the reopening, unless it comes too late for that.
#[test]
fn a_reopening_ends_a_drain_and_lets_writers_in() {
    check(Unbounded, || {
        let scene = Scene::new();
        let pass = scene.gate.enter().unwrap();
        let drainer = {
            let gate = scene.gate.clone();
            thread::spawn(move || gate.drain())
        };
        scene.gate.close();
        scene.gate.reopen();
        drop(pass);
        match drainer.join().unwrap() {
            Err(NotDrained::Reopened) => assert!(scene.gate.enter().is_ok()),
            Ok(()) => assert_eq!(scene.gate.enter().err(), Some(Closed)),
            other => panic!("{other:?}"),
        }
    });
}

/// As above, and nobody leaves: a drain that is not told would wait for ever.
#[test]
fn a_reopening_ends_a_drain_that_nothing_else_can_end() {
    check(Unbounded, || {
        let scene = Scene::new();
        let pass = scene.gate.enter().unwrap();
        // Closed by the one who drains, and by nobody else: so it has begun when writers are refused.
        let drainer = {
            let gate = scene.gate.clone();
            thread::spawn(move || gate.drain())
        };
        let probe = {
            let gate = scene.gate.clone();
            thread::spawn(move || gate.enter().is_err())
        };
        if probe.join().unwrap() {
            scene.gate.reopen();
            assert_eq!(drainer.join().unwrap(), Err(NotDrained::Reopened));
            drop(pass);
        } else {
            drop(pass);
            assert_eq!(drainer.join().unwrap(), Ok(()));
        }
    });
}

#[test]
fn whoever_finds_that_it_was_cancelled_sees_all_that_was_done_before() {
    check(Unbounded, || {
        let (cancellation, data) = (Cancellation::new(), Arc::new(AtomicU64::new(0)));
        let cancelling = {
            let (cancellation, data) = (cancellation.clone(), Arc::clone(&data));
            thread::spawn(move || {
                data.store(1, Ordering::Relaxed);
                cancellation.cancel("somebody");
            })
        };
        if let Err(cancelled) = cancellation.check() {
            assert_eq!(cancelled.by, "somebody");
            assert_eq!(data.load(Ordering::Relaxed), 1);
        }
        cancelling.join().unwrap();
        assert!(cancellation.check().is_err());
    });
}

#[test]
fn of_two_who_cancel_one_is_named_to_everybody() {
    check(Unbounded, || {
        let cancellation = Cancellation::new();
        let cancelling = ["SIGINT", "SIGTERM"].map(|by| {
            let cancellation = cancellation.clone();
            thread::spawn(move || cancellation.cancel(by))
        });
        let first = cancellation.check();
        for thread in cancelling {
            thread.join().unwrap();
        }
        let last = cancellation.check().unwrap_err();
        assert!(["SIGINT", "SIGTERM"].contains(&last.by.as_str()), "{last}");
        assert!(first.is_ok() || first == Err(last));
    });
}

/// Jobs are numbers, and so are results.
type Numbers = Queue<u64, Result<u64, Cancelled>>;

/// Who checks in a pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    /// Each worker before it works, as where tables are read.
    Worker,
    /// The consumer before it consumes, as where records are migrated.
    Consumer,
}

/// A pipeline that somebody cancels. It comes to its end, consumed is what comes first, and nothing once it was cancelled.
fn cancelled_pipeline(preemptions: Preemptions, checks: Checks, window: usize, jobs: u64) {
    check(preemptions, move || {
        let queue = Arc::new(Numbers::new(window));
        let cancellation = Cancellation::new();
        let producer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let put = (0..jobs).try_for_each(|job| queue.put(job, 1));
                queue.close();
                put
            })
        };
        let worker = {
            let (queue, cancellation) = (Arc::clone(&queue), cancellation.clone());
            thread::spawn(move || {
                while let Some((number, job)) = queue.take_job() {
                    let is_wanted = match checks {
                        Checks::Worker => cancellation.check(),
                        Checks::Consumer => Ok(()),
                    };
                    queue.deliver(number, is_wanted.map(|()| job));
                }
            })
        };
        let cancelling = {
            let cancellation = cancellation.clone();
            thread::spawn(move || cancellation.cancel("somebody"))
        };
        let (mut consumed, mut ended) = (Vec::new(), Ok(()));
        while let Some(result) = queue.next_result() {
            let result = match checks {
                Checks::Worker => result,
                Checks::Consumer => cancellation.check().and(result),
            };
            match result {
                Ok(value) => consumed.push(value),
                Err(cancelled) => {
                    ended = Err(cancelled);
                    break;
                }
            }
        }
        queue.stop();
        worker.join().unwrap();
        let produced = producer.join().unwrap();
        cancelling.join().unwrap();
        let whole: Vec<u64> = (0..jobs).collect();
        assert_eq!(
            whole.get(..consumed.len()),
            Some(consumed.as_slice()),
            "in order, without gaps"
        );
        match ended {
            Ok(()) => assert_eq!((consumed, produced), (whole, Ok(()))),
            Err(cancelled) => {
                assert_eq!(cancelled.by, "somebody");
                assert!(consumed.len() < whole.len(), "it was cancelled behind its end");
                assert!(produced.is_ok() || produced == Err(Stopped));
            }
        }
        assert_eq!(queue.next_result(), None);
    });
}

#[test]
fn a_pipeline_whose_consumer_checks_ends_when_it_is_cancelled() {
    cancelled_pipeline(AtMost(2), Checks::Consumer, 1, 2);
}

#[test]
fn a_pipeline_whose_worker_checks_ends_when_it_is_cancelled() {
    cancelled_pipeline(AtMost(2), Checks::Worker, 1, 2);
}

#[test]
fn nothing_is_consumed_of_a_pipeline_once_it_was_cancelled() {
    check(AtMost(3), || {
        let queue = Arc::new(Numbers::new(2));
        let cancellation = Cancellation::new();
        let worker = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                while let Some((number, job)) = queue.take_job() {
                    queue.deliver(number, Ok(job));
                }
            })
        };
        queue.put(0, 1).unwrap();
        queue.put(1, 1).unwrap();
        let cancelling = {
            let cancellation = cancellation.clone();
            thread::spawn(move || cancellation.cancel("somebody"))
        };
        assert_eq!(queue.next_result(), Some(Ok(0)));
        cancelling.join().unwrap();
        assert!(cancellation.check().is_err(), "what was cancelled before is found");
        queue.stop();
        assert_eq!(queue.next_result(), None);
        worker.join().unwrap();
    });
}
