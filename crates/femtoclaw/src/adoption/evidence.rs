//! Which release wrote a directory: what speaks for which.

use std::collections::BTreeMap;

use versioning::RuntimeVersion;

use crate::json::Fields;
use crate::record::{ExecutionRecord, MessageRole, RecordKind, Snapshot, TelemetryEvent};
use crate::role::Role;

/// The first release.
pub(crate) const FIRST: RuntimeVersion = RuntimeVersion::new(1, 0, 0);
/// The second and last release of 1.0.
pub(crate) const SECOND: RuntimeVersion = RuntimeVersion::new(1, 0, 3);

/// Telemetry events that only 1.0.0 knows. 1.0.3 refuses to load a file that holds one.
const FIRST_EVENTS: [&str; 3] = ["ProtocolValidation", "CapabilityExecution", "Error"];
/// Telemetry events that only 1.0.3 knows.
const SECOND_EVENTS: [&str; 8] = [
    "InputReceived",
    "ProtocolValidated",
    "ProtocolRejected",
    "CapabilityExecutionStart",
    "CapabilityExecutionComplete",
    "CapabilityExecutionError",
    "ExecutionComplete",
    "ExecutionError",
];

/// What speaks for which release.
///
/// A sign decides, or it only supports: the tool id in old records does not change when a release does, and a rule may
/// name a tool that is long gone. Of each sign the first place is kept, so memory is bounded.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    deciding: BTreeMap<RuntimeVersion, BTreeMap<&'static str, String>>,
    supporting: BTreeMap<RuntimeVersion, BTreeMap<&'static str, String>>,
}

impl Evidence {
    pub(crate) fn decides(
        &mut self,
        release: RuntimeVersion,
        sign: &'static str,
        sentence: impl FnOnce() -> String,
    ) {
        self.deciding.entry(release).or_default().entry(sign).or_insert_with(sentence);
    }

    pub(crate) fn supports(
        &mut self,
        release: RuntimeVersion,
        sign: &'static str,
        sentence: impl FnOnce() -> String,
    ) {
        self.supporting.entry(release).or_default().entry(sign).or_insert_with(sentence);
    }

    /// A tool id that was renamed between the releases.
    pub(crate) fn tool(&mut self, tool: &str, place: &str) {
        let sentence = || format!("{place} names the tool {tool}");
        match tool {
            "web_get" => self.supports(FIRST, "tool id", sentence),
            "web.get" => self.supports(SECOND, "tool id", sentence),
            _ => {}
        }
    }

    /// What a record says.
    pub(crate) fn record(&mut self, role: Role, bytes: &[u8], file: &str, line: u64) {
        let place = || format!("{file}:{line}");
        match role {
            Role::Telemetry => {
                let Ok((event, _)) = TelemetryEvent::read(bytes) else { return };
                let kind = event.event_type.as_str();
                let sentence = || format!("{} holds the telemetry event {kind}", place());
                if FIRST_EVENTS.contains(&kind) {
                    self.decides(FIRST, "telemetry event", sentence);
                } else if SECOND_EVENTS.contains(&kind) {
                    self.decides(SECOND, "telemetry event", sentence);
                }
            }
            Role::Messages => {
                let Ok(mut fields) = Fields::read(bytes) else { return };
                let Ok(spelling) = fields.text("role") else { return };
                if MessageRole::parse(&spelling).is_none() {
                    return;
                }
                let is_capital = spelling.starts_with(|first: char| first.is_ascii_uppercase());
                let release = if is_capital { FIRST } else { SECOND };
                self.decides(release, "role", || format!("{} has the role {spelling}", place()));
            }
            Role::Snapshot | Role::Snapshots => {
                let Ok((snapshot, _)) = Snapshot::read(bytes) else { return };
                let Some(version) = snapshot.state.as_ref().and_then(runtime_version) else {
                    return;
                };
                let sentence = || format!("{} is a snapshot of runtime {version}", place());
                self.decides(version.clone(), "snapshot", sentence);
            }
            Role::Executions => {
                let Ok((record, _)) = ExecutionRecord::read(bytes) else { return };
                self.tool(&record.capability, &place());
            }
            _ => {}
        }
    }

