//! `cargo xtask trace`
mod lock;
mod specification;

use crate::CommandResult;
use crate::runner::workspace_root;
use std::process::ExitCode;

pub(crate) fn run(_arguments: &[String]) -> CommandResult {
    let root = workspace_root();
    let text = std::fs::read_to_string(root.join("specs/FC-UPGRADE-0001.md"))
        .map_err(|e| e.to_string())?;
    let specification = specification::read(&text);
    let lock = lock::Lock::default().accept(&specification);
    std::fs::write(root.join(lock::PATH), lock.render()).map_err(|e| e.to_string())?;
    for c in &lock.clauses {
        println!("{} {} {}", c.id, c.level, c.told());
    }
    for (n, t) in &specification.informative {
        println!("-- {n}: {t}");
    }
    for u in lock.compare(&specification) {
        println!("{u}");
    }
    Ok(ExitCode::SUCCESS)
}
