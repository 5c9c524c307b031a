//! The model as stateright wants it.

use protocol::{Action, Invariant, Model, State};
use stateright::{Checker, HasDiscoveries, Property};

/// The protocol, and where it begins.
#[derive(Debug, Clone)]
struct Checked {
    model: Model,
    begins: State,
}

impl stateright::Model for Checked {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.begins.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.model.actions(state));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.model.next(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // One after the other, because a property is a function that remembers nothing.
        macro_rules! always {
            ($($index:literal)*) => {
                [$({
                    const INVARIANT: Invariant = Invariant::ALL[$index];
                    Property::always(INVARIANT.name(), |checked: &Self, state: &State| {
                        INVARIANT.holds(&checked.model, state)
                    })
                }),*]
            };
        }
        let always: [Property<Self>; Invariant::ALL.len()] =
            always!(0 1 2 3 4 5 6 7 8 9 10 11 12 13);
        always.into()
    }
}

/// What exploring everything came to.
#[derive(Debug)]
pub(crate) struct Explored {
    /// States that were generated, repeated ones included.
    pub(crate) states: usize,
    /// Different ones.
    pub(crate) unique: usize,
    /// The longest of the shortest ways to one.
    pub(crate) depth: usize,
    /// Invariants that do not hold, each with the shortest way there.
    pub(crate) broken: Vec<(&'static str, Vec<Action>)>,
}

/// Explores everything, or until the first invariant does not hold.
pub(crate) fn explore(model: Model, begins: State) -> Explored {
    let checked = Checked { model, begins };
    let builder = stateright::Model::checker(checked).finish_when(HasDiscoveries::Any);
    let checker = builder.spawn_bfs().join();
    let found = checker.discoveries().into_iter();
    let mut broken: Vec<_> = found.map(|(name, path)| (name, path.into_actions())).collect();
    broken.sort();
    Explored {
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        broken,
    }
}
