//! Bugs of `crates/upgrade`: opening, recovering, upgrading, going back, collecting.

use super::{Planted, bug};

const HOME: &str = "crates/upgrade/src/home.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const PLAN: &str = "crates/upgrade/src/plan/mod.rs";
const STORE_GUARD: &str = "crates/upgrade/src/store_guard.rs";
const VERIFY: &str = "crates/upgrade/src/verify.rs";
const REVERT: &str = "crates/upgrade/src/revert.rs";
const RECOVER: &str = "crates/upgrade/src/recover.rs";
const COLLECT: &str = "crates/upgrade/src/collect.rs";
const BOOT: &str = "crates/upgrade/src/boot.rs";
const LAUNCH: &str = "crates/upgrade/src/launch.rs";
const ADMIT: &str = "crates/upgrade/src/trust/admit.rs";
const REVERTING: &str = "crates/upgrade/src/lifecycle/state/reverting.rs";
const STATE: &str = "crates/upgrade/src/lifecycle/state.rs";

/// The commit point.
const ACTIVATE: &str = "home.append(quiesced.attempt, event)?; drop(quiesced.guard);";
/// An interrupted attempt is put on record as undone.
const ABORT: &str = "journal.append(open.number, event, now)?;";
/// An upgrade's first records.
const PREPARE: &str = "home.append(attempt, Event::Prepared { \
    from: Some(self.plan.from.generation), to: self.plan.to.generation, \
    previous: Some(Box::new(self.plan.from.versions.clone())), \
    target: Box::new(self.plan.to.versions.clone()), plan: self.plan.digest(), \
    release: self.plan.release, }, )?;";
