//! Telemetry into a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use journal::{JsonLines, OperationEvent, TelemetryEvent, TelemetrySink};

use crate::Complain;

/// Permission bits of the file, if it has to be made.
const PRIVATE: u32 = 0o600;

/// Appends events to a file as JSON Lines. The file is made when there is the first event, for its owner alone.
///
/// A file that cannot be written is complained of once; from then on nothing is written, so that no line follows half a line.
pub struct JsonLinesFile {
    path: PathBuf,
    state: State,
    complain: Complain,
}

enum State {
    Unopened,
    Open(JsonLines<File>),
    Failed,
}

impl JsonLinesFile {
    /// Events will go to this file.
    pub fn new(path: &Path, complain: Complain) -> Self {
        Self { path: path.to_path_buf(), state: State::Unopened, complain }
    }

    fn open(&self) -> io::Result<JsonLines<File>> {
        // Opening a pipe could wait for ever.
        if self.path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io::Error::other("it is not a plain file"));
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(PRIVATE).open(&self.path).map(JsonLines)
    }

    fn write(&mut self, write: impl FnOnce(&mut JsonLines<File>) -> io::Result<()>) {
        if matches!(self.state, State::Unopened) {
            self.state = match self.open() {
                Ok(lines) => State::Open(lines),
                Err(error) => return self.fail(&error),
            };
        }
        if let State::Open(lines) = &mut self.state
            && let Err(error) = write(lines)
        {
            self.fail(&error);
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.state = State::Failed;
        (self.complain)(&format!("cannot write {}: {error}", self.path.display()));
    }
}

impl TelemetrySink for JsonLinesFile {
    fn emit(&mut self, event: &TelemetryEvent) {
        self.write(|lines| lines.line(event));
    }

    fn operation(&mut self, event: &OperationEvent) {
        self.write(|lines| lines.line(event));
    }
}
