//! A made-up home of FemtoClaw 1.0.3, of any size: for demonstrations, crash tests and benchmarks.
//!
//! The same options always give the same bytes. Every turn is computed from the seed and its own number, so that each
//! file is written as a stream and memory does not grow with the number of turns.

mod parts;
mod turn;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use parts::{capabilities, configuration, policies, write_extensions};
use turn::{SplitMix, Turn};

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Another seed gives other records.
    pub seed: u64,
    /// Turns of the conversation. Each gives up to five events of the log, one execution record, one history entry, one
    /// audit entry, three telemetry events and two messages.
    pub records: u64,
    /// What has gone wrong with it.
    pub damage: SampleDamage,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { seed: 1, records: 100, damage: SampleDamage::NONE }
    }
}

/// What has gone wrong with a sample, as it does in the field. None of it stops an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleDamage {
    /// The last line of the log is cut.
    pub torn_tail: bool,
    /// The memory log ends in NUL bytes.
    pub nul_tail: bool,
    /// A second writer has given the ids of the last events again.
    pub repeated_ids: bool,
    /// Some events have a field that 1.0.3 does not know.
    pub unknown_fields: bool,
    /// Some events carry numbers that no 64 bits hold.
    pub big_numbers: bool,
    /// One extension has the version `banana`.
    pub broken_extension: bool,
}

impl SampleDamage {
    /// A home in good order.
    pub const NONE: Self = Self::all(false);
    /// Everything at once.
    pub const ALL: Self = Self::all(true);

    const fn all(damaged: bool) -> Self {
        Self {
            torn_tail: damaged,
            nul_tail: damaged,
            repeated_ids: damaged,
            unknown_fields: damaged,
            big_numbers: damaged,
            broken_extension: damaged,
        }
    }
}

/// How many records a sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleSummary {
    /// Events of the log that are complete.
    pub wal: u64,
    /// Execution records.
    pub executions: u64,
    /// Executions that began and never ended: only the log tells of them.
    pub interrupted: u64,
    /// History entries.
    pub history: u64,
    /// Audit entries.
    pub audit: u64,
    /// Telemetry events.
    pub telemetry: u64,
    /// Messages of the memory log.
    pub memory: u64,
}

/// Events that a second writer repeats.
const REPEATED_EVENTS: u64 = 3;

/// Writes a sample home into a directory that is empty or not there yet.
///
/// # Errors
/// What the operating system says; a file that is there already is never overwritten.
pub fn write_sample_home(directory: &Path, options: &SampleOptions) -> io::Result<SampleSummary> {
    for part in ["config", "data", "policy", "talons"] {
        fs::create_dir_all(directory.join(part))?;
    }
    let mut summary = SampleSummary::default();
    write_json(directory, "config/config.json", &configuration())?;
    write_json(directory, "policy/policies.json", &policies())?;
    write_json(directory, "policy/capabilities.json", &capabilities())?;
    write_json(directory, "data/snapshot.json", &snapshot(options))?;
    write_log(directory, options, &mut summary)?;
    write_memory(directory, options, &mut summary)?;
    let turns = || (0..options.records).map(|number| Turn::new(options.seed, number));
    let data = |name: &str| directory.join("data").join(name);
    let completed = turns().filter(|turn| !turn.interrupted).map(|turn| turn.execution(true));
    summary.executions = write_array(&data("executions.json"), completed)?;
    let history = turns().filter(|turn| !turn.interrupted).map(|turn| turn.history());
    summary.history = write_array(&data("history.json"), history)?;
    summary.audit = write_array(&data("audit.json"), turns().map(|turn| turn.audit()))?;
    summary.telemetry =
        write_array(&data("telemetry.json"), turns().flat_map(|turn| turn.telemetry()))?;
    summary.interrupted = turns().filter(|turn| turn.interrupted).count() as u64;
    write_extensions(directory, options)?;
    Ok(summary)
}

fn write_log(
    directory: &Path,
    options: &SampleOptions,
    summary: &mut SampleSummary,
) -> io::Result<()> {
    let mut output = create(&directory.join("data/execution.wal"), 0o644)?;
    let mut id = 0_u64;
    for number in 0..options.records {
        let turn = Turn::new(options.seed, number);
        for (kind, step, payload) in turn.events() {
            let mut extra = String::new();
            if options.damage.unknown_fields && id % 11 == 3 {
                extra.push_str(",\"session\":\"s-1\"");
            }
            let mut payload = payload.to_string();
            if options.damage.big_numbers && kind == "input" && number % 7 == 2 {
                payload =
                    r#"{"input":"count","tokens":123456789012345678901234567890,"price":1.10}"#
                        .to_owned();
            }
            let time = turn.time(step);
            writeln!(
                output,
                r#"{{"id":{id},"timestamp":"{time}","event_type":"{kind}","payload":{payload}{extra}}}"#
            )?;
            id += 1;
        }
    }
    summary.wal = id;
    if options.damage.repeated_ids {
        for again in id.saturating_sub(REPEATED_EVENTS)..id {
            let time = Turn::new(options.seed, options.records).time(again % 7);
            writeln!(
                output,
                r#"{{"id":{again},"timestamp":"{time}","event_type":"input","payload":{{"input":"from another writer"}}}}"#
            )?;
            summary.wal += 1;
        }
    }
    if options.damage.torn_tail {
        write!(output, r#"{{"id":{id},"timestamp":"2026-"#)?;
    }
    output.flush()
}

fn write_memory(
    directory: &Path,
    options: &SampleOptions,
    summary: &mut SampleSummary,
) -> io::Result<()> {
    let mut output = create(&directory.join("data/memory.wal"), 0o644)?;
    for number in 0..options.records {
        let turn = Turn::new(options.seed, number);
        let messages =
            [("user", format!("hello {number}")), ("assistant", format!("ACK: hello {number}"))];
        for (step, (role, content)) in (6_u64..).zip(messages) {
            let (id, time) = (summary.memory, turn.time(step));
            let payload = json!({"content": content, "role": role});
            writeln!(
                output,
                r#"{{"id":{id},"timestamp":"{time}","event_type":"push","payload":{payload}}}"#
            )?;
            summary.memory += 1;
        }
    }
    if options.damage.nul_tail {
        output.write_all(&[0; 512])?;
    }
    output.flush()
}

/// Writes an array as 1.0.3 does, one element after the other.
fn write_array(path: &Path, elements: impl Iterator<Item = Value>) -> io::Result<u64> {
    let mut output = create(path, 0o644)?;
    let mut count = 0;
    output.write_all(b"[")?;
    for element in elements {
        output.write_all(if count == 0 { b"\n  " } else { b",\n  " })?;
        let text = serde_json::to_string_pretty(&element)?;
        output.write_all(text.replace('\n', "\n  ").as_bytes())?;
        count += 1;
    }
    output.write_all(if count == 0 { b"]" } else { b"\n]" })?;
    output.flush()?;
    Ok(count)
}

fn write_json(directory: &Path, path: &str, value: &Value) -> io::Result<()> {
    let mut output = create(&directory.join(path), 0o644)?;
    serde_json::to_writer_pretty(&mut output, value)?;
    output.flush()
}

fn create(path: &Path, mode: u32) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    Ok(BufWriter::new(file))
}

fn snapshot(options: &SampleOptions) -> Value {
    let mut random = SplitMix(options.seed);
    json!({
        "id": random.uuid(),
        "state": {"counters": {"executions": options.records}, "runtime_version": "1.0.3"},
        "timestamp": Turn::new(options.seed, options.records).time(0),
    })
}
