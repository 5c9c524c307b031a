//! Measures a storage migration beside what one would pick instead, and how it grows (FC-UPGRADE-0001 §6, §9).
//!
//! `cargo xtask bench` builds and runs it; `docs/performance.md` says what is measured.
//!
//! | module | what it holds |
//! |---|---|
//! | `records`, `transform`, `schema` | what is migrated, and how |
//! | `contenders` | who migrates it |
//! | `task`, `process` | runs in processes of their own, and what each cost |
//! | `contest`, `curves` | what is run, how often, and in which order |
//! | `catalogue`, `homes` | whole homes |
//! | `statistics`, `results`, `charts`, `document`, `machine` | what it comes to |

mod arguments;
mod catalogue;
mod charts;
mod contenders;
mod contest;
mod curves;
mod document;
mod failure;
mod homes;
mod machine;
mod output;
mod process;
pub mod records;
mod results;
mod schema;
mod statistics;
mod task;
pub mod transform;
mod workbench;

pub use failure::{Failure, Result};

use arguments::Request;
use machine::Machine;
use output::{give, say};
use results::Results;
use workbench::Workbench;

/// Does what the command line says. With `child` as its first argument it is one of its own processes.
///
/// # Errors
/// Why it could not be done, or who came to other records than the rest.
pub fn run(arguments: Vec<String>) -> Result<()> {
    if let [first, task] = arguments.as_slice()
        && first == task::CHILD
    {
        give(&task::perform(task)?);
        return Ok(());
    }
    let request = Request::parse(arguments)?;
    let workbench = Workbench::new(&request)?;
    let machine = Machine::read(workbench.path());
    say(&machine.sentence());
    let runs = request.contenders.then(|| contest::run(&workbench, &request)).transpose()?;
    let curves = request.curves.then(|| curves::run(&workbench, &request)).transpose()?;
    let of = (request.records, request.rounds, request.quick);
    let results = Results::new(of, runs.as_ref(), curves);
    let lines = if request.json { results.json_lines()? } else { results.tables() };
    lines.iter().for_each(|line| give(line));
    if request.write_docs {
        document::write(&request.workspace, &document::Record { machine, results })?;
    }
    Ok(())
}
