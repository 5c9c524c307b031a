//! `cargo xtask fuzz`: every committed input once more, and then a search for others, by libFuzzer where it can run and by
//! mutations on the stable compiler where it cannot.
//!
//! The bodies of the targets are functions of the package `fuzz`; what is started here are its example `stable` and, with a
//! nightly compiler, `cargo fuzz`. Each input is tried in another process than this: one that overflows the stack or
//! exhausts the memory is a finding like any other.

mod libfuzzer;
mod stable;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use integrity::Digest;
use serde::Serialize;

use crate::runner::{now, workspace_root};
use crate::{CommandResult, Failure};
use stable::Stable;

/// How long each target is searched unless the command line says otherwise.
const TIME: Duration = Duration::from_secs(60);

/// The same with `--smoke`.
const SMOKE_TIME: Duration = Duration::from_secs(3);

/// How long an input may take: as much longer than the time of a search is it waited for the last.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the mutations of `--smoke` begin with: the same in every run.
const SMOKE_SEED: u64 = 1;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    target: Option<String>,
    time: Duration,
    smoke: bool,
    list: bool,
    json: bool,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut request = Self { target: None, time: TIME, smoke: false, list: false, json: false };
        let mut time = None;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--smoke" => request.smoke = true,
                "--list" => request.list = true,
                "--json" => request.json = true,
                "--time" => {
                    let text = rest.next().ok_or("--time needs a time, such as 60s")?;
                    time = Some(duration(text)?);
                }
                other if !other.starts_with('-') && request.target.is_none() => {
                    request.target = Some(other.to_owned());
                }
                other => return Err(format!("fuzz takes no argument {other:?}")),
            }
        }
        if let Some(time) = time.or(request.smoke.then_some(SMOKE_TIME)) {
            request.time = time;
        }
        Ok(request)
    }
}

/// A time such as `60s`, `5m` or `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let unit = |suffix: &str, seconds: u64| {
        let number = text.strip_suffix(suffix)?.parse::<u64>().ok()?;
        number.checked_mul(seconds).filter(|seconds| *seconds > 0)
    };
    let seconds = unit("s", 1).or_else(|| unit("m", 60)).or_else(|| unit("h", 3600));
    seconds.map(Duration::from_secs).ok_or(format!("{text:?} is no time such as 60s, 5m or 1h"))
}

/// What was done for a target.
#[derive(Debug, Serialize)]
struct Searched {
    name: String,
    /// How many committed inputs were replayed.
    corpus: u64,
    /// How many other inputs were tried.
    executions: u64,
    seconds: f64,
    engine: &'static str,
}

/// An input for which a target broke a promise.
#[derive(Debug, Serialize)]
struct Finding {
    target: String,
    /// Its file.
    input: String,
    what: String,
    /// The command that shows it again.
    replay: String,
}

/// The last line of standard output with `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    r#type: &'static str,
    targets: &'a [Searched],
    findings: &'a [Finding],
    ok: bool,
}

/// What a search of one target came to: it ends at the first finding.
struct Round {
    executions: u64,
    finding: Option<Finding>,
}

/// Replays and searches. The exit code is 1 if there is any finding.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let request = Request::parse(arguments).map_err(Failure::Usage)?;
    let all = targets(&workspace_root())?;
    if request.list {
        all.iter().for_each(|name| println!("{name}"));
        return Ok(ExitCode::SUCCESS);
    }
    let wanted: Vec<String> = match &request.target {
        None => all,
        Some(target) if all.contains(target) => vec![target.clone()],
        Some(target) => {
            let all = all.join(", ");
            return Err(Failure::Usage(format!("there is no target {target:?}; there are {all}")));
        }
    };
    let say = |text: &str| if request.json { eprintln!("{text}") } else { println!("{text}") };
    let engine = engine(request.smoke, &say);
    let stable = Stable::build()?;
    let (mut targets, mut findings) = (Vec::new(), Vec::new());
    for name in wanted {
        let (searched, found) = one_target(&name, &request, engine, &stable)?;
        say(&told(&searched));
        found.iter().for_each(|finding| say(&told_finding(finding)));
        targets.push(searched);
        findings.extend(found);
    }
    let ok = findings.is_empty();
    say(&format!("fuzz: {} targets, {} findings", targets.len(), findings.len()));
    if request.json {
        let result = Report { r#type: "fuzz", targets: &targets, findings: &findings, ok };
        let line = serde_json::to_string(&result);
        println!("{}", line.map_err(|error| format!("cannot write the result: {error}"))?);
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    LibFuzzer,
    Stable,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::LibFuzzer => "libfuzzer",
            Self::Stable => "stable",
        }
    }
}

/// libFuzzer, unless it is not asked for or something of it is missing, which is told.
fn engine(smoke: bool, say: &dyn Fn(&str)) -> Engine {
    if smoke {
        return Engine::Stable;
    }
    let missing = libfuzzer::missing();
    if missing.is_empty() {
        return Engine::LibFuzzer;
    }
    say("libFuzzer cannot search here:");
    missing.iter().for_each(|missing| say(&format!("  {missing}")));
    say("Instead, mutations on the stable compiler are tried, which know nothing of coverage.");
    Engine::Stable
}

