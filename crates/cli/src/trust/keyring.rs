//! `keyring`: who may authorise.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use upgrade::authorization::{
    AllowedSigner, Keyring, MAXIMUM_KEYRING_BYTES, Moment, Role, Signatures, Thresholds,
};
use upgrade::{InstalledKeyring, KeyringProposal, TelemetrySink};

use super::arguments::{KeyringCommand, ProposalArguments, SignerArgument};
use super::{files, human, signing};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::Output;
use crate::surroundings::random_id;

/// Carries out one of the commands.
pub(crate) fn run(
    session: &Session<'_>,
    command: &KeyringCommand,
    telemetry: &mut dyn TelemetrySink,
    output: &mut Output,
) -> Result<u8, Failure> {
    match command {
        KeyringCommand::Init { signer, threshold, node, proposal } => {
            let one = Thresholds::all(std::num::NonZeroU32::MIN);
            let signers = signer.iter().map(allowed).collect::<Result<Vec<_>, _>>()?;
            let keyring = Keyring::first(with(one, threshold), signers).map_err(refused)?;
            let node = match node {
                Some(node) => node.clone(),
                None => hex(&random_id()?),
            };
            Proposed { session, proposal, node: Some(node), release_signatures: Vec::new() }
                .finish(keyring, telemetry, output)
        }
        KeyringCommand::Add { signer, threshold, proposal } => {
            let present = present(session)?;
            let mut next = present.keyring.next().map_err(refused)?;
            for signer in signer {
                next = next.allow(allowed(signer)?);
            }
            let next = next.thresholds(with(*present.keyring.thresholds(), threshold));
            let keyring = next.finish().map_err(refused)?;
            Proposed::next(session, proposal).finish(keyring, telemetry, output)
        }
        KeyringCommand::Rotate { key, new, old_until, proposal } => {
            let next = present(session)?.keyring.next().map_err(refused)?;
            let until = old_until.map(Moment::of).transpose().map_err(refused)?;
            let next = next.rotate(*key, signing::public_key(new)?, until).map_err(refused)?;
            let keyring = next.finish().map_err(refused)?;
            Proposed::next(session, proposal).finish(keyring, telemetry, output)
        }
        KeyringCommand::Revoke { key, threshold, release_signature, proposal } => {
            let present = present(session)?.keyring;
            let line = present.signers().iter().find(|line| line.key().fingerprint() == *key);
            let unknown = || Failure::Keyring(format!("the key {key} stands on no line"));
            let next = present.next().map_err(refused)?;
            let next = next.revoke(line.ok_or_else(unknown)?.key().clone());
            let next = next.thresholds(with(*present.thresholds(), threshold));
            let keyring = next.finish().map_err(refused)?;
            let release_signatures = parse_all(release_signature)?;
            Proposed { session, proposal, node: None, release_signatures }
                .finish(keyring, telemetry, output)
        }
        KeyringCommand::Install { draft, signature, node, release_signature } => {
            let keyring = files::read(draft, MAXIMUM_KEYRING_BYTES)?;
            let keyring = Keyring::parse(&keyring).map_err(refused)?;
            let signatures = parse(&files::signatures(signature, draft)?, draft)?;
            let release_signatures = parse_all(release_signature)?;
            let node = node.clone();
            let proposal = KeyringProposal { keyring, signatures, node, release_signatures };
            install(session, &proposal, telemetry, output)
        }
        KeyringCommand::Show { allowed_signers } => show(session, *allowed_signers, output),
    }
}

/// An epoch that is to be signed, and what is to become of it.
struct Proposed<'p> {
    session: &'p Session<'p>,
    proposal: &'p ProposalArguments,
    node: Option<String>,
    release_signatures: Vec<Signatures>,
}

impl<'p> Proposed<'p> {
    fn next(session: &'p Session<'p>, proposal: &'p ProposalArguments) -> Self {
        Self { session, proposal, node: None, release_signatures: Vec::new() }
    }

