//! Whether what is asked for is what was allowed.

use std::collections::BTreeSet;

use authorization::{
    Action, AuthorizationId, DataPolicy, GenerationReference, Keyring, Role, Signer, Situation,
};
use compatibility::RollbackData;
use integrity::Digest;
use journal::{Authority, Event, Operation, SignedBy};
use rollback::Layout;
use serde::Serialize;
use versioning::Timestamp;

use super::{Admitted, Authorization, Given, SignedStatement, keyring_of_files, read_keyring};
use crate::error::{Cause, Error, Result};
use crate::home::shorten;
use crate::lifecycle::HomeState;
use crate::{Collected, Home, HomeView, Plan, RolledBack};

/// What is asked for, in the terms of an authorisation.
pub(crate) struct Wanted {
    pub(crate) operation: Operation,
    /// What would be done; none for an upgrade to what came in no package, which nobody can sign for.
    pub(crate) action: Option<Action>,
    /// The current generation; none if the journal is lost.
    pub(crate) from: Option<GenerationReference>,
    pub(crate) plan: Digest,
    pub(crate) data_policy: DataPolicy,
    pub(crate) grants: BTreeSet<String>,
}

impl Wanted {
    /// To carry out a plan.
    pub(crate) fn upgrade(plan: &Plan) -> Self {
        let (generation, manifest) = (plan.from.generation, plan.from.manifest);
        let action = plan.release.map(|release| Action::Upgrade {
            release: release.manifest,
            version: plan.to.versions.runtime.clone(),
            security_epoch: release.security_epoch,
        });
        Self {
            operation: Operation::Upgrade,
            action,
            from: Some(GenerationReference { generation, manifest }),
            plan: plan.digest(),
            data_policy: match plan.consent.rollback_data {
                RollbackData::SetAside => DataPolicy::SetAside,
                RollbackData::Preserve => DataPolicy::Preserve,
            },
            grants: plan.consent.sentences(),
        }
    }

    /// To go back.
    pub(crate) fn rollback(state: &HomeState, outcome: &RolledBack) -> Self {
        let to = reference(state, outcome.restored);
        let action = to.map(Action::Rollback);
        let data_policy = match outcome.data {
            journal::DataPolicy::SetAside => DataPolicy::SetAside,
            journal::DataPolicy::Preserve => DataPolicy::Preserve,
        };
        let wanted = Self::without_plan(Operation::Rollback, action, current(state), outcome);
        Self { data_policy, ..wanted }
    }

    /// To remove generations.
    pub(crate) fn collect(state: &HomeState, planned: &Collected) -> Self {
        let action = Action::Collect { generations: planned.generations.iter().copied().collect() };
        Self::without_plan(Operation::Collect, Some(action), current(state), planned)
    }

    /// To make a generation current although the journal does not say so.
    pub(crate) fn recover(to: GenerationReference) -> Self {
        let what = format!("recover {} {}", to.generation, to.manifest);
        Self::without_plan(Operation::Recover, Some(Action::Recover(to)), None, &what)
    }

    /// What has no plan of its own is bound to what it comes to.
    fn without_plan(
        operation: Operation,
        action: Option<Action>,
        from: Option<GenerationReference>,
        outcome: &(impl Serialize + std::fmt::Debug),
    ) -> Self {
        let plan = digest_of(outcome);
        let (data_policy, grants) = (DataPolicy::SetAside, BTreeSet::new());
        Self { operation, action, from, plan, data_policy, grants }
    }
}

/// What identifies an outcome that nothing else plans.
pub(crate) fn digest_of(outcome: &(impl Serialize + std::fmt::Debug)) -> Digest {
    let text = serde_json::to_vec(outcome);
    Digest::of(&text.unwrap_or_else(|_| format!("{outcome:?}").into_bytes()))
}

fn current(state: &HomeState) -> Option<GenerationReference> {
    reference(state, state.current?)
}

