//! SIGINT and SIGTERM: the first one cancels what is under way, a second one ends the command at once, as any would that
//! does not listen.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use upgrade::{Cancellation, Cancelled};

/// What is listened to, and what it is called.
const SIGNALS: [(i32, &str); 2] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];

/// The exit code of a command that a signal has ended: this, and the number of the signal.
const ENDED_BY_SIGNAL: u8 = 128;

/// From here on a signal cancels. Called when what can be cancelled begins, and not before: whatever else a command waits for,
/// a lock or an answer, ends with it at the first one.
///
/// That nobody listens is no reason not to begin: then the first signal ends the command, and the next one puts right what it
/// left.
pub(crate) fn cancels(cancellation: &Cancellation) {
    if let Err(error) = listen(cancellation.clone()) {
        let _ = writeln!(io::stderr(), "signals end the command at once: {error}");
    }
}

fn listen(cancellation: Cancellation) -> io::Result<()> {
    let has_come = Arc::new(AtomicBool::new(false));
    for (signal, _) in SIGNALS {
        // In the handler itself: so it ends the command whatever its threads are at.
        register_conditional_default(signal, Arc::clone(&has_come))?;
    }
    let mut signals = Signals::new(SIGNALS.map(|(signal, _)| signal))?;
    let body = move || {
        for signal in signals.forever() {
            if has_come.swap(true, Ordering::SeqCst) {
                let _ = emulate_default_handler(signal);
            }
            let name =
                SIGNALS.iter().find(|(known, _)| *known == signal).map_or("", |(_, name)| name);
            cancellation.cancel(name);
            // On a terminal there is a line of progress, and what the keyboard has left behind it.
            let line = if io::stderr().is_terminal() { "\n" } else { "" };
            let _ = writeln!(
                io::stderr(),
                "{line}{name}: cancelling, if it is not done yet; another one ends the command at once"
            );
        }
    };
    Builder::new().name("signals".to_owned()).spawn(body).map(|_| ())
}

/// The exit code of what was cancelled: that of a command which the signal has ended.
pub(crate) fn exit_code(cancelled: &Cancelled) -> u8 {
    let signal = SIGNALS.iter().find(|(_, name)| *name == cancelled.by);
    let number = signal.and_then(|(signal, _)| u8::try_from(*signal).ok());
    number.map_or(1, |number| ENDED_BY_SIGNAL.saturating_add(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_signal_has_cancelled_has_the_exit_code_of_what_it_ends() {
        let code = |by: &str| exit_code(&Cancelled { by: by.to_owned() });
        assert_eq!((code("SIGINT"), code("SIGTERM"), code("somebody")), (130, 143, 1));
    }
}