    /// Signs it with what is named, and writes it for others to sign, or installs it.
    fn finish(
        self,
        keyring: Keyring,
        telemetry: &mut dyn TelemetrySink,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        let bytes = keyring.to_bytes();
        let signatures = signing::sign(&self.proposal.signing, Role::Keyring, &bytes)?;
        let Some(draft) = &self.proposal.draft else {
            let unsigned = || {
                let reason = "nobody signs it: name keys with --sign-with or --agent, or write it \
                              for others to sign with --draft";
                Failure::Keyring(reason.to_owned())
            };
            let (node, release_signatures) = (self.node, self.release_signatures);
            let signatures = signatures.ok_or_else(unsigned)?;
            let proposal = KeyringProposal { keyring, signatures, node, release_signatures };
            return install(self.session, &proposal, telemetry, output);
        };
        files::write_new(draft, &bytes)?;
        let beside = files::beside(draft);
        if let Some(signatures) = &signatures {
            files::write_new(&beside, &signatures.to_bytes())?;
        }
        let line = signing::command_line(Role::Keyring, draft);
        let value = json!({
            "epoch": keyring.epoch(), "digest": keyring.digest(), "file": draft,
            "signature": signatures.as_ref().map(|_| &beside), "sign": line, "node": self.node,
        });
        output.result("keyring-draft", &value, |_| {
            human::keyring_draft(&keyring, draft, self.node.as_deref(), &line)
        })?;
        Ok(0)
    }
}

fn install(
    session: &Session<'_>,
    proposal: &KeyringProposal,
    telemetry: &mut dyn TelemetrySink,
    output: &mut Output,
) -> Result<u8, Failure> {
    let mut home = session.open(telemetry)?;
    let epoch = home.install_keyring(proposal)?;
    let node = home.state().keyring.as_ref().map(|keyring| keyring.node.clone());
    let value = json!({"epoch": epoch, "digest": proposal.keyring.digest(), "node": node});
    let node = node.unwrap_or_default();
    output.done("keyring-installed", &value, |_| human::keyring_installed(epoch, &node));
    Ok(0)
}

fn show(session: &Session<'_>, allowed_signers: bool, output: &mut Output) -> Result<u8, Failure> {
    let found = session.view()?.keyring()?;
    let Some(InstalledKeyring { keyring, node }) = found else {
        let value = json!({"epoch": null});
        output.result("keyring", &value, |_| human::no_keyring())?;
        return Ok(0);
    };
    let value = json!({
        "epoch": keyring.epoch(), "digest": keyring.digest(), "node": node,
        "thresholds": keyring.thresholds(),
        "signers": keyring.signers().iter().map(line).collect::<Vec<_>>(),
        "revoked": keyring.revoked().iter().map(|key| key.fingerprint().to_string()).collect::<Vec<_>>(),
    });
    output.result("keyring", &value, |style| {
        if allowed_signers {
            keyring.allowed_signers_file(None)
        } else {
            human::keyring(&keyring, &node, style)
        }
    })?;
    Ok(0)
}

fn line(signer: &AllowedSigner) -> serde_json::Value {
    json!({
        "principal": signer.principal().to_string(), "key": signer.key().fingerprint().to_string(),
        "roles": signer.roles().iter().map(|role| role.name()).collect::<Vec<_>>(),
        "valid_after": signer.valid_after().map(|moment| moment.to_string()),
        "valid_before": signer.valid_before().map(|moment| moment.to_string()),
    })
}

fn present(session: &Session<'_>) -> Result<InstalledKeyring, Failure> {
    let none = || Failure::Keyring("this home has no keyring: `keyring init` makes one".to_owned());
    session.view()?.keyring()?.ok_or_else(none)
}

fn allowed(signer: &SignerArgument) -> Result<AllowedSigner, Failure> {
    let key = signing::public_key(&signer.key)?;
    let roles: BTreeSet<Role> = signer.roles.iter().copied().collect();
    AllowedSigner::new(signer.name.clone(), roles, key)
        .map_err(|error| Failure::Keyring(error.to_string()))
}

fn with(mut thresholds: Thresholds, changes: &[(Role, std::num::NonZeroU32)]) -> Thresholds {
    for (role, number) in changes {
        match role {
            Role::Publisher => thresholds.publisher = *number,
            Role::Operator => thresholds.operator = *number,
            Role::Keyring => thresholds.keyring = *number,
        }
    }
    thresholds
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::Keyring(error.to_string())
}

fn parse(bytes: &[u8], path: &Path) -> Result<Signatures, Failure> {
    let unusable = |reason: String| Failure::Unusable { path: path.to_path_buf(), reason };
    Signatures::parse(bytes).map_err(|error| unusable(error.to_string()))
}

fn parse_all(paths: &[std::path::PathBuf]) -> Result<Vec<Signatures>, Failure> {
    let most = upgrade::authorization::MAXIMUM_SIGNATURE_BYTES;
    paths.iter().map(|path| parse(&files::read(path, most)?, path)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
