//! The command line.

use std::path::PathBuf;

use crate::failure::{Failure, Result};

/// Records that the figures are stated for.
const RECORDS: u64 = 3_000_000;
const ROUNDS: usize = 5;
/// More would only take long.
const MAXIMUM_ROUNDS: usize = 100;
const QUICK_RECORDS: u64 = 50_000;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Records that the contenders migrate. The curves go from a tenth of it to ten thirds.
    pub(crate) records: u64,
    pub(crate) rounds: usize,
    /// Small: shows that everything works, and that all come to the same records.
    pub(crate) quick: bool,
    pub(crate) contenders: bool,
    pub(crate) curves: bool,
    pub(crate) json: bool,
    pub(crate) write_docs: bool,
    /// Where the working data goes; below the target directory if it is not said.
    pub(crate) directory: Option<PathBuf>,
    /// The root of the workspace.
    pub(crate) workspace: PathBuf,
}

impl Request {
    /// # Errors
    /// What makes no sense, in a sentence.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let (mut records, mut rounds) = (None, None);
        let mut request = Self {
            records: RECORDS,
            rounds: ROUNDS,
            quick: false,
            contenders: false,
            curves: false,
            json: false,
            write_docs: false,
            directory: None,
            workspace: PathBuf::from("."),
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let mut value =
                || rest.next().ok_or_else(|| Failure::new(format!("{argument} needs a value")));
            match argument.as_str() {
                "--records" => records = Some(number(&argument, &value()?)?),
                "--rounds" => rounds = Some(number(&argument, &value()?)?),
                "--directory" => request.directory = Some(value()?.into()),
                "--workspace" => request.workspace = value()?.into(),
                "--quick" => request.quick = true,
                "--contenders" => request.contenders = true,
                "--curves" => request.curves = true,
                "--json" => request.json = true,
                "--write-docs" => request.write_docs = true,
                _ => return Err(Failure::new(format!("bench takes no argument {argument:?}"))),
            }
        }
        if request.quick {
            (request.records, request.rounds) = (QUICK_RECORDS, 1);
        }
        request.records = records.unwrap_or(request.records);
        request.rounds = match rounds {
            None => request.rounds,
            Some(rounds) => usize::try_from(rounds)?.min(MAXIMUM_ROUNDS),
        };
        if !request.contenders && !request.curves {
            (request.contenders, request.curves) = (true, true);
        }
        if request.write_docs && !(request.contenders && request.curves) {
            return Err(Failure::new(
                "--write-docs needs all results: the contenders and the curves",
            ));
        }
        Ok(request)
    }

    /// The numbers of records of the curves, smallest first: 0.3, 1, 3 and 10 million, if nothing else is asked for.
    pub(crate) fn curve_records(&self) -> Vec<u64> {
        if self.quick {
            return vec![self.records, self.records * 2];
        }
        let of = self.records;
        vec![of / 10, of / 3, of, of * 10 / 3]
    }
}

fn number(argument: &str, text: &str) -> Result<u64> {
    let number = text.replace('_', "").parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Failure::new(format!("{argument} is a number from 1, not {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request> {
        Request::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_arguments_everything_runs_at_the_size_of_the_figures() {
        let request = parse("").unwrap();
        assert!(request.contenders && request.curves && !request.json && !request.write_docs);
        assert_eq!((request.records, request.rounds), (3_000_000, 5));
        assert_eq!(request.curve_records(), [300_000, 1_000_000, 3_000_000, 10_000_000]);
    }

    #[test]
    fn quick_is_small_and_what_is_said_counts_whatever_comes_first() {
        let quick = parse("--quick --json").unwrap();
        assert!(quick.quick && quick.json && quick.contenders && quick.curves);
        assert_eq!((quick.records, quick.rounds), (QUICK_RECORDS, 1));
        assert_eq!(quick.curve_records(), [QUICK_RECORDS, 2 * QUICK_RECORDS]);
        for line in ["--records 500 --rounds 2 --quick", "--quick --rounds 2 --records 500"] {
            let request = parse(line).unwrap();
            assert_eq!((request.records, request.rounds), (500, 2));
        }
    }

    #[test]
    fn parts_can_be_asked_for() {
        let curves = parse("--curves --directory a --workspace b").unwrap();
        assert!(curves.curves && !curves.contenders);
        assert_eq!((curves.directory, curves.workspace), (Some("a".into()), "b".into()));
        assert!(!parse("--contenders").unwrap().curves);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in
            ["--records", "--records 0", "--records many", "--fast", "--curves --write-docs"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