fn reference(
    state: &HomeState,
    generation: versioning::GenerationNumber,
) -> Option<GenerationReference> {
    let manifest = state.generations.get(&generation)?.manifest?;
    Some(GenerationReference { generation, manifest })
}

/// What authority is held against.
pub(crate) struct Court {
    /// The keyring, and what it calls this home; none if everybody who may write here may do everything.
    pub(crate) keyring: Option<(Keyring, String)>,
    now: Timestamp,
    /// The last time that is on record.
    last: Timestamp,
    /// What was used up, with what was signed.
    used: Vec<(AuthorizationId, Digest)>,
    /// If not all of the past is known: since when it is.
    known_since: Option<Timestamp>,
}

impl Court {
    /// As the journal has it. Where none is left the keyring's own files say who may authorise, and nothing is known of the
    /// past.
    pub(crate) fn convene(
        layout: &Layout,
        state: Option<&HomeState>,
        now: Timestamp,
        last: Option<Timestamp>,
    ) -> std::result::Result<Self, Cause> {
        let keyring = match state {
            Some(state) => read_keyring(layout, state)?,
            None => keyring_of_files(layout, now)?,
        };
        let used = state.iter().flat_map(|state| &state.used);
        let used = used.filter_map(|(id, statement)| Some((id.parse().ok()?, *statement)));
        let known_since = state.filter(|state| state.replaces_another && state.current.is_some());
        Ok(Self {
            keyring,
            now,
            last: last.unwrap_or(now),
            used: used.collect(),
            known_since: known_since.and_then(|state| state.began),
        })
    }

    /// Whether what is asked for is what was allowed, and by whom.
    ///
    /// # Errors
    /// The first reason against it.
    // trace: impl FC-21.1 FC-21.2
    pub(crate) fn judge(
        &self,
        given: Option<&Authorization>,
        wanted: &Wanted,
    ) -> std::result::Result<Admitted, Cause> {
        let authorization = self.require(given, wanted.operation)?;
        let clock_behind = self.now < self.last;
        match (&authorization.given, &self.keyring) {
            (Given::Signed(signed), Some((keyring, node))) => {
                if clock_behind && !authorization.accepts_clock {
                    return Err(Cause::ClockBehind { now: self.now, last: self.last });
                }
                let signers = self.check(signed, keyring, node, wanted)?;
                let signed = SignedBy {
                    id: signed.statement.id.to_string(),
                    statement: Digest::of(&signed.bytes),
                    keyring_epoch: keyring.epoch(),
                    signers: on_record(&signers),
                };
                let (authority, signed) = (Authority::Signed, Some(Box::new(signed)));
                Ok(Admitted { authority, signed, clock_behind })
            }
            _ => Ok(Admitted::development(clock_behind)),
        }
    }

    /// Whether what is given can be an authority here at all.
    ///
    /// # Errors
    /// [`Cause::Unauthorized`], [`Cause::DevelopmentRefused`] or [`Cause::NoKeyring`].
    // trace: impl FC-21.1
    pub(crate) fn require<'a>(
        &self,
        given: Option<&'a Authorization>,
        operation: Operation,
    ) -> std::result::Result<&'a Authorization, Cause> {
        let given = given.ok_or(Cause::Unauthorized { operation })?;
        match (&given.given, &self.keyring) {
            (Given::Development, Some(_)) => Err(Cause::DevelopmentRefused { operation }),
            (Given::Signed(_), None) => Err(Cause::NoKeyring { operation }),
            _ => Ok(given),
        }
    }

    /// When windows of validity are held to: never before what is on record.
    pub(crate) fn time(&self) -> Timestamp {
        self.now.max(self.last)
    }

    fn check(
        &self,
        signed: &SignedStatement,
        keyring: &Keyring,
        node: &str,
        wanted: &Wanted,
    ) -> std::result::Result<Vec<Signer>, Cause> {
        let action = wanted.action.clone().ok_or(Cause::ReleaseRequired)?;
        let signers = keyring
            .verify(Role::Operator, &signed.bytes, &signed.signatures, self.time())
            .map_err(|reason| Cause::NotSigned(Box::new(reason)))?;
        let statement = Digest::of(&signed.bytes);
        // A collection that was interrupted goes on with what is left of it; it can remove nothing else.
        let goes_on = |used: &&(AuthorizationId, Digest)| {
            !(wanted.operation == Operation::Collect && used.1 == statement)
        };
        let used: BTreeSet<_> = self.used.iter().filter(goes_on).map(|(id, _)| *id).collect();
        let situation = Situation {
            now: self.time(),
            node,
            action: &action,
            from: wanted.from,
            plan: Some(wanted.plan),
            data_policy: wanted.data_policy,
            grants: &wanted.grants,
            keyring_epoch: keyring.epoch(),
            consumed: &used,
            not_before_at_least: self.known_since,
        };
        signed.statement.check(&situation).map_err(|denied| Cause::Denied(Box::new(denied)))?;
        Ok(signers)
    }
}

