//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use sim::images::Profile;

use crate::campaign::Campaign;
use crate::id::StateId;
use crate::replay::Check;
use crate::scenario::{Scenario, all};

/// How the command is used.
pub(crate) const USAGE: &str = "\
usage: cargo xtask sim [--seed N] [--budget 60s | --states N] [--profile kill|ordered|posix] [--depth N]
                       [--scenario NAME] [--shard I/N] [--workers N] [--quick] [--doublecheck] [--json]
                       [--report FILE]
       cargo xtask sim --replay ID [--shrink] [--html FILE] [--keep] [--json]
       cargo xtask sim --naive [--json]
       cargo xtask sim --regressions
       cargo xtask sim --accept
       cargo xtask sim --list";

/// What each of it does.
pub(crate) const HELP: &str = "
Runs the product and the real fjall on a simulated disk, at every crash and with every fault that could happen to it.

  --seed N              what is random begins with it; 1 if it is not said
  --budget, --states    so much time, or so many states that are judged; else until everything was looked at
  --quick               what CI takes: some minutes rather than an hour and more
  --scenario, --profile only these; --list names them
  --depth N             at most so many crashes follow each other (1 to 3), and at 3 more of the third
  --shard I/N           one of N parts of the same campaign
  --workers N           so many processes; as many as there are processors if it is not said
  --doublecheck         twice, and both must come to the same
  --json, --report FILE one line at the end for scripts; the same, with more of it, into a file

  --replay ID           makes one state again and tells what led to it
    --shrink            as small as it can be
    --html FILE         the timeline as a page
    --keep              as a regression test
  --regressions         makes every state again that was kept
  --naive               programs that use fjall the way one would at first
  --accept              writes down what undisturbed runs leave, for a person to agree to
  --list                scenarios and judges

It ends with 0 if everything holds, 1 if something does not, 64 if it is called wrongly.
docs/simulator.md says the rest.";

/// The most crashes that may follow each other, and as many as do if it is not said.
pub(crate) const MAXIMUM_DEPTH: u32 = 3;

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    pub(crate) campaign: Campaign,
    pub(crate) json: bool,
    /// Where a campaign writes the same to, besides.
    pub(crate) report: Option<PathBuf>,
    /// Processes; as many as there are processors if it was not said.
    pub(crate) workers: Option<u64>,
    /// Run it twice, and compare.
    pub(crate) doublecheck: bool,
    /// As it was given, for the processes that do it.
    pub(crate) given: Vec<String>,
}

/// What kind of thing is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// A campaign.
    Explore,
    /// One process of a campaign: which, of how many, and the directory of its place.
    Worker(u64, u64, PathBuf),
    /// A campaign in this process, up to the first violation.
    Hunt,
    /// Every sync is left out in turn.
    Sabotage,
    /// fjall is used as one would at first.
    Naive,
    /// One state is made again.
    Replay(Replay),
    /// What is no state that a crash left is made again, and kept as a regression test, if that is wanted.
    Check(Check, bool),
    /// Every state of the file of regressions is made again.
    Regressions,
    /// What undisturbed runs leave is written down, for a person to agree to.
    Accept,
    /// The scenarios are listed.
    List,
    /// It is said how it is used.
    Help,
}

/// How one state is made again.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub(crate) id: StateId,
    /// Make it as small as it can be.
    pub(crate) shrink: bool,
    /// Write the timeline as a page.
    pub(crate) html: Option<String>,
    /// Keep it as a regression test.
    pub(crate) keep: bool,
}

/// The file of regressions, whose states every test run makes again, and of nothing else.
pub(crate) const REGRESSIONS: &str = "sim/regressions.txt";

/// Reads the command line.
///
/// # Errors
/// What cannot be understood.
pub(crate) fn parse(given: Vec<String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        mode: Mode::Explore,
        campaign: Campaign {
            seed: 1,
            scenarios: Vec::new(),
            profiles: Profile::ALL.to_vec(),
            states: None,
            budget: None,
            depth: None,
            shard: (0, 1),
            quick: false,
        },
        json: false,
        report: None,
        workers: None,
        doublecheck: false,
        given: given.clone(),
    };
    let mut again = Again::default();
    let mut given = given.into_iter();
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
        // Whatever else was given.
        if matches!(name.as_str(), "--help" | "-h") {
            return Ok(Arguments { mode: Mode::Help, ..arguments });
        }
        let taken = arguments.take(&name, &mut value)?
            || arguments.campaign.take(&name, &mut value)?
            || again.take(&name, &mut value)?;
        if !taken {
            return Err(format!("{name} is not known"));
        }
    }
    if let Some(mode) = again.mode()? {
        arguments.mode = mode;
    }
    if arguments.doublecheck && arguments.campaign.budget.is_some() {
        return Err("what fits into a time is not the same twice: give --states instead".to_owned());
    }
    Ok(arguments)
}

