//! Every scenario, by what it shows.

use super::cancelled::Moment;
use super::flaw::Flaw;
use super::runtime::Course;
use super::trust::{Wrong, WrongKeyring};
use super::{Scenario, Size, Step};

use Size::{Large, Medium, Small};

/// The scenario whose installation has everything that goes wrong in the field.
pub(super) const DAMAGED: &str = "upgrade-damaged";

/// Adopted.
pub(super) const ADOPTED: &[Step] = &[Step::Adopt];
/// On trial with 2.0.0.
const ON_TRIAL: &[Step] = &[Step::Adopt, Step::Upgrade("2.0.0")];
/// Confirmed with the candidate.
const CANDIDATE: &[Step] = &[Step::Adopt, Step::Upgrade("2.0.0-rc.1"), Step::Confirm];
/// Adopted, with a keyring, and a release that can be upgraded to.
pub(super) const SECURED: &[Step] = &[Step::Adopt, Step::Publish("2.0.0-rc.1", 2), Step::Keyring];
/// A home whose journal is longer than the space that was reserved when it was made.
const WORN: &[Step] = &[
    Step::LongOperator,
    Step::Adopt,
    Step::Upgrade("2.0.0-rc.1"),
    Step::Rollback,
    Step::Upgrade("2.0.0-rc.1"),
    Step::Rollback,
    Step::Upgrade("2.0.0-rc.1"),
    Step::Rollback,
    Step::Upgrade("2.0.0-rc.1"),
    Step::ShortOperator,
    // A little more than half of what is reserved at once: the next one has to reserve more, unless it needs none.
    Step::Restarts(8),
];
/// Three generations, of which nobody needs the first.
const THREE: &[Step] = &[
    Step::Adopt,
    Step::Upgrade("2.0.0-rc.1"),
    Step::Confirm,
    Step::Upgrade("2.0.0"),
    Step::Confirm,
];

/// All scenarios but the random ones, the cheapest first.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = [
        ordinary(),
        upgrades(),
        recoveries(),
        refusals(),
        signed(),
        runtimes(),
        trials(),
        surroundings(),
    ]
    .concat();
    all.sort_by_key(|scenario| scenario.size);
    all
}

/// What happens in the life of every home.
fn ordinary() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "confirm",
            Small,
            "a generation on trial is confirmed",
            ON_TRIAL,
            &[Step::Confirm],
        ),
        Scenario::new("rollback", Small, "back to what was adopted", ON_TRIAL, &[Step::Rollback]),
        Scenario::new(
            "collect",
            Small,
            "the first generation is given back",
            THREE,
            &[Step::Collect],
        ),
        Scenario::new("adopt", Medium, "an installation becomes a home", &[], &[Step::Adopt]),
        Scenario::new(
            "collect-closed",
            Medium,
            "a generation is given back whose store was closed by a runtime",
            &[
                Step::Adopt,
                Step::Upgrade("2.0.0-rc.1"),
                Step::Confirm,
                Step::Run(1),
                Step::Upgrade("2.0.0"),
                Step::Confirm,
                Step::Collect,
                Step::Upgrade("2.1.0"),
                Step::Confirm,
            ],
            &[Step::Collect],
        ),
        Scenario::new(
            "collect-two",
            Medium,
            "two generations are given back, one after the other",
            &[THREE, &[Step::Upgrade("2.1.0"), Step::Confirm]].concat(),
            &[Step::Collect],
        ),
        Scenario::new(
            "collect-trial",
            Medium,
            "nothing is given back while a generation is on trial",
            &[Step::Adopt, Step::Upgrade("2.0.0-rc.1"), Step::Confirm, Step::Upgrade("2.0.0")],
            &[Step::Collect],
        ),
        Scenario::new(
            "life",
            Large,
            "a whole life",
            &[],
            &[
                Step::Adopt,
                Step::Upgrade("2.0.0-rc.1"),
                Step::Run(2),
                Step::Confirm,
                Step::Upgrade("2.0.0"),
                Step::Run(1),
                Step::Rollback,
                Step::Upgrade("2.0.0"),
                Step::Confirm,
                Step::Collect,
            ],
        ),
    ]
}

