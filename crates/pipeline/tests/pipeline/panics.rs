//! Panics where they are least expected. Those over an item are tried at every place by the reference.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pipeline::{Shape, Stopped, ordered};

const SHAPES: [Shape; 4] = [
    Shape { workers: 1, window: 1 },
    Shape { workers: 2, window: 1 },
    Shape { workers: 3, window: 2 },
    Shape { workers: 8, window: 9 },
];

/// The text of the panic that this ends with.
fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).err().expect("a panic");
    (*payload.downcast_ref::<&str>().expect("a panic with a text")).to_owned()
}

fn ten(hand_on: &mut dyn FnMut(u64) -> Result<(), Stopped>) -> Result<(), Stopped> {
    (0..10).try_for_each(hand_on)
}

#[test]
fn a_worker_that_cannot_be_made_panics_at_the_first_item() {
    for shape in SHAPES {
        let made = AtomicUsize::new(0);
        let work = || -> fn(u64) -> Result<u64, Stopped> {
            made.fetch_add(1, Ordering::SeqCst);
            panic!("no worker");
        };
        let text = panic_of(|| ordered(shape, ten, work, |_| unreachable!()));
        assert_eq!(text, "no worker", "{shape:?}");
        assert!(made.into_inner() <= shape.workers);
    }
}

#[test]
fn no_worker_is_made_where_nothing_is_produced() {
    for shape in SHAPES {
        let work = || -> fn(u64) -> Result<u64, Stopped> { panic!("no worker") };
        assert_eq!(ordered(shape, |_| Ok(()), work, |_| unreachable!()), Ok(()));
    }
}

/// The state of a worker that panics when it is dropped.
struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Consumes ten items with touchy workers, which panic over one of them.
fn touchy(shape: Shape, panics_at: Option<u64>) -> (String, Vec<u64>) {
    let work = || {
        let touchy = Touchy;
        move |number: u64| {
            let _ = &touchy;
            assert!(Some(number) != panics_at, "the item");
            Ok(number)
        }
    };
    let mut consumed = Vec::new();
    let consume = |number| {
        consumed.push(number);
        Ok(())
    };
    (panic_of(|| ordered(shape, ten, work, consume)), consumed)
}

#[test]
fn a_panic_of_a_worker_that_ends_is_not_lost() {
    for shape in SHAPES {
        assert_eq!(touchy(shape, None), ("dropped".to_owned(), (0..10).collect()), "{shape:?}");
    }
}

#[test]
fn a_panic_of_a_worker_that_ends_comes_after_that_over_an_item() {
    for shape in SHAPES {
        assert_eq!(touchy(shape, Some(2)), ("the item".to_owned(), vec![0, 1]), "{shape:?}");
    }
}

#[test]
fn nobody_works_on_with_the_state_that_a_panic_left() {
    for shape in SHAPES {
        let went_on = AtomicBool::new(false);
        let work = || {
            let (went_on, mut has_panicked) = (&went_on, false);
            move |number: u64| {
                went_on.fetch_or(has_panicked, Ordering::SeqCst);
                has_panicked = number >= 2;
                assert!(!has_panicked, "the item");
                Ok(number)
            }
        };
        let mut consumed = Vec::new();
        let consume = |number| {
            consumed.push(number);
            Ok(())
        };
        assert_eq!(panic_of(|| ordered(shape, ten, work, consume)), "the item", "{shape:?}");
        assert_eq!(consumed, [0, 1]);
        assert!(!went_on.into_inner(), "{shape:?}");
    }
}
