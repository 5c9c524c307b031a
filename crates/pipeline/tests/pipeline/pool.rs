//! The free list.

use pipeline::Pool;

#[test]
fn what_is_given_is_taken_again_and_no_more_is_kept_than_allowed() {
    let pool = Pool::new(2);
    assert_eq!(pool.take(), None::<Vec<u8>>);
    for length in 1..=3 {
        pool.give(vec![0; length]);
    }
    let mut taken: Vec<usize> = std::iter::from_fn(|| pool.take()).map(|kept| kept.len()).collect();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2]);
}

#[test]
fn a_pool_of_none_keeps_nothing() {
    let pool = Pool::new(0);
    pool.give(1);
    assert_eq!(pool.take(), None);
}