/// Upgrades from one thing to another.
fn upgrades() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "upgrade",
            Medium,
            "over two schema versions, from files",
            ADOPTED,
            &[Step::Upgrade("2.0.0")],
        ),
        Scenario::new(
            "upgrade-one",
            Large,
            "over one schema version, from files",
            ADOPTED,
            &[Step::Upgrade("2.0.0-rc.1")],
        ),
        Scenario::new(
            "upgrade-store",
            Large,
            "from a store, of which only some keyspaces are touched",
            CANDIDATE,
            &[Step::Upgrade("2.0.0")],
        ),
        Scenario::new(
            "upgrade-minor",
            Large,
            "a minor one: a configuration edited in place, a capability renamed, an extension replaced",
            &[Step::Adopt, Step::Upgrade("2.0.0"), Step::Confirm],
            &[Step::Upgrade("2.1.0")],
        ),
        Scenario::new(
            "upgrade-archive",
            Large,
            "a migration has no place for some records, which are archived",
            ADOPTED,
            &[Step::Archiving("2.0.0-rc.1")],
        ),
        Scenario::new(
            "upgrade-run",
            Large,
            "from a store that a runtime has written to",
            &[Step::Adopt, Step::Upgrade("2.0.0-rc.1"), Step::Confirm, Step::Run(3)],
            &[Step::Upgrade("2.0.0")],
        ),
    ]
}

/// Somebody was interrupted, or what a home knows of itself is lost.
fn recoveries() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "recover",
            Small,
            "an upgrade was interrupted just before its commit point",
            &[Step::Adopt, Step::Interrupted("2.0.0")],
            &[Step::Open],
        ),
        Scenario::new(
            "recover-journal",
            Medium,
            "the journal is lost, and somebody says which generation is current",
            &[Step::Adopt, Step::Upgrade("2.0.0"), Step::Confirm, Step::LoseJournal],
            &[Step::RecoverGeneration(2)],
        ),
        Scenario::new(
            "recover-witness",
            Medium,
            "what vouches for the journal's end is lost, and somebody says which generation is current",
            &[Step::Adopt, Step::Upgrade("2.0.0"), Step::Confirm, Step::LoseWitness],
            &[Step::RecoverGeneration(2)],
        ),
        Scenario::new(
            "recover-damaged",
            Medium,
            "the journal is damaged, and somebody says which generation is current",
            &[Step::Adopt, Step::Upgrade("2.0.0"), Step::Confirm, Step::DamageJournal],
            &[Step::RecoverGeneration(2)],
        ),
        Scenario::new(
            "recover-signed",
            Large,
            "the journal of a home with a keyring is lost, and somebody says which generation is current",
            &[
                SECURED,
                &[Step::Signed("2.0.0-rc.1"), Step::Confirm, Step::Publish("2.0.0", 1)],
                &[Step::LoseJournal],
            ]
            .concat(),
            &[
                Step::RecoverUnsigned(2),
                Step::RecoverGeneration(2),
                Step::Wrongly("2.0.0", Wrong::Epoch),
            ],
        ),
        Scenario::new(
            "recover-forged",
            Small,
            "the journal of a home with a keyring is lost, and somebody has put a keyring of their own there",
            &[
                SECURED,
                &[Step::Signed("2.0.0-rc.1"), Step::Confirm, Step::LoseJournal, Step::ForgeKeyring],
            ]
            .concat(),
            &[Step::RecoverForged(2)],
        ),
    ]
}

