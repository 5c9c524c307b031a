//! The planted bugs, by crate.

mod adoption;
mod cancellation;
mod capabilities;
mod compatibility;
mod configuration;
mod durable;
mod extensions;
mod generations;
mod journal;
mod lifecycle;
mod meaning;
mod migration;
mod preserving;
mod release;
mod telemetry;
mod trust;
mod upgrade;

/// A bug that is planted in the product, and must be found by the simulator, or by tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planted {
    /// What it is called.
    pub(super) name: &'static str,
    first: Edit,
    second: Option<Edit>,
    third: Option<Edit>,
    /// What it would mean for somebody who uses the product.
    pub(super) means: &'static str,
    /// Why nobody can tell, if nobody can.
    pub(super) redundant: Option<&'static str>,
    /// Only tests come to it: the simulator is not asked.
    pub(super) by_tests: bool,
}

/// One place of a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// The file, relative to the root of the workspace.
    pub(super) file: &'static str,
    /// What stands there, exactly once, white space aside. If a part of it is between `«` and `»`, that is replaced.
    pub(super) original: &'static str,
    /// What stands there when the bug is switched on.
    pub(super) replacement: &'static str,
}

/// A bug in one place.
pub(super) const fn bug(
    name: &'static str,
    file: &'static str,
    original: &'static str,
    replacement: &'static str,
    means: &'static str,
) -> Planted {
    let first = Edit { file, original, replacement };
    Planted { name, first, second: None, third: None, means, redundant: None, by_tests: false }
}

impl Planted {
    /// The same bug, in another place as well.
    const fn and(
        mut self,
        file: &'static str,
        original: &'static str,
        replacement: &'static str,
    ) -> Self {
        let edit = Some(Edit { file, original, replacement });
        if self.second.is_none() {
            self.second = edit;
        } else {
            self.third = edit;
        }
        self
    }

    /// The same bug, which nobody can tell, for this reason.
    const fn redundant(mut self, why: &'static str) -> Self {
        self.redundant = Some(why);
        self
    }

    /// The same bug, which only tests come to.
    const fn by_tests(self) -> Self {
        Self { by_tests: true, ..self }
    }

    /// Its places.
    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> {
        std::iter::once(&self.first).chain(&self.second).chain(&self.third)
    }
}

/// All of them.
pub(super) fn all() -> Vec<&'static Planted> {
    let tables = [
        durable::BUGS,
        journal::BUGS,
        generations::BUGS,
        lifecycle::BUGS,
        meaning::BUGS,
        adoption::BUGS,
        cancellation::BUGS,
        migration::BUGS,
        preserving::BUGS,
        trust::BUGS,
        compatibility::BUGS,
        configuration::BUGS,
        capabilities::BUGS,
        extensions::BUGS,
        telemetry::BUGS,
        release::BUGS,
        upgrade::BUGS,
    ];
    tables.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::bug;

    #[test]
    fn a_bug_is_for_the_simulator_unless_only_tests_come_to_it() {
        let both = bug("a", "a.rs", "b", "c", "d");
        assert!(!both.by_tests);
        let tests = both.redundant("why").by_tests();
        assert!(tests.by_tests);
        assert_eq!((tests.name, tests.redundant), (both.name, Some("why")));
    }
}
