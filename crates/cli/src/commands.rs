//! What each command does: look, ask, do, say.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use femtoclaw_catalogue::FemtoClaw;
use serde_json::{Value, json};
use upgrade::capability_migration::{Code, Request as Call};
use upgrade::{
    AdoptRequest, Authorization, Cancellation, Cause, EngineOptions, Environment, Error, Home,
    HomeView, Operation, RecoverRequest, TelemetrySink,
};

use crate::arguments::{Arguments, CapabilityCommand, Command, Common, Target};
use crate::consent::ask;
use crate::failure::Failure;
use crate::output::Output;
use crate::plan::Proposal;
use crate::progress::ProgressLine;
use crate::surroundings::{SystemClock, operator, threads, variable};
use crate::telemetry::{Learned, observed};
use crate::trust::arguments::AuthorityArguments;
use crate::{audit, going_back, human, interrupt, launch, manual, summary, trust, verify};

/// Permission bits of files that hold records.
pub(crate) const PRIVATE: u32 = 0o600;

/// Exit code: there is something to do (`plan --check`).
const CHANGES_PENDING: u8 = 2;

/// Exit code: what was asked for is not allowed.
const NOT_AUTHORIZED: u8 = 5;

/// Runs a command and returns its exit code.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let mut then = None;
    let code = observed(arguments, |telemetry, learned| {
        dispatch(arguments, telemetry, learned, (output, &mut then))
    })?;
    match then {
        // Once telemetry has heard of the end: from here on there is another program.
        Some(runtime) => Err(launch::become_it(runtime)),
        None => Ok(code),
    }
}

fn dispatch(
    arguments: &Arguments,
    telemetry: &mut dyn TelemetrySink,
    learned: &Learned,
    (output, then): (&mut Output, &mut Option<std::process::Command>),
) -> Result<u8, Failure> {
    let common = &arguments.common;
    let operator = common.operator.clone().unwrap_or_else(operator);
    let workers = common.threads.map_or_else(threads, usize::from);
    let cancellation = Cancellation::new();
    let engine =
        EngineOptions { workers, cancellation: cancellation.clone(), ..EngineOptions::default() };
    let no_home = matches!(
        &arguments.command,
        Command::Release(_) | Command::Completions { .. } | Command::Man { .. }
    );
    let session = Session {
        environment: Environment {
            catalogue: &FemtoClaw,
            clock: &SystemClock,
            operator: &operator,
            engine: &engine,
        },
        common,
        home: home(common).or_else(|none| if no_home { Ok(PathBuf::new()) } else { Err(none) })?,
        learned,
        cancellation,
    };
    match &arguments.command {
        Command::Adopt { from, source_version, runtime, dry_run } => {
            let request = AdoptRequest {
                source: from.clone(),
                home: session.home.clone(),
                assumed: source_version.clone(),
                runtime: runtime.clone(),
                lock_timeout: common.lock_timeout,
            };
            session.adopt(&request, *dry_run, telemetry, output)
        }
        Command::Plan { target, check } => session.plan(target, *check, output),
        Command::Apply { target, dry_run: true, .. } => session.plan(target, false, output),
        Command::Apply { target, authority, plan, .. } => {
            session.apply(target, authority, *plan, telemetry, output)
        }
        Command::Status => session.status(output),
        Command::History => session.history(output),
        Command::Verify { depth } => {
            verify::run(&session.open_to_read(telemetry)?, depth.depth(), output)
        }
        Command::Audit(command) => audit::run(command, &session.home, session.environment, output),
        Command::Launch(arguments) => launch::run(&session, arguments, telemetry, (output, then)),
        Command::Confirm { dry_run } => session.confirm(*dry_run, telemetry, output),
        Command::Rollback(arguments) => {
            going_back::rollback(&session, arguments, telemetry, output)
        }
        Command::Gc { authority, keep, dry_run } => {
            session.gc(authority, *keep, *dry_run, telemetry, output)
        }
        Command::Recover { authority, generation, dry_run } => {
            let request = RecoverRequest {
                home: session.home.clone(),
                generation: *generation,
                lock_timeout: common.lock_timeout,
            };
            session.recover(&request, authority, *dry_run, telemetry, output)
        }
        Command::Capability(CapabilityCommand::Check { principal, resource, action, args }) => {
            let call = Call {
                principal: principal.clone(),
                resource: resource.clone(),
                action: action.clone(),
                arguments: args.clone(),
            };
            session.capability_check(&call, output)
        }
        Command::Capability(CapabilityCommand::Diff { target }) => {
            session.capability_diff(target, output)
        }
        Command::Release(command) => trust::release::run(&session, command, output),
        Command::Keyring(command) => trust::keyring::run(&session, command, telemetry, output),
        Command::Authorize(command) => trust::authorize::run(&session, command, output),
        Command::Export(arguments) => going_back::export(&session, arguments, telemetry, output),
        Command::Completions { shell } => manual::completions(*shell, output),
        Command::Man { directory } => manual::man(directory.as_deref(), output),
    }
}

