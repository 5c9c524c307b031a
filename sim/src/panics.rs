//! What was said at the last panic: kept instead of printed, since a panic of the product is a finding, and told as such.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

static LAST: Mutex<String> = Mutex::new(String::new());

/// From here on panics are kept. Those of the simulator itself end the process, which is a finding too.
pub(crate) fn keep() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("a panic without a message");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = format!("{text} ({place})");
    }));
}

/// What was said last.
pub(crate) fn last() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
