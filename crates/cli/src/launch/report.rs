//! What a launcher says: a line for each thing that happens, to people or as JSON.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::{Value, json};
use upgrade::lifecycle::Standing;
use upgrade::{Cause, Error, Launch, TrialFailure};
use versioning::GenerationNumber;

use super::describe;
use crate::output::Output;

/// Where it is said.
pub(super) struct Report<'o> {
    output: &'o mut Output,
}

impl<'o> Report<'o> {
    pub(super) fn new(output: &'o mut Output) -> Self {
        Self { output }
    }

    pub(super) fn is_json(&self) -> bool {
        self.output.is_json()
    }

    fn event(&mut self, kind: &str, value: &Value, text: &str) {
        self.output.event(kind, value, text);
    }

    pub(super) fn launched(&mut self, launch: &Launch, pid: u32) {
        let (number, version) = (launch.generation().number(), &launch.versions().runtime);
        let (left, tries) = match launch.standing() {
            Standing::Trial { left, tries, .. } => (Some(left), Some(tries)),
            Standing::Confirmed => (None, None),
        };
        let value = json!({
            "generation": number, "version": version, "pid": pid, "binary": launch.binary(),
            "tries": tries, "tries_left": left, "returned_from": launch.returned_from(),
        });
        let trial = left.zip(tries).map(|(left, tries)| {
            format!(", on trial, {left} of {tries} starts left after this one")
        });
        let trial = trial.unwrap_or_default();
        let text = format!("generation {number} ({version}) runs with pid {pid}{trial}");
        self.event("launched", &value, &text);
    }

    pub(super) fn executing(&mut self, launch: &Launch) {
        let (number, version) = (launch.generation().number(), &launch.versions().runtime);
        let value = json!({"generation": number, "version": version, "binary": launch.binary()});
        self.event("executing", &value, &format!("becoming generation {number} ({version})"));
    }

    pub(super) fn healthy(
        &mut self,
        generation: GenerationNumber,
        after: Duration,
        confirmed: bool,
    ) {
        let seconds = after.as_secs_f64();
        let value = json!({"generation": generation, "seconds": seconds});
        let text = format!("generation {generation} is healthy after {seconds:.1} s");
        self.event("healthy", &value, &text);
        if confirmed {
            let value = json!({"generation": generation});
            self.event("confirmed", &value, &format!("generation {generation} is confirmed"));
        }
    }

    pub(super) fn not_confirmed(&mut self, generation: GenerationNumber, error: &Error) {
        let message = error.cause().to_string();
        let value = json!({"generation": generation, "error": error.name(), "message": message});
        let text = format!("generation {generation} is healthy and cannot be confirmed: {message}");
        self.event("not-confirmed", &value, &text);
    }

    pub(super) fn stopping(&mut self, generation: GenerationNumber, because: &str) {
        let value = json!({"generation": generation, "reason": because});
        let text = format!("generation {generation} is asked to stop: {because}");
        self.event("stopping", &value, &text);
    }

    pub(super) fn restarting(&mut self, generation: GenerationNumber, why: &str) {
        let value = json!({"generation": generation, "reason": why});
        let text = format!("the runtime of generation {generation} {why}: starting again");
        self.event("restarting", &value, &text);
    }

    pub(super) fn reverted(&mut self, error: &Error) {
        let Cause::TrialFailed(failure) = error.cause() else { return };
        let TrialFailure { generation, to, expected, .. } = &**failure;
        let reason = failure.to_string();
        let value = json!({"from": generation, "to": to, "version": expected, "reason": reason});
        self.event("reverted", &value, &reason);
    }

    pub(super) fn restart_needed(&mut self, generation: GenerationNumber) {
        let value = json!({"generation": generation});
        let text = format!("the runtime of generation {generation} asks to be started again");
        self.event("restart-needed", &value, &text);
    }

    pub(super) fn stopped(&mut self, generation: GenerationNumber, status: ExitStatus) {
        let how = describe(status);
        let value = json!({"generation": generation, "status": how, "code": status.code()});
        self.event("stopped", &value, &format!("generation {generation} has stopped: it {how}"));
    }
}
