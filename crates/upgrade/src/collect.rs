//! Collection: giving back the space of generations that nobody needs any more (FC-UPGRADE-0001 §15, §18).

use journal::{Event, Operation};
use serde::Serialize;
use versioning::GenerationNumber;

use crate::error::{Cause, Error, Result};
use crate::lifecycle::{Fate, HomeState, Standing};
use crate::store_guard::not_running;
use crate::trust::{Admitted, Wanted};
use crate::{Authorization, Home, HomeView};

/// Which generations a collection removed, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Generations that are removed: their directories, not their history.
    pub generations: Vec<GenerationNumber>,
    /// Generations that were rolled back and are kept, because they hold records that are nowhere else.
    pub abandoned: Vec<GenerationNumber>,
}

impl HomeView<'_> {
    /// What a collection would remove that keeps `keep` generations beside the current one and the one that a rollback leads
    /// to.
    pub fn plan_collection(&self, keep: usize) -> Collected {
        plan_collection(&self.state, keep)
    }
}

/// Nothing is removed while a generation is on trial. The current generation and the rollback target are always kept, and
/// so is what was rolled back: what was written after its activation is set aside there.
fn plan_collection(state: &HomeState, keep: usize) -> Collected {
    let of = |fate: Fate| {
        let target = state.rollback_target().map(|(number, _)| number);
        let needed = [state.current, target];
        let generations = state.generations.iter().rev();
        generations
            .filter(move |(number, found)| found.fate == fate && !needed.contains(&Some(**number)))
            .map(|(number, _)| *number)
    };
    let on_trial = state.standing != Standing::Confirmed;
    Collected {
        generations: if on_trial { Vec::new() } else { of(Fate::Kept).skip(keep).collect() },
        abandoned: of(Fate::Bad).collect(),
    }
}

impl Home<'_> {
    /// Removes generations that nobody needs any more: older than the current one and the one that a rollback leads to, and
    /// beyond `keep` more. Each is put on record before anything of it is removed; a crash in between is made good by
    /// whoever opens the home next.
    ///
    /// # Errors
    /// Without authority; [`Cause::StoreInUse`] if the runtime of one of them runs; or what appending to the journal
    /// says. What is on record as collected is then being removed; if that is a part of what was to be, the error says so
    /// ([`Condition::Partly`](crate::Condition::Partly)).
    // trace: impl FC-15.1 FC-28.1.2
    pub fn collect(
        &mut self,
        keep: usize,
        authorization: Option<Authorization>,
    ) -> Result<Collected> {
        let planned = plan_collection(&self.state, keep);
        // One that was interrupted goes on: what it has removed already is part of what was signed.
        let mut whole = planned.clone();
        whole.generations.extend(self.removed_by(authorization.as_ref()));
        whole.generations.sort_by(|a, b| b.cmp(a));
        // A journal that was replaced may not know what is being run.
        for generation in &planned.generations {
            not_running(&self.layout, *generation)
                .map_err(|cause| Error::new(cause, self.unchanged()))?;
        }
        let wanted = Wanted::collect(&self.state, &whole);
        let admitted = self.admit(authorization.as_ref(), &wanted)?;
        for (removed, generation) in planned.generations.iter().enumerate() {
            let fate = |state: &HomeState| state.generations.get(generation).map(|g| g.fate);
            if let Err(cause) = self.put_on_record(*generation, &admitted) {
                let concluded = self.conclude(cause, |state| fate(state) == Some(Fate::Collected));
                concluded
                    .map_err(|error| if removed > 0 { error.behind_a_part() } else { error })?;
            }
            // On record as removed: if it cannot be removed now, the next one to open the home tries again.
            let _ = self.layout.remove_generation(*generation);
        }
        Ok(planned)
    }

    /// What was removed on the authority of this very statement before.
    fn removed_by(&self, authorization: Option<&Authorization>) -> Vec<GenerationNumber> {
        let statement = authorization.and_then(Authorization::digest);
        let mut is_by_it = false;
        let mut removed = Vec::new();
        for record in self.records() {
            match &record.event {
                Event::Authorized { signed, .. } => {
                    let signed = signed.as_ref().map(|signed| signed.statement);
                    is_by_it = signed.is_some() && signed == statement;
                }
                Event::Collected { generation } if is_by_it => removed.push(*generation),
                _ => {}
            }
        }
        removed
    }

    fn put_on_record(
        &mut self,
        generation: GenerationNumber,
        admitted: &Admitted,
    ) -> std::result::Result<(), Cause> {
        let attempt = self.begin(Operation::Collect, admitted)?;
        self.append(attempt, Event::Collected { generation })
    }
}