/// What must be refused, and leave everything as it was.
fn refusals() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "refused",
            Small,
            "an upgrade to an invalid configuration, to one that means something else, to one that lacks a value, one that lets somebody do more, one without place for an extension, one that cannot be reached, and one without authority",
            ADOPTED,
            &[
                Step::Flawed("2.0.0", Flaw::InvalidConfiguration),
                Step::Flawed("2.0.0", Flaw::AltersMeaning),
                Step::Flawed("2.0.0", Flaw::LosesAKey),
                Step::Flawed("2.0.0", Flaw::Widens),
                Step::Flawed("2.0.0", Flaw::HostsNothing),
                Step::Flawed("2.0.0", Flaw::ReachedFromNowhere),
                Step::Unauthorized("2.0.0"),
            ],
        ),
        Scenario::new(
            "refused-trial",
            Small,
            "an upgrade while another is on trial, and a runtime that is not the generation's",
            &[Step::Adopt, Step::Upgrade("2.0.0-rc.1")],
            &[Step::Denied("2.0.0"), Step::StartOther],
        ),
        Scenario::new(
            "refused-use",
            Medium,
            "while a runtime has the store open; of another plan; after a migration was edited",
            CANDIDATE,
            &[
                Step::UpgradeInUse("2.0.0"),
                Step::RollbackInUse,
                Step::Stale("2.0.0"),
                Step::Flawed("2.0.0", Flaw::Edited),
            ],
        ),
        Scenario::new(
            "refused-written",
            Medium,
            "somebody writes to the files that an upgrade reads",
            ADOPTED,
            &[
                Step::UpgradeWritten("2.0.0", 1),
                Step::UpgradeWritten("2.0.0", 12),
                Step::UpgradeWritten("2.0.0", 24),
            ],
        ),
        Scenario::new(
            "adopt-written",
            Medium,
            "somebody writes to the installation that is adopted, and then no more",
            &[],
            &[Step::AdoptWritten(1), Step::AdoptWritten(3), Step::AdoptWritten(12), Step::Adopt],
        ),
        Scenario::new(
            "unverified",
            Large,
            "a migration that does not do the same twice, and one that loses a record",
            ADOPTED,
            &[
                Step::Flawed("2.0.0-rc.1", Flaw::NotDeterministic),
                Step::Flawed("2.0.0-rc.1", Flaw::LosesARecord),
                Step::Flawed("2.0.0-rc.1", Flaw::BreaksInvariant),
            ],
        ),
        Scenario::new(
            "upgrade-cancelled",
            Large,
            "an upgrade is cancelled before it begins, in the middle, just before its commit point, and behind it, too late",
            ADOPTED,
            &[
                Step::Cancelled("2.0.0-rc.1", Moment::Check(1)),
                Step::Cancelled("2.0.0-rc.1", Moment::Check(6)),
                Step::Cancelled("2.0.0-rc.1", Moment::Record("SEALED")),
                Step::Cancelled("2.0.0-rc.1", Moment::TOO_LATE),
            ],
        ),
    ]
}

/// Keyrings, signed releases, and who may do what.
fn signed() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "keyring",
            Small,
            "the first keyring is installed",
            ADOPTED,
            &[Step::Keyring],
        ),
        Scenario::new(
            "keyring-next",
            Small,
            "the next keyring is installed, in which somebody has a new key; before, some with something wrong",
            &[Step::Adopt, Step::Keyring],
            &[
                Step::WrongKeyring(WrongKeyring::Own),
                Step::WrongKeyring(WrongKeyring::Old),
                Step::WrongKeyring(WrongKeyring::Epoch),
                Step::NextKeyring,
            ],
        ),
        Scenario::new(
            "keyring-revoke",
            Small,
            "the publisher of what is current is revoked, and another vouches for it",
            &[SECURED, &[Step::Signed("2.0.0-rc.1"), Step::Confirm]].concat(),
            &[Step::RevokePublisher("2.0.0-rc.1")],
        ),
        Scenario::new(
            "refused-signed",
            Medium,
            "upgrades on authorisations, and to releases, with something wrong",
            SECURED,
            &Wrong::ALL.map(|wrong| Step::Wrongly("2.0.0-rc.1", wrong)),
        ),
        Scenario::new(
            "refused-again",
            Medium,
            "an authorisation is used again; a release is of an earlier security epoch; the clock is behind what is on record",
            &[SECURED, &[Step::Signed("2.0.0-rc.1"), Step::Confirm, Step::Publish("2.0.0", 1)]]
                .concat(),
            &[
                Step::Wrongly("2.0.0", Wrong::Used),
                Step::Wrongly("2.0.0", Wrong::Epoch),
                Step::Clock(-90_000),
                Step::Wrongly("2.0.0", Wrong::Clock),
                Step::Wrongly("2.0.0", Wrong::Past),
                Step::Clock(90_000),
            ],
        ),
        Scenario::new(
            "rollback-signed",
            Small,
            "back on a signed authorisation",
            &[SECURED, &[Step::Signed("2.0.0-rc.1")]].concat(),
            &[Step::SignedRollback],
        ),
        Scenario::new(
            "upgrade-signed",
            Large,
            "to a signed package, on a signed authorisation",
            SECURED,
            &[Step::Signed("2.0.0-rc.1")],
        ),
    ]
}

