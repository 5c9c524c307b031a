//! What all of it was measured on.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::process::as_f64;

/// A machine, as far as it matters here. What cannot be found out is `unknown`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    /// Of the working data.
    pub(crate) file_system: String,
}

impl Machine {
    /// This one, with the file system that a directory is on.
    pub(crate) fn read(directory: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
        let memory = number_of(&text("/proc/meminfo"), "MemTotal");
        Self {
            processor: or_unknown(value_of(&text("/proc/cpuinfo"), "model name")),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (as_f64(memory) / (1024.0 * 1024.0)).round(),
            kernel: or_unknown(Some(text("/proc/sys/kernel/osrelease").trim().to_owned())),
            file_system: or_unknown(file_system_of(&text("/proc/self/mounts"), &directory)),
        }
    }

    /// In a sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { processor, cores, memory_gib, kernel, file_system } = self;
        format!("{processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, {file_system}")
    }
}

fn or_unknown(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// The first value of `name : value`.
fn value_of(text: &str, name: &str) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .into_iter()
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn number_of(text: &str, name: &str) -> u64 {
    let value = value_of(text, name).unwrap_or_default();
    value.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The type of what is mounted closest above a path.
fn file_system_of(mounts: &str, path: &Path) -> Option<String> {
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        path.starts_with(at).then_some((at.len(), kind))
    });
    // Of two at the same place, the later one is what is seen.
    above.max_by_key(|(length, _)| *length).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_closest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmp /tmp tmpfs rw 0 0\n/dev/b /tmp/b xfs rw 0 0\n";
        let kind = |path: &str| file_system_of(mounts, Path::new(path)).unwrap();
        assert_eq!(
            (kind("/home"), kind("/tmp/a"), kind("/tmp/b/c")),
            ("ext4".into(), "tmpfs".into(), "xfs".into())
        );
    }

    #[test]
    fn names_of_proc_are_read_to_their_end() {
        let text = "model\t\t: 1\nmodel name\t: A Chip @ 2: fast\nMemTotal:       2048 kB\n";
        assert_eq!(value_of(text, "model name").as_deref(), Some("A Chip @ 2: fast"));
        assert_eq!(number_of(text, "MemTotal"), 2048);
        assert_eq!(or_unknown(value_of(text, "flags")), "unknown");
    }

    #[test]
    fn this_machine_is_known() {
        let machine = Machine::read(Path::new("."));
        assert!(machine.cores > 0 && machine.memory_gib > 0.0, "{}", machine.sentence());
    }
}
