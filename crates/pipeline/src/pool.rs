//! Buffers that are used again.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A free list: the consumer gives back what the producer takes again, so that buffers need not be allocated anew.
///
/// A pool only ever saves work. When it is empty, whoever asks makes a buffer of their own; when it is full, what is
/// given to it is dropped.
pub struct Pool<T> {
    kept: Mutex<Vec<T>>,
    most: usize,
}

impl<T> Pool<T> {
    /// An empty pool that keeps at most so many.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { kept: Mutex::new(Vec::new()), most }
    }

    /// One that was given back, as it was given: whoever gives or takes clears it.
    pub fn take(&self) -> Option<T> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps it for the next who takes, unless enough are kept.
    pub fn give(&self, buffer: T) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(buffer);
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("most", &self.most).finish_non_exhaustive()
    }
}
