//! Registry and policy changes that can never widen authority (FC-UPGRADE-0001 §11).
//!
//! The crate is pure: no files, no clock, nothing that depends on chance. Its promises:
//! - **Ids keep their meaning.** A capability is renamed only if that is declared, what it takes changes only with its id,
//!   an id that was given up is never used again, and what is new arrives switched off ([`migrate_registry`]).
//! - **Nothing is widened.** What is allowed after [`migrate`] was allowed before for certain, under the dialect that the
//!   home really ran, or a [`Grant`] covers it. This is decided for every request there can be ([`widens`]), not sampled;
//!   what cannot be decided counts as wider.
//! - **Nothing is dropped.** Capabilities are retired and rules archived, each with the reason.
//! - **Everything is said**: in a [`Report`] of what was done, and a [`Diff`] of what it means, in both directions.
//!
//! ```
//! use capability_migration::{
//!     Authority, PoliciesOf1_0_0, Plan, PolicySet, Reading, Registry, diff, migrate, policies_1_0,
//! };
//! # fn main() -> capability_migration::Result<()> {
//! let policies = policies_1_0(r#"[{"name": "default", "version": "1.0", "rules": [
//!     {"effect": "Allow", "principal": "*", "resource": "web_get", "action": "execute", "conditions": []}]}]"#)?;
//! let registry = Registry::from_1_0_0(r#"[{"name": "web_get", "description": "GET", "parameters": []}]"#)?;
//! let before = Authority { policies: PolicySet::V1_0_0(PoliciesOf1_0_0(policies)), registry };
//!
//! let mut plan = Plan::new(Reading::Enforced);
//! plan.registry.renames = capability_migration::Renames::new([("web_get".parse()?, "web.get".parse()?)])?;
//! let migrated = migrate(&before, &plan)?;
//! assert!(diff(&before, &migrated.authority, &migrated.renames).is_empty());
//! # Ok(())
//! # }
//! ```

mod alphabet;
mod arguments;
mod authority;
mod decide;
mod dialect_1_0;
mod dialect_1_0_0;
mod dialect_1_0_3;
mod dialect_2;
mod diff;
mod error;
mod grant;
mod json;
mod migrate;
mod migrate_1_0;
mod migrate_2;
mod migrate_registry;
mod pattern;
mod region;
mod registry;
mod rename;
mod report;
mod symbolic;
mod value;

pub use alphabet::Symbol;
pub use arguments::{MAXIMUM_KEYS, MAXIMUM_STEPS};
pub use authority::{Authority, PolicySet};
pub use decide::{Arguments, Code, Decision, Effect, Request, RuleRef};
pub use dialect_1_0::{Condition1, Policy1, Rule1, policies_1_0};
pub use dialect_1_0_0::PoliciesOf1_0_0;
pub use dialect_1_0_3::PoliciesOf1_0_3;
pub use dialect_2::{Condition, PoliciesOf2, Policy2, Rule2, Test};
pub use diff::{Diff, diff};
pub use error::{CapabilityError, Result};
pub use grant::Grant;
pub use migrate::{Migrated, Plan, migrate};
pub use migrate_1_0::Reading;
pub use migrate_registry::{MigratedRegistry, RegistryPlan, migrate_registry};
pub use pattern::Pattern;
pub use region::{Names, Region};
pub use registry::{Capability, CapabilityId, Parameter, Registry, Retired};
pub use rename::Renames;
pub use report::{ArchivedRule, Entry, Report};
pub use symbolic::{Certainty, Difference, Examination, MAXIMUM_CELLS, Widening, examine, widens};