/// A runtime starts, writes, stops or dies.
fn runtimes() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "run",
            Small,
            "a runtime writes records, and closes its store",
            ON_TRIAL,
            &[Step::Run(2)],
        ),
        Scenario::new(
            "killed",
            Medium,
            "a runtime was told that its records are durable, and is killed",
            ON_TRIAL,
            &[Step::Killed(3)],
        ),
        Scenario::new(
            "rollback-run",
            Medium,
            "a runtime has written to what is rolled back: it is set aside",
            ON_TRIAL,
            &[Step::Run(3), Step::Rollback],
        ),
        Scenario::new(
            "rollback-store",
            Medium,
            "back to a store that a runtime had written to",
            &[
                Step::Adopt,
                Step::Upgrade("2.0.0-rc.1"),
                Step::Confirm,
                Step::Run(3),
                Step::Upgrade("2.0.0"),
            ],
            &[Step::Rollback],
        ),
        Scenario::new(
            "rollback-preserve",
            Large,
            "back with what a runtime has written since, led back to the schema of before",
            &[
                Step::Adopt,
                Step::Upgrade("2.0.0-rc.1"),
                Step::Confirm,
                Step::Upgrade("2.0.0"),
                Step::Run(3),
            ],
            &[Step::Preserve],
        ),
    ]
}

/// A trial goes wrong, and the home goes back by itself.
fn trials() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "trial",
            Medium,
            "a trial runs out of tries, and goes back by itself",
            ON_TRIAL,
            &[Step::Start, Step::Start, Step::Start, Step::StartTooOften],
        ),
        Scenario::new(
            "trial-failed",
            Medium,
            "a stop in good order gives the try back; then the runtime says that it does not work",
            ON_TRIAL,
            &[Step::Run(1), Step::Fail],
        ),
        Scenario::new(
            "launch",
            Medium,
            "a launched runtime is stopped in good order; launched again, it does not work",
            ON_TRIAL,
            &[
                Step::Launch,
                Step::Ended(Course::Stopped),
                Step::Launch,
                Step::Ended(Course::Unhealthy),
            ],
        ),
        Scenario::new(
            "launch-spent",
            Medium,
            "a launched runtime dies when no try is left, and the home goes back at once",
            &[ON_TRIAL, &[Step::Launch, Step::Launch, Step::Launch]].concat(),
            &[Step::Ended(Course::Spent)],
        ),
        Scenario::new(
            "launch-halts",
            Large,
            "no try is left and the generation before cannot be read: the home halts; once it can be, the home goes back, and stays there though that one fails too",
            &[CANDIDATE, &[Step::Upgrade("2.0.0"), Step::Launch, Step::Launch, Step::Launch]]
                .concat(),
            &[Step::Halts, Step::Halts, Step::Ended(Course::Spent), Step::BothFail, Step::BothFail],
        ),
    ]
}

/// The disk, the clock and others are not as one would like them.
fn surroundings() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "stubborn",
            Medium,
            "a rollback that fails is tried again on the same handle",
            ON_TRIAL,
            &[Step::Stubborn],
        ),
        Scenario::new(
            "adopt-open",
            Medium,
            "into a directory that is there, and that anybody may look into",
            &[Step::OpenDirectory],
            &[Step::Adopt],
        ),
        Scenario::new(
            DAMAGED,
            Large,
            "an installation with everything that goes wrong in the field",
            ADOPTED,
            &[Step::Upgrade("2.0.0")],
        ),
        Scenario::new(
            "upgrade-littered",
            Large,
            "others have left temporary files, half a database and a stale lock",
            &[Step::Adopt, Step::Litter],
            &[Step::Upgrade("2.0.0")],
        ),
        Scenario::new(
            "upgrade-rivalled",
            Large,
            "a second upgrader tries all the time",
            ADOPTED,
            &[Step::Rivalled("2.0.0")],
        ),
        Scenario::new(
            "rollback-worn",
            Large,
            "the journal has outgrown the space that it began with, and of its reserve half is used up",
            WORN,
            &[Step::Rollback],
        ),
        Scenario::new(
            "rollback-restarted",
            Large,
            "a runtime was started and stopped until the journal's reserve was used up and made anew",
            // Going back writes more than what is left of a block that is in use already.
            &[WORN, &[Step::Restarts(600)]].concat(),
            &[Step::LongOperator, Step::Rollback],
        ),
        Scenario::new(
            "upgrade-clock",
            Large,
            "the clock jumps far ahead, then back before everything",
            ADOPTED,
            &[
                Step::Clock(4_000_000_000),
                Step::Upgrade("2.0.0"),
                Step::Clock(-4_000_000_000),
                Step::Confirm,
            ],
        ),
    ]
}
