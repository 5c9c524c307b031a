//! One turn of the conversation, computed from the seed and its own number.

use serde_json::{Value, json};
use versioning::Timestamp;

/// One turn in so many is interrupted.
const INTERRUPTED_EVERY: u64 = 37;
/// 2026-01-01T00:00:00Z.
const FIRST_NANOSECOND: i128 = 1_767_225_600_000_000_000;

/// The generator splitmix64: small, and the same everywhere.
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn uuid(&mut self) -> String {
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
pub(super) struct Turn {
    number: u64,
    pub(super) interrupted: bool,
    kind: u64,
    ids: [String; 5],
}

impl Turn {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut random = SplitMix(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
        let kind = random.next() % 4;
        let ids = std::array::from_fn(|_| random.uuid());
        Self { number, interrupted: number % INTERRUPTED_EVERY == 5, kind, ids }
    }

    /// A moment of this turn: turns are a second apart.
    pub(super) fn time(&self, step: u64) -> String {
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

    pub(super) fn execution(&self, ended: bool) -> Value {
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

    pub(super) fn history(&self) -> Value {
        let number = self.number;
        json!({
            "input": format!("request {number}"),
            "metadata": {"turn": number},
            "output": format!("reply {number}"),
            "timestamp": self.time(5),
        })
    }

    pub(super) fn audit(&self) -> Value {
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

    pub(super) fn telemetry(&self) -> Vec<Value> {
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
    pub(super) fn events(&self) -> Vec<(&'static str, u64, Value)> {
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
