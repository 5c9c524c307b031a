//! Cancelling, on real threads.

use std::thread;

use gate::{Cancellation, Cancelled};

fn by(by: &str) -> Result<(), Cancelled> {
    Err(Cancelled { by: by.to_owned() })
}

#[test]
fn what_was_cancelled_stays_so_and_the_first_who_did_it_is_named() {
    let cancellation = Cancellation::new();
    assert_eq!(cancellation.check(), Ok(()));
    cancellation.cancel("SIGINT");
    cancellation.cancel("SIGTERM");
    assert_eq!(cancellation.check(), by("SIGINT"));
    assert_eq!(cancellation.check(), by("SIGINT"));
    assert_eq!(cancellation.check().unwrap_err().to_string(), "cancelled by SIGINT");
}

#[test]
fn all_clones_are_one() {
    let cancellation = Cancellation::new();
    let clone = cancellation.clone();
    thread::spawn(move || clone.cancel("another thread")).join().unwrap();
    assert_eq!(cancellation.check(), by("another thread"));
    assert_eq!(cancellation, cancellation.clone());
    assert_ne!(cancellation, Cancellation::new());
    assert_ne!(cancellation, Cancellation::never());
    assert_eq!(Cancellation::never(), Cancellation::default());
}

#[test]
fn what_is_never_cancelled_is_not_cancelled_by_asking_for_it() {
    let cancellation = Cancellation::never();
    cancellation.cancel("somebody");
    assert_eq!(cancellation.check(), Ok(()));
}

#[test]
fn it_is_cancelled_at_the_check_that_was_named_and_ever_after() {
    for nth in 1..5 {
        let cancellation = Cancellation::at_check(nth, "a test");
        for check in 1..8 {
            let expected = if check < nth { Ok(()) } else { by("a test") };
            assert_eq!(cancellation.check(), expected, "check {check} of {nth}");
        }
    }
    let other = Cancellation::at_check(9, "a test");
    other.cancel("somebody");
    assert_eq!(other.check(), by("somebody"));
}

#[test]
fn looking_at_it_says_whether_it_is_cancelled_and_is_no_check() {
    let shown = |cancellation: &Cancellation| format!("{cancellation:?}");
    let cancellation = Cancellation::at_check(1, "a test");
    assert_eq!(shown(&cancellation), "Cancellation { is_cancelled: Some(false) }");
    assert_eq!(cancellation.check(), by("a test"));
    assert_eq!(shown(&cancellation), "Cancellation { is_cancelled: Some(true) }");
    assert_eq!(shown(&Cancellation::never()), "Cancellation { is_cancelled: None }");
}
