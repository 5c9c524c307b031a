//! A home's own directories must be its own (FC-UPGRADE-0001 §23).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rollback::Layout;

use crate::error::Cause;

/// Permission bit: everybody may write.
const EVERYBODY_WRITES: u32 = 0o002;

/// Refuses a home of which everybody could replace something, or a directory of which is a link to somewhere else: what is
/// written or removed there would be written or removed elsewhere.
pub(crate) fn require_own_directories(layout: &Layout) -> Result<(), Cause> {
    // That the home itself is reached by a link is its owner's business.
    if let Ok(metadata) = std::fs::metadata(layout.root()) {
        require_private(layout.root(), &metadata)?;
    }
    let generations = layout.generations();
    for path in [layout.journal(), generations, layout.keyrings(), layout.seals()] {
        // What cannot be looked at is for whoever needs it to tell.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if !metadata.is_dir() {
            return Err(durable::Error::planted(durable::Operation::Inspect, &path).into());
        }
        require_private(&path, &metadata)?;
    }
    Ok(())
}

fn require_private(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Cause> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & EVERYBODY_WRITES == 0 {
        return Ok(());
    }
    Err(Cause::Exposed { path: path.to_path_buf(), mode })
}
