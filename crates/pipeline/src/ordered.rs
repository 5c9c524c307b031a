//! Running it: on threads, or all on the calling one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

use crate::queue::Queue;

/// How a pipeline is run. None of it changes the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many threads do the work. With 0 or 1, everything is done on the calling thread: no thread is started and
    /// no lock is taken.
    pub workers: usize,
    /// How many items, or how much of them by weight, may be between the producer and the end of their consumption at once;
    /// 0 counts as 1. The producer holds one more while it waits for room.
    pub window: usize,
}

/// What a producer is told when nobody wants any more of it.
///
/// Whatever it returns after that is ignored, so it may end with any error of its own, or with none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the pipeline has stopped: no more items are wanted")
    }
}

impl std::error::Error for Stopped {}

/// What came of something that may fail and may panic.
type Outcome<T, E> = thread::Result<Result<T, E>>;

/// Produces items on a thread of its own, works on each on one of several threads, and consumes what becomes of them
/// on the calling thread, in the order of production (FC-UPGRADE-0001 §7).
///
/// - `produce` gets a function that hands one item on, and waits while the window is full. When that function answers
///   [`Stopped`], `produce` must return soon.
/// - `worker` makes the state of one worker, on that worker's thread, when it has its first item.
/// - `consume` gets every result. An item counts as consumed when it returns.
///
/// When this returns, all threads have ended. If the system has no threads left, it does with as many as it got.
///
/// # Errors
///
/// The first one in the order of production, the same for every [`Shape`]: the worker's or the consumer's for an item
/// comes before everything about later items; the producer's comes after everything about the items that it produced.
/// What comes after it is dropped, also where it had happened before.
///
/// # Panics
///
/// A panic of `produce`, a worker or `consume` has its place in the same order, and goes on on the calling thread with
/// the payload that it had.
pub fn ordered<I: Send, O: Send, E: Send, W: FnMut(I) -> Result<O, E>>(
    shape: Shape,
    produce: impl FnOnce(&mut dyn FnMut(I) -> Result<(), Stopped>) -> Result<(), E> + Send,
    worker: impl Fn() -> W + Sync,
    consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    ordered_by_weight(shape, |_| 1, produce, worker, consume)
}

/// As [`ordered`], with a window that the items fill by their weight, so that few large ones take up no more memory than many
/// small ones. An item that is heavier than the window is under way alone.
///
/// # Errors
///
/// As [`ordered`].
///
/// # Panics
///
/// As [`ordered`].
// trace: impl FC-19.2 FC-28.1.4
pub fn ordered_by_weight<I: Send, O: Send, E: Send, W: FnMut(I) -> Result<O, E>>(
    shape: Shape,
    weigh: impl Fn(&I) -> usize + Sync,
    produce: impl FnOnce(&mut dyn FnMut(I) -> Result<(), Stopped>) -> Result<(), E> + Send,
    worker: impl Fn() -> W + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    if shape.workers <= 1 {
        return on_this_thread(produce, &worker, &mut consume);
    }
    let queue = Queue::new(shape.window);
    // Where its thread takes it from, or this one, if that thread cannot be started.
    let produce = Mutex::new(Some(produce));
    let take = || produce.lock().unwrap_or_else(PoisonError::into_inner).take();
    let source = || {
        let _closing = Finally(|| queue.close());
        take().map_or(Ok(()), |produce| {
            produce(&mut |item| {
                let weight = weigh(&item);
                queue.put(item, weight)
            })
        })
    };
    let work = || work_on(&queue, &worker);

    thread::scope(|scope| {
        // Ends all threads, however this closure is left.
        let _stopping = Finally(|| queue.stop());
        let first = start(scope, "pipeline-work-0".to_owned(), &work);
        let both = first
            .and_then(|first| Some((first, start(scope, "pipeline-source".to_owned(), &source)?)));
        let Some((first, producer)) = both else {
            let alone = |produce| on_this_thread(produce, &worker, &mut consume);
            return take().map_or(Ok(()), alone);
        };
        let more = (1..shape.workers)
            .map_while(|number| start(scope, format!("pipeline-work-{number}"), &work));
        let workers = [first].into_iter().chain(more).collect();
        conclude(&queue, producer, workers, &mut consume)
    })
}

/// Starts a thread, if the system has one left.
fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: String,
    run: &'scope (impl Fn() -> T + Sync),
) -> Option<ScopedJoinHandle<'scope, T>> {
    Builder::new().name(name).spawn_scoped(scope, run).ok()
}

/// Consumes everything, ends all threads, and says which failure came first.
fn conclude<I, O, E>(
    queue: &Queue<I, Outcome<O, E>>,
    producer: ScopedJoinHandle<'_, Result<(), E>>,
    workers: Vec<ScopedJoinHandle<'_, ()>>,
    consume: &mut impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let consumed = consume_all(queue, consume);
    queue.stop();
    // Joined, all of them, before anything is decided: the scope would hold a panic of a thread against us otherwise.
    let produced = producer.join();
    let worked = workers.into_iter().map(ScopedJoinHandle::join).fold(Ok(()), thread::Result::and);
    consumed?;
    // Panics over items came as results. These are of workers that ended, as when their state was dropped.
    worked.unwrap_or_else(|panic| resume_unwind(panic));
    produced.unwrap_or_else(|panic| resume_unwind(panic))
}

fn consume_all<I, O, E>(
    queue: &Queue<I, Outcome<O, E>>,
    consume: &mut impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    while let Some(outcome) = queue.next_result() {
        consume(outcome.unwrap_or_else(|panic| resume_unwind(panic))?)?;
    }
    Ok(())
}

/// What a worker's thread does.
fn work_on<I, O, E, W: FnMut(I) -> Result<O, E>>(
    queue: &Queue<I, Outcome<O, E>>,
    worker: &impl Fn() -> W,
) {
    let mut work = None;
    while let Some((number, item)) = queue.take_job() {
        // A panic is a result like any other: only so it has its place in the order.
        let outcome = catch_unwind(AssertUnwindSafe(|| work.get_or_insert_with(worker)(item)));
        let has_panicked = outcome.is_err();
        queue.deliver(number, outcome);
        if has_panicked {
            // Its state may be anything now. Every item before this one has its worker already, so the consumer will
            // come to this panic, or to what is before it.
            return;
        }
    }
}

/// Does everything here and now, item by item. Producer, worker and consumer see what they would see of threads.
fn on_this_thread<I, O, E, W: FnMut(I) -> Result<O, E>>(
    produce: impl FnOnce(&mut dyn FnMut(I) -> Result<(), Stopped>) -> Result<(), E>,
    worker: &impl Fn() -> W,
    consume: &mut impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let mut work = None;
    let mut consumed: Outcome<(), E> = Ok(Ok(()));
    let mut hand_on = |item| {
        if matches!(consumed, Ok(Ok(()))) {
            consumed =
                catch_unwind(AssertUnwindSafe(|| consume(work.get_or_insert_with(worker)(item)?)));
        }
        if matches!(consumed, Ok(Ok(()))) { Ok(()) } else { Err(Stopped) }
    };
    let produced = catch_unwind(AssertUnwindSafe(|| produce(&mut hand_on)));
    let worked = catch_unwind(AssertUnwindSafe(|| drop(work)));
    consumed.unwrap_or_else(|panic| resume_unwind(panic))?;
    worked.unwrap_or_else(|panic| resume_unwind(panic));
    produced.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does something when it is dropped, also by a panic.
struct Finally<F: Fn()>(F);

impl<F: Fn()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