/// The last step of a collection.
const REMOVE: &str = "let _ = self.layout.remove_generation(*generation);";
/// What is rolled back to is read before it becomes current.
const CHECK_TARGET: &str =
    "self.check_generation(&target, VerifyDepth::Except(is_immutable_table))?;";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "home-names-unsynced-by-recovery",
        HOME,
        "durable::sync_directory(layout.root())?;",
        "",
        "what a killed process renamed is relied on, and gone after a power failure",
    ),
    // trace: sabotage FC-7.2.2 FC-16.2.3
    bug(
        "abort-not-recorded",
        HOME,
        ABORT,
        "let _ = (event, now);",
        "an interrupted upgrade is interrupted for ever",
    ),
    bug(
        "abort-recorded-twice",
        HOME,
        ABORT,
        "journal.append(open.number, event.clone(), now)?; journal.append(open.number, event, now)?;",
        "after an interruption the home does not open any more",
    ),
    bug(
        "recovery-appends-each-time",
        HOME,
        "let _ = layout.point_current_to(current);",
        "let _ = layout.point_current_to(current); let now = environment.clock.now(); \
         let begun = Event::Authorized { operation: Operation::Collect, authority: journal::Authority::Standing, \
         operator: environment.operator.to_owned(), signed: None, clock_behind: false }; \
         let ended = Event::Aborted { reason: \"nothing\".to_owned() }; \
         let seq = journal.records().len() as u64; \
         let advanced = state.advance(seq, seq, &begun, now).and_then(|()| state.advance(seq + 1, seq, &ended, now)); \
         advanced.map_err(|reason| Cause::Contradiction { seq, reason })?; \
         journal.begin(begun, now)?; journal.append(seq, ended, now)?;",
        "opening a home makes its journal longer every time",
    ),
    // trace: sabotage FC-7.2.2 FC-7.3
    bug(
        "aborted-generation-kept",
        HOME,
        "state.generations.iter().filter(|(_, found)| «gone(found.fate)»)",
        "{ let _ = gone(found.fate); false }",
        "every interrupted upgrade leaves its gigabytes behind for good",
    ),
    // trace: sabotage FC-7.1
    bug(
        "link-for-people-trusted",
        HOME,
        "let mut state = «replay(journal.records(), environment)?»;",
        "let mut state = replay(journal.records(), environment)?; \
         let link = std::fs::read_link(layout.current()).ok(); \
         let named = link.and_then(|link| link.file_name()?.to_str()?.parse::<GenerationNumber>().ok()); \
         if let Some(named) = named.filter(|named| state.generations.contains_key(named)) { state.current = Some(named); } \
         state",
        "a link that lags behind decides what is current",
    ),
    // trace: sabotage FC-16.1
    bug(
        "memory-believed-after-failure",
        HOME,
        "if «self.state.phase == Phase::Idle && !self.journal.outcome_unknown()» {",
        "let _ = Phase::Idle; true",
        "after an error a command says that nothing has changed although it has",
    ),
    // trace: sabotage FC-7.2.2 FC-16.1
    bug(
        "failure-taken-for-success",
        HOME,
        "if «committed(&self.state)» {",
        "let _ = committed(&self.state); true",
        "an upgrade that failed is reported as done",
    ),
    // trace: sabotage FC-7.2.1
    bug(
        "append-failure-ignored",
        HOME,
        "self.journal.append(attempt, event, now)?;",
        "let _ = self.journal.append(attempt, event, now);",
        "an upgrade that is not on record is reported as done",
    ),
    bug(
        "rollback-needs-space",
        HOME,
        "«matches!(operation, Operation::Rollback | Operation::Recover | Operation::Collect)»;",
        "false",
        "a full disk keeps anybody from going back",
    ),
    bug(
        "prepared-not-recorded",
        APPLY,
        PREPARE,
        "let _ = attempt;",
        "nobody can tell afterwards what was planned",
    ),
    bug(
        "built-before-authorized",
        APPLY,
        "let authorized = «planned.authorize(self, admitted)?»;",
        "Staging::create(&self.layout, planned.plan.to.generation.next())?; planned.authorize(self, admitted)?",
        "work begins before it is on record that somebody wanted it",
    ),
    bug(
        "seal-not-recorded",
        APPLY,
        "home.append(staged.quiesced.attempt, event)?;",
        "let _ = event;",
        "the new generation's manifest is not on record",
    ),
    bug(
        "store-guard-not-taken",
        APPLY,
        "StoreGuard::acquire(&home.layout, generation)?",
        "StoreGuard::acquire(&rollback::Layout::new(\"nowhere\".as_ref()), generation)?",
        "a store is upgraded that a runtime is writing to, and what it writes is lost",
    ),
    bug(
        "store-lock-looked-at-first",
        STORE_GUARD,
        "let lock = match «durable::open_plain(&path)» {",
        "path.symlink_metadata()\
            .map_err(|error| durable::Error::new(durable::Operation::Inspect, &path, error))\
            .and_then(|_| durable::open_plain(&path))",
        "on a disk that cannot look at a file, a rollback is made under a runtime that writes",
    ),
    bug(
        "current-generation-not-checked",
        APPLY,
        "home.check_generation(&current, rollback::VerifyDepth::Content)?;",
        "",
        "damage of the current generation is put on record as what a rollback restores",
    ),
    bug(
        "foreign-writer-not-noticed",
        APPLY,
        "if «found != quiesced.store» {",
        "false",
        "what an old runtime wrote during the upgrade is lost",
    ),
    // trace: sabotage FC-15.1 FC-15.2.2 FC-28.1.2
    bug(
        "old-generation-removed-at-once",
        APPLY,
        ACTIVATE,
        "home.append(quiesced.attempt, event)?; \
         let _ = home.layout.remove_generation(quiesced.current.number()); drop(quiesced.guard);",
        "there is no way back from an upgrade",
    ),
    // trace: sabotage FC-1.1 FC-5.2 FC-15.2.2
    bug(
        "sealed-generation-written-to",
        APPLY,
        ACTIVATE,
        "home.append(quiesced.attempt, event)?; \
         let _ = std::fs::write(quiesced.current.path().join(\"superseded\"), b\"\"); drop(quiesced.guard);",
        "a rollback is refused, because the old generation is not what it was",
    ),
    bug(
        "plan-not-held-to",
        APPLY,
        "approved.filter(|approved| «*approved != found»)",
        "{ let _ = approved; false }",
        "something else is done than what was shown and approved",
    ),
    // trace: sabotage FC-18.2
    bug(
        "staged-files-not-verified",
        APPLY,
        "verify_files(home, self.plan, &staged)?;",
        "",
        "a configuration or an extension that was not copied right is sealed",
    ),
    bug(
        "new-configuration-not-validated",
        APPLY,
        "home.environment.catalogue\
         .validate_configuration(plan.to.versions.configuration, &configuration)\
         .map_err(|violations| Cause::InvalidConfiguration { \
         generation: plan.to.generation, violations, })?;",
        "",
        "a runtime is activated that does not start, because its configuration is not valid",
    )
    .redundant("it is held to the digest of what the plan has validated, byte for byte"),
    bug(
        "runtime-not-placed",
        APPLY,
        "match «(&self.request.release, &self.request.runtime)» {",
        "(&None::<SignedRelease>, &None::<std::path::PathBuf>)",
        "the new generation has no runtime",
    )
    .and(APPLY, "if «found != plan.runtime» {", "let _ = &found; false"),
    // trace: sabotage FC-16.3
    bug(
        "generation-number-reused",
        PLAN,
        "Ok(«state.next_generation().max(found.unwrap_or(GenerationNumber::FIRST))»)",
        "let _ = found; state.current.map_or(GenerationNumber::FIRST, |current| current.next())",
        "an upgrade that was interrupted once can never be made",
    ),
    bug(
        "upgraded-while-on-trial",
        PLAN,
        "(Standing::Trial { .. }, Some(number)) = «(state.standing, state.current)»",
        "(Standing::Confirmed, state.current)",
        "a generation that never proved itself becomes what a rollback leads to",
    )
    .and(
        STATE,
        "match «(operation, authority, self.standing)» {",
        "(operation, Authority::Development, Standing::Confirmed)",
    ),
    bug(
        "store-in-use-not-noticed",
        STORE_GUARD,
        "match «lock.try_lock_shared()» {",
        "Ok::<(), std::fs::TryLockError>(())",
        "a store is upgraded that a runtime is writing to, and what it writes is lost",
    ),
    bug(
        "written-store-taken-for-sealed",
        VERIFY,
        "is_none_or(|state| «state.started»)",
        "{ let _ = state; false }",
        "after the first start nothing can be verified or upgraded any more",
    ),
    bug(
        "left-store-not-compared",
        VERIFY,
        "if «found != store» {",
        "false",
        "a rollback leads to a store that is not the one that was left",
    )
    .redundant(
        "an upgrade seals the store that it leaves: only journals from before that say QUIESCED alone",
    ),
    bug(
        "content-not-compared",
        VERIFY,
        "require_same(generation.number(), &generation.manifest().logical(), found)",
        "let _ = found; Ok(())",
        "a store whose records are other ones is upgraded",
    )
    .redundant("what is sealed is held to its bytes before, and has nothing in the engine's journal, where it reads less than there is"),
    bug(
        "sealed-store-opened",
        VERIFY,
        "self.read_clone(&scratch, &map, read)",
        "self.read_clone(&generation.part(Part::Store), &map, read)",
        "verifying a generation changes it, and the next verification fails",
    ),
    bug(
        "rollback-target-not-checked",
        REVERT,
        CHECK_TARGET,
        "",
        "a rollback leads to a generation that is damaged",
    ),
    // trace: sabotage FC-15.1
    bug(
        "rollback-needs-what-it-leaves",
        REVERT,
        CHECK_TARGET,
        "self.check_generation(&target, VerifyDepth::Except(is_immutable_table))?; \
         self.check_generation(&open_current(&self.layout, &self.state)?, VerifyDepth::Content)?;",
        "there is no going back from a generation that is damaged",
    ),
    // trace: sabotage FC-15.4 FC-28.1.2
    bug(
        "abandoned-generation-removed",
        REVERT,
        "let attempt = «self.begin(Operation::Rollback, admitted)?»;",
        "let attempt = self.begin(Operation::Rollback, admitted)?; \
         let _ = self.layout.remove_generation(outcome.from); attempt",
        "what was written since the upgrade is lost by going back",
    ),
    bug(
        "store-in-use-left-behind",
        REVERT,
        "=> Ok(None), Err(cause) => «Err(cause)»,",
        "{ drop(cause); Ok(None) }",
        "a runtime goes on writing to a generation that is not current any more",
    ),
    // trace: sabotage FC-28.1.1
    bug(
        "try-not-counted",
        BOOT,
        "home.count_try()?;",
        "",
        "a new generation that crashes at every start is started for ever",
    ),
    bug(
        "tries-not-required",
        BOOT,
        "home.require_tries()?;",
        "",
        "a new generation that has used up its tries is started all the same, or nothing is",
    ),
    // trace: sabotage FC-28.1.1
    bug(
        "launch-not-counted",
        LAUNCH,
        "self.count_try()?;",
        "",
        "a launched generation that crashes at every start is started for ever",
    ),
    // trace: sabotage FC-28.1.1
    bug(
        "launch-needs-no-try",
        LAUNCH,
        "self.require_tries()?;",
        "",
        "a launched generation that has used up its tries is started all the same, or nothing is",
    )
    .by_tests(),
    // trace: sabotage FC-28.1.1
    bug(
        "last-crash-not-the-end",
        LAUNCH,
        "self.require_current(generation)?; «self.require_tries()»",
        "Ok(())",
        "a launched generation that has crashed for the last time stays current until somebody starts it again",
    ),
    // trace: sabotage FC-28.1.1
    bug(
        "launched-stop-spends-its-try",
        LAUNCH,
        "«self.end_run()»",
        "self.close_store()",
        "a launched runtime that is stopped three times in good order counts as one that does not work",
    )
    .by_tests(),
    // trace: sabotage FC-16.1
    bug(
        "launched-runtime-not-minded",
        STORE_GUARD,
        "let not_running = «not_running(layout, generation)?»;",
        "None",
        "what a launched runtime writes is lost by an upgrade or a rollback that is made under it",
    ),
    // trace: sabotage FC-16.3
    bug(
        "launched-runtime-not-minded-by-recovery",
        RECOVER,
        "available.iter().try_for_each(|number| not_running(layout, *number).map(drop))",
        "{ let _ = (layout, available, not_running); Ok(()) }",
        "a recovery makes another generation current under a runtime that runs",
    )
    .by_tests(),
    // trace: sabotage FC-28.1.1
    bug(
        "what-was-left-is-taken-again",
        PLAN,
        "chosen.filter(|_| pinned.is_none())",
        "chosen",
        "a release that was rolled back is installed again by the next upgrade that nobody looks at",
    )
    .by_tests(),
    bug(
        "starts-use-up-the-reserve",
        HOME,
        "if «self.journal.reserved() < (journal::RESERVE_BYTES + journal::MAXIMUM_RECORD_BYTES) as u64» {",
        "false",
        "after many starts a full disk keeps anybody from going back",
    ),
    bug(
        "confirmed-left-without-authority",
        STATE,
        "return Err(\"nobody authorised to leave a confirmed generation\".to_owned());",
        "",
        "a journal in which somebody went back without authority is believed",
    )
    .redundant("nothing writes such a history; the table of the lifecycle tests holds it"),
    // trace: sabotage FC-15.2.1 FC-15.2.2 FC-15.2.3
    bug(
        "rollback-to-the-oldest",
        STATE,
        "let number = «self.current_generation()?.1.parent?»;",
        "*self.generations.keys().next()?",
        "a rollback leads to another generation than the one before",
    ),
    bug(
        "rolled-back-stays-on-trial",
        REVERTING,
        "self.current = Some(to); «self.standing = Standing::Confirmed;»",
        "self.standing = Standing::Trial { tries: 1, left: 1, running: false };",
        "after a rollback nothing can be upgraded before it is confirmed once more",
    ),
    // trace: sabotage FC-15.4
    bug(
        "abandoned-taken-for-kept",
        REVERTING,
        "self.expect_current(from)?.fate = «Fate::Bad»;",
        "Fate::Kept",
        "what was rolled back is collected, with records that are nowhere else",
    ),
    bug(
        "collected-on-trial",
        COLLECT,
        "let on_trial = «state.standing != Standing::Confirmed»;",
        "let _ = Standing::Confirmed; false",
        "generations are removed before the new one has proven itself",
    ),
    bug(
        "rollback-target-collected",
        COLLECT,
        "let needed = [state.current, «target»];",
        "{ let _ = target; None }",
        "there is no way back from an upgrade",
    )
    .and(
        STATE,
        "if «self.rollback_target().is_some_and(|(target, _)| target == number)» {",
        "false",
    ),
    bug(
        "abandoned-generation-collected",
        COLLECT,
        "«of(Fate::Kept).skip(keep).collect()»",
        "of(Fate::Kept).chain(of(Fate::Bad)).skip(keep).collect()",
        "what was written before a rollback is lost for good",
    ),
    bug(
        "removed-before-on-record",
        COLLECT,
        REMOVE,
        "",
        "after a crash a generation is on record as kept and not there",
    )
    .and(
        COLLECT,
        "if let Err(cause) = «self.put_on_record(*generation, &admitted)» {",
        "let _ = self.layout.remove_generation(*generation); self.put_on_record(*generation, &admitted)",
    ),
    // trace: sabotage FC-16.1
    bug(
        "collection-in-part-says-unchanged",
        COLLECT,
        "if «removed > 0» {",
        "{ let _ = removed; false }",
        "an operator is told that nothing has changed, and a generation is gone",
    ),
    bug(
        "collected-and-not-removed",
        COLLECT,
        REMOVE,
        "",
        "collecting generations gives no space back until the home is opened again",
    ),
    bug(
        "authority-not-required",
        ADMIT,
        "let given = «given.ok_or(Cause::Unauthorized { operation })?»;",
        "given.unwrap_or_else(|| Box::leak(Box::new(Authorization::development())))",
        "whoever may run the command may upgrade, whether authorised or not",
    ),
    bug(
        "start-not-recorded",
        BOOT,
        "if «standing(&self.state) != Some(StoreStanding::Started)» {",
        "false",
        "after the first start nothing can be verified or upgraded any more",
    ),
    bug(
        "runtime-version-not-compared",
        BOOT,
        "if «versions.runtime != *running» {",
        "false",
        "an old runtime writes to a new store",
    ),
    // trace: sabotage FC-20.3 FC-28.2
    bug(
        "parts-not-verified-at-start",
        BOOT,
        "generation.verify_with(files, |path| path == store, &mut digester)?;",
        "let _ = (store, files, &mut digester);",
        "an extension that was tampered with is run",
    ),
    // trace: sabotage FC-5.1.3
    bug(
        "configuration-not-validated-at-start",
        BOOT,
        "self.environment.catalogue.validate_configuration(versions.configuration, &configuration)\
         .map_err(|violations| Cause::InvalidConfiguration { generation: number, violations })?;",
        "",
        "a runtime starts with a configuration that is not valid",
    )
    .redundant("a configuration is validated before it is sealed, and held to its seal at every start"),
    bug(
        "old-journal-not-set-aside",
        RECOVER,
        "durable::rename(&layout.journal(), &replaced_journal(layout.root(), next))?;",
        "let _ = next; durable::remove_tree(&layout.journal())?;",
        "what was left of a broken journal is lost by recovering",
    ),
    // trace: sabotage FC-16.2.3
    bug(
        "set-aside-journal-unsynced",
        RECOVER,
        "durable::rename(&layout.journal(), &replaced_journal(layout.root(), next))?;",
        "std::fs::rename(layout.journal(), replaced_journal(layout.root(), next)).map_err(|error| durable::Error::new(durable::Operation::Rename, &layout.journal(), error))?;",
        "after a power failure the broken journal and the new one are mixed up",
    ),
    bug(
        "begun-journal-unsynced",
        RECOVER,
        "Ok(durable::rename(&begun, &layout.journal())?)",
        "Ok(std::fs::rename(&begun, layout.journal()).map_err(|error| durable::Error::new(durable::Operation::Rename, &begun, error))?)",
        "after a power failure a recovered home has no journal again",
    )
    .redundant("whoever opens a home syncs its directory before relying on what it names"),
    bug(
        "recovered-without-looking",
        RECOVER,
        "verify_but_store(&generation)?",
        "true",
        "a damaged generation becomes current by a recovery",
    ),
];
