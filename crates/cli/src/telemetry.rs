//! Telemetry into a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use upgrade::{JsonLines, TelemetryEvent, TelemetrySink};

/// Appends events to a file, which is made when there is the first one. A file that cannot be written is named once, and
/// changes nothing else.
pub(crate) struct TelemetryFile {
    path: PathBuf,
    lines: Option<JsonLines<File>>,
    failed: bool,
}

impl TelemetryFile {
    /// Events will go to this file.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), lines: None, failed: false }
    }

    fn open(&self) -> io::Result<File> {
        // Opening a pipe could wait for ever.
        if self.path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io::Error::other("it is not a plain file"));
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)
    }
}

impl TelemetrySink for TelemetryFile {
    fn emit(&mut self, event: &TelemetryEvent) {
        if self.lines.is_none() && !self.failed {
            match self.open() {
                Ok(file) => self.lines = Some(JsonLines(file)),
                Err(error) => {
                    self.failed = true;
                    let path = self.path.display();
                    let _ = writeln!(io::stderr(), "no telemetry: cannot write {path}: {error}");
                }
            }
        }
        if let Some(lines) = &mut self.lines {
            lines.emit(event);
        }
    }
}
