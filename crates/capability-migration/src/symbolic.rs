//! Whether one authority allows more than another: decided for every request there can be, not for a sample.
//!
//! There are infinitely many requests, but the policies at hand can tell only finitely many kinds apart:
//! - by name: principals, resources and actions fall into the symbols of an alphabet ([`crate::Symbol`]), and whether a
//!   rule, a registry, a rename or a grant applies to a name depends on its symbol only;
//! - by arguments: for each combination of symbols (a *cell*) a search goes through the finitely many ways in which
//!   the conditions and declared parameters can turn out.
//!
//! So one request for each kind decides for all of them; the proofs stand where the kinds are made: at the symbols of an
//! alphabet and at the search for arguments. Where a bound ends the search, the answer is that the cell may be wider.

use std::collections::BTreeMap;
use std::fmt;

use crate::alphabet::Alphabet;
use crate::arguments::{Found, View, search};
use crate::authority::{Authority, PolicySet};
use crate::decide::{Arguments, Code, Decision, Request};
use crate::dialect_1_0::{certainly, possibly};
use crate::grant::Grant;
use crate::region::{Cell, Names, Region, blocks};
use crate::rename::Renames;

/// How many cells are looked at before the answer is that it was not decided.
pub const MAXIMUM_CELLS: usize = 2_000_000;

/// How often a rule is held against a cell before the answer is that it was not decided: some seconds.
const MAXIMUM_QUESTIONS: usize = 200_000_000;

/// How sure a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The witness shows it.
    Proven,
    /// The witness shows it if the policies of a release that left their order to chance are asked in some order.
    ByChance,
    /// Not decided within bounds: the witness is only one of the requests that were not decided.
    Undecided,
}

/// Requests that the two sides answer differently.
///
/// Names are those after the migration: what is renamed is one thing, by its new id.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which requests, as far as their names go.
    pub region: Region,
    /// One of them.
    pub witness: Request,
    /// What is decided of the witness before, and the rule responsible.
    pub before: Decision,
    /// What is decided of the witness after, and the rule responsible.
    pub after: Decision,
    /// How sure it is.
    pub certainty: Certainty,
}

/// Requests that are, or may be, allowed after a migration and were not before.
pub type Widening = Difference;

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, witness, before, after, certainty } = self;
        let certainty = match certainty {
            Certainty::Proven => "",
            Certainty::ByChance => ", depending on the order in which policies happen to be asked",
            Certainty::Undecided => ", which was too much to decide",
        };
        write!(formatter, "{region}: before {before}, after {after}{certainty}; ")?;
        write!(formatter, "for example, {witness}")
    }
}

/// What became of a comparison with grants.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination {
    /// What no grant covers: each is a reason to refuse.
    pub widenings: Vec<Widening>,
    /// Grants that were not needed: whoever gave them expected something else.
    pub unused_grants: Vec<Grant>,
}

/// Everything that `after` may allow although `before` does not allow it for certain, and that no grant covers
/// (FC-UPGRADE-0001 §11). Empty means: no request whatsoever.
pub fn widens(
    before: &Authority,
    after: &Authority,
    renames: &Renames,
    grants: &[Grant],
) -> Vec<Widening> {
    examine(before, after, renames, grants).widenings
}

/// As [`widens`], and says which grants were not needed.
pub fn examine(
    before: &Authority,
    after: &Authority,
    renames: &Renames,
    grants: &[Grant],
) -> Examination {
    let sides = Sides { before, after, renames };
    let (widenings, used) = sides.differences(Direction::NewlyAllowed, grants);
    let unused = grants.iter().zip(used).filter(|(_, used)| !used);
    Examination { widenings, unused_grants: unused.map(|(grant, _)| grant.clone()).collect() }
}

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Possibly allowed after, and not for certain before.
    NewlyAllowed,
    /// Possibly allowed before, and not for certain after.
    NewlyDenied,
}

/// What is compared.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) before: &'a Authority,
    pub(crate) after: &'a Authority,
    pub(crate) renames: &'a Renames,
}

/// Whether what chance allows counts as allowed.
#[derive(Clone, Copy)]
enum Bound {
    Certain,
    Possible,
}

