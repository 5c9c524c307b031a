//! What is asked and answered: one JSON object a line, one answer to each, in order.
//!
//! | `do` | with | answer |
//! |---|---|---|
//! | `append-audit` | `event`, `actor`, `resource`, `action`, `result`; `id`, `details` | `id`, once it is durable |
//! | `run` | `principal`, `capability`; `id`, `arguments` | `id`, once it is durable; or the rule that denies it |
//! | `get` | `id` | the execution |
//! | `count` | | how many audit entries and executions there are |
//! | `health` | | version, generation, whether it is on trial |
//! | `confirm` | | the generation is healthy |
//! | `fail` | `reason` | the generation is not: this run ends, and the home goes back |
//! | `upgrade` | see [`Wanted`] | this run ends, and the home is upgraded |
//! | `stop` | | this run ends |
//!
//! Every answer has `ok`. If it is false, `error` says why in a word, and nothing was written; but after `store-failed`, or
//! without an answer, nobody knows.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use femtoclaw_catalogue::{
    AuditEntry, CodecError, ExecutionRecord, ExecutionStatus, Json, schema3,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use upgrade::capability_migration::{Authority, Code, Request as Call};

use crate::ledger::{Ledger, Moment, NotWritten};
use crate::serve::{Duty, Wish};
use crate::upgrading::Wanted;

/// The longest line that is read, in bytes.
const MAXIMUM_LINE_BYTES: u64 = 64 * 1024;

/// The most executions of one id that are shown.
const MOST_SHOWN: usize = 16;

/// How long somebody may take to read an answer: a run that ends waits for its last ones.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Request {
    AppendAudit(Entry),
    Run(Run),
    Get { id: String },
    Count,
    Health,
    Confirm,
    Fail { reason: String },
    Upgrade(Wanted),
    Stop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<String>,
    event: String,
    actor: String,
    resource: String,
    action: String,
    result: String,
    details: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    id: Option<String>,
    principal: String,
    capability: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// What every connection has in common.
pub(crate) struct Shared<'s> {
    pub(crate) ledger: Ledger<'s>,
    pub(crate) authority: Authority,
}

/// Answers until whoever asks is gone, or this run ends.
pub(crate) fn serve(stream: &UnixStream, shared: &Shared<'_>, wishes: &SyncSender<Wish>) {
    let mut asked = BufReader::new(stream);
    let mut answers = stream;
    let _ = stream.set_write_timeout(Some(ANSWER_TIMEOUT));
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = asked.by_ref().take(MAXIMUM_LINE_BYTES).read_until(b'\n', &mut line);
        // Half a line is nobody's wish: whoever wrote it is gone, or writes more than is read.
        if read.is_err() || line.pop() != Some(b'\n') {
            return;
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(request) => shared.answer(request, wishes),
            Err(error) => refusal("bad-request", &error.to_string()),
        };
        if answers.write_all(format!("{answer}\n").as_bytes()).is_err() {
            return;
        }
    }
}