    /// The release, and a sentence for every sign.
    ///
    /// # Errors
    /// Every reason why it is not clear.
    pub(crate) fn decide(
        self,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<(RuntimeVersion, Vec<String>), Vec<String>> {
        let mut sentences = Vec::new();
        for (weight, signs) in [("", &self.deciding), (" (supporting)", &self.supporting)] {
            for (release, signs) in signs {
                let signs = signs.values();
                sentences.extend(signs.map(|sign| format!("{sign}, as {release} does{weight}")));
            }
        }
        if let Some(assumed) = assumed {
            let release = stated(assumed).map_err(|reason| vec![reason])?;
            sentences.insert(0, format!("the operator states that it is {release}"));
            return Ok((release, sentences));
        }
        let releases: Vec<&RuntimeVersion> = self.deciding.keys().collect();
        let hint = "state the version with --source-version 1.0.0 or --source-version 1.0.3";
        match releases.as_slice() {
            [release] if [FIRST, SECOND].contains(release) => Ok(((*release).clone(), sentences)),
            [] => {
                sentences.insert(0, "nothing in it decides between 1.0.0 and 1.0.3".to_owned());
                sentences.push(hint.to_owned());
                Err(sentences)
            }
            _ => {
                sentences.push(hint.to_owned());
                Err(sentences)
            }
        }
    }
}

/// The release that an operator states.
///
/// # Errors
/// A sentence that says which ones can be stated.
pub(crate) fn stated(version: &RuntimeVersion) -> Result<RuntimeVersion, String> {
    let release = [FIRST, SECOND].into_iter().find(|release| release == version);
    release.ok_or_else(|| {
        format!(
            "{version} was stated, which is no release that can be adopted; those that can be stated are {FIRST} and {SECOND}"
        )
    })
}

fn runtime_version(state: &crate::record::Json) -> Option<RuntimeVersion> {
    let mut state = Fields::read(state.text().as_bytes()).ok()?;
    state.optional_text("runtime_version").ok()??.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supporting_signs_alone_decide_nothing() {
        let mut evidence = Evidence::default();
        evidence.tool("web_get", "policies.json:3");
        let reasons = evidence.decide(None).unwrap_err();
        assert_eq!(reasons[0], "nothing in it decides between 1.0.0 and 1.0.3");
        assert_eq!(
            reasons[1],
            "policies.json:3 names the tool web_get, as 1.0.0 does (supporting)"
        );
    }

    #[test]
    fn contradicting_signs_are_all_named_unless_the_operator_states_the_version() {
        let evidence = || {
            let mut evidence = Evidence::default();
            evidence.record(Role::Messages, br#"{"role":"User","content":""}"#, "m.json", 2);
            evidence.record(Role::Messages, br#"{"role":"user","content":""}"#, "m.json", 6);
            evidence
        };
        let reasons = evidence().decide(None).unwrap_err();
        assert_eq!(reasons[0], "m.json:2 has the role User, as 1.0.0 does");
        assert_eq!(reasons[1], "m.json:6 has the role user, as 1.0.3 does");
        assert!(reasons[2].contains("--source-version"));
        assert_eq!(evidence().decide(Some(&SECOND)).unwrap().0, SECOND);
        assert!(evidence().decide(Some(&RuntimeVersion::new(1, 0, 1))).is_err());
    }

    #[test]
    fn a_snapshot_of_an_unknown_release_is_never_guessed_away() {
        let mut evidence = Evidence::default();
        let snapshot = br#"{"id":"s","timestamp":"t","state":{"runtime_version":"1.0.2"}}"#;
        evidence.record(Role::Snapshot, snapshot, "s.json", 1);
        assert!(evidence.decide(None).is_err());
    }
}
