//! What is about trust, as text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use upgrade::authorization::{Keyring, Role, Statement};
use upgrade::release::{Manifest, Package};

use crate::output::Style;
use crate::style::hung;

pub(super) fn authorization(
    statement: &Statement,
    file: &Path,
    signature: Option<&PathBuf>,
    line: &str,
) -> String {
    let mut text = hung("Wrote ", &file.display().to_string());
    text.push_str(&hung("  allows  ", &format!("the {}", statement.action)));
    let nodes: Vec<&str> = statement.nodes.iter().map(String::as_str).collect();
    let _ = writeln!(text, "  on      {}", nodes.join(", "));
    let _ = writeln!(text, "  plan    {}", statement.plan);
    for grant in &statement.grants {
        let _ = writeln!(text, "  grants  {grant}");
    }
    let _ = writeln!(text, "  from    {}", statement.not_before);
    let _ = writeln!(text, "  until   {}", statement.not_after);
    match signature {
        Some(signature) => {
            let _ = writeln!(text, "Signed: {}", signature.display());
        }
        None => {
            let _ = writeln!(text, "Not signed yet. Whoever has the key signs with\n  {line}");
        }
    }
    text
}

pub(super) fn keyring(keyring: &Keyring, node: &str, style: &Style) -> String {
    let epoch = style.strong(&keyring.epoch().to_string());
    let mut text = format!("keyring {epoch} of {node}\n  {}\n", keyring.digest());
    for role in Role::ALL {
        let needed = keyring.thresholds().of(role);
        let _ = writeln!(text, "  {needed} must sign as {}", role.name());
    }
    for signer in keyring.signers() {
        let roles: Vec<&str> = signer.roles().iter().map(|role| role.name()).collect();
        let _ = writeln!(text, "  {:<20} {}", signer.principal().to_string(), roles.join(","));
        let _ = write!(text, "    {}", signer.key().fingerprint());
        if let Some(after) = signer.valid_after() {
            let _ = write!(text, ", after {after}");
        }
        if let Some(before) = signer.valid_before() {
            let _ = write!(text, ", until {before}");
        }
        text.push('\n');
    }
    for key in keyring.revoked() {
        let _ = writeln!(text, "  revoked              {}", key.fingerprint());
    }
    text
}

pub(super) fn no_keyring() -> String {
    "This home has no keyring: it is changed in development mode alone.\n\
     `femtoclaw-upgrade keyring init` makes one.\n"
        .to_owned()
}

pub(super) fn keyring_draft(
    keyring: &Keyring,
    file: &Path,
    node: Option<&str>,
    line: &str,
) -> String {
    let node = node.map_or_else(String::new, |node| format!(" --node {node}"));
    format!(
        "Wrote epoch {} of the keyring to {}. It is not installed.\n\
         Each of those who must sign it does so with\n  {line}\n\
         and then `femtoclaw-upgrade keyring install {}{node}` installs it.\n",
        keyring.epoch(),
        file.display(),
        file.display()
    )
}

pub(super) fn keyring_installed(epoch: u64, node: &str) -> String {
    format!("Installed epoch {epoch} of the keyring. Authorisations call this home {node}.\n")
}

pub(super) fn release_packed(manifest: &Manifest, file: &Path) -> String {
    format!(
        "Packed {} artifacts into {}.\n  release {}\nSign it with `femtoclaw-upgrade release sign {}`.\n",
        manifest.artifacts().len(),
        file.display(),
        manifest.digest(),
        file.display()
    )
}

pub(super) fn release_signed(package: &Package, signature: &Path) -> String {
    format!("Signed {}.\nThe signatures are in {}.\n", package.digest(), signature.display())
}

pub(super) fn release_verified(package: &Package, signers: usize) -> String {
    let version = &package.manifest().description().versions.runtime;
    format!("{version}: every byte as its {signers} publishers signed it.\n{}\n", package.digest())
}

pub(super) fn release(package: &Package, style: &Style) -> String {
    let description = package.manifest().description();
    let versions = &description.versions;
    let mut text = format!(
        "{} {}\n  release         {}\n  security epoch  {}\n  storage schema  {}\n  configuration   {}\n",
        description.product,
        style.strong(&versions.runtime.to_string()),
        package.digest(),
        description.security_epoch,
        versions.storage,
        versions.configuration
    );
    for migration in &description.migrations {
        let (from, to) = (migration.from, migration.to);
        let _ = writeln!(text, "  migration       {from} → {to} {}", migration.name);
    }
    for artifact in package.manifest().artifacts() {
        let mark = if artifact.executable { "x" } else { "-" };
        let _ = writeln!(text, "  {mark} {:>10} {}", artifact.size, artifact.path);
    }
    text
}
