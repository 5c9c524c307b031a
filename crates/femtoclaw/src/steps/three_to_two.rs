//! Schema 3 back to 2: what a runtime of schema 3 has written, in the keys and forms of schema 2.

use storage_migration::{Action, Emitter, Example, MigrationStep, Record, TransformError};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::execution::{Execution, Origin};
use crate::schema2::normalize;

/// Splits joined executions into the execution records that they were joined from, and keys by file and position what
/// [`JoinExecutions`](super::JoinExecutions) keys by time. Everything else stays.
///
/// What only the log tells of an execution is dropped: the log is kept, and tells it again.
#[derive(Debug, Clone, Copy)]
pub struct SplitExecutions;

// trace: impl FC-15.2.2
impl MigrationStep for SplitExecutions {
    fn name(&self) -> &'static str {
        "split-executions"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(3)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(2)
    }

    fn action(&self, keyspace: &str) -> Action {
        match keyspace {
            "audit" | "executions" | "executions_by_id" | "telemetry" => Action::Rewrite,
            _ => Action::Keep,
        }
    }

    fn transform(
        &self,
        keyspace: &str,
        _key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        match keyspace {
            "executions" => split(&Execution::decode(value).map_err(refusal)?, out)?,
            "executions_by_id" => out.drop_derived(),
            "audit" | "telemetry" => {
                let source = Envelope::decode(value).map_err(refusal)?.source.encode();
                let keyspace = if keyspace == "audit" { "audit" } else { "telemetry" };
                out.emit(keyspace, source, value);
            }
            _ => return Err(TransformError(format!("{keyspace} is kept"))),
        }
        Ok(())
    }

    /// What the way there makes of its own examples: so the two are held to each other.
    fn examples(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        let mut out = Emitter::default();
        let mut groups = std::collections::BTreeMap::new();
        for Example { keyspace, record: Record { key, value } } in super::JoinExecutions.examples()
        {
            out.clear();
            if super::JoinExecutions.transform(keyspace, &key, &value, &mut out).is_err() {
                continue;
            }
            collect(&out, &mut examples, &mut groups);
        }
        for (group, mut fragments) in groups {
            fragments.sort();
            out.clear();
            if super::JoinExecutions.join("executions", &group, &fragments, &mut out).is_ok() {
                collect(&out, &mut examples, &mut std::collections::BTreeMap::new());
            }
        }
        examples
    }
}

type Groups = std::collections::BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// Sorts what a step has emitted into records, and fragments by their groups.
fn collect(out: &Emitter, examples: &mut Vec<Example>, groups: &mut Groups) {
    use storage_migration::Output;
    for output in out.outputs() {
        match output {
            Output::Emit { keyspace, key, value, .. } => {
                let record = Record { key: key.to_vec(), value: value.to_vec() };
                examples.push(Example { keyspace, record });
            }
            Output::Fragment { group, fragment, .. } => {
                groups.entry(group.to_vec()).or_default().push(fragment.to_vec());
            }
            Output::Archive { .. } | Output::Drop => {}
        }
    }
}

/// The execution records that an execution was joined from, as they were.
fn split(execution: &Execution, out: &mut Emitter) -> Result<(), TransformError> {
    let records = execution.testimonies.iter().filter(|part| part.origin == Origin::Record);
    let mut found = false;
    for testimony in records {
        let original = testimony.original.clone();
        let (decoded, unknown) = normalize("executions", &original).map_err(refusal)?;
        let envelope = Envelope { source: testimony.source, unknown, decoded, original };
        out.emit("executions", testimony.source.encode(), envelope.encode());
        found = true;
    }
    if !found {
        out.drop_derived();
    }
    Ok(())
}

fn refusal(error: impl std::fmt::Display) -> TransformError {
    TransformError(error.to_string())
}
