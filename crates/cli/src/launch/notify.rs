//! The notification socket of a runtime, as systemd's services have one (`sd_notify(3)`).

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::Builder;

use super::signals::Message;
use crate::surroundings::{random_id, temporary_directory, variable};

/// The environment variable that names the socket.
pub(super) const VARIABLE: &str = "NOTIFY_SOCKET";

/// The longest message that is read, in bytes: systemd reads no more either.
const MAXIMUM_MESSAGE_BYTES: usize = 4096;

/// A socket in a private directory, for one runtime; both are removed with this value.
pub(super) struct NotifySocket {
    directory: PathBuf,
    is_closed: Arc<AtomicBool>,
}

impl NotifySocket {
    /// Makes one. What arrives is sent on.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn open(to: Sender<Message>) -> io::Result<Self> {
        let id: String = random_id()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = temporary_directory().join(format!("femtoclaw-upgrade-{id}"));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let opened = Self { directory, is_closed: Arc::clone(&is_closed) };
        let socket = UnixDatagram::bind(opened.path())?;
        Builder::new().name("notifications".to_owned()).spawn(move || {
            let mut buffer = [0; MAXIMUM_MESSAGE_BYTES];
            while let Ok(length) = socket.recv(&mut buffer) {
                let message = buffer.get(..length).unwrap_or_default().to_vec();
                if is_closed.load(Ordering::SeqCst)
                    || to.send(Message::Notification(message)).is_err()
                {
                    break;
                }
            }
        })?;
        Ok(opened)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join("notify")
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        // Whoever waits for the next message is woken by it.
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to(b"", self.path());
        }
        let _ = std::fs::remove_file(self.path());
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// Whether a message says that the runtime is ready.
pub(super) fn is_ready(message: &[u8]) -> bool {
    message.split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
}

/// The same message without saying so: whether all is well is for the launcher to say.
pub(super) fn without_ready(message: &[u8]) -> Vec<u8> {
    let lines = message.split(|byte| *byte == b'\n');
    let kept: Vec<&[u8]> = lines.filter(|line| *line != b"READY=1").collect();
    kept.join(&b'\n')
}

/// Tells whoever has started the launcher, if it listens.
pub(super) fn pass_on(message: &[u8]) {
    let Some(path) = variable(VARIABLE).filter(|_| message.iter().any(|byte| *byte != b'\n'))
    else {
        return;
    };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A manager that does not listen any more is no reason to stop.
    let _ = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(OsStr::new(name).as_bytes())
            .and_then(|address| socket.send_to_addr(message, &address)),
        None => socket.send_to(message, Path::new(&path)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_line_says_that_a_runtime_is_ready_and_the_rest_is_passed_on() {
        for (message, ready, rest) in [
            ("READY=1", true, ""),
            ("STATUS=up\nREADY=1\nMAINPID=7", true, "STATUS=up\nMAINPID=7"),
            ("STATUS=not READY=1", false, "STATUS=not READY=1"),
            ("READY=10", false, "READY=10"),
        ] {
            assert_eq!(is_ready(message.as_bytes()), ready, "{message}");
            assert_eq!(without_ready(message.as_bytes()), rest.as_bytes(), "{message}");
        }
    }
}
