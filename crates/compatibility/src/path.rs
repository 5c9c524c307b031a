//! The shortest safe path over several releases (FC-UPGRADE-0001 §13).
//!
//! A path is a list of hops, each of which is judged as if the hops before it had been done, and accepted. Hops that need
//! consent are taken, and say so. Of all paths to the target, the one that is chosen
//!
//! 1. has the fewest hops;
//! 2. of these, passes through the higher versions, compared hop by hop from the first;
//! 3. of these, has the fewest irreversible hops ([`Verdict::is_irreversible`]);
//! 4. of these, uses the offers that come first when written out. So the order of the offers makes no difference.
//!
//! No accepted hop takes any part back and each moves at least one forward, so no path has a cycle, whatever offers say.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use versioning::RuntimeVersion;

use crate::{CapabilityId, Installed, Offer, Policy, Verdict, judge};

/// How many states of an installation are looked at before the search gives up. The states of one offer differ only in
/// the names of capabilities, so several hundred offers need several hundred states.
pub const MAXIMUM_STATES: usize = 4096;

/// The path to the release that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradePath {
    /// What is installed.
    pub from: RuntimeVersion,
    /// What is wanted.
    pub target: RuntimeVersion,
    /// The verdicts on the hops, in order, each accepted. Empty if the target is installed already.
    pub hops: Vec<Verdict>,
    /// Why it cannot be done in one hop, if it cannot: a verdict for each offer of the target.
    pub direct: Vec<Verdict>,
    /// How many paths of this length there are, this one included.
    pub shortest: u64,
}

impl UpgradePath {
    /// Whether a person has to agree to something on the way.
    pub fn needs_consent(&self) -> bool {
        self.hops.iter().any(Verdict::needs_consent)
    }

    /// How many hops leave something behind on a rollback.
    pub fn irreversible(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_irreversible()).count()
    }
}

impl fmt::Display for UpgradePath {
    /// Why this path, in words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, target, hops, direct, shortest } = self;
        if hops.is_empty() {
            return write!(formatter, "{target} is installed already: there is nothing to do.");
        }
        write!(formatter, "{from}")?;
        for hop in hops {
            write!(formatter, " → {}", hop.to())?;
        }
        match (hops.len(), shortest) {
            (1, 1) => write!(formatter, "\nOne hop leads there.")?,
            (1, _) => write!(
                formatter,
                "\nOne hop leads there; of {shortest} offers, this one leaves least behind."
            )?,
            (count, 1) => write!(
                formatter,
                "\nNo other path of {count} hops leads there, and no shorter one."
            )?,
            (count, _) => write!(
                formatter,
                "\nNo path is shorter than {count} hops; of {shortest} such paths, this one passes \
                 through the higher versions, and leaves least behind."
            )?,
        }
        for verdict in direct {
            write!(formatter, "\nIt cannot be done in one hop. {verdict}")?;
        }
        if hops.len() > 1 {
            formatter.write_str("\nEach hop has to be confirmed before the next.")?;
        }
        for (number, hop) in (1..).zip(hops) {
            write!(formatter, "\nHop {number}. {hop}")?;
        }
        Ok(())
    }
}

/// No path to the release that is wanted. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", self.sentences())]
pub struct NoPath {
    /// What is installed.
    pub from: RuntimeVersion,
    /// What is wanted; `None` if no offer can be taken without being asked for.
    pub target: Option<RuntimeVersion>,
    /// Whether the target is among the offers.
    pub offered: bool,
    /// Whether the search gave up at [`MAXIMUM_STATES`] and there may be a path after all.
    pub gave_up: bool,
    /// What can be reached, but leads no further.
    pub reached: Box<[RuntimeVersion]>,
    /// Every candidate hop that was refused, with every reason.
    pub refused: Box<[Verdict]>,
}