/// Gives the value of an option.
type Value<'v> = &'v mut dyn FnMut() -> Result<String, String>;

impl Arguments {
    /// Whether an option is about what is to be done, and how it is told.
    fn take(&mut self, name: &str, value: Value<'_>) -> Result<bool, String> {
        match name {
            "--json" => self.json = true,
            "--report" => self.report = Some(PathBuf::from(value()?)),
            "--doublecheck" => self.doublecheck = true,
            "--workers" => self.workers = Some(number(&value()?)?.max(1)),
            "--sabotage" => self.mode = Mode::Sabotage,
            "--naive" => self.mode = Mode::Naive,
            "--hunt" => self.mode = Mode::Hunt,
            "--regressions" => self.mode = Mode::Regressions,
            "--accept" => self.mode = Mode::Accept,
            "--list" => self.mode = Mode::List,
            "--worker" => {
                let (index, count) = shard(&value()?)?;
                self.mode = Mode::Worker(index, count, PathBuf::from(value()?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Campaign {
    /// Whether an option is about how much is looked at.
    fn take(&mut self, name: &str, value: Value<'_>) -> Result<bool, String> {
        match name {
            "--quick" => self.quick = true,
            "--seed" => self.seed = number(&value()?)?,
            "--states" => self.states = Some(number(&value()?)?),
            "--budget" => self.budget = Some(time(&value()?)?),
            "--depth" => self.depth = Some(depth(&value()?)?),
            "--scenario" => self.scenarios.push(scenario(&value()?)?),
            "--profile" => self.profiles = vec![profile(&value()?)?],
            "--shard" => self.shard = shard(&value()?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What was said of one state that is to be made again.
#[derive(Default)]
struct Again {
    id: Option<String>,
    shrink: bool,
    html: Option<String>,
    keep: bool,
}

impl Again {
    /// Whether an option is about it.
    fn take(&mut self, name: &str, value: Value<'_>) -> Result<bool, String> {
        match name {
            "--replay" => self.id = Some(value()?),
            "--shrink" => self.shrink = true,
            "--html" => self.html = Some(value()?),
            "--keep" => self.keep = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is to be done with it, if there is one.
    fn mode(self) -> Result<Option<Mode>, String> {
        let Self { id, shrink, html, keep } = self;
        let as_it_is = !shrink && html.is_none();
        let Some(id) = id else {
            if as_it_is && !keep {
                return Ok(None);
            }
            return Err("--shrink, --keep and --html go with --replay".to_owned());
        };
        match (id.parse::<StateId>(), Check::named(&id)) {
            (Ok(id), _) => Ok(Some(Mode::Replay(Replay { id, shrink, html, keep }))),
            (_, Some(check)) if as_it_is => Ok(Some(Mode::Check(check, keep))),
            (_, Some(_)) => {
                Err("--shrink and --html are for what a crash left, or a fault".to_owned())
            }
            (Err(wrong), None) => Err(wrong),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000)];
    let of = |(unit, milliseconds): (&str, u64)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(milliseconds).map(Duration::from_millis)
    };
    units.into_iter().find_map(of).ok_or_else(|| format!("{text} is no time such as 60s"))
}

fn depth(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(depth @ 1..=MAXIMUM_DEPTH) => Ok(depth),
        _ => Err(format!("{text} is no depth from 1 to {MAXIMUM_DEPTH}")),
    }
}

fn scenario(name: &str) -> Result<Scenario, String> {
    Scenario::named(name).ok_or_else(|| {
        let names: Vec<_> = all().into_iter().map(|scenario| scenario.name).collect();
        format!("{name} is none of {}, random-N", names.join(", "))
    })
}

fn profile(name: &str) -> Result<Profile, String> {
    let known = Profile::ALL.into_iter().find(|profile| profile.name() == name);
    known.ok_or_else(|| format!("{name} is none of {}", Profile::ALL.map(Profile::name).join(", ")))
}

/// A share such as `1/4`; counted from 0 here.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("{text} is no shard such as 1/4");
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let (index, count): (u64, u64) =
        (index.parse().map_err(|_| wrong())?, count.parse().map_err(|_| wrong())?);
    if index == 0 || index > count {
        return Err(wrong());
    }
    Ok((index - 1, count))
}
