//! Several at the same time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// Runs at the same time.
const AT_ONCE: usize = 2;

/// Does this with each of them, several at the same time, and hands on what came of it as soon as it is known.
pub(super) fn beside_each_other<T: Send, R: Send>(
    all: Vec<T>,
    run: &(impl Fn(&T) -> R + Sync),
    take: &mut dyn FnMut(T, R),
) {
    let queue = Mutex::new(VecDeque::from(all));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(one) = next() {
                    let came = run(&one);
                    // Nobody listens any more only if this command is being torn down.
                    let _ = sender.send((one, came));
                }
            });
        }
        drop(sender);
        receiver.into_iter().for_each(|(one, came)| take(one, came));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once() {
        let all: Vec<u32> = (0..50).collect();
        let mut came = Vec::new();
        beside_each_other(all, &|n| n * 2, &mut |n, twice| came.push((n, twice)));
        came.sort_unstable();
        assert_eq!(came, (0..50).map(|n| (n, n * 2)).collect::<Vec<_>>());
    }
}