impl NoPath {
    fn sentences(&self) -> String {
        let Self { from, target, offered, gave_up, reached, refused } = self;
        let mut lines = vec![match (target, offered) {
            (None, _) => "no offer can be taken without being asked for".to_owned(),
            (Some(target), false) => format!("{target} is wanted, but not offered"),
            (Some(target), true) => format!("no path leads from {from} to {target}"),
        }];
        if *gave_up {
            lines.push(format!("The search gave up after {MAXIMUM_STATES} states."));
        }
        if !reached.is_empty() {
            let reached: Vec<_> = reached.iter().map(RuntimeVersion::to_string).collect();
            lines.push(format!("What can be reached: {}", reached.join(", ")));
        }
        lines.extend(refused.iter().map(Verdict::to_string));
        lines.join("\n")
    }
}

/// The preferred one of the shortest paths from what is installed to the policy's target, or to the newest offer that may be
/// taken.
///
/// # Errors
/// [`NoPath`] with every reason for which each candidate hop is refused.
pub fn paths(
    installed: &Installed,
    offers: &[Offer],
    policy: &Policy,
) -> Result<UpgradePath, NoPath> {
    let from = installed.versions.runtime.clone();
    let Some(target) = target(offers, policy) else {
        return Err(NoPath {
            from,
            target: None,
            offered: false,
            gave_up: false,
            reached: Box::default(),
            refused: refusals(installed, &canonical(offers), policy).into(),
        });
    };
    Search::new(canonical(offers), policy, target).run(installed)
}

fn target(offers: &[Offer], policy: &Policy) -> Option<RuntimeVersion> {
    let may_be_taken =
        |offer: &&Offer| !offer.must_be_asked_for() || policy.asks_for(&offer.versions.runtime);
    policy.target.clone().or_else(|| {
        let offered = offers.iter().filter(may_be_taken).map(|offer| &offer.versions.runtime);
        offered.max().cloned()
    })
}

/// The offers without repetitions, in an order of their own: the highest version first, then as they are when written out.
fn canonical(offers: &[Offer]) -> Vec<&Offer> {
    let mut offers: Vec<_> = offers.iter().collect();
    offers.sort_by_cached_key(|offer| {
        (Reverse(offer.versions.runtime.clone()), format!("{offer:?}"))
    });
    offers.dedup();
    offers
}

fn refusals(installed: &Installed, offers: &[&Offer], policy: &Policy) -> Vec<Verdict> {
    let verdicts = offers.iter().map(|offer| judge(installed, offer, policy));
    verdicts.filter(|verdict| !verdict.is_accepted()).collect()
}

/// What tells two states of an installation apart after at least one hop: the offer, and the capabilities as they came to be
/// named. All else follows from the offer or never changes.
type StateKey = (usize, BTreeMap<CapabilityId, bool>);

/// By what a path is preferred to another of the same length: less is better.
type Preference = (Vec<Reverse<RuntimeVersion>>, usize, Vec<usize>);

/// The best path that is known to a state.
#[derive(Debug, Clone)]
struct Arrival {
    installed: Installed,
    preference: Preference,
    hops: Vec<Verdict>,
    shortest: u64,
}

struct Search<'a> {
    offers: Vec<&'a Offer>,
    policy: &'a Policy,
    target: RuntimeVersion,
    seen: BTreeSet<StateKey>,
    refused: Vec<Verdict>,
    gave_up: bool,
}

impl<'a> Search<'a> {
    fn new(offers: Vec<&'a Offer>, policy: &'a Policy, target: RuntimeVersion) -> Self {
        let (seen, refused) = (BTreeSet::new(), Vec::new());
        Self { offers, policy, target, seen, refused, gave_up: false }
    }

