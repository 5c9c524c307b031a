//! Memory is bounded by the window, the window is made use of, and the work is on as many threads as asked for.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use pipeline::{Pool, Shape, Stopped, ordered, ordered_by_weight};

/// While one item is being consumed, the producer comes exactly to the end of the window.
#[test]
fn no_more_than_the_window_is_under_way() {
    for workers in [2, 3, 8] {
        for window in [0, 1, 2, 5, 16] {
            let items = 40;
            let (handed_on, mut consumed) = (AtomicUsize::new(0), 0);
            let result = ordered(
                Shape { workers, window },
                |hand_on| -> Result<(), Stopped> {
                    (0..items).try_for_each(|number| {
                        hand_on(number)?;
                        handed_on.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                },
                || Ok,
                |number| {
                    assert_eq!(number, consumed);
                    let most = items.min(consumed + window.max(1));
                    while handed_on.load(Ordering::SeqCst) < most {
                        thread::yield_now();
                    }
                    thread::sleep(Duration::from_micros(200));
                    assert_eq!(handed_on.load(Ordering::SeqCst), most);
                    consumed += 1;
                    Ok(())
                },
            );
            assert_eq!((result, consumed), (Ok(()), items));
        }
    }
}

/// What is under way never weighs more than the window, but for an item that does so by itself: that one is alone.
#[test]
fn no_more_than_the_window_is_under_way_by_weight() {
    let weights = [3, 5, 1, 1, 40, 2, 8, 8, 8, 0, 0, 11, 10, 1, 1, 1, 100, 100, 1];
    for workers in [2, 8] {
        for window in [0, 1, 10, 25] {
            let under_way = AtomicUsize::new(0);
            let result = ordered_by_weight(
                Shape { workers, window },
                |weight: &usize| *weight,
                |hand_on| -> Result<(), Stopped> { weights.iter().try_for_each(|w| hand_on(*w)) },
                || {
                    |weight| {
                        let before = under_way.fetch_add(weight, Ordering::SeqCst);
                        assert!(
                            before == 0 || before + weight <= window.max(1),
                            "{before}, {weight}"
                        );
                        Ok(weight)
                    }
                },
                |weight| {
                    thread::sleep(Duration::from_micros(200));
                    under_way.fetch_sub(weight, Ordering::SeqCst);
                    Ok(())
                },
            );
            assert_eq!(result, Ok(()));
        }
    }
}

/// A barrier that only opens when all workers are at it: it never would if two items shared a thread.
#[test]
fn as_many_items_are_worked_on_at_once_as_there_are_workers() {
    let workers = 8;
    let (barrier, threads) = (Barrier::new(workers), Mutex::new(BTreeSet::new()));
    let mut consumed = 0;
    let result: Result<(), Infallible> = ordered(
        Shape { workers, window: workers },
        |hand_on| {
            for number in 0..workers {
                hand_on(number).unwrap();
            }
            Ok(())
        },
        || {
            |number| {
                barrier.wait();
                let name = thread::current().name().map(str::to_owned);
                threads.lock().unwrap().insert(name.unwrap());
                Ok(number)
            }
        },
        |_| {
            consumed += 1;
            Ok(())
        },
    );
    assert_eq!((result, consumed), (Ok(()), workers));
    let expected: BTreeSet<String> =
        (0..workers).map(|number| format!("pipeline-work-{number}")).collect();
    assert_eq!(threads.into_inner().unwrap(), expected);
}

/// Neither a thread nor anything else that the calling thread would not do by itself.
#[test]
fn with_one_worker_or_none_everything_is_on_the_calling_thread() {
    for workers in [0, 1] {
        let here = thread::current().id();
        let mut consumed = Vec::new();
        let result: Result<(), Infallible> = ordered(
            Shape { workers, window: 3 },
            |hand_on| {
                assert_eq!(thread::current().id(), here);
                for number in 0..5 {
                    hand_on(number).unwrap();
                }
                Ok(())
            },
            || {
                |number| {
                    assert_eq!(thread::current().id(), here);
                    Ok(number)
                }
            },
            |number| {
                assert_eq!(thread::current().id(), here);
                consumed.push(number);
                Ok(())
            },
        );
        assert_eq!((result, consumed), (Ok(()), vec![0, 1, 2, 3, 4]));
    }
}

/// Many small items, so that the threads meet at the lock as often as they can, and buffers that go round.
#[test]
fn eight_workers_under_stress() {
    let (items, window) = (20_000_u64, 16);
    let pool = Pool::new(window + 1);
    let (allocated, states) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut next = 0;
    let result: Result<(), Infallible> = ordered(
        Shape { workers: 8, window },
        |hand_on| {
            for number in 0..items {
                let mut buffer: Vec<u64> = pool.take().unwrap_or_else(|| {
                    allocated.fetch_add(1, Ordering::SeqCst);
                    Vec::new()
                });
                buffer.clear();
                buffer.push(number);
                hand_on(buffer).unwrap();
            }
            Ok(())
        },
        || {
            states.fetch_add(1, Ordering::SeqCst);
            |mut buffer: Vec<u64>| {
                let number = buffer[0];
                buffer.push(number * number);
                Ok(buffer)
            }
        },
        |buffer| {
            assert_eq!(buffer, [next, next * next]);
            next += 1;
            pool.give(buffer);
            Ok(())
        },
    );
    assert_eq!((result, next), (Ok(()), items));
    assert!(states.into_inner() <= 8, "a worker makes its state once");
    let allocated = allocated.into_inner();
    assert!(allocated <= window + 2, "{allocated} buffers were allocated");
}
