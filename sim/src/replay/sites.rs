//! Who called: from a backtrace to a few frames of ours.

use std::backtrace::Backtrace;

use sim::timeline::Frame;

/// So many frames are told.
const FRAMES: usize = 4;

/// Where sources of ours, and of the storage engine, begin in a path.
const OURS: [&str; 3] = ["crates/", "fjall-", "lsm-tree-"];

/// The frames of ours, the innermost first.
pub(super) fn frames(site: &Backtrace) -> Vec<Frame> {
    let text = site.to_string();
    let mut frames = Vec::new();
    let mut function = "";
    for line in text.lines().map(str::trim) {
        let Some(place) = line.strip_prefix("at ") else {
            function = line.split_once(": ").map_or(line, |(_, function)| function);
            continue;
        };
        let Some(start) = OURS.iter().filter_map(|ours| place.rfind(ours)).min() else { continue };
        let mut parts = place.get(start..).unwrap_or(place).split(':');
        let (file, line) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        frames.push(Frame::new(short(function), file, line.parse().unwrap_or_default()));
        if frames.len() == FRAMES {
            break;
        }
    }
    frames
}

/// A function without the hash that a linker adds.
fn short(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => function,
    }
}
