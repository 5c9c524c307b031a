//! What the libraries do not ask for, and a program has to bring: clock, environment, signals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use versioning::{Clock, Timestamp};

/// The operating system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a program is where the time comes from")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = i128::try_from(since.as_nanos()).unwrap_or_default();
        Timestamp::from_unix_nanoseconds(nanoseconds).unwrap_or(Timestamp::EPOCH)
    }
}

/// An environment variable, if it is set to something.
#[expect(clippy::disallowed_methods, reason = "a program is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What ends a run in good order, and what it is called.
const SIGNALS: [(i32, &str); 2] = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")];

/// Calls `wanted` at the first SIGTERM or SIGINT, with its name; the second one ends the process as if nobody listened, in case
/// that it hangs.
pub(crate) fn on_stop_signal(wanted: impl FnOnce(&str) + Send + 'static) -> io::Result<()> {
    let has_come = Arc::new(AtomicBool::new(false));
    for (signal, _) in SIGNALS {
        register_conditional_default(signal, Arc::clone(&has_come))?;
    }
    let mut signals = Signals::new(SIGNALS.map(|(signal, _)| signal))?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            has_come.store(true, Ordering::SeqCst);
            let known = SIGNALS.iter().find(|(number, _)| *number == signal);
            wanted(known.map_or("", |(_, name)| name));
        }
    };
    Builder::new().name("signals".to_owned()).spawn(wait).map(|_| ())
}

/// The exit code of a process that this signal has ended.
pub(crate) fn exit_code_of(signal: &str) -> u8 {
    let known = SIGNALS.iter().find(|(_, name)| *name == signal);
    let number = known.and_then(|(number, _)| u8::try_from(*number).ok());
    number.map_or(1, |number| 128_u8.saturating_add(number))
}
