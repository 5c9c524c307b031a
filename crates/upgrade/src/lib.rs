//! One transaction over binary, data, configuration, policy and extensions.

mod catalogue;

pub use catalogue::{
    AdoptedFile, Adoption, AdoptionRefusal, Catalogue, Files, Finding, FindingOutcome,
    MigratedConfiguration, Release,
};
pub use rollback::Part;
