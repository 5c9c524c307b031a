//! The authority that was given on the command line, and the release that came as a package.

use std::sync::Arc;

use upgrade::authorization::{MAXIMUM_STATEMENT_BYTES, Signatures};
use upgrade::release::Package;
use upgrade::{Authorization, Cause, Request, SignedRelease};

use super::arguments::{AuthorityArguments, PackageArguments};
use super::files;
use crate::arguments::Target;
use crate::failure::Failure;

/// What was given, or why it is nothing: which the home is told, so that it goes on record.
pub(crate) type Given<T> = Result<Result<T, Cause>, Failure>;

/// The authority that was given; none if none was.
pub(crate) fn authorization(arguments: &AuthorityArguments) -> Given<Option<Authorization>> {
    let given = match &arguments.authorization {
        None if arguments.development => Ok(Some(Authorization::development())),
        None => Ok(None),
        Some(path) => {
            let statement = files::read(path, MAXIMUM_STATEMENT_BYTES)?;
            let signatures = files::signatures(&arguments.signature, path)?;
            Authorization::signed(&statement, &signatures).map(Some)
        }
    };
    let accept = |given: Authorization| {
        if arguments.accept_clock { given.accepting_clock() } else { given }
    };
    Ok(given.map(|given| given.map(accept)).map_err(Cause::from))
}

/// The request for an upgrade.
pub(crate) fn request(target: &Target) -> Given<Request> {
    let release = match package(&target.package)? {
        Ok(release) => release,
        Err(cause) => return Ok(Err(cause)),
    };
    Ok(Ok(Request {
        target: target.target_version.clone(),
        runtime: target.runtime.clone(),
        release,
        consent: target.consent.consent(),
    }))
}

fn package(arguments: &PackageArguments) -> Given<Option<SignedRelease>> {
    let Some(path) = &arguments.release else { return Ok(Ok(None)) };
    let package = match Package::open(path) {
        Ok(package) => Arc::new(package),
        Err(error) => return Ok(Err(error.into())),
    };
    let named = &arguments.release_signature;
    let signatures = if named.is_empty() && !files::beside(path).exists() {
        None
    } else {
        let bytes = files::signatures(named, path)?;
        match Signatures::parse(&bytes) {
            Ok(signatures) => Some(signatures),
            Err(error) => {
                let invalid = upgrade::InvalidAuthorization::from(error);
                return Ok(Err(invalid.into()));
            }
        }
    };
    Ok(Ok(Some(SignedRelease { package, signatures })))
}
