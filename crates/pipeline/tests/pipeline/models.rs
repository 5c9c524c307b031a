//! The queue under all schedules: loom runs each model with every order in which its threads can come to the lock and
//! be woken, and fails when one of them leaves somebody waiting for ever.
//!
//! What loom does not show: it wakes those who wait in the order in which they came. Nor does it ever wake anybody
//! for no reason, so here the condition variables do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use pipeline::Stopped;
use queue::Queue;

#[path = "../../src/queue.rs"]
mod queue;

/// What the queue is made of here.
mod sync {
    use std::sync::LockResult;
    use std::sync::atomic::{AtomicBool, Ordering};

    pub(crate) use loom::sync::{Mutex, MutexGuard};

    /// Loom's, but the first wait ends at once and for no reason, as any may.
    pub(crate) struct Condvar {
        inner: loom::sync::Condvar,
        has_woken: AtomicBool,
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self { inner: loom::sync::Condvar::new(), has_woken: AtomicBool::new(false) }
        }

        pub(crate) fn wait<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
        ) -> LockResult<MutexGuard<'a, T>> {
            let has_woken = self.has_woken.swap(true, Ordering::Relaxed);
            if has_woken { self.inner.wait(guard) } else { Ok(guard) }
        }

        pub(crate) fn notify_one(&self) {
            self.inner.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.inner.notify_all();
        }
    }
}

/// Jobs are numbers, and so are results: a hundred more. An error is the number of its job.
type Numbers = Queue<u64, Result<u64, u64>>;

/// How often a schedule interrupts threads that could go on, at most: what keeps a model with four threads, or with
/// three jobs, within seconds. How often it goes on with another where one waits is not bounded.
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
    let schedules = std::sync::Arc::new(AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&schedules);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let schedules = schedules.load(Ordering::Relaxed);
    assert!(schedules > 10, "nothing was interleaved: {schedules} schedules");
}

/// How many jobs were put, and how many results are consumed. Loom knows nothing of these: they make no schedules.
#[derive(Default)]
struct Counts {
    put: AtomicU64,
    consumed: AtomicU64,
}

impl Counts {
    fn assert_within(&self, window: usize) {
        let put = self.put.load(Ordering::Relaxed);
        let under_way = put - self.consumed.load(Ordering::Relaxed);
        assert!(under_way <= window as u64, "{under_way} items are under way");
    }
}

/// Puts so many jobs, or as many as are wanted, and closes.
fn producer(
    queue: &Arc<Numbers>,
    counts: &Arc<Counts>,
    window: usize,
    jobs: u64,
) -> JoinHandle<Result<(), Stopped>> {
    let (queue, counts) = (Arc::clone(queue), Arc::clone(counts));
    thread::spawn(move || {
        let result = (0..jobs).try_for_each(|job| {
            queue.put(job, 1)?;
            counts.put.fetch_add(1, Ordering::Relaxed);
            counts.assert_within(window);
            Ok(())
        });
        queue.close();
        result
    })
}

/// Works until there is nothing more, and says on what.
fn worker(queue: &Arc<Numbers>, fails_at: Option<u64>) -> JoinHandle<Vec<u64>> {
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        let mut taken = Vec::new();
        while let Some((number, job)) = queue.take_job() {
            assert_eq!(number, job, "jobs are numbered in their order");
            assert!(taken.last() < Some(&job), "jobs are taken in their order");
            taken.push(job);
            queue.deliver(number, if fails_at == Some(job) { Err(job) } else { Ok(job + 100) });
        }
        taken
    })
}

/// Consumes up to the end or the first error.
fn consume(queue: &Numbers, counts: &Counts) -> (Vec<u64>, Option<u64>) {
    let mut consumed = Vec::new();
    while let Some(result) = queue.next_result() {
        match result {
            Ok(value) => consumed.push(value),
            Err(job) => return (consumed, Some(job)),
        }
        counts.consumed.fetch_add(1, Ordering::Relaxed);
    }
    (consumed, None)
}

fn joined(workers: Vec<JoinHandle<Vec<u64>>>) -> BTreeMap<u64, usize> {
    let mut times = BTreeMap::new();
    for job in workers.into_iter().flat_map(|worker| worker.join().unwrap()) {
        *times.entry(job).or_default() += 1;
    }
    times
}

/// Everything that is produced is worked on once, and consumed once, in order.
fn complete(preemptions: Preemptions, window: usize, workers: usize, jobs: u64) {
    check(preemptions, move || {
        let (queue, counts) = (Arc::new(Numbers::new(window)), Arc::new(Counts::default()));
        let workers = (0..workers).map(|_| worker(&queue, None)).collect();
        let producer = producer(&queue, &counts, window, jobs);
        assert_eq!(consume(&queue, &counts), ((100..100 + jobs).collect(), None));
        assert_eq!(producer.join().unwrap(), Ok(()));
        assert_eq!(joined(workers), (0..jobs).map(|job| (job, 1)).collect());
    });
}

#[test]
fn one_worker_and_a_window_of_one() {
    complete(AtMost(3), 1, 1, 3);
}

#[test]
fn one_worker_and_a_window_of_two() {
    complete(AtMost(3), 2, 1, 3);
}

