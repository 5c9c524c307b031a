//! Keeps, replaces, sets aside or rejects the extensions of a home (FC-UPGRADE-0001 §12).
//!
//! A pure library: what is installed, what a release offers, the runtime's version and what was consented to come in as
//! values; a plan comes out, and what was staged by it can be held against it. Its promises:
//! - **Every installed extension has exactly one fate**, with every reason for it, in words and as a code.
//! - **Identity is kept.** An extension is replaced only by its own publisher, and only by something newer or by a declared
//!   successor. Nobody takes over a name.
//! - **Incompatible ones are rejected**, which stops the upgrade, or set aside whole where that was consented to.
//! - **Permissions never grow** without a grant that names the extension and the permission. No plan enables an extension.
//! - **Data moves with its extension**, or nothing moves: what would collide is rejected.
//! - **Nothing is decided by chance.** Planning again on the result keeps everything.
//!
//! ```
//! use std::collections::BTreeMap;
//! use extension_migration::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let notes = InstalledExtension {
//!     identity: ExtensionIdentity::new("notes", "femtoclaw-community")?.into(),
//!     version: DeclaredVersion::read("1.0.0"),
//!     kind: Kind::new("shell")?,
//!     compatibility: Compatibility::Unstated,
//!     permissions: Permissions::new(),
//!     enabled: true,
//!     artifacts: BTreeMap::from([(ExtensionPath::new("TALON.md")?, integrity::Digest::of(b"1"))]),
//!     recorded: None,
//!     data: BTreeMap::from([(ExtensionPath::new("notes/ideas.md")?, integrity::Digest::of(b"2"))]),
//! };
//! let directory = Directory::new("notes")?;
//! let installed = Installed {
//!     extensions: BTreeMap::from([(directory.clone(), notes)]),
//!     ..Installed::default()
//! };
//! let release = Offered { hosted: [Kind::new("shell")?].into(), ..Offered::default() };
//! let runtime = versioning::RuntimeVersion::new(2, 0, 0);
//!
//! // A release that does not say that it runs what states no version stops here,
//! let refused = plan(&installed, &release, &runtime, &Consent::default());
//! assert!(!refused.is_accepted());
//! assert_eq!(refused.extensions[0].reasons[0].code(), "compatibility-unstated");
//!
//! // unless whoever authorises the upgrade consents to go on without the extension.
//! let consent = Consent { set_aside: [directory].into(), ..Consent::default() };
//! let accepted = plan(&installed, &release, &runtime, &consent);
//! assert_eq!(accepted.extensions[0].fate, Fate::SetAside);
//! assert_eq!(accepted.extensions[0].data_moves[0].to, "set-aside/extensions/notes/notes/ideas.md");
//! assert_eq!(verify(&accepted, &accepted.files()), Ok(()));
//! # Ok(())
//! # }
//! ```

mod claims;
mod compatibility;
mod identity;
mod judge;
mod model;
mod path;
mod permission;
mod plan;
mod planning;
mod reason;
mod verify;
mod version;

pub use compatibility::{Compatibility, InvalidKind, Kind, UnstatedPolicy};
pub use identity::{
    DeclaredIdentity, ExtensionIdentity, IdentityPart, InvalidIdentity, MAXIMUM_NAME_BYTES,
    NameRule,
};
pub use model::{Consent, Files, Grant, Installed, InstalledExtension, Offered, OfferedExtension};
pub use path::{
    Directory, EXTENSIONS, ExtensionPath, InvalidPath, MAXIMUM_COMPONENT_BYTES, MAXIMUM_PATH_BYTES,
    PathRule, SET_ASIDE,
};
pub use permission::{Permission, Permissions, growth};
pub use plan::{
    ArrivalFate, DataMove, ExtensionPlan, Fate, Place, PlannedArrival, PlannedExtension,
};
pub use planning::plan;
pub use reason::Reason;
pub use verify::{Problem, verify};
pub use version::DeclaredVersion;