    fn run(mut self, installed: &Installed) -> Result<UpgradePath, NoPath> {
        let from = &installed.versions.runtime;
        let offered = self.offered_targets().count() > 0;
        if self.offered_targets().any(|offer| offer.versions == installed.versions) {
            return Ok(self.found(from, Arrival::at(installed), Vec::new()));
        }
        let direct: Vec<_> =
            self.offered_targets().map(|offer| judge(installed, offer, self.policy)).collect();
        let mut frontier = vec![Arrival::at(installed)];
        // Every level consists of states that were not seen before, and there are at most MAXIMUM_STATES of them.
        while !frontier.is_empty() {
            let level = self.expand(&frontier);
            if let Some(best) = self.best(&level) {
                let refused = if best.hops.len() > 1 { direct } else { Vec::new() };
                return Ok(self.found(from, best, refused));
            }
            self.seen.extend(level.keys().cloned());
            frontier = level.into_values().collect();
        }
        let mut refused = self.refused;
        let order = |verdict: &Verdict| {
            (verdict.from().clone(), Reverse(verdict.to().clone()), verdict.reasons().to_vec())
        };
        refused.sort_by_cached_key(order);
        refused.dedup();
        let reached = self.seen.iter().filter_map(|(index, _)| self.offers.get(*index));
        let reached: BTreeSet<_> = reached.map(|offer| offer.versions.runtime.clone()).collect();
        Err(NoPath {
            from: from.clone(),
            target: Some(self.target),
            offered,
            gave_up: self.gave_up,
            reached: reached.into_iter().collect(),
            refused: refused.into(),
        })
    }

    fn offered_targets(&self) -> impl Iterator<Item = &'a Offer> {
        self.offers.iter().copied().filter(|offer| offer.versions.runtime == self.target)
    }

    fn found(&self, from: &RuntimeVersion, best: Arrival, direct: Vec<Verdict>) -> UpgradePath {
        let (from, target) = (from.clone(), self.target.clone());
        UpgradePath { from, target, hops: best.hops, direct, shortest: best.shortest }
    }

    /// Every state that is one accepted hop away, with the best path to it.
    fn expand(&mut self, frontier: &[Arrival]) -> BTreeMap<StateKey, Arrival> {
        let mut level = BTreeMap::<StateKey, Arrival>::new();
        for arrival in frontier {
            for (index, offer) in self.offers.clone().into_iter().enumerate() {
                if !self.is_candidate(&arrival.installed, offer) {
                    continue;
                }
                let verdict = judge(&arrival.installed, offer, self.policy);
                if !verdict.is_accepted() {
                    self.refused.push(verdict);
                    continue;
                }
                let next = arrival.hop(index, offer, verdict);
                let key = (index, next.installed.capabilities.clone());
                if self.seen.contains(&key) {
                    continue;
                }
                if let Some(known) = level.get_mut(&key) {
                    known.join(next);
                } else if self.seen.len() + level.len() < MAXIMUM_STATES {
                    level.insert(key, next);
                } else {
                    self.gave_up = true;
                }
            }
        }
        level
    }

    /// Nothing that is older than what is installed or newer than the target can be on the way, but every offer of the target
    /// is judged, so that its reasons are told.
    fn is_candidate(&self, installed: &Installed, offer: &Offer) -> bool {
        let version = &offer.versions.runtime;
        let between = installed.versions.runtime <= *version && *version <= self.target;
        offer.versions != installed.versions && (between || *version == self.target)
    }

    /// The best of the arrivals at the target, counting all of them.
    fn best(&self, level: &BTreeMap<StateKey, Arrival>) -> Option<Arrival> {
        let arrivals =
            level.values().filter(|arrival| arrival.installed.versions.runtime == self.target);
        arrivals.cloned().reduce(|mut best, other| {
            best.join(other);
            best
        })
    }
}

impl Arrival {
    fn at(installed: &Installed) -> Self {
        let preference = (Vec::new(), 0, Vec::new());
        Self { installed: installed.clone(), preference, hops: Vec::new(), shortest: 1 }
    }

    fn hop(&self, index: usize, offer: &Offer, verdict: Verdict) -> Self {
        let mut next = self.clone();
        next.installed = self.installed.after(offer);
        next.preference.0.push(Reverse(offer.versions.runtime.clone()));
        next.preference.1 += usize::from(verdict.is_irreversible());
        next.preference.2.push(index);
        next.hops.push(verdict);
        next
    }

    /// Keeps the better of two paths, and counts both.
    fn join(&mut self, other: Self) {
        let shortest = self.shortest.saturating_add(other.shortest);
        if other.preference < self.preference {
            *self = other;
        }
        self.shortest = shortest;
    }
}