#[test]
fn two_workers_deliver_out_of_order() {
    complete(AtMost(2), 2, 2, 2);
}

/// Without a producer there is time for more schedules of the others.
#[test]
fn two_workers_deliver_what_was_there_before_they_were() {
    check(AtMost(3), || {
        let (queue, counts) = (Arc::new(Numbers::new(2)), Counts::default());
        queue.put(0, 1).unwrap();
        queue.put(1, 1).unwrap();
        queue.close();
        let workers = (0..2).map(|_| worker(&queue, None)).collect();
        assert_eq!(consume(&queue, &counts), (vec![100, 101], None));
        assert_eq!(joined(workers), BTreeMap::from([(0, 1), (1, 1)]));
    });
}

#[test]
fn two_workers_and_a_window_of_one() {
    complete(AtMost(1), 1, 2, 2);
}

#[test]
fn a_window_of_none_is_one_of_one() {
    check(AtMost(3), || {
        let (queue, counts) = (Arc::new(Numbers::new(0)), Arc::new(Counts::default()));
        let worker = worker(&queue, None);
        let producer = producer(&queue, &counts, 1, 2);
        assert_eq!(consume(&queue, &counts), (vec![100, 101], None));
        assert_eq!(producer.join().unwrap(), Ok(()));
        worker.join().unwrap();
    });
}

#[test]
fn nothing_is_produced() {
    check(AtMost(2), || {
        let (queue, counts) = (Arc::new(Numbers::new(1)), Arc::new(Counts::default()));
        let workers = (0..2).map(|_| worker(&queue, None)).collect();
        let producer = producer(&queue, &counts, 1, 0);
        assert_eq!(consume(&queue, &counts), (vec![], None));
        assert_eq!(producer.join().unwrap(), Ok(()));
        assert_eq!(joined(workers), BTreeMap::new());
    });
}

/// Here the consumer, and not the end of the work, is what the closing races with.
#[test]
fn it_is_closed_while_the_consumer_waits() {
    check(Unbounded, || {
        let (queue, counts) = (Arc::new(Numbers::new(1)), Counts::default());
        queue.put(0, 1).unwrap();
        assert_eq!(queue.take_job(), Some((0, 0)));
        queue.deliver(0, Ok(100));
        let closing = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.close())
        };
        let idle = worker(&queue, None);
        assert_eq!(consume(&queue, &counts), (vec![100], None));
        closing.join().unwrap();
        assert_eq!(idle.join().unwrap(), Vec::<u64>::new());
    });
}

#[test]
fn the_consumer_stops_while_the_producer_waits_for_room() {
    check(AtMost(4), || {
        let (queue, counts) = (Arc::new(Numbers::new(1)), Arc::new(Counts::default()));
        let worker = worker(&queue, None);
        let producer = producer(&queue, &counts, 1, 2);
        assert_eq!(queue.next_result(), Some(Ok(100)));
        // The first is not consumed, so there never is room for the second.
        queue.stop();
        assert_eq!(producer.join().unwrap(), Err(Stopped));
        assert_eq!(worker.join().unwrap(), [0]);
        assert_eq!(queue.next_result(), None);
    });
}

#[test]
fn it_is_stopped_while_workers_wait_for_jobs() {
    check(Unbounded, || {
        let queue = Arc::new(Numbers::new(1));
        let workers = (0..2).map(|_| worker(&queue, None)).collect();
        queue.stop();
        assert_eq!(joined(workers), BTreeMap::new());
        assert_eq!(queue.put(0, 1), Err(Stopped));
    });
}

#[test]
fn it_is_stopped_while_the_consumer_waits() {
    check(Unbounded, || {
        let queue = Arc::new(Numbers::new(1));
        let worker = worker(&queue, None);
        let stopping = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.stop())
        };
        assert_eq!(queue.next_result(), None);
        stopping.join().unwrap();
        assert_eq!(worker.join().unwrap(), Vec::<u64>::new());
    });
}

/// A job of a worker fails. What is before it is consumed; what is behind it may be worked on, and is not consumed.
fn failing(preemptions: Preemptions, window: usize, workers: usize, fails_at: u64, jobs: u64) {
    check(preemptions, move || {
        let (queue, counts) = (Arc::new(Numbers::new(window)), Arc::new(Counts::default()));
        let workers = (0..workers).map(|_| worker(&queue, Some(fails_at))).collect();
        let producer = producer(&queue, &counts, window, jobs);
        let consumed = consume(&queue, &counts);
        queue.stop();
        assert_eq!(consumed, ((100..100 + fails_at).collect(), Some(fails_at)));
        // How far the producer came depends on the schedule, if the window lets it come to its end.
        let produced = producer.join().unwrap();
        assert!(produced == Err(Stopped) || jobs <= fails_at + window as u64);
        let times = joined(workers);
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        assert!((0..=fails_at).all(|job| times.contains_key(&job)), "{times:?}");
    });
}

#[test]
fn a_worker_fails_and_the_producer_waits_for_room() {
    failing(AtMost(3), 1, 1, 1, 3);
}

#[test]
fn one_of_two_workers_fails_while_the_other_works() {
    failing(AtMost(2), 2, 2, 0, 2);
}
