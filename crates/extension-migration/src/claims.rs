//! What two extensions do to each other: no directory and no identity may belong to two of them.

use crate::{Directory, ExtensionIdentity, Reason};

/// What an extension lays claim to.
pub(crate) struct Claim {
    /// Who it is, in words.
    pub(crate) claimant: String,
    /// Its directory.
    pub(crate) directory: Directory,
    /// Its identity, if it has a valid one.
    pub(crate) identity: Option<ExtensionIdentity>,
}

/// A claim that another has as well.
pub(crate) struct Conflict {
    /// The other, by its place in the list of claims.
    pub(crate) other: usize,
    /// What is wrong.
    pub(crate) reason: Reason,
}

/// The conflicts of each claim, in the order of the claims. Every conflict is one of both sides.
pub(crate) fn conflicts(claims: &[Claim]) -> Vec<Vec<Conflict>> {
    claims.iter().enumerate().map(|(index, claim)| conflicts_of(index, claim, claims)).collect()
}

fn conflicts_of(index: usize, claim: &Claim, claims: &[Claim]) -> Vec<Conflict> {
    let mut found = Vec::new();
    for (other, against) in claims.iter().enumerate().filter(|(other, _)| *other != index) {
        let name = || against.claimant.clone();
        if claim.directory == against.directory {
            let directory = claim.directory.clone();
            found.push(Conflict { other, reason: Reason::PlaceTaken { directory, other: name() } });
        }
        if let Some(identity) =
            claim.identity.clone().filter(|_| claim.identity == against.identity)
        {
            let reason = Reason::IdentityTaken { identity, other: name() };
            found.push(Conflict { other, reason });
        }
    }
    found
}