/// Replays the corpus, and searches if that keeps the promises.
fn one_target(
    name: &str,
    request: &Request,
    engine: Engine,
    stable: &Stable,
) -> Result<(Searched, Vec<Finding>), String> {
    let corpus = corpus_of(name)?;
    let mut findings = Vec::new();
    for file in &corpus {
        findings.extend(stable.replay(name, file)?);
    }
    if findings.is_empty() && engine == Engine::LibFuzzer {
        libfuzzer::build(name)?;
    }
    let start = now();
    let mut executions = 0;
    if findings.is_empty() {
        let round = match engine {
            Engine::LibFuzzer => libfuzzer::search(name, request.time)?,
            Engine::Stable => {
                let seed = if request.smoke { SMOKE_SEED } else { u64::from(std::process::id()) };
                stable.search(name, request.time, seed)?
            }
        };
        executions = round.executions;
        findings.extend(round.finding);
    }
    let seconds = (start.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let (name, corpus) = (name.to_owned(), corpus.len() as u64);
    Ok((Searched { name, corpus, executions, seconds, engine: engine.name() }, findings))
}

fn told(searched: &Searched) -> String {
    let Searched { name, corpus, executions, seconds, engine } = searched;
    format!(
        "{name:<20} {corpus:>3} committed, {executions:>9} others by {engine} in {seconds:.1} s"
    )
}

fn told_finding(finding: &Finding) -> String {
    let Finding { target, input, what, replay } = finding;
    format!("FOUND in {target}: {what}\n  input:  {input}\n  replay: {replay}")
}

/// The names of the targets: those of the files in `fuzz_targets`, which a test of `fuzz` compares with its list.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let names = files_in(&root.join("fuzz/fuzz_targets"))?;
    let names = names.iter().filter_map(|path| path.file_stem()?.to_str());
    Ok(names.map(str::to_owned).collect())
}

/// The committed inputs of a target.
fn corpus_of(name: &str) -> Result<Vec<PathBuf>, String> {
    let corpus = files_in(&workspace_root().join("fuzz/corpus").join(name))?;
    if corpus.is_empty() { Err(format!("{name} has no corpus")) } else { Ok(corpus) }
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("cannot read {}: {error}", directory.display());
    let entries = fs::read_dir(directory).map_err(failed)?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// Keeps an input of a finding where libFuzzer keeps its own, under a name that its bytes give.
fn keep(target: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let directory = workspace_root().join("fuzz/artifacts").join(target);
    let digest = Digest::of(bytes).to_string();
    let digest = digest.trim_start_matches("blake3:");
    let path = directory.join(format!("stable-{}", digest.get(..16).unwrap_or(digest)));
    let written = fs::create_dir_all(&directory).and_then(|()| fs::write(&path, bytes));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path)
}

/// A path as people would type it in the root of the workspace.
fn relative(path: &Path) -> String {
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn the_command_line_is_read_and_what_makes_no_sense_is_refused() {
        let all = parse("journal --time 5m --json").unwrap();
        assert_eq!(all.target.as_deref(), Some("journal"));
        assert_eq!(all.time, Duration::from_secs(300));
        assert!(all.json && !all.smoke && !all.list);
        assert_eq!(parse("").unwrap().time, TIME);
        assert_eq!(parse("--smoke").unwrap().time, SMOKE_TIME);
        assert_eq!(parse("--time 7s --smoke").unwrap().time, Duration::from_secs(7));
        for wrong in ["--time", "--time 0s", "--time 60", "--time -1s", "a b", "--quick"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_targets_are_those_that_have_a_corpus() {
        let targets = targets(&workspace_root()).unwrap();
        assert!(targets.contains(&"journal".to_owned()));
        for target in targets {
            assert!(!corpus_of(&target).unwrap().is_empty(), "{target}");
        }
        assert!(corpus_of("nothing").is_err());
    }

    #[test]
    fn the_last_line_is_what_was_promised() {
        let targets = [Searched {
            name: "journal".to_owned(),
            corpus: 7,
            executions: 9,
            seconds: 1.5,
            engine: Engine::Stable.name(),
        }];
        let findings = [Finding {
            target: "journal".to_owned(),
            input: "fuzz/artifacts/journal/x".to_owned(),
            what: "no".to_owned(),
            replay: "cargo …".to_owned(),
        }];
        let line = |findings: &[Finding]| {
            let ok = findings.is_empty();
            let result = Report { r#type: "fuzz", targets: &targets, findings, ok };
            serde_json::to_string(&result).unwrap()
        };
        assert_eq!(
            line(&[]),
            r#"{"type":"fuzz","targets":[{"name":"journal","corpus":7,"executions":9,"seconds":1.5,"engine":"stable"}],"findings":[],"ok":true}"#
        );
        assert!(line(&findings).ends_with(r#""replay":"cargo …"}],"ok":false}"#));
    }
}
