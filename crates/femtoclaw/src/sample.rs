//! A made-up home of FemtoClaw 1.0.3, of any size: for demonstrations, crash tests and benchmarks.
//!
//! The same options always give the same bytes. Every turn is computed from the seed and its own number, so that each
//! file is written as a stream and memory does not grow with the number of turns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use versioning::Timestamp;

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
/// One turn in so many is interrupted.
const INTERRUPTED_EVERY: u64 = 37;
/// 2026-01-01T00:00:00Z.
const FIRST_NANOSECOND: i128 = 1_767_225_600_000_000_000;

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

/// The generator splitmix64: small, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFF,
            0x8000 | low >> 48 & 0x3FFF,
            low & 0xFFFF_FFFF_FFFF,
        )
    }
}

/// One turn of the conversation.
struct Turn {
    number: u64,
    interrupted: bool,
    kind: u64,
    ids: [String; 5],
}

impl Turn {
    fn new(seed: u64, number: u64) -> Self {
        let mut random = SplitMix(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
        let kind = random.next() % 4;
        let ids = std::array::from_fn(|_| random.uuid());
        Self { number, interrupted: number % INTERRUPTED_EVERY == 5, kind, ids }
    }

    /// A moment of this turn: turns are a second apart.
    fn time(&self, step: u64) -> String {
        let nanoseconds = i128::from(self.number) * 1_000_000_000
            + i128::from(step) * 17_000_123
            + i128::from(self.kind) * 1_001;
        Timestamp::from_unix_nanoseconds(FIRST_NANOSECOND + nanoseconds)
            .map(|time| time.to_string())
            .unwrap_or_default()
    }

    fn id(&self, index: usize) -> &str {
        self.ids.get(index).map_or("", String::as_str)
    }

    fn tool(&self) -> (&'static str, &'static str, Value) {
        let number = self.number;
        match self.kind {
            0 => {
                let arguments =
                    json!({"argv": ["-la", format!("/srv/data/{number}")], "bin": "ls"});
                ("shell", "AUTHORIZED", arguments)
            }
            1 => {
                let arguments = json!({"url": format!("https://example.com/{number}")});
                ("web.get", "AUTHORIZED", arguments)
            }
            2 => ("fs", "DENIED_POLICY_VIOLATION", json!({"path": "/etc/hostname"})),
            _ => {
                let text = "línea\n\"q\" 🦀";
                let arguments = json!({"n": number, "program": "id", "ratio": 0.1, "text": text});
                ("process", "DENIED_CAPABILITY_DISABLED", arguments)
            }
        }
    }

    fn execution(&self, ended: bool) -> Value {
        let (capability, decision, arguments) = self.tool();
        let allowed = decision == "AUTHORIZED";
        let failed = allowed && self.number % 10 == 6;
        let status = match (ended, allowed, failed) {
            (false, ..) => "Started",
            (_, false, _) => "Denied",
            (_, _, true) => "Failed",
            _ => "Completed",
        };
        let completed = ended && allowed && !failed;
        json!({
            "arguments": arguments,
            "capability": capability,
            "error": if ended && failed { json!("timeout") } else { Value::Null },
            "id": self.id(0),
            "result": if completed { json!(format!("result {}", self.number)) } else { Value::Null },
            "status": status,
            "timestamp": self.time(2),
        })
    }

    fn history(&self) -> Value {
        let number = self.number;
        json!({
            "input": format!("request {number}"),
            "metadata": {"turn": number},
            "output": format!("reply {number}"),
            "timestamp": self.time(5),
        })
    }

    fn audit(&self) -> Value {
        let (resource, result, arguments) = self.tool();
        json!({
            "action": "execute",
            "actor": "agent",
            "details": {"args": arguments},
            "event": "authorization",
            "id": self.id(1),
            "resource": resource,
            "result": result,
            "timestamp": self.time(1),
        })
    }

    fn telemetry(&self) -> Vec<Value> {
        let event = |index: usize, kind: &str, step: u64, payload: Value| {
            json!({
                "event_type": kind,
                "id": self.id(index),
                "payload": payload,
                "timestamp": self.time(step),
                "trace_id": null,
            })
        };
        let (tool, decision, _) = self.tool();
        let input = json!({"input": format!("request {}", self.number)});
        let mut events = vec![
            event(2, "InputReceived", 0, input),
            event(3, "AuthorizationDecision", 1, json!({"decision": decision, "tool": tool})),
        ];
        if !self.interrupted {
            events.push(event(4, "CapabilityExecutionComplete", 4, self.execution(true)));
        }
        events
    }

    /// The events of the log: kind, moment and payload of each.
    fn events(&self) -> Vec<(&'static str, u64, Value)> {
        let number = self.number;
        let (tool, decision, _) = self.tool();
        let mut events = vec![
            ("input", 0, json!({"input": format!("request {number}")})),
            ("authorization", 1, json!({"decision": decision, "tool": tool})),
            ("execution_started", 3, self.execution(false)),
        ];
        if !self.interrupted {
            let reply =
                json!({"input": format!("request {number}"), "output": format!("reply {number}")});
            events.push(("execution_finished", 4, self.execution(true)));
            events.push(("history", 5, reply));
        }
        events
    }
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

fn configuration() -> Value {
    json!({
        "brain": {"backend": "openai", "model": "gpt-4.1-mini", "api_key": "sk-NOT-A-REAL-KEY"},
        "logging": {"level": "info"},
        "storage": {"path": "/var/lib/femtoclaw"},
    })
}

fn policies() -> Value {
    let rule = |effect: &str, resource: &str| {
        json!({
            "effect": effect,
            "principal": "*",
            "resource": resource,
            "action": "execute",
            "conditions": [],
        })
    };
    let rules = [rule("Allow", "shell"), rule("Allow", "web.get"), rule("Deny", "*")];
    json!([{"name": "default", "version": "1.0", "rules": rules}])
}

fn capabilities() -> Value {
    let capability = |name: &str, description: &str, enabled: bool| json!({"name": name, "description": description, "enabled": enabled, "parameters": []});
    json!([
        capability("fs", "Read files", true),
        capability("process", "Run programs", false),
        capability("shell", "Run commands of the shell", true),
        capability("web.get", "Fetch a page", true),
    ])
}

fn snapshot(options: &SampleOptions) -> Value {
    let mut random = SplitMix(options.seed);
    json!({
        "id": random.uuid(),
        "state": {"counters": {"executions": options.records}, "runtime_version": "1.0.3"},
        "timestamp": Turn::new(options.seed, options.records).time(0),
    })
}

/// Name, description and a list of commands of each extension.
const EXTENSIONS: [(&str, &str, &[&str]); 3] = [
    ("greeter", "Says hello -- and nothing else --- in several languages", &["hello"]),
    ("ledger", "Adds up columns of numbers", &["add", "total"]),
    ("weather", "Reads the barometer in the hall", &["now"]),
];

fn write_extensions(directory: &Path, options: &SampleOptions) -> io::Result<()> {
    let mut index = serde_json::Map::new();
    for (name, description, commands) in EXTENSIONS {
        let home = directory.join("talons").join(name);
        fs::create_dir_all(home.join("scripts"))?;
        let broken = options.damage.broken_extension && name == "weather";
        let version = if broken { "banana" } else { "1.0.0" };
        let mut manifest = create(&home.join("TALON.md"), 0o644)?;
        writeln!(
            manifest,
            "---\nname: {name}\nversion: {version}\ndescription: {description}\nauthor: The sample generator\n\
             license: Apache-2.0\ntags: [sample, {name}]\ncommands:"
        )?;
        for command in commands {
            writeln!(
                manifest,
                "  - name: {command}\n    description: What it says\n    args:\n      - name: text\n        \
                 type: string\n        required: false\n        default: nothing"
            )?;
        }
        write!(manifest, "---\n\n# {name}\n\n{description}.\n")?;
        manifest.flush()?;
        let mut script = create(&home.join("scripts/run.sh"), 0o755)?;
        writeln!(script, "#!/bin/sh\nprintf '%s\\n' {name}")?;
        script.flush()?;
        let entry = json!({
            "name": name,
            "version": version,
            "description": description,
            "author": "The sample generator",
            "license": "Apache-2.0",
            "path": format!("/var/lib/femtoclaw/talons/{name}"),
            "tags": ["sample", name],
        });
        index.insert(name.to_owned(), entry);
    }
    write_json(directory, "talons/index.json", &json!({"talons": index, "version": "1.0"}))
}
