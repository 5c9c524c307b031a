//! From an event of the journal to what the model knows of it.

use journal::Event;

use crate::history::{Authority, FoundParent, Operation, Record};

/// What an event says, as far as the protocol depends on it; none if it says what no event says.
pub(super) fn project(event: &Event) -> Option<Record> {
    Some(match event {
        Event::Initialized { replaces, .. } => Record::Initialized { replaces: replaces.is_some() },
        Event::Authorized { operation, authority, signed, .. } => {
            let operation = project_operation(*operation)?;
            let authority = project_authority(*authority, signed.is_some())?;
            Record::Authorized { operation, authority }
        }
        Event::Refused { .. } => Record::Refused,
        Event::Keyring { epoch, .. } => Record::Keyring { epoch: *epoch },
        Event::Prepared { from, to, previous, .. } => {
            // What there was before, and its versions: both or neither.
            if from.is_some() != previous.is_some() {
                return None;
            }
            Record::Prepared { from: from.map(|from| from.number()), to: to.number() }
        }
        Event::Quiesced { generation, .. } => Record::Quiesced { generation: generation.number() },
        Event::Sealed { generation, .. } => Record::Sealed { generation: generation.number() },
        Event::Activated { generation, tries } => {
            Record::Activated { generation: generation.number(), tries: *tries }
        }
        Event::Started { generation, .. } => Record::Started { generation: generation.number() },
        Event::Tried { generation, left } => {
            Record::Tried { generation: generation.number(), left: *left }
        }
        Event::Stopped { generation, left } => {
            Record::Stopped { generation: generation.number(), left: *left }
        }
        Event::Closed { generation, .. } => Record::Closed { generation: generation.number() },
        Event::Confirmed { generation } => Record::Confirmed { generation: generation.number() },
        Event::Reverted { from, to, .. } => {
            Record::Reverted { from: from.number(), to: to.number() }
        }
        Event::Aborted { .. } => Record::Aborted,
        Event::Recovered { generation, as_sealed, parent, .. } => Record::Recovered {
            generation: generation.number(),
            as_sealed: *as_sealed,
            parent: parent.as_ref().map(|parent| FoundParent {
                number: parent.generation.number(),
                as_sealed: parent.as_sealed,
            }),
        },
        Event::Collected { generation } => Record::Collected { generation: generation.number() },
    })
}

/// Confirming and changing the keyring are records of their own, and no attempts.
const fn project_operation(operation: journal::Operation) -> Option<Operation> {
    Some(match operation {
        journal::Operation::Adopt => Operation::Adopt,
        journal::Operation::Upgrade => Operation::Upgrade,
        journal::Operation::Rollback => Operation::Rollback,
        journal::Operation::Recover => Operation::Recover,
        journal::Operation::Collect => Operation::Collect,
        journal::Operation::Confirm | journal::Operation::Keyring => return None,
    })
}

const fn project_authority(authority: journal::Authority, signed: bool) -> Option<Authority> {
    match (authority, signed) {
        (journal::Authority::Development, false) => Some(Authority::Development),
        (journal::Authority::Signed, true) => Some(Authority::Signed),
        (journal::Authority::Standing, false) => Some(Authority::Standing),
        _ => None,
    }
}
