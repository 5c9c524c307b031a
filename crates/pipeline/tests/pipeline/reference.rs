//! Every shape does what a plain loop does: with any fault of any kind at any place, in any number of places at once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use pipeline::{Shape, Stopped, ordered};
use proptest::prelude::*;

/// Who, at which item.
type Failure = (&'static str, u64);

/// What somebody does at an item.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Error(u64),
    Panic(u64),
}

impl Fault {
    fn happen(fault: Option<Self>, who: &'static str, number: u64) -> Result<(), Failure> {
        match fault {
            Some(Self::Error(at)) if at == number => Err((who, number)),
            // No hook is called: thousands of messages would help nobody.
            Some(Self::Panic(at)) if at == number => resume_unwind(Box::new((who, number))),
            _ => Ok(()),
        }
    }
}

/// What a producer does when it is told that no more is wanted.
#[derive(Debug, Clone, Copy)]
enum Manners {
    ReturnsNothing,
    ReturnsAnError,
    Panics,
    OffersTheNext,
}

#[derive(Debug, Clone)]
struct Case {
    items: u64,
    producer: Option<Fault>,
    worker: Option<Fault>,
    consumer: Option<Fault>,
    manners: Manners,
    /// Which items are slow: one bit for each, repeated.
    slow: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Done,
    Error(Failure),
    Panic(Failure),
}

/// What was consumed, and how it ended.
type Run = (Vec<u64>, Ending);

fn ending(run: impl FnOnce() -> Result<(), Failure>) -> Ending {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => Ending::Done,
        Ok(Err(failure)) => Ending::Error(failure),
        Err(payload) => Ending::Panic(*payload.downcast().expect("a panic with its own payload")),
    }
}

fn plain_loop(case: &Case) -> Run {
    let mut consumed = Vec::new();
    let ending = ending(|| {
        for number in 0..case.items {
            Fault::happen(case.producer, "producer", number)?;
            Fault::happen(case.worker, "worker", number)?;
            Fault::happen(case.consumer, "consumer", number)?;
            consumed.push(number * 2);
        }
        Fault::happen(case.producer, "producer", case.items)
    });
    (consumed, ending)
}

/// An item that counts how many of its kind there are.
struct Counted<'a> {
    number: u64,
    alive: &'a AtomicI64,
}

impl<'a> Counted<'a> {
    fn new(number: u64, alive: &'a AtomicI64) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { number, alive }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

fn produce(
    case: &Case,
    alive: &AtomicI64,
    hand_on: &mut dyn FnMut(u64) -> Result<(), Stopped>,
) -> Result<(), Failure> {
    let _own_state = Counted::new(0, alive);
    for number in 0..case.items {
        Fault::happen(case.producer, "producer", number)?;
        if hand_on(number) == Err(Stopped) {
            return match case.manners {
                Manners::ReturnsNothing => Ok(()),
                Manners::ReturnsAnError => Err(("stopped", number)),
                Manners::Panics => resume_unwind(Box::new(("stopped", number))),
                Manners::OffersTheNext => {
                    // The next one, over which nothing may fail.
                    assert_eq!(hand_on(number + 1), Err(Stopped));
                    Ok(())
                }
            };
        }
    }
    Fault::happen(case.producer, "producer", case.items)
}

fn pipelined(case: &Case, shape: Shape) -> Run {
    let alive = AtomicI64::new(0);
    let mut consumed = Vec::new();
    let ending = ending(|| {
        ordered(
            shape,
            |hand_on| produce(case, &alive, &mut |number| hand_on(Counted::new(number, &alive))),
            || {
                |item: Counted<'_>| {
                    for _ in 0..(case.slow >> (item.number % 64) & 1) * 20 {
                        thread::yield_now();
                    }
                    Fault::happen(case.worker, "worker", item.number)?;
                    Ok(Counted::new(item.number * 2, &alive))
                }
            },
            |result| {
                Fault::happen(case.consumer, "consumer", result.number / 2)?;
                consumed.push(result.number);
                Ok(())
            },
        )
    });
    assert_eq!(alive.load(Ordering::SeqCst), 0, "something is left, or was dropped twice");
    (consumed, ending)
}

fn faults() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        2 => Just(None),
        1 => (0_u64..50).prop_map(|at| Some(Fault::Error(at))),
        1 => (0_u64..50).prop_map(|at| Some(Fault::Panic(at))),
    ]
}

prop_compose! {
    fn cases()(
        items in 0_u64..50,
        (producer, worker, consumer) in (faults(), faults(), faults()),
        manners in prop_oneof![
            Just(Manners::ReturnsNothing),
            Just(Manners::ReturnsAnError),
            Just(Manners::Panics),
            Just(Manners::OffersTheNext),
        ],
        slow in any::<u64>(),
    ) -> Case {
        Case { items, producer, worker, consumer, manners, slow }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    // trace: test FC-19.2
    #[test]
    fn every_shape_does_what_a_plain_loop_does(
        case in cases(),
        workers in 0_usize..=8,
        window in 0_usize..=12,
    ) {
        let expected = plain_loop(&case);
        prop_assert_eq!(pipelined(&case, Shape { workers, window }), expected);
    }
}

/// Where two faults are next to each other, the one that happens first in time is often not the first in order.
#[test]
fn the_first_failure_in_the_order_of_production_wins_however_late_it_happens() {
    for late in [Fault::Error(3), Fault::Panic(3)] {
        for early in [Fault::Error(4), Fault::Panic(4)] {
            let case = Case {
                items: 40,
                producer: Some(early),
                worker: Some(late),
                consumer: None,
                manners: Manners::Panics,
                slow: 1 << 3,
            };
            let expected = plain_loop(&case);
            assert_eq!(expected.0, [0, 2, 4]);
            for workers in 0..=8 {
                for window in 1..=9 {
                    let run = pipelined(&case, Shape { workers, window });
                    assert_eq!(run, expected, "{workers} workers, a window of {window}");
                }
            }
        }
    }
}
