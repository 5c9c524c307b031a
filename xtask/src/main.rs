//! Developer commands: `cargo xtask test`, `tidy`, `demo`, `sample`, `book`, `sim`, `model`, `sabotage`, `mutants`, `fuzz`, `coverage`,
//! `trace`, `report`, `bench`, `deploy`, `ci`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

mod bench;
mod book;
mod browser;
mod ci;
mod coverage;
mod demo;
mod deploy;
mod fuzz;
mod mutants;
mod report;
mod runner;
mod rust_items;
mod sabotage;
mod sample;
mod simulate;
mod tests_command;
mod tidy;
mod trace;

use std::process::ExitCode;

/// What `cargo xtask help` says.
const USAGE: &str = "\
Developer commands of FemtoClaw Upgrade

Usage: cargo xtask <COMMAND>

Commands:
  test [--release] [--strict] [ARGUMENTS…]
      Runs all tests of the workspace. What follows goes to `cargo test` as it is.
      --strict, or CI=true: a test that cannot run on this machine is a failure.
  tidy
      Checks what compilers do not: the direction of dependencies, licences, the rules of the sources, and tests that never
      run or assert nothing.
  demo [--home DIR] [--json] [--release] [--keep]
      Adopts a sample FemtoClaw 1.0.3 home (or a copy of DIR), upgrades it, rolls it back, and proves that nothing is lost.
      --json: the last line of standard output is the result; everything else goes to standard error.
      --keep: leaves the temporary directory where it is, and says where.
  book
      Makes a book of the pages in docs, with mdBook: target/book/index.html.
  sample DIR
      Writes a sample FemtoClaw 1.0.3 installation, to try the command on: the directory must not exist yet.
  sim [--seed N] [--budget 60s | --states N] [--profile kill|ordered|posix] [--depth N] [--scenario NAME] [--shard I/N]
      [--workers N] [--quick] [--doublecheck] [--json]
      Runs the product and the real fjall on a simulated disk, at every crash that could happen to it.
  sim --replay ID [--shrink] [--html FILE] [--keep] [--json]
      Makes one state again and tells what led to it. --shrink: as small as it can be. --keep: as a regression test.
  sim --naive | --regressions | --list
      --naive: instead of the product, programs that use fjall the way one would at first; shows what happens to them.
      --list: scenarios and judges. docs/simulator.md says the rest.
  sabotage [--only NAME | --new] [--seed N] [--quick] [--simulator | --tests] [--record] [--list] [--json]
      Plants bugs in a copy of the product, leaves out every sync in turn, and shows that the simulator finds each; then runs
      the tests of the clauses that each bug breaks.
      --new: only bugs of which the record says nothing. --quick: some of each kind, by the simulator.
      --simulator, --tests: only these. --record: keeps what came of it in specs/evidence.
      --list: says what is planted, and what each bug would mean.
  mutants [CRATE…] [--jobs N] [--shard K/N] [--iterate] [--read] [--simulate] [--record] [--json]
      Changes the core crates in every way that cargo-mutants knows, and shows which changes their tests notice.
      --iterate: only what no earlier run here has caught. --read: runs nothing, reads what the last run has left.
      --simulate: what the tests miss is built into the simulator in turn. --record: merges it all into specs/evidence.
  fuzz [TARGET] [--time 60s] [--smoke] [--list] [--json]
      Replays every committed input, then lets libFuzzer search each target for so long; where it is missing, says how it is
      installed and tries mutations instead.
      --smoke: mutations only, some seconds of each target, the same in every run. --list: the targets.
      --json: the last line of standard output is the result; everything else goes to standard error.
  model [--json]
      Explores the model of the upgrade protocol (specs/protocol) in full, within bounds that it states.
  coverage [--read] [--missed] [--json]
      Which lines of the product its tests reach, by crate, kept in specs/evidence. It is shown, and decides nothing.
      --read: runs nothing, reads what the last run has left. --missed: names the lines that none reaches.
  trace [--clauses | --accept] [--write-docs] [--json]
      Puts every clause of the specification beside what makes it true, what shows it, and what that evidence noticed, and
      fails if anything is missing: docs/tracing.md. Reads what `test`, `sim --quick` and `model` left.
      --clauses: lists them. --accept: the lock, behind a person who has looked. --write-docs: docs/trace.md anew.
  report [--out DIR] [--json]
      One site of all that the others left (trace, tests, simulator, model, planted bugs, mutants, coverage, bench), with plots, in
      target/report: docs/report.md. Opens without a server, and says of each record whether it is of this tree.
  bench [--records N] [--rounds N] [--quick] [--contenders] [--curves] [--write-docs] [--directory DIR] [--json]
      Migrates the same records with this project and with what one would pick instead, and shows how cost grows with size.
      --quick: small, and fails unless all come to the same records. --contenders, --curves: only these.
      --write-docs: docs/performance.json, the charts, and the numbers in docs/performance.md.
  deploy [--only CHECK]… [--command FILE] [--allow-missing] [--list] [--json]
      Checks the files in deploy: systemd, Ansible (run against a home here), Kubernetes, Nomad, the container file. Says which
      tool is missing, and fails then unless --allow-missing.
  ci [--only STEP]… [--skip STEP]… [--list]
      Everything that has to pass before a change lands, up to the first step that fails. --list: the steps.
  help
      Prints this.
";

/// How a command line that makes no sense is answered.
const USAGE_EXIT_CODE: u8 = 64;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let result = match command.as_deref() {
        Some("test") => tests_command::run(&rest),
        Some("tidy") => tidy::run(&rest),
        Some("demo") => demo::run(&rest),
        Some("book") => book::run(&rest),
        Some("sample") => sample::run(&rest),
        Some("sim") => simulate::run(&rest),
        Some("model") => simulate::model(&rest),
        Some("sabotage") => sabotage::run(&rest),
        Some("mutants") => mutants::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("coverage") => coverage::run(&rest),
        Some("trace") => trace::run(&rest),
        Some("deploy") => deploy::run(&rest),
        Some("report") => report::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("ci") => ci::run(&rest),
        None | Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(Failure::Usage(format!("there is no command {other:?}"))),
    };
    match result {
        Ok(code) => code,
        Err(Failure::Usage(message)) => {
            eprint!("xtask: {message}\n\n{USAGE}");
            ExitCode::from(USAGE_EXIT_CODE)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something went wrong: a sentence.
    Failed(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

/// The exit code of a run, or why there is none.
type CommandResult = Result<ExitCode, Failure>;
