//! `cargo xtask book`: the pages of `docs` as a book, with mdBook. Links that lead out of the book lead to the repository then.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::runner::{shown, workspace_root};
use crate::tidy::{links, tracked_files};
use crate::{CommandResult, Failure};

/// The version that the pages were tried with.
const MDBOOK: &str = "0.5.4";

/// Where the sources are.
const REPOSITORY: &str = "https://github.com/femtoclaw/femtoclaw-upgrade/blob/main";

/// Makes the book, and says where it is.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Usage(format!("book takes no argument such as {argument:?}")));
    }
    let mut version = Command::new("mdbook");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        return Err(Failure::Failed(format!(
            "mdbook is not there: `cargo install mdbook --version {MDBOOK} --locked --no-default-features`\n\
             The pages are the same without: docs/SUMMARY.md lists them."
        )));
    }
    let root = workspace_root();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let (sources, book) = (target.join("book-sources"), target.join("book"));
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", sources.display()));
    if sources.exists() {
        fs::remove_dir_all(&sources).map_err(failed)?;
    }
    for file in tracked_files(&root)? {
        let Some(name) = file.strip_prefix("docs/") else { continue };
        let to = sources.join(name);
        fs::create_dir_all(to.parent().unwrap_or(&sources)).map_err(failed)?;
        let bytes = fs::read(root.join(&file)).map_err(failed)?;
        match String::from_utf8(bytes) {
            Ok(text) if name.ends_with(".md") => fs::write(to, of_the_book(&text)),
            Ok(text) => fs::write(to, text),
            Err(other) => fs::write(to, other.into_bytes()),
        }
        .map_err(failed)?;
    }
    build(&sources, &book)?;
    println!("{}", book.join("index.html").display());
    Ok(ExitCode::SUCCESS)
}

fn build(sources: &Path, book: &Path) -> Result<(), Failure> {
    let mut command = Command::new("mdbook");
    command.arg("build").arg("--dest-dir").arg(book).arg(sources);
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start `{}`: {error}", shown(&command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Failed(format!("`{}` ended with {status}", shown(&command))))
}

/// A page whose links to what is not in the book lead to the repository.
fn of_the_book(page: &str) -> String {
    let mut page = page.to_owned();
    for (_, target) in links(&page) {
        if let Some(outside) = target.strip_prefix("../") {
            page = page.replace(&format!("]({target})"), &format!("]({REPOSITORY}/{outside})"));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_out_of_the_book_to_the_repository() {
        assert_eq!(
            of_the_book("[a](a.md#b) [c](../crates/c.rs) [d](https://x.y) `](../no)`\n"),
            format!("[a](a.md#b) [c]({REPOSITORY}/crates/c.rs) [d](https://x.y) `](../no)`\n")
        );
    }
}