impl Shared<'_> {
    fn answer(&self, request: Request, wishes: &SyncSender<Wish>) -> Value {
        let written = match request {
            Request::AppendAudit(entry) => self.append(&entry),
            Request::Run(run) => self.run(&run),
            Request::Get { id } => self.get(&id).map_err(NotWritten::Failed),
            Request::Count => self.count().map_err(NotWritten::Failed),
            Request::Health => return entrust(Duty::Health, wishes),
            Request::Confirm => return entrust(Duty::Confirm, wishes),
            Request::Fail { reason } => return entrust(Duty::Fail(reason), wishes),
            Request::Upgrade(wanted) => return entrust(Duty::Upgrade(Box::new(wanted)), wishes),
            Request::Stop => return entrust(Duty::Stop, wishes),
        };
        match written {
            Ok(answer) => answer,
            Err(NotWritten::Closing) => closing(),
            Err(NotWritten::Refused(why)) => refusal("bad-request", &why),
            Err(NotWritten::Failed(error)) => {
                let answer = refusal("store-failed", &error.to_string());
                // No more is asked of a store that has failed: this run ends.
                let _ = wishes.send(Wish::Broken(error));
                answer
            }
        }
    }

    fn append(&self, entry: &Entry) -> Result<Value, NotWritten> {
        self.ledger.write(|moment| {
            let id = entry.id.clone().unwrap_or_else(|| moment.id());
            let entry = AuditEntry {
                id: id.clone(),
                timestamp: moment.time.to_string(),
                event: entry.event.clone(),
                actor: entry.actor.clone(),
                resource: entry.resource.clone(),
                action: entry.action.clone(),
                result: entry.result.clone(),
                details: entry.details.as_ref().map(raw).transpose()?,
            };
            Ok((moment.audit(&entry)?, json!({"ok": true, "id": id})))
        })
    }

    /// Decides the call before it is made, makes it, and puts both on record at once.
    ///
    /// The calls of this runtime do nothing but say what they were asked. One whose calls do something writes the execution as
    /// `Started` before it makes the call, so that a crash in between can be told.
    fn run(&self, run: &Run) -> Result<Value, NotWritten> {
        let call = Call {
            principal: run.principal.clone(),
            resource: run.capability.clone(),
            action: "execute".to_owned(),
            arguments: run.arguments.clone(),
        };
        let decision = self.authority.decide(&call);
        let rule = decision.rule.as_ref().map(ToString::to_string);
        let allowed = decision.code == Code::Authorized;
        self.ledger.write(|moment| {
            let id = run.id.clone().unwrap_or_else(|| moment.id());
            let arguments = raw(&Value::Object(run.arguments.clone()))?;
            let mut records = moment.audit(&AuditEntry {
                id: id.clone(),
                timestamp: moment.time.to_string(),
                event: "authorization".to_owned(),
                actor: run.principal.clone(),
                resource: run.capability.clone(),
                action: "execute".to_owned(),
                result: decision.code.as_str().to_owned(),
                details: Some(raw(&json!({"rule": rule}))?),
            })?;
            if !allowed {
                let answer = json!({
                    "ok": false, "error": "denied", "code": decision.code, "rule": rule, "id": id,
                });
                return Ok((records, answer));
            }
            records.extend(moment.execution(&ExecutionRecord {
                id: id.clone(),
                timestamp: moment.time.to_string(),
                capability: run.capability.clone(),
                arguments: Some(arguments.clone()),
                result: Some(arguments),
                status: ExecutionStatus::Completed,
                error: None,
            })?);
            Ok((records, json!({"ok": true, "id": id, "rule": rule})))
        })
    }

    /// From the id to the executions by the index: one seek, and one look-up for each.
    fn get(&self, id: &str) -> Result<Value, upgrade::Error> {
        let prefix = schema3::executions_with_id(id);
        let mut found = Vec::new();
        for key in self.ledger.values("executions_by_id", &prefix, MOST_SHOWN)? {
            let Some(value) = self.ledger.get("executions", &key)? else { continue };
            found.push(match schema3::execution(&value) {
                Ok(execution) => json!(execution.record),
                Err(error) => return Ok(refusal("unreadable", &error.to_string())),
            });
        }
        if found.is_empty() {
            return Ok(refusal("not-found", "there is no execution with this id"));
        }
        Ok(json!({"ok": true, "executions": found}))
    }

    fn count(&self) -> Result<Value, upgrade::Error> {
        let (audit, executions) = (self.ledger.count("audit")?, self.ledger.count("executions")?);
        Ok(json!({"ok": true, "audit": audit, "executions": executions}))
    }
}

impl Moment {
    /// An id for what came without one.
    fn id(self) -> String {
        format!("runtime-{}", self.time.unix_nanoseconds())
    }
}

/// Has the thread that has the home do what only it can.
fn entrust(duty: Duty, wishes: &SyncSender<Wish>) -> Value {
    let (reply, answer) = sync_channel(1);
    if wishes.send(Wish::Duty(duty, reply)).is_err() {
        return closing();
    }
    answer.recv().unwrap_or_else(|_| closing())
}

fn closing() -> Value {
    refusal("closing", "this run ends, and nothing more is written")
}

pub(crate) fn refusal(error: &str, message: &str) -> Value {
    json!({"ok": false, "error": error, "message": message})
}

fn raw(value: &Value) -> Result<Json, CodecError> {
    let unwritten =
        |error: serde_json::Error| CodecError { expected: "JSON value", reason: error.to_string() };
    serde_json::value::to_raw_value(value).map(Json::from).map_err(unwritten)
}
