//! What is to be signed: written by whoever sees the plan, for those who have the keys.

use std::path::Path;

use authorization::{Action, AuthorizationId, InvalidStatement, Statement};
use journal::DataPolicy;
use versioning::{GenerationNumber, Timestamp};

use super::{Court, Wanted};
use crate::error::{Cause, Condition, Error, Result};
use crate::{Environment, HomeView, Plan};

/// What of an authorisation is for people to say.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its id, to be used once: 128 bits that nobody can guess or has used.
    pub id: AuthorizationId,
    /// The homes that it is for; this one if none is named.
    pub nodes: Vec<String>,
    /// From when on …
    pub not_before: Timestamp,
    /// … until when it may be used.
    pub not_after: Timestamp,
    /// Why.
    pub reason: String,
}

impl HomeView<'_> {
    /// The statement that allows exactly this plan. Its grants are what the plan's consent names.
    ///
    /// # Errors
    /// [`Cause::ReleaseRequired`] if it is for no package; [`Cause::NoKeyring`].
    pub fn draft_upgrade(&self, plan: &Plan, terms: Terms) -> Result<Statement> {
        self.draft(&Wanted::upgrade(plan), terms)
    }

    /// The statement that allows to go back from what is current now.
    ///
    /// # Errors
    /// As [`HomeView::plan_rollback`]; [`Cause::NoKeyring`].
    pub fn draft_rollback(&self, data: DataPolicy, terms: Terms) -> Result<Statement> {
        let outcome = self.plan_rollback(data)?;
        self.draft(&Wanted::rollback(&self.state, &outcome), terms)
    }

    /// The statement that allows to remove what [`HomeView::plan_collection`] names.
    ///
    /// # Errors
    /// [`Cause::NoKeyring`]; if there is nothing to remove.
    pub fn draft_collection(&self, keep: usize, terms: Terms) -> Result<Statement> {
        self.draft(&Wanted::collect(&self.state, &self.plan_collection(keep)), terms)
    }

    fn draft(&self, wanted: &Wanted, terms: Terms) -> Result<Statement> {
        let write = || {
            let now = self.environment.clock.now();
            let last = self.records().last().map(|record| record.time);
            write(&Court::convene(&self.layout, Some(&self.state), now, last)?, wanted, terms)
        };
        write().map_err(|cause| Error::new(cause, self.unchanged()))
    }
}

/// The statement that allows to make a generation current whose journal is lost or broken.
///
/// # Errors
/// As [`crate::plan_recovery`]; [`Cause::NoKeyring`].
pub fn draft_recovery(
    home: &Path,
    wanted: GenerationNumber,
    environment: Environment<'_>,
    terms: Terms,
) -> Result<Statement> {
    let generation = crate::plan_recovery(home, wanted, environment)?;
    let (number, manifest) = (generation.number(), generation.digest());
    let to = authorization::GenerationReference { generation: number, manifest };
    let draft = || {
        let layout = rollback::Layout::new(home);
        let court = Court::convene(&layout, None, environment.clock.now(), None)?;
        write(&court, &Wanted::recover(to), terms)
    };
    draft().map_err(|cause| Error::new(cause, Condition::Unchanged(None)))
}

fn write(court: &Court, wanted: &Wanted, terms: Terms) -> std::result::Result<Statement, Cause> {
    let operation = wanted.operation;
    let Some((keyring, node)) = &court.keyring else {
        return Err(Cause::NoKeyring { operation });
    };
    let action: Action = wanted.action.clone().ok_or(Cause::ReleaseRequired)?;
    let nodes = if terms.nodes.is_empty() { vec![node.clone()] } else { terms.nodes };
    let nodes = nodes.into_iter().collect();
    let statement = Statement {
        id: terms.id,
        nodes,
        from: wanted.from,
        action,
        plan: wanted.plan,
        data_policy: wanted.data_policy,
        grants: wanted.grants.clone(),
        keyring_epoch: keyring.epoch(),
        not_before: terms.not_before,
        not_after: terms.not_after,
        reason: terms.reason,
    };
    // What is written here must be what is read there.
    let read = |reason: InvalidStatement| super::InvalidAuthorization::from(reason);
    let bytes = statement.to_bytes().map_err(read)?;
    Ok(Statement::parse(&bytes).map_err(read)?)
}
