//! What makes a statement about a release or an installation none.

/// A value that cannot exist. Nothing was judged and nothing was changed: correct the statement and read it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// A name that is empty, too long, or cannot be shown on one line.
    #[error(
        "{text:?} is no {expected}: it has 1 to {maximum} characters, none of them a control character"
    )]
    Name {
        /// What was found.
        text: String,
        /// What it should have been.
        expected: &'static str,
        /// How many characters it may have.
        maximum: usize,
    },
    /// A span that ends before it begins.
    #[error("a span from {oldest} to {newest} holds nothing: the oldest comes first")]
    Span {
        /// Its beginning.
        oldest: String,
        /// Its end.
        newest: String,
    },
    /// A text that is no range of semantic versions.
    #[error("{text:?} is no range of semantic versions such as \"^1.0.3\": {reason}")]
    Range {
        /// What was found.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// A peer that speaks no version of the protocol.
    #[error("{peer} speaks no version of the protocol at all")]
    Silent {
        /// The peer.
        peer: String,
    },
    /// A feature that begins after the newest minor that the peer speaks.
    #[error(
        "{peer} names the feature {feature} since {major}.{since}, but speaks at most {major}.{newest}"
    )]
    Feature {
        /// The peer.
        peer: String,
        /// The feature.
        feature: String,
        /// In this major of the protocol …
        major: u32,
        /// … since this minor …
        since: u32,
        /// … although the newest that is spoken is this one.
        newest: u32,
    },
    /// A capability that the release says it knows and also says it renames.
    #[error("the capability {id} is both known and renamed to {new}: its old id must be free")]
    RenamedYetKnown {
        /// The old id.
        id: String,
        /// The new one.
        new: String,
    },
    /// A capability that would be renamed to what the release does not know.
    #[error("the capability {id} is renamed to {new}, which the release does not know")]
    RenamedToUnknown {
        /// The old id.
        id: String,
        /// The new one.
        new: String,
    },
    /// A capability of another meaning that the release does not know.
    #[error(
        "the capability {id} is said to have another meaning, but the release does not know it"
    )]
    RedefinedUnknown {
        /// Its id.
        id: String,
    },
}
