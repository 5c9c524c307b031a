//! `authorize`: writes what is to be signed.

use serde_json::json;
use upgrade::authorization::{AuthorizationId, Role, Statement};
use upgrade::{Error, Terms, draft_recovery};
use versioning::Timestamp;

use super::arguments::{AuthorizeCommand, TermsArguments};
use super::{authority, files, human, signing};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::Output;
use crate::surroundings::random_id;

const NANOSECONDS_AN_HOUR: i128 = 3_600_000_000_000;

/// Writes an authorisation, and signs it with what is named.
pub(crate) fn run(
    session: &Session<'_>,
    command: &AuthorizeCommand,
    output: &mut Output,
) -> Result<u8, Failure> {
    let (statement, terms) = match command {
        AuthorizeCommand::Upgrade { target, terms } => {
            let view = session.view()?;
            let request = authority::request(target)?;
            let request = request.map_err(|cause| Error::new(cause, view.unchanged()))?;
            let plan = view.plan(&request)?;
            (view.draft_upgrade(&plan, of(session, terms)?)?, terms)
        }
        AuthorizeCommand::Rollback { data, terms } => {
            let terms_of = of(session, terms)?;
            (session.view()?.draft_rollback((*data).into(), terms_of)?, terms)
        }
        AuthorizeCommand::Gc { keep, terms } => {
            (session.view()?.draft_collection(*keep, of(session, terms)?)?, terms)
        }
        AuthorizeCommand::Recover { generation, terms } => {
            let (home, environment) = (&session.home, session.environment);
            (draft_recovery(home, *generation, environment, of(session, terms)?)?, terms)
        }
    };
    write(&statement, terms, output)
}

fn write(
    statement: &Statement,
    terms: &TermsArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let unusable = |reason: String| Failure::Unusable { path: terms.output.clone(), reason };
    let bytes = statement.to_bytes().map_err(|error| unusable(error.to_string()))?;
    let signatures = signing::sign(&terms.signing, Role::Operator, &bytes)?;
    files::write_new(&terms.output, &bytes)?;
    let beside = files::beside(&terms.output);
    if let Some(signatures) = &signatures {
        files::write_new(&beside, &signatures.to_bytes())?;
    }
    let line = signing::command_line(Role::Operator, &terms.output);
    let value = json!({
        "id": statement.id, "file": terms.output, "signature": signatures.as_ref().map(|_| &beside),
        "sign": line, "digest": upgrade::Digest::of(&bytes), "not_before": statement.not_before,
        "not_after": statement.not_after,
    });
    output.result("authorization", &value, |_| {
        human::authorization(
            statement,
            &terms.output,
            signatures.is_some().then_some(&beside),
            &line,
        )
    })?;
    Ok(0)
}

fn of(session: &Session<'_>, terms: &TermsArguments) -> Result<Terms, Failure> {
    let not_before = terms.not_before.unwrap_or_else(|| session.environment.clock.now());
    let until = not_before.unix_nanoseconds() + i128::from(terms.valid_hours) * NANOSECONDS_AN_HOUR;
    let not_after = Timestamp::from_unix_nanoseconds(until).unwrap_or(not_before);
    Ok(Terms {
        id: AuthorizationId::new(random_id()?),
        nodes: terms.node.clone(),
        not_before,
        not_after,
        reason: terms.reason.clone(),
    })
}