fn home(common: &Common) -> Result<PathBuf, Failure> {
    let named = common.home.clone();
    named.or_else(|| variable("FEMTOCLAW_HOME").map(PathBuf::from)).ok_or(Failure::NoHome)
}

/// One run of the command.
pub(crate) struct Session<'s> {
    pub(crate) environment: Environment<'s>,
    pub(crate) common: &'s Common,
    pub(crate) home: PathBuf,
    pub(crate) learned: &'s Learned,
    /// Of what can be cancelled, once somebody listens.
    pub(crate) cancellation: Cancellation,
}

impl<'s> Session<'s> {
    pub(crate) fn view(&self) -> Result<HomeView<'s>, Failure> {
        let view = HomeView::read(&self.home, self.environment)?;
        self.learned.from(view.state().runtime());
        Ok(view)
    }

    /// Refuses what was brought along, and has it go on record if it is a matter of authority.
    fn refused(
        &self,
        operation: Operation,
        cause: Cause,
        telemetry: &mut dyn TelemetrySink,
    ) -> Failure {
        match self.open(telemetry) {
            Ok(mut home) => home.refuse(operation, None, cause).into(),
            Err(failure) => failure,
        }
    }

    /// The authority that was given; a refusal that is on record if none was, or if it is none.
    pub(crate) fn authority(
        &self,
        view: &HomeView<'_>,
        operation: Operation,
        arguments: &AuthorityArguments,
        telemetry: &mut dyn TelemetrySink,
    ) -> Result<Authorization, Failure> {
        let cause = match trust::authority::authorization(arguments)? {
            // Whatever else speaks against it: who asks for what nobody may have is put on record.
            Ok(Some(given)) => match view.require_authority(&given, operation) {
                Ok(()) => return Ok(given),
                Err(cause) => cause,
            },
            Ok(None) => Cause::Unauthorized { operation },
            Err(cause) => cause,
        };
        Err(self.refused(operation, cause, telemetry))
    }

    /// How long to wait for another process that holds the home.
    pub(crate) fn lock_timeout(&self) -> std::time::Duration {
        self.common.lock_timeout
    }

    pub(crate) fn open<'t>(&self, telemetry: &'t mut dyn TelemetrySink) -> Result<Home<'t>, Failure>
    where
        's: 't,
    {
        Ok(Home::open(&self.home, self.environment, telemetry, self.common.lock_timeout)?)
    }

    pub(crate) fn open_to_read<'t>(
        &self,
        telemetry: &'t mut dyn TelemetrySink,
    ) -> Result<Home<'t>, Failure>
    where
        's: 't,
    {
        let timeout = self.common.lock_timeout;
        let home = Home::open_to_read(&self.home, self.environment, telemetry, timeout)?;
        self.learned.from(home.state().runtime());
        Ok(home)
    }

    fn adopt(
        &self,
        request: &AdoptRequest,
        dry_run: bool,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        if dry_run {
            let adoption = upgrade::inspect(request, self.environment)?;
            let value = json!({
                "version": adoption.versions.runtime, "versions": adoption.versions,
                "evidence": adoption.evidence, "files": adoption.files.len(),
                "findings": adoption.findings,
            });
            output.result("would-adopt", &value, |style| {
                human::would_adopt(&adoption, &request.source, style)
            })?;
            return Ok(0);
        }
        interrupt::cancels(&self.cancellation);
        let mut line = ProgressLine::new();
        let adopted = upgrade::adopt(request, self.environment, telemetry, &mut |p| line.show(p))?;
        drop(line);
        let manifest = adopted.generation.manifest();
        let value = json!({
            "generation": adopted.generation.number(), "version": manifest.versions.runtime,
            "evidence": adopted.adoption.evidence, "files": adopted.adoption.files.len(),
            "records": manifest.records(), "keyspaces": manifest.logical(),
            "state": manifest.state, "findings": adopted.adoption.findings,
        });
        output.done("adopted", &value, |style| human::adopted(&adopted, &request.home, style));
        Ok(0)
    }

    // trace: impl FC-22.2.2
    fn plan(&self, target: &Target, check: bool, output: &mut Output) -> Result<u8, Failure> {
        let view = self.view()?;
        let request = trust::authority::request(target)?;
        let request = request.map_err(|cause| Error::new(cause, view.unchanged()))?;
        let plan = view.plan(&request)?;
        self.learned.to(&plan.to.versions.runtime);
        let pending = !plan.is_nothing_to_do();
        let proposal = Proposal::of(&view, plan, (&request, target), &self.home)?;
        output.result("plan", &proposal.json(), |style| proposal.text(style))?;
        Ok(if check && pending { CHANGES_PENDING } else { 0 })
    }

    // trace: impl FC-22.2.1
    fn apply(
        &self,
        target: &Target,
        authority: &AuthorityArguments,
        approved: Option<upgrade::Digest>,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        let view = self.view()?;
        let authorization = self.authority(&view, Operation::Upgrade, authority, telemetry)?;
        let request = match trust::authority::request(target)? {
            Ok(request) => request,
            Err(cause) => return Err(self.refused(Operation::Upgrade, cause, telemetry)),
        };
        let plan = view.plan(&request)?;
        self.learned.to(&plan.to.versions.runtime);
        if !plan.is_nothing_to_do() {
            if !output.is_json() && !self.common.yes && io::stdin().is_terminal() {
                let asked = (&request, target);
                let proposal = Proposal::of(&view, plan.clone(), asked, &self.home)?;
                let _ = io::stderr().write_all(proposal.text(&output.errors()).as_bytes());
            }
            let (from, to) = (&plan.from.versions.runtime, &plan.to.versions.runtime);
            ask(&format!("Upgrade from {from} to {to}?"), self.common.yes)?;
        }
        // What was just shown is what is approved, unless a digest was given.
        let approved = approved.unwrap_or_else(|| plan.digest());
        let mut line = ProgressLine::new();
        let mut home = self.open(telemetry)?;
        interrupt::cancels(&self.cancellation);
        let applied =
            home.apply(&request, Some(approved), Some(authorization), &mut |progress| {
                line.show(progress);
            })?;
        let spent = line.finish();
        match applied {
            None => {
                let value = json!({"pinned": plan.pinned});
                output.result("nothing-to-do", &value, |_| human::nothing_to_do(&plan))?;
            }
            Some(applied) => {
                let mut value = serde_json::to_value(&applied).unwrap_or_default();
                if let Value::Object(value) = &mut value {
                    value.insert("records_before".to_owned(), applied.before.records().into());
                    value.insert("records_after".to_owned(), applied.after.records().into());
                    value.insert("summary".to_owned(), summary::json(&applied, &spent));
                }
                let signed = home.state().keyring.is_some();
                output.done("applied", &value, |style| {
                    human::applied(&applied, &spent, (&plan, signed), &self.home, style)
                });
            }
        }
        Ok(0)
    }

    fn capability_check(&self, call: &Call, output: &mut Output) -> Result<u8, Failure> {
        let (generation, authority) = self.view()?.authority()?;
        let decision = authority.decide(call);
        let rule = decision.rule.as_ref().and_then(|rule| authority.policies.rule(rule));
        let value = json!({
            "generation": generation, "dialect": authority.policies.dialect(),
            "code": decision.code, "rule": decision.rule, "rule_text": rule,
        });
        output.result("capability-check", &value, |style| {
            human::decision(&decision, rule.as_ref(), authority.policies.dialect(), style)
        })?;
        Ok(if decision.code == Code::Authorized { 0 } else { NOT_AUTHORIZED })
    }

    // trace: impl FC-11.3
    fn capability_diff(&self, target: &Target, output: &mut Output) -> Result<u8, Failure> {
        let view = self.view()?;
        let request = trust::authority::request(target)?;
        let request = request.map_err(|cause| Error::new(cause, view.unchanged()))?;
        let (to, planned) = view.authority_changes(&request)?;
        self.learned.to(&to);
        let mut value = serde_json::to_value(&planned).unwrap_or_default();
        if let Value::Object(value) = &mut value {
            value.insert("to".to_owned(), json!(to));
        }
        output.result("capability-diff", &value, |style| {
            human::authority_changes(&to, &planned, style)
        })?;
        Ok(0)
    }

    // trace: impl FC-4.2
    fn status(&self, output: &mut Output) -> Result<u8, Failure> {
        let status = self.view()?.status();
        output.result("status", &status, |style| human::status(&status, style))?;
        Ok(0)
    }

    fn history(&self, output: &mut Output) -> Result<u8, Failure> {
        let view = self.view()?;
        if output.is_json() {
            for record in view.records() {
                output.result("record", record, |_| String::new())?;
            }
            let value = json!({"records": view.records().len()});
            output.result("history", &value, |_| String::new())?;
        } else {
            output.result("history", &json!({}), |_| human::history(view.records()))?;
        }
        Ok(0)
    }

    fn confirm(
        &self,
        dry_run: bool,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        let status = self.view()?.status();
        let on_trial = status.generations.iter().find(|found| found.standing == "trial");
        let Some(generation) = on_trial.map(|found| found.generation) else {
            output.result("nothing-to-do", &json!({}), |_| "Nothing is on trial.\n".to_owned())?;
            return Ok(0);
        };
        let value = json!({"generation": generation});
        if dry_run {
            output.result("would-confirm", &value, |_| {
                format!("Would confirm generation {generation}. Nothing was written.\n")
            })?;
            return Ok(0);
        }
        ask(&format!("Confirm generation {generation}?"), self.common.yes)?;
        self.open(telemetry)?.confirm(generation)?;
        output.done("confirmed", &value, |_| format!("Generation {generation} is confirmed.\n"));
        Ok(0)
    }

    fn gc(
        &self,
        authority: &AuthorityArguments,
        keep: usize,
        dry_run: bool,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        let view = self.view()?;
        let planned = view.plan_collection(keep);
        if dry_run || planned.generations.is_empty() {
            let kind = if dry_run { "would-collect" } else { "nothing-to-do" };
            output.result(kind, &planned, |_| human::would_collect(&planned))?;
            return Ok(0);
        }
        let authorization = self.authority(&view, Operation::Collect, authority, telemetry)?;
        ask(&human::would_collect(&planned), self.common.yes)?;
        let collected = self.open(telemetry)?.collect(keep, Some(authorization))?;
        output.done("collected", &collected, |_| human::collected(&collected));
        Ok(0)
    }

    fn recover(
        &self,
        request: &RecoverRequest,
        authority: &AuthorityArguments,
        dry_run: bool,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        if dry_run {
            return self.would_recover(request, output);
        }
        // Putting right what an interruption left needs nobody's authority. Where the journal is lost nothing can go on record.
        let nothing_changed = |cause| Error::new(cause, upgrade::Condition::Unchanged(None));
        let authorization = trust::authority::authorization(authority)?.map_err(nothing_changed)?;
        let question = match request.generation {
            Some(number) => format!("Replace the journal, with generation {number} current?"),
            None => "Put right what an interruption left?".to_owned(),
        };
        ask(&question, self.common.yes)?;
        let mut line = ProgressLine::new();
        let environment = self.environment;
        let home = upgrade::recover(request, environment, telemetry, authorization, &mut |p| {
            line.show(p);
        })?;
        drop(line);
        let recovery = home.recovery();
        let state = home.state();
        self.learned.from(state.runtime());
        let replaced = home.records().last().is_some_and(|record| {
            request.generation.is_some() && matches!(record.event, upgrade::Event::Recovered { .. })
        });
        let value = json!({
            "current": state.current, "version": state.runtime(), "recovery": recovery,
            "nothing_to_do": recovery.is_nothing() && request.generation.is_none(),
        });
        output.done("recovered", &value, |style| human::recovered(&home, replaced, style));
        Ok(0)
    }

    fn would_recover(&self, request: &RecoverRequest, output: &mut Output) -> Result<u8, Failure> {
        if let Some(number) = request.generation {
            let found = upgrade::plan_recovery(&self.home, number, self.environment)?;
            let value = json!({"generation": found.number(), "manifest": found.digest()});
            output.result("would-recover", &value, |_| human::would_decide(&found))?;
            return Ok(0);
        }
        let status = self.view()?.status();
        let value = json!({"attempt": status.attempt, "current": status.current});
        output.result("would-recover", &value, |_| human::would_recover(&status))?;
        Ok(0)
    }
}