impl Sides<'_> {
    /// The differences of one direction, and for each grant whether it covers a cell that has one.
    pub(crate) fn differences(
        &self,
        direction: Direction,
        grants: &[Grant],
    ) -> (Vec<Difference>, Vec<bool>) {
        let alphabet = Alphabet::new([self.before, self.after], self.renames, grants);
        let Alphabet { principals, resources, actions } = &alphabet;
        let cells = principals.len().saturating_mul(resources.len()).saturating_mul(actions.len());
        let rules = self.before.policies.rules().saturating_add(self.after.policies.rules());
        if cells > MAXIMUM_CELLS || cells.saturating_mul(rules) > MAXIMUM_QUESTIONS {
            return (vec![self.too_much(&alphabet)], vec![true; grants.len()]);
        }
        let mut used = vec![false; grants.len()];
        let mut found = Vec::new();
        for (resource_at, resource) in resources.iter().enumerate() {
            for (principal_at, principal) in principals.iter().enumerate() {
                for (action_at, action) in actions.iter().enumerate() {
                    let mut request =
                        request(principal.example(), resource.example(), action.example());
                    let undecided = match self.cell(direction, &request) {
                        Found::Nothing => continue,
                        Found::Undecided => true,
                        Found::Witness(arguments) => {
                            request.arguments = arguments;
                            false
                        }
                    };
                    // Grants mention their names in the alphabet, so one covers all of a cell or nothing of it.
                    if !use_grants(grants, &request, &mut used) {
                        let cell = [principal_at, resource_at, action_at];
                        found.push((cell, self.seen(direction, request, undecided)));
                    }
                }
            }
        }
        (join(found, &alphabet), used)
    }

    /// Looks for arguments in one cell.
    fn cell(&self, direction: Direction, request: &Request) -> Found {
        let former = self.former(request);
        let before = |bound| match &former {
            Some(former) => view(self.before, former, bound),
            None => View::Fixed(false),
        };
        let after = |bound| view(self.after, request, bound);
        match direction {
            Direction::NewlyAllowed => search(&after(Bound::Possible), &before(Bound::Certain)),
            Direction::NewlyDenied => search(&before(Bound::Possible), &after(Bound::Certain)),
        }
    }

    /// The same request, by the names before the migration; none, if its capability's id was given up.
    fn former(&self, request: &Request) -> Option<Request> {
        let resource = self.renames.before(&request.resource)?.to_owned();
        Some(Request { resource, ..request.clone() })
    }

    /// A difference, with a region that is yet to be known.
    fn seen(&self, direction: Direction, witness: Request, undecided: bool) -> Difference {
        let former = self.former(&witness);
        let before = match &former {
            Some(former) => self.before.decide(former),
            None => Decision { code: Code::DeniedCapabilityNotFound, rule: None },
        };
        let after = self.after.decide(&witness);
        let possibly_before = former.is_some_and(|former| self.before.possibly_allows(&former));
        let possibly_after = self.after.possibly_allows(&witness);
        let certain = match direction {
            Direction::NewlyAllowed => after.code == Code::Authorized && !possibly_before,
            Direction::NewlyDenied => before.code == Code::Authorized && !possibly_after,
        };
        let certainty = match (undecided, certain) {
            (true, _) => Certainty::Undecided,
            (false, true) => Certainty::Proven,
            (false, false) => Certainty::ByChance,
        };
        let region = Region { principals: Names::All, resources: Names::All, actions: Names::All };
        Difference { region, witness, before, after, certainty }
    }

    /// The one difference that stands for all that was too much to look at.
    fn too_much(&self, alphabet: &Alphabet) -> Difference {
        let example = |symbols: &[crate::alphabet::Symbol]| {
            symbols.first().map_or_else(String::new, |symbol| symbol.example().to_owned())
        };
        let witness = request(
            &example(&alphabet.principals),
            &example(&alphabet.resources),
            &example(&alphabet.actions),
        );
        self.seen(Direction::NewlyAllowed, witness, true)
    }
}

/// What an authority makes of the names of a request.
fn view<'a>(authority: &'a Authority, request: &Request, bound: Bound) -> View<'a> {
    let Request { principal, resource, action, .. } = request;
    let Some(capability) = authority.registry.get(resource) else { return View::Fixed(false) };
    let votes = match &authority.policies {
        PolicySet::V1_0_0(policies) => policies.votes(resource, action),
        _ if !capability.enabled => return View::Fixed(false),
        PolicySet::V1_0_3(policies) => policies.votes(resource),
        PolicySet::V2(policies) => {
            let rules = policies.rules().map(|(_, _, rule)| rule);
            let rules = rules.filter(|rule| rule.covers(principal, resource, action)).collect();
            return View::Rules { parameters: &capability.parameters, rules };
        }
    };
    View::Fixed(match bound {
        Bound::Certain => certainly(&votes),
        Bound::Possible => possibly(&votes),
    })
}

/// Marks the grants that cover the request; true if there is one.
fn use_grants(grants: &[Grant], request: &Request, used: &mut [bool]) -> bool {
    let mut covered = false;
    for (grant, used) in grants.iter().zip(used) {
        if grant.covers(request) {
            *used = true;
            covered = true;
        }
    }
    covered
}

/// Puts together the cells that the same rules are responsible for; each block keeps the witness of its first cell.
fn join(found: Vec<(Cell, Difference)>, alphabet: &Alphabet) -> Vec<Difference> {
    let mut groups: BTreeMap<_, BTreeMap<Cell, Difference>> = BTreeMap::new();
    for (cell, it) in found {
        let responsible = (it.certainty, it.before.clone(), it.after.clone());
        groups.entry(responsible).or_default().insert(cell, it);
    }
    let mut joined = Vec::new();
    for (_, cells) in groups {
        for [principals, resources, actions] in blocks(cells.keys().copied()) {
            let inside = |[principal, resource, action]: &Cell| {
                principals.contains(principal)
                    && resources.contains(resource)
                    && actions.contains(action)
            };
            let region = Region {
                principals: Names::new(&principals, &alphabet.principals),
                resources: Names::new(&resources, &alphabet.resources),
                actions: Names::new(&actions, &alphabet.actions),
            };
            let first = cells.iter().find(|(cell, _)| inside(cell));
            joined.extend(first.map(|(_, it)| Difference { region, ..it.clone() }));
        }
    }
    joined
}

fn request(principal: &str, resource: &str, action: &str) -> Request {
    Request {
        principal: principal.to_owned(),
        resource: resource.to_owned(),
        action: action.to_owned(),
        arguments: Arguments::new(),
    }
}
