//! Who may change a home: keyrings, signatures, authorisations, the security floor; and the seal of a closed store.

use super::{Planted, bug};

const ADMIT: &str = "crates/upgrade/src/trust/admit.rs";
const KEYRING: &str = "crates/upgrade/src/trust/keyring.rs";
const CHAIN: &str = "crates/upgrade/src/trust/chain.rs";
const PACKAGE: &str = "crates/upgrade/src/package.rs";
const CLOSING: &str = "crates/upgrade/src/closing.rs";
const STATE: &str = "crates/upgrade/src/lifecycle/state.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const RECOVER: &str = "crates/upgrade/src/recover.rs";
const VERIFY: &str = "crates/upgrade/src/verify.rs";
const CHECK: &str = "crates/authorization/src/statement/check.rs";
const COUNT: &str = "crates/authorization/src/keyring/verify.rs";
const SUCCESSION: &str = "crates/authorization/src/keyring/succession.rs";

/// The document of an epoch is written.
const WRITE_KEYRING: &str = "«Ok(durable::replace_files(&directory, &files)?)»";
/// The seal of a closed store is written.
const WRITE_SEAL: &str = "durable::replace_file(&self.layout.store_seal(generation), &bytes)?;";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-21.1
    bug(
        "development-accepted-with-keyring",
        ADMIT,
        "(Given::Development, Some(_)) => «Err(Cause::DevelopmentRefused { operation })»,",
        "Ok(given)",
        "whoever may run the command may upgrade, whatever the keyring asks for",
    )
    .and(
        STATE,
        "«Err(format!(\"the home has a keyring, and nobody signed this {operation}\"))»",
        "Ok(())",
    ),
    // trace: sabotage FC-21.2
    bug(
        "statement-signatures-not-verified",
        ADMIT,
        "let signers = «keyring.verify(Role::Operator, &signed.bytes, &signed.signatures, self.time())\
         .map_err(|reason| Cause::NotSigned(Box::new(reason)))?»;",
        "Vec::new()",
        "an authorisation counts that none of the operators has signed",
    ),
    // trace: sabotage FC-21.2
    bug(
        "statement-not-checked",
        ADMIT,
        "signed.statement.check(&situation).map_err(|denied| Cause::Denied(Box::new(denied)))?;",
        "let _ = &situation;",
        "an authorisation for anything allows everything",
    ),
    bug(
        "signed-plan-not-compared",
        ADMIT,
        "plan: «Some(wanted.plan)»,",
        "None",
        "something else is done than what the operators have seen and signed",
    ),
    // trace: sabotage FC-21.2
    bug(
        "node-not-compared",
        CHECK,
        "if «!self.nodes.contains(situation.node)» {",
        "false",
        "an authorisation for one home is used on another",
    ),
    // trace: sabotage FC-21.2
    bug(
        "expired-authorisation-accepted",
        CHECK,
        "if «now > self.not_after» {",
        "let _ = now; false",
        "an authorisation is good for ever",
    ),
    // trace: sabotage FC-21.2
    bug(
        "used-ids-not-looked-at",
        CHECK,
        "if «situation.consumed.contains(&self.id)» {",
        "false",
        "an authorisation is used again and again",
    )
    .and(STATE, "if «before.is_some() && !goes_on» {", "let _ = (before, goes_on); false"),
    bug(
        "aborted-attempt-uses-up",
        STATE,
        "self.used.remove(id);",
        "let _ = id;",
        "after an interruption everybody has to sign once more",
    ),
    // trace: sabotage FC-21.2
    bug(
        "clock-behind-not-refused",
        ADMIT,
        "if «clock_behind && !authorization.accepts_clock» {",
        "let _ = (clock_behind, authorization.accepts_clock); false",
        "setting the clock back makes good again what has expired",
    ),
    bug(
        "window-held-to-the-clock-alone",
        ADMIT,
        "«self.now.max(self.last)»",
        "self.now",
        "on a machine whose clock is behind, what has expired is good again",
    ),
    // trace: sabotage FC-21.2
    bug(
        "signatures-counted-and-not-people",
        COUNT,
        "Ok(_) if «keys.contains(&key)» => Reason::SameKey,",
        "false",
        "one operator who signs twice is taken for two",
    )
    .and(COUNT, "Ok(principal) if «principals.contains(principal)» =>", "let _ = principal; false"),
    // trace: sabotage FC-21.2 FC-23.3 FC-20.2.2
    bug(
        "signature-not-held-to-content",
        COUNT,
        "if «!key.verifies(namespace, message, signature)» {",
        "let _ = (namespace, message); false",
        "what was signed can be altered afterwards",
    ),
    // trace: sabotage FC-23.3
    bug(
        "publisher-signatures-not-verified",
        PACKAGE,
        "keyring.verify(Signing::Publisher, manifest, signatures, court.time())\
         .map_err(|reason| Cause::NotSigned(Box::new(reason)))?;",
        "let _ = (keyring, manifest, signatures);",
        "a release is taken that no publisher has signed",
    ),
    // trace: sabotage FC-14.1.1 FC-23.3
    bug(
        "release-not-held-to-its-publishers",
        APPLY,
        "«request.release.as_ref().map_or(Ok(()), |release| release.check(&court))»",
        "let _ = (request, &court); Ok(())",
        "a release is taken that no publisher has signed",
    ),
    // trace: sabotage FC-14.1.1
    bug(
        "package-content-not-verified",
        PACKAGE,
        "Ok(«self.package.verify()?»)",
        "()",
        "an upgrade to a damaged package begins, and is undone, instead of being refused",
    ),
    // trace: sabotage FC-23.2
    bug(
        "release-manifest-not-placed",
        APPLY,
        "staging.write_document(RELEASE_MANIFEST, manifest)?;",
        "let _ = manifest;",
        "nobody can say any more which release a generation was built from, nor recover its floor",
    ),
    // trace: sabotage FC-23.2
    bug(
        "release-signatures-not-placed",
        APPLY,
        "staging.write_document(RELEASE_SIGNATURES, &signatures.to_bytes())?;",
        "let _ = signatures;",
        "the next keyring is refused, because nobody signed what is current",
    ),
    bug(
        "floor-not-raised",
        STATE,
        "self.raise_floor(release);",
        "let _ = release;",
        "after a release that closes a hole one that has it is taken",
    ),
    // trace: sabotage FC-23.3
    bug(
        "floor-not-compared",
        APPLY,
        "if «epoch < self.state.security_floor» {",
        "let _ = epoch; false",
        "after a release that closes a hole one that has it is taken",
    ),
    bug(
        "floor-lost-by-recovery",
        STATE,
        "self.raise_floor(*release);",
        "",
        "whoever takes the journal away can go below the security floor",
    ),
    bug(
        "keyring-file-not-compared",
        KEYRING,
        "if «found != *digest» {",
        "let _ = (found, digest); false",
        "whoever may write a file of the home says who may authorise",
    )
    .redundant("an epoch of another number contradicts the lifecycle, and most of what is altered cannot be read; that other signers are taken the attack table shows (crates/cli/tests/command/attacks/keyrings.rs), since no scenario alters a file on purpose"),
    bug(
        "keyring-on-record-before-its-file",
        KEYRING,
        "self.write_keyring(proposal, &node).map_err(|cause| Error::new(cause, self.unchanged()))?;",
        "",
        "after a crash a keyring is on record that is nowhere, and nobody can authorise anything",
    )
    .and(
        KEYRING,
        "state.keyring.as_ref() == Some(&installed))?; } «Ok(epoch)»",
        "self.write_keyring(proposal, &installed.node).map_err(|cause| Error::new(cause, self.unchanged()))?; Ok(epoch)",
    ),
    bug(
        "keyring-unsynced",
        KEYRING,
        WRITE_KEYRING,
        "for (at, (name, bytes)) in files.iter().enumerate() { let path = directory.join(name); if at == 1 { let _ = std::fs::remove_file(&path); durable::create_file(&path, bytes)?; } else { durable::replace_file(&path, bytes)?; } } Ok(())",
        "after a power failure the keyring on record is gone, and nobody can authorise anything",
    ),
    bug(
        "keyrings-directory-unsynced",
        KEYRING,
        "durable::create_directory(&directory)?; «durable::sync_directory(self.layout.root())?;»",
        "",
        "after a power failure the keyring on record is gone, and nobody can authorise anything",
    ),
    bug(
        "keyring-signatures-unsynced",
        KEYRING,
        WRITE_KEYRING,
        "for (at, (name, bytes)) in files.iter().enumerate() { let path = directory.join(name); if at == 0 { let _ = std::fs::remove_file(&path); durable::create_file(&path, bytes)?; } else { durable::replace_file(&path, bytes)?; } } Ok(())",
        "after a power failure and the loss of the journal nobody can authorise a recovery",
    ),
    bug(
        "node-name-unsynced",
        KEYRING,
        WRITE_KEYRING,
        "for (at, (name, bytes)) in files.iter().enumerate() { let path = directory.join(name); if at == 2 { let _ = std::fs::remove_file(&path); durable::create_file(&path, bytes)?; } else { durable::replace_file(&path, bytes)?; } } Ok(())",
        "after a power failure and the loss of the journal nobody can authorise a recovery",
    ),
    bug(
        "kept-release-signatures-unsynced",
        KEYRING,
        WRITE_KEYRING,
        "for (at, (name, bytes)) in files.iter().enumerate() { let path = directory.join(name); if at == 3 { let _ = std::fs::remove_file(&path); durable::create_file(&path, bytes)?; } else { durable::replace_file(&path, bytes)?; } } Ok(())",
        "after a power failure the keyring after the next is refused, because nobody signed what is current",
    ),
    bug(
        "next-keyring-without-the-old-threshold",
        SUCCESSION,
        "let before = «next.approved_by(self, signatures, now).map_err(SuccessionRefused::Before)?»;",
        "Vec::new()",
        "whoever makes a keyring of their own takes the home over",
    ),
    bug(
        "next-keyring-without-its-own-threshold",
        SUCCESSION,
        "let own = «next.approved_by(next, signatures, now).map_err(SuccessionRefused::Own)?»;",
        "Vec::new()",
        "a keyring is installed whose keys nobody has, and no other can follow it",
    ),
    // trace: sabotage FC-21.3
    bug(
        "refusal-not-recorded",
        ADMIT,
        "if «cause.is_of_authority()» {",
        "false",
        "nobody can tell that somebody has tried",
    ),
    // trace: sabotage FC-21.3
    bug(
        "refusal-recorded-as-attempt",
        ADMIT,
        "if let Err(failed) = «self.note(event)» {",
        "let _ = event; self.begin(operation, &Admitted::standing()).map(|_| ())",
        "what was refused is on record as begun",
    ),
    bug(
        "seal-of-closed-store-not-checked",
        VERIFY,
        "self.check_closed(generation, seal, depth, digester)?;",
        "let _ = seal;",
        "a store that was altered while no runtime was running is run",
    ),
    bug(
        "sealed-store-unsynced",
        CLOSING,
        "durable::sync_tree(&store)?;",
        "",
        "after a power failure a store is not what it was closed as, and the runtime does not start",
    )
    .redundant("the engine syncs what it has written when it is closed; the sync is for a runtime that ends otherwise"),
    bug(
        "seal-after-record",
        CLOSING,
        WRITE_SEAL,
        "",
        "after a crash a store is on record as sealed and has no seal, and the runtime does not start",
    )
    .and(
        CLOSING,
        "drop(guard);",
        "let place = self.layout.generation(number); \
         let write = || -> std::result::Result<(), Cause> { \
         let seal = ClosedStore { format: FORMAT, generation: number, files: seal_of_store(&place)? }; \
         let bytes = serde_json::to_vec(&seal).map_err(|error| Cause::Altered(error.to_string()))?; \
         Ok(durable::replace_file(&self.layout.store_seal(number), &bytes)?) }; \
         write().map_err(|cause| Error::new(cause, self.unchanged()))?; drop(guard);",
    ),
    // trace: sabotage FC-16.1
    bug(
        "stop-in-part-says-unchanged",
        CLOSING,
        "let is_given_back = «self.state.standing != before»;",
        "{ let _ = before; false }",
        "a launcher is told that nothing has changed, and a try was given back",
    ),
    bug(
        "seal-unsynced",
        CLOSING,
        WRITE_SEAL,
        "let path = self.layout.store_seal(generation); let _ = std::fs::remove_file(&path); durable::create_file(&path, &bytes)?;",
        "after a power failure a store is on record as sealed and has no seal, and the runtime does not start",
    ),
    bug(
        "seals-directory-unsynced",
        CLOSING,
        "durable::create_directory(&seals)?; «durable::sync_directory(self.layout.root())?;»",
        "",
        "after a power failure a store is on record as sealed and has no seal, and the runtime does not start",
    ),
    bug(
        "recovery-without-signature",
        RECOVER,
        "«court.judge(authorization, &wanted)»",
        "let _ = (court, wanted, authorization); Ok(Admitted::standing())",
        "whoever takes the journal away says which generation is current",
    ),
    bug(
        "keyring-not-taken-over",
        RECOVER,
        "self.take_over_keyring()?;",
        "",
        "once the journal is lost a home with a keyring cannot be recovered",
    ),
    bug(
        "history-of-keyrings-not-checked",
        CHAIN,
        "if «keyring.epoch() != epoch || keyring.previous() != before.map(Keyring::digest)» {",
        "false",
        "whoever takes the journal away puts a keyring of their own in",
    )
    .redundant("whether it may follow is asked once more where its signatures are verified"),
    bug(
        "signatures-of-keyrings-not-checked",
        CHAIN,
        "if «!moments(before, &keyring, now).any(is_signed)» {",
        "let _ = moments(before, &keyring, now).any(is_signed); false",
        "whoever takes the journal away puts a keyring of their own in, behind the one that is there",
    ),
];
