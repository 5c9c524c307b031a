//! How a runtime upgrades its own home: with what any operator would bring, and by the same rules.
//!
//! Whether it is possible is asked while the runtime still serves, since a plan only reads. It is carried out when the runtime
//! has stopped: an upgrade needs a store that nobody has open, and a home that nobody holds. What was signed is held to the
//! keyring then, so that a refusal goes on record.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use upgrade::authorization::Signatures;
use upgrade::release::Package;
use upgrade::{
    Applied, Authorization, Cause, Environment, Error, Home, HomeView, NoTelemetry, Request,
    SignedRelease,
};
use versioning::RuntimeVersion;

use crate::Failure;

/// How long to wait for whoever took the home meanwhile.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// What somebody asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The release.
    version: RuntimeVersion,
    /// Unsigned: for homes without a keyring.
    #[serde(default)]
    development: bool,
    /// The statement that allows it, with the signatures beside it (`FILE.sig`).
    authorization: Option<PathBuf>,
    /// The release as a package, with the signatures beside it.
    release: Option<PathBuf>,
    /// The binary of the new version, if it comes in no package.
    runtime: Option<PathBuf>,
}

/// An upgrade that is possible, as things stand.
pub(crate) struct Prepared {
    request: Request,
    authorization: Authorization,
}

/// Reads what was brought, and plans. Nothing if there is nothing to do.
pub(crate) fn prepare(
    wanted: &Wanted,
    home: &Path,
    environment: Environment<'_>,
) -> Result<Option<Prepared>, Failure> {
    let view = HomeView::read(home, environment)?;
    let refused = |cause: Cause| Error::new(cause, view.unchanged());
    let operation = upgrade::Operation::Upgrade;
    let authorization = match &wanted.authorization {
        Some(path) => Authorization::signed(&read(path)?, &read(&signatures_of(path))?)
            .map_err(|error| refused(error.into()))?,
        None if wanted.development => Authorization::development(),
        None => return Err(refused(Cause::Unauthorized { operation }).into()),
    };
    view.require_authority(&authorization, operation).map_err(refused)?;
    let release = match &wanted.release {
        Some(path) => Some(SignedRelease {
            package: Arc::new(Package::open(path).map_err(|error| refused(error.into()))?),
            signatures: Some(
                Signatures::parse(&read(&signatures_of(path))?)
                    .map_err(upgrade::InvalidAuthorization::from)
                    .map_err(|error| refused(error.into()))?,
            ),
        }),
        None => None,
    };
    let target = Some(wanted.version.clone());
    let request =
        Request { target, runtime: wanted.runtime.clone(), release, ..Request::default() };
    let is_nothing_to_do = view.plan(&request)?.is_nothing_to_do();
    Ok((!is_nothing_to_do).then_some(Prepared { request, authorization }))
}

/// Carries it out. If it fails or is refused the home is as it was, and the version that was running is to be started again.
pub(crate) fn apply(
    prepared: Prepared,
    home: &Path,
    environment: Environment<'_>,
) -> Result<Option<Applied>, Error> {
    let Prepared { request, authorization } = prepared;
    let mut telemetry = NoTelemetry;
    let mut home = Home::open(home, environment, &mut telemetry, LOCK_TIMEOUT)?;
    home.apply(&request, None, Some(authorization), &mut |_| {})
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::System(format!("cannot read {}", path.display()), error))
}

fn signatures_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".sig");
    PathBuf::from(name)
}
