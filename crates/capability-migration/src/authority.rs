//! Who may do what in a home: its policies, by the dialect that it really runs, and its registry.

use crate::dialect_1_0_0::PoliciesOf1_0_0;
use crate::dialect_1_0_3::PoliciesOf1_0_3;
use crate::dialect_2::PoliciesOf2;
use crate::registry::Registry;

/// Policies, and what they mean.
///
/// The dialect is that of the release which the home ran, never guessed from the file: the files of 1.0.0 and 1.0.3 look the
/// same and mean different things.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySet {
    /// As 1.0.0 applied them.
    V1_0_0(PoliciesOf1_0_0),
    /// As 1.0.3 applied them.
    V1_0_3(PoliciesOf1_0_3),
    /// As 2.x applies them.
    V2(PoliciesOf2),
}

/// Policies and the registry that goes with them: together they decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Authority {
    /// The policies.
    pub policies: PolicySet,
    /// The capabilities.
    pub registry: Registry,
}
