//! What the command, and only the command, asks of its surroundings: clock, environment, terminal.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use versioning::{Clock, Timestamp};

/// The operating system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the command is where the time comes from")]
    fn now(&self) -> Timestamp {
        let nanoseconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(error) => -i128::try_from(error.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        // A clock that shows no year with four digits shows nothing worth keeping; the journal keeps the order anyway.
        Timestamp::from_unix_nanoseconds(nanoseconds).unwrap_or(Timestamp::EPOCH)
    }
}

/// A stopwatch, for progress only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "progress is shown in time, and decides nothing")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// 128 bits that nobody can guess and nobody has used.
pub(crate) fn random_id() -> Result<[u8; 16], std::io::Error> {
    let mut bits = [0; 16];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bits)?;
    Ok(bits)
}

/// Where files may lie that nobody needs for long.
pub(crate) fn temporary_directory() -> std::path::PathBuf {
    std::env::temp_dir()
}

/// More threads than this are for whoever asks for them: they need memory, and the disk is busy by then.
const MOST_THREADS: usize = 8;

/// How many threads are to work on records, where nobody says: as many as there are cores for this process.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// The bytes that are free for whoever runs the command where a path is; none if that cannot be told.
pub(crate) fn free_bytes(path: &std::path::Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// An environment variable, if it is set to something.
#[expect(clippy::disallowed_methods, reason = "the command is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who runs the command, as far as the environment tells.
pub(crate) fn operator() -> String {
    let named = variable("USER").or_else(|| variable("LOGNAME"));
    named.or_else(user_id).unwrap_or_else(|| "unknown".to_owned())
}

/// The user's number, where no name is set.
fn user_id() -> Option<String> {
    let process = std::fs::metadata("/proc/self").ok()?;
    Some(format!("uid {}", std::os::unix::fs::MetadataExt::uid(&process)))
}
