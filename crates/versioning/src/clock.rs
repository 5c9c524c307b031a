//! Time, as a value that comes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment in UTC with nanoseconds, read and written as RFC 3339 (`2026-11-23T03:04:06.949619482Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

/// A text that is no RFC 3339 timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 timestamp such as 2026-11-23T03:04:06.949619482Z")]
pub struct InvalidTimestamp {
    /// What was found instead.
    pub text: String,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The moment this many nanoseconds after 1970-01-01T00:00:00Z; negative before. `None` beyond the year 9999.
    pub fn from_unix_nanoseconds(nanoseconds: i128) -> Option<Self> {
        jiff::Timestamp::from_nanosecond(nanoseconds).ok().map(Self)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z; negative before.
    pub fn unix_nanoseconds(self) -> i128 {
        self.0.as_nanosecond()
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidTimestamp { text: text.to_owned() })
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where the time comes from. Libraries never ask the operating system: the command does, and tests pass a
/// [`FixedClock`]. No decision and no digest depends on it; it is written into journal and manifests only.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that always shows the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_keeps_its_nanoseconds_and_reads_any_offset() {
        let text = "2026-11-23T03:04:06.949619482Z";
        let timestamp: Timestamp = text.parse().unwrap();
        assert_eq!(timestamp.to_string(), text);
        assert_eq!("2026-11-23T04:04:06.949619482+01:00".parse(), Ok(timestamp));
        let nanoseconds = timestamp.unix_nanoseconds();
        assert_eq!(Timestamp::from_unix_nanoseconds(nanoseconds), Some(timestamp));
    }

    #[test]
    fn a_timestamp_is_written_as_its_text_and_read_back() {
        let timestamp: Timestamp = "2026-11-23T03:04:06.949619482Z".parse().unwrap();
        let json = serde_json::to_string(&timestamp).unwrap();
        assert_eq!(json, "\"2026-11-23T03:04:06.949619482Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), timestamp);
    }

    #[test]
    fn a_fixed_clock_shows_what_it_was_set_to_however_often_it_is_asked() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let clock = FixedClock(noon);
        assert_eq!([clock.now(), clock.now()], [noon, noon]);
        assert_eq!(FixedClock(Timestamp::EPOCH).now().unix_nanoseconds(), 0);
    }

    #[test]
    fn what_is_no_timestamp_is_named() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert_eq!(error, InvalidTimestamp { text: "yesterday".to_owned() });
        assert!(serde_json::from_str::<Timestamp>("\"2026-13-01T00:00:00Z\"").is_err());
    }
}
