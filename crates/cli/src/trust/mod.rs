//! Releases, authorisations and keyrings on the command line (FC-UPGRADE-0001 §21).

pub(crate) mod arguments;
pub(crate) mod authority;
pub(crate) mod authorize;
pub(crate) mod files;
mod human;
pub(crate) mod keyring;
pub(crate) mod release;
mod signing;