/// Those who signed, as the journal has them.
// trace: impl FC-21.3
pub(super) fn on_record(signers: &[Signer]) -> Vec<journal::Signer> {
    let on_record = |signer: &Signer| journal::Signer {
        principal: signer.principal.to_string(),
        key: signer.key.to_string(),
    };
    signers.iter().map(on_record).collect()
}

impl HomeView<'_> {
    /// Whether an authority is of the kind that this home asks for: signed if there is a keyring, unsigned if there is none.
    /// What exactly it allows is for the operation to hold it to.
    ///
    /// # Errors
    /// [`Cause::DevelopmentRefused`], [`Cause::NoKeyring`], or what is wrong with the keyring.
    pub fn require_authority(
        &self,
        given: &Authorization,
        operation: Operation,
    ) -> std::result::Result<(), Cause> {
        let last = self.records().last().map(|record| record.time);
        let now = self.environment.clock.now();
        let court = Court::convene(&self.layout, Some(&self.state), now, last)?;
        court.require(Some(given), operation).map(|_| ())
    }
}

impl Home<'_> {
    /// What authority is held against in this home.
    pub(crate) fn court(&self) -> std::result::Result<Court, Cause> {
        let last = self.records().last().map(|record| record.time);
        Court::convene(&self.layout, Some(&self.state), self.environment.clock.now(), last)
    }

    /// Whether what is asked for is what was allowed. If it is not, that is put on record.
    pub(crate) fn admit(
        &mut self,
        given: Option<&Authorization>,
        wanted: &Wanted,
    ) -> Result<Admitted> {
        let judged = self.court().and_then(|court| court.judge(given, wanted));
        judged.map_err(|cause| self.refuse(wanted.operation, given, cause))
    }

    /// Refuses early what no authority was given for that could suffice, before anything is read that costs time.
    pub(crate) fn require_authority(
        &mut self,
        given: Option<&Authorization>,
        operation: Operation,
    ) -> Result<()> {
        let required = self.court().and_then(|court| court.require(given, operation).map(|_| ()));
        required.map_err(|cause| self.refuse(operation, given, cause))
    }

    /// Refuses something, and puts it on record if it is a matter of authority. Where the journal cannot be written the
    /// refusal stands all the same.
    // trace: impl FC-21.3 FC-22.4
    #[must_use]
    pub fn refuse(
        &mut self,
        operation: Operation,
        given: Option<&Authorization>,
        cause: Cause,
    ) -> Error {
        let unchanged = self.unchanged();
        if cause.is_of_authority() {
            let statement = given.and_then(Authorization::statement);
            let event = Event::Refused {
                operation,
                operator: self.environment.operator.to_owned(),
                error: cause.name().to_owned(),
                reason: shorten(&cause.to_string()),
                authorization: statement.map(|statement| statement.id.to_string()),
            };
            if let Err(failed) = self.note(event) {
                // Nothing was going on: all that this does is to open the journal again.
                let _ = self.conclude(failed, |_| false);
            }
        }
        Error::new(cause, unchanged)
    }
}
