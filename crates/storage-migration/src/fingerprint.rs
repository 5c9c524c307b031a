//! The fingerprint of a step: an edited migration is told from the one that was applied (FC-UPGRADE-0001 §9, §19).

use std::collections::BTreeMap;

use integrity::Digest;

use crate::{Action, Emitter, MigrationStep, Output, SchemaDefinition, TransformError};

/// Kept apart from every other digest of the project.
const CONTEXT: &[u8] = b"femtoclaw-upgrade 2026 fingerprint of a migration step";

/// The digest of what a step is and does: its name, where it leads from and to, the action on each keyspace of the
/// schema that it starts from, and what becomes of its [`examples`](MigrationStep::examples), joins included.
///
/// Whatever changes the outcome on an example changes the fingerprint; a refactoring does not. The wording of a refusal
/// does not count, that it is one does. It sees no further than the examples: a step answers for covering every branch.
pub fn fingerprint(step: &dyn MigrationStep, from: &SchemaDefinition) -> Digest {
    let mut message = Message::default();
    message.bytes(CONTEXT);
    message.bytes(step.name().as_bytes());
    message.number(step.from().number().into());
    message.number(step.to().number().into());
    message.number(from.keyspaces.len() as u64);
    for keyspace in from.keyspaces {
        message.bytes(keyspace.name.as_bytes());
        message.tag(match step.action(keyspace.name) {
            Action::Keep => b'k',
            Action::Observe => b'o',
            Action::Rewrite => b'r',
        });
    }
    add_examples(&mut message, step);
    Digest::of(&message.0)
}

type Groups = BTreeMap<(&'static str, Vec<u8>), Vec<Vec<u8>>>;

fn add_examples(message: &mut Message, step: &dyn MigrationStep) {
    let mut groups = Groups::new();
    let mut emitter = Emitter::default();
    for example in step.examples() {
        message.tag(b'x');
        message.bytes(example.keyspace.as_bytes());
        message.bytes(&example.record.key);
        message.bytes(&example.record.value);
        if step.action(example.keyspace) == Action::Keep {
            continue;
        }
        let (key, value) = (&example.record.key, &example.record.value);
        emitter.clear();
        let result = step.transform(example.keyspace, key, value, &mut emitter);
        message.outcome(&emitter, &result);
        for output in emitter.outputs() {
            if let Output::Fragment { keyspace, group, fragment, .. } = output {
                let group = groups.entry((keyspace, group.to_vec())).or_default();
                group.push(fragment.to_vec());
            }
        }
    }
    for ((keyspace, group), mut fragments) in groups {
        fragments.sort();
        message.tag(b'j');
        message.bytes(keyspace.as_bytes());
        message.bytes(&group);
        emitter.clear();
        let result = step.join(keyspace, &group, &fragments, &mut emitter);
        message.outcome(&emitter, &result);
    }
}

/// A message without ambiguity: every part is of fixed size or led by its length.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn outcome(&mut self, emitter: &Emitter, result: &Result<(), TransformError>) {
        self.tag(if result.is_ok() { b'+' } else { b'-' });
        self.number(emitter.outputs().count() as u64);
        for output in emitter.outputs() {
            match output {
                Output::Emit { keyspace, key, value, derived } => {
                    self.tag(if derived { b'd' } else { b'e' });
                    self.bytes(keyspace.as_bytes());
                    self.bytes(key);
                    self.bytes(value);
                }
                Output::Fragment { keyspace, group, fragment, derived } => {
                    self.tag(if derived { b'g' } else { b'f' });
                    self.bytes(keyspace.as_bytes());
                    self.bytes(group);
                    self.bytes(fragment);
                }
                Output::Archive { reason } => {
                    self.tag(b'a');
                    self.bytes(reason.as_bytes());
                }
                Output::Drop => self.tag(b'x'),
            }
        }
    }
}
