//! Old or new, and nothing in between.

use super::{Case, Judge, Verdict};
use crate::observe::{Found, State};

// trace: invariant FC-1.1 FC-5.2 FC-6.1.1 FC-6.2 FC-7.1 FC-7.2.1 FC-7.2.2 FC-7.3 FC-14.2 FC-15.2.2 FC-15.3 FC-16.1 FC-16.2.2 FC-18.1.2 FC-18.2 FC-27.1.1 FC-28.1.2 FC-28.2
pub(super) const JUDGE: Judge = Judge {
    name: "atomicity",
    claim: "what is current, and who may authorise, is exactly old or exactly new, down to the last record",
    clause: "§7 §16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(found) = case.seen.found.state() else { return Verdict::NotApplicable };
    let (old, new) = case.allowed();
    let same = |wanted: &State| match (wanted, &found) {
        (
            State::Home { current, standing, trusted, .. },
            State::Home {
                current: found_current,
                standing: found_standing,
                trusted: found_trusted,
                ..
            },
        ) => {
            let written = case.is_being_written() || (case.lied_to && case.runs());
            let content = written || wanted.content() == found.content();
            // While a runtime is being started there are states between two steps, and a disk that lies may go back to them.
            let starting = case.is_starting() || (case.lied_to && case.starts());
            let proven = standing == found_standing
                && trusted.security_floor == found_trusted.security_floor;
            let keyring = trusted.keyring == found_trusted.keyring;
            current == found_current && (starting || written || proven) && keyring && content
        }
        (wanted, found) => wanted == found,
    };
    // A disk that lies may be found at any state that there was, or be refused, or be found to be damaged.
    let noticed = found == State::Undecided || has_problems(case);
    let lied = case.lied_to && (noticed || case.model.states.iter().any(same));
    Verdict::of(
        (!same(old) && !new.is_some_and(same) && !lied)
            .then(|| format!("what is current is neither old nor new: {}", describe(&found))),
    )
}

fn has_problems(case: &Case<'_>) -> bool {
    matches!(&case.seen.found, Found::Home(home) if !home.problems.is_empty())
}

fn describe(state: &State) -> String {
    match state {
        State::Nothing => "nothing was adopted".to_owned(),
        State::Undecided => "somebody has to decide".to_owned(),
        State::Home { current, standing, .. } => match state.content() {
            Some(content) => format!("generation {current} ({standing:?}) with content {content}"),
            None => format!("generation {current} ({standing:?}), which cannot be read"),
        },
    }
}
