//! What a rollback does to the state of a home.

use journal::{Authority, DataPolicy, Operation};
use versioning::{GenerationNumber, Timestamp};

use super::{Fate, HomeState, Standing};
use crate::lifecycle::Phase;

impl HomeState {
    // trace: impl FC-15.3
    pub(super) fn revert(
        &mut self,
        from: GenerationNumber,
        to: GenerationNumber,
        data: DataPolicy,
        time: Timestamp,
    ) -> Result<(), String> {
        let built = self.attempt.as_ref().and_then(|open| open.to);
        match (data, built) {
            (DataPolicy::SetAside, None) => {
                if self.rollback_target().map(|(number, _)| number) != Some(to) {
                    let reason = "is not what generation";
                    return Err(format!("generation {to} {reason} {from} was built from"));
                }
            }
            // What was prepared is complete, or nothing of it counts.
            (DataPolicy::Preserve, Some(built)) if built == to => {
                if self.phase != Phase::Sealed(Operation::Rollback) {
                    return Err(format!("generation {to} is not sealed"));
                }
                self.expect_building(to)?.fate = Fate::Kept;
            }
            _ => return Err(format!("generation {to} is not what records are carried back into")),
        }
        let authority = self.attempt.as_ref().map(|open| open.authority);
        self.expect_current(from)?.fate = Fate::Bad;
        self.current = Some(to);
        self.standing = Standing::Confirmed;
        let target = self.expect_current(to)?;
        target.activated = Some(time);
        // A trial that ends by itself takes nobody's decision: what is current again is so on the authority that it had.
        if authority != Some(Authority::Standing) {
            target.authority = authority;
        }
        self.authority = target.authority;
        Ok(())
    }
}
