//! The systemd unit: what systemd says of it, and what only we know.

use std::collections::BTreeMap;

use super::{Context, quietly};

const UNIT: &str = "systemd/femtoclaw.service";
const DROP_IN: &str = "systemd/femtoclaw.service.d/10-health-command.conf";
/// What the unit names; it is not there where the unit is checked.
const INSTALLED: &str = "/usr/local/bin/femtoclaw-upgrade";
/// Starts of a generation on trial.
const TRIES: u64 = 3;
/// Exit codes after which a start would do the same again, or do harm.
const FINAL: [u64; 5] = [3, 5, 6, 8, 64];
/// Exit codes after which the home is well, and a start is right.
const PASSING: [u64; 4] = [1, 4, 7, 9];
/// The most that systemd may find wrong with its confinement, of a hundred.
const EXPOSURE: &str = "20";

/// The settings of a unit, the last of each counting; continued lines are not used in ours.
fn settings(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with(['#', ';', '[']));
    lines.filter_map(|line| line.split_once('=')).filter(|(_, value)| !value.is_empty()).collect()
}

/// What is wrong with a unit, as far as only we know.
fn wrong(text: &str) -> Vec<String> {
    let settings = settings(text);
    let of = |name: &str| settings.get(name).copied().unwrap_or_default();
    let number = |name: &str| of(name).parse::<u64>().unwrap_or_default();
    let command: Vec<&str> = of("ExecStart").split_whitespace().collect();
    let option = |name: &str| {
        let value = command.iter().skip_while(|word| **word != name).nth(1);
        value.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default()
    };
    let codes: Vec<u64> = of("RestartPreventExitStatus")
        .split_whitespace()
        .filter_map(|code| code.parse().ok())
        .collect();
    let start = option("--health-timeout") + option("--lock-timeout");
    let claims = [
        (of("Type") == "notify", "Type is not notify"),
        (of("Restart") == "on-failure", "Restart is not on-failure"),
        (number("StartLimitBurst") > TRIES, "StartLimitBurst is not above the number of tries"),
        (
            option("--stop-timeout") > 0 && number("TimeoutStopSec") > option("--stop-timeout"),
            "TimeoutStopSec is not above --stop-timeout",
        ),
        (
            start > 0 && number("TimeoutStartSec") > start,
            "TimeoutStartSec is not above --health-timeout and --lock-timeout together",
        ),
        (
            FINAL.iter().all(|code| codes.contains(code)),
            "it starts again after an exit code that is final",
        ),
        (
            !PASSING.iter().any(|code| codes.contains(code)),
            "it does not start again after an exit code that leaves the home well",
        ),
        (command.contains(&"--yes"), "--yes is missing: there is no terminal"),
    ];
    claims.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what.to_owned()).collect()
}

/// The unit's times and exit codes fit the launcher's.
pub(super) fn rules(context: &Context) -> Result<String, String> {
    let text = read(context, UNIT)?;
    let with_drop_in = format!("{text}\n{}", read(context, DROP_IN)?);
    let wrong = [wrong(&text), wrong(&with_drop_in)].concat();
    if wrong.is_empty() {
        return Ok(
            "times and exit codes fit the launcher's, with and without the drop-in".to_owned()
        );
    }
    Err(wrong.join("; "))
}

fn read(context: &Context, file: &str) -> Result<String, String> {
    std::fs::read_to_string(context.deploy(file)).map_err(|error| format!("{file}: {error}"))
}

/// systemd takes the unit, alone and with its drop-in, and finds it well confined.
pub(super) fn systemd(context: &Context) -> Result<String, String> {
    let directory = context.scratch.path().join("units");
    let drop_ins = directory.join("femtoclaw.service.d");
    let unit = directory.join("femtoclaw.service");
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let command = context.command.to_string_lossy();
    let installed = |file| Ok::<_, String>(read(context, file)?.replace(INSTALLED, &command));
    std::fs::create_dir_all(&drop_ins).map_err(failed)?;
    std::fs::write(&unit, installed(UNIT)?).map_err(failed)?;
    let verify = || -> Result<(), String> {
        let said =
            quietly(context.program("systemd-analyze").args(["verify", "--man=no"]).arg(&unit))?;
        // It says what it ignores, and succeeds.
        if said.trim().is_empty() { Ok(()) } else { Err(said) }
    };
    verify()?;
    let mut security = context.program("systemd-analyze");
    security.args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE]).arg(&unit);
    let said = quietly(&mut security)?;
    let level =
        said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
    let level = level.split(": ").nth(1).and_then(|rest| rest.split_whitespace().next());
    std::fs::write(drop_ins.join("10-health-command.conf"), installed(DROP_IN)?).map_err(failed)?;
    verify()?;
    Ok(format!(
        "systemd takes it with and without the drop-in; its exposure is {}",
        level.unwrap_or("low")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "[Unit]\nStartLimitBurst=10\n[Service]\nType=notify\nRestart=on-failure\n\
        ExecStart=/x launch --yes --health-timeout 90 --lock-timeout 60 --stop-timeout 30 -- serve\n\
        TimeoutStartSec=180\nTimeoutStopSec=60\nRestartPreventExitStatus=3 5 6 8 64\n";

    #[test]
    fn a_unit_that_would_kill_or_start_what_it_must_not_is_wrong() {
        assert_eq!(wrong(SOUND), Vec::<String>::new());
        for (from, to, expected) in [
            ("TimeoutStopSec=60", "TimeoutStopSec=30", "TimeoutStopSec"),
            ("TimeoutStartSec=180", "TimeoutStartSec=150", "TimeoutStartSec"),
            ("Burst=10", "Burst=3", "StartLimitBurst"),
            ("=3 5 6 8 64", "=3 5 6 64", "final"),
            ("=3 5 6 8 64", "=3 5 6 7 8 64", "leaves the home well"),
            ("Type=notify", "Type=simple", "Type"),
            ("Restart=on-failure", "Restart=always", "Restart"),
            (" --yes", "", "--yes"),
        ] {
            let changed = SOUND.replace(from, to);
            let found = wrong(&changed);
            assert!(found.len() == 1 && found[0].contains(expected), "{to}: {found:?}");
        }
    }

    #[test]
    fn a_drop_in_takes_the_place_of_what_it_sets() {
        let both =
            format!("{SOUND}ExecStart=\nExecStart=/x launch --yes --stop-timeout 90 -- serve\n");
        assert!(wrong(&both).iter().any(|what| what.contains("TimeoutStopSec")));
    }
}
