//! `cargo xtask sample`: a FemtoClaw 1.0.3 installation to try the command on, as docs/getting-started.md does.

use std::path::Path;
use std::process::ExitCode;

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};

use crate::{CommandResult, Failure};

/// Writes the installation where there is nothing yet.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let [directory] = arguments else {
        return Err(Failure::Usage("sample takes one argument: a directory to be made".to_owned()));
    };
    let directory = Path::new(directory);
    let failed =
        |error: std::io::Error| Failure::Failed(format!("{}: {error}", directory.display()));
    // What is there already is not written into: it may be somebody's.
    std::fs::create_dir(directory).map_err(failed)?;
    write_sample_home(directory, &SampleOptions::default()).map_err(failed)?;
    println!("{} is a sample installation of FemtoClaw 1.0.3", directory.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_written_and_nothing_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("installation").display().to_string();
        assert!(run(std::slice::from_ref(&directory)).is_ok());
        assert!(Path::new(&directory).join("config").is_dir());
        let again = run(&[directory]);
        assert!(matches!(again, Err(Failure::Failed(message)) if message.contains("exists")));
        assert!(matches!(run(&[]), Err(Failure::Usage(_))));
    }
}
