//! What a launcher hears of while a runtime runs: signals, and what the runtime has to say.

use std::io;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Builder;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

/// Signals that a runtime is sent on, and what they are called.
const FORWARDED: [(i32, &str); 6] = [
    (SIGTERM, "SIGTERM"),
    (SIGINT, "SIGINT"),
    (SIGHUP, "SIGHUP"),
    (SIGQUIT, "SIGQUIT"),
    (SIGUSR1, "SIGUSR1"),
    (SIGUSR2, "SIGUSR2"),
];

/// Something that has happened.
#[derive(Debug)]
pub(super) enum Message {
    /// A signal came for the launcher.
    Signal(i32),
    /// The runtime has sent a message to its notification socket.
    Notification(Vec<u8>),
}

/// Where everything arrives, in order.
pub(super) struct Inbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

impl Inbox {
    /// From here on signals arrive here, and do nothing else: one that comes while nothing runs is sent on to what is started
    /// next.
    ///
    /// # Errors
    /// If signals cannot be listened to.
    pub(super) fn open() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let listened = FORWARDED.iter().map(|(signal, _)| *signal).chain([SIGCHLD]);
        let mut signals = Signals::new(listened)?;
        let to = sender.clone();
        Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if to.send(Message::Signal(signal)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { sender, receiver })
    }

    /// For another thread to send to.
    pub(super) fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// The next message, if one comes within this time.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Message> {
        self.receiver.recv_timeout(timeout).ok()
    }

    /// Forgets what the last runtime has said, and keeps the signals that a person has sent since.
    pub(super) fn forget_notifications(&self) {
        let messages: Vec<Message> = self.receiver.try_iter().collect();
        for message in messages {
            if matches!(message, Message::Signal(signal) if signal != SIGCHLD) {
                // The receiver is this one.
                let _ = self.sender.send(message);
            }
        }
    }
}

/// What a signal is called; none if it is not sent on.
pub(super) fn name(signal: i32) -> Option<&'static str> {
    FORWARDED.iter().find(|(known, _)| *known == signal).map(|(_, name)| *name)
}

/// Whether a signal asks for an end.
pub(super) fn asks_to_stop(signal: i32) -> bool {
    [SIGTERM, SIGINT].contains(&signal)
}

/// Whether the keyboard sends it, to everything that runs on its terminal.
pub(super) fn is_of_keyboard(signal: i32) -> bool {
    [SIGINT, SIGQUIT].contains(&signal)
}

/// Sends a signal to a process that was not waited for yet. That it has ended meanwhile is no error.
pub(super) fn send(child: &Child, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = kill_process(Pid::from_child(child), signal);
    }
}
