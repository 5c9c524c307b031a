//! Asking before a home is changed.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Asks on the terminal, unless everything was answered with yes already. Without a terminal nothing is asked, and
/// nothing proceeds.
pub(crate) fn ask(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let (input, mut error) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !error.is_terminal() {
        return Err(Failure::NeedsConsent { question: question.to_owned() });
    }
    write!(error, "{question} [y/N] ").and_then(|()| error.flush()).map_err(Failure::Output)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(Failure::Output)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Declined),
    }
}
