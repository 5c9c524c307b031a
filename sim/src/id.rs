//! The name of one state: enough to make it again.

use std::fmt;
use std::str::FromStr;

use sim::images::{Effort, Profile};

/// One state of a campaign, such as `upgrade:1:posix:120.5/3.1`: scenario, seed, profile, and, for each crash in turn, where
/// in the log it came and which of the images there it left. After the scenario may stand what was different from an
/// undisturbed run: `+write-eio@12` is a fault, `-sync@37` a sync that was left out; and behind the first crash a fault that
/// the recovery from it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateId {
    pub(crate) scenario: String,
    pub(crate) variant: Variant,
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    /// Whether less was taken than can be: then the images have other numbers.
    pub(crate) quick: bool,
    /// Point and index, for each crash.
    pub(crate) crashes: Vec<(usize, usize)>,
    /// The fault that the recovery from the first crash meets, if it does: the class, and which call, from 1.
    pub(crate) recovery: Option<(String, u64)>,
}

/// What was different from an undisturbed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Nothing.
    Undisturbed,
    /// The `nth` call that a class of faults is about failed.
    Fault {
        /// The class.
        class: String,
        /// Which call, from 1.
        nth: u64,
    },
    /// The sync at this index of the log was left out.
    LeftOut(usize),
}

impl StateId {
    /// An undisturbed run, and no crash yet.
    pub(crate) fn of(scenario: &str, seed: u64, profile: Profile, effort: Effort) -> Self {
        let (scenario, variant) = (scenario.to_owned(), Variant::Undisturbed);
        Self {
            scenario,
            variant,
            seed,
            profile,
            quick: effort == Effort::QUICK,
            crashes: Vec::new(),
            recovery: None,
        }
    }

    /// How much is taken.
    pub(crate) fn effort(&self) -> Effort {
        match (&self.variant, self.quick) {
            (Variant::Fault { .. }, _) => Effort::AFTER_FAULT,
            (_, true) => Effort::QUICK,
            (_, false) => Effort::FULL,
        }
    }

    /// The same run, with one more crash.
    pub(crate) fn crashed(&self, point: usize, index: usize) -> Self {
        let mut next = self.clone();
        next.crashes.push((point, index));
        next
    }
}

impl fmt::Display for StateId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.scenario)?;
        match &self.variant {
            Variant::Undisturbed => {}
            Variant::Fault { class, nth } => write!(out, "+{class}@{nth}")?,
            Variant::LeftOut(at) => write!(out, "-sync@{at}")?,
        }
        write!(out, ":{}:{}", self.seed, self.profile.name())?;
        if self.quick {
            out.write_str("-quick")?;
        }
        for (number, (point, index)) in self.crashes.iter().enumerate() {
            let separator = if number == 0 { ':' } else { '/' };
            write!(out, "{separator}{point}.{index}")?;
            if let Some((class, nth)) = self.recovery.as_ref().filter(|_| number == 0) {
                write!(out, "+{class}@{nth}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for StateId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no state such as upgrade:1:posix:120.5");
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or_else(wrong);
        let (name, seed, profile) = (part()?, part()?, part()?);
        let crashes = parts.next().unwrap_or_default();
        if parts.next().is_some() {
            return Err(wrong());
        }
        let (scenario, variant) = match (name.split_once('+'), name.split_once("-sync@")) {
            (Some((scenario, fault)), _) => {
                let (class, nth) = fault_of(fault).ok_or_else(wrong)?;
                (scenario, Variant::Fault { class, nth })
            }
            (None, Some((scenario, at))) => {
                (scenario, Variant::LeftOut(at.parse().map_err(|_| wrong())?))
            }
            (None, None) => (name, Variant::Undisturbed),
        };
        let crash = |text: &str| {
            let (point, index) = text.split_once('.').ok_or_else(wrong)?;
            Ok((point.parse().map_err(|_| wrong())?, index.parse().map_err(|_| wrong())?))
        };
        let (first, rest) = crashes.split_at(crashes.find('/').unwrap_or(crashes.len()));
        let (first, recovery) = match first.split_once('+') {
            Some((crash, fault)) => (crash, Some(fault_of(fault).ok_or_else(wrong)?)),
            None => (first, None),
        };
        let crashes = [first, rest].concat();
        let profiles = Profile::ALL.into_iter();
        let quick = profile.strip_suffix("-quick");
        let profile = quick.unwrap_or(profile);
        Ok(Self {
            scenario: scenario.to_owned(),
            variant,
            seed: seed.parse().map_err(|_| wrong())?,
            profile: profiles
                .into_iter()
                .find(|known| known.name() == profile)
                .ok_or_else(wrong)?,
            quick: quick.is_some(),
            crashes: crashes
                .split('/')
                .filter(|text| !text.is_empty())
                .map(crash)
                .collect::<Result<_, String>>()?,
            recovery,
        })
    }
}

/// A class of faults, and which of them.
fn fault_of(text: &str) -> Option<(String, u64)> {
    let (class, nth) = text.split_once('@')?;
    Some((class.to_owned(), nth.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for text in [
            "upgrade:1:posix:120.5",
            "upgrade-store+sync-eio@3:7:ordered:12.0/3.14/0.0",
            "life-sync@37:1:kill:8.1",
            "recover:1:posix:8.1+write-eio@3",
            "recover:1:posix-quick:8.1+write-eio@3/2.0",
            "confirm:1:kill",
            "confirm:1:posix-quick:3.2",
        ] {
            assert_eq!(text.parse::<StateId>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "upgrade",
            "upgrade:x:posix:1.1",
            "upgrade:1:ext4:1.1",
            "a:1:kill:1",
            "a:1:kill:1.0:posix",
            "a:1:kill:1.0+eio",
            "a:1:kill:1.0/2.0+write-eio@3",
        ] {
            assert!(text.parse::<StateId>().is_err(), "{text}");
        }
    }
}
