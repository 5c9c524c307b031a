//! The pages, each a function of what was gathered.

mod bench;
mod bugs;
mod model;
mod mutants;
mod overview;
mod simulator;
mod trace;

use std::collections::BTreeMap;

use super::Gathered;
use super::parts::link;
use crate::trace::html::STYLE as BASE;
use crate::trace::html::markup::{Html, all, element, fill, inline, text as words};

const TEMPLATE: &str = include_str!("../page.html");
const STYLE: &str = include_str!("../report.css");
const SCRIPT: &str = include_str!("../report.js");
/// So much of a tree tells it from others.
const DIGITS: usize = 12;

/// One page.
pub(super) struct Page {
    pub(super) file: &'static str,
    /// What links to it say.
    pub(super) name: &'static str,
    heading: &'static str,
    lead: &'static str,
    content: fn(&Gathered) -> Html,
}

/// All of them, in the order in which they are read.
pub(super) const PAGES: [Page; 7] = [
    Page {
        file: "index.html",
        name: "Overview",
        heading: "What is shown of this tree, and what is not",
        lead: "Everything that the project's own commands have found out about these sources. What is missing, or was \
               found out about other sources, is named with the command that makes it.",
        content: overview::content,
    },
    Page {
        file: "trace.html",
        name: "Trace",
        heading: "Every clause of the specification, and what shows that it holds",
        lead: "FC-UPGRADE-0001 is read as clauses. Each has code that makes it so, tests and judges that show it, and bugs, \
               put in on purpose, that this evidence noticed.",
        content: trace::content,
    },
    Page {
        file: "simulator.html",
        name: "Simulator",
        heading: "Crashes and faults on a simulated disk",
        lead: "The product and the real storage engine run unmodified on a disk in memory. Every disk that a crash could \
               have left is recovered by the product, read down to the last record, and judged.",
        content: simulator::content,
    },
    Page {
        file: "model.html",
        name: "Model",
        heading: "The protocol of an upgrade, explored in full",
        lead: "A model of the protocol that shares no code with the product. Within the bounds named here every state that \
               can be reached was visited, and every property asked of each.",
        content: model::content,
    },
    Page {
        file: "bugs.html",
        name: "Planted bugs",
        heading: "Bugs put in on purpose, and who noticed them",
        lead: "A test or a judge that cannot fail shows nothing. So the product is made wrong, one bug at a time, and the \
               simulator and the tests are asked.",
        content: bugs::content,
    },
    Page {
        file: "mutants.html",
        name: "Mutants",
        heading: "Changes made by a machine, and lines that tests reach",
        lead: "cargo-mutants changes the core crates in every way that it knows: a body becomes a constant, == becomes !=, an \
               arm is deleted. Tests have to notice.",
        content: mutants::content,
    },
    Page {
        file: "bench.html",
        name: "Bench",
        heading: "How fast it is, beside what one would pick instead",
        lead: "The same records are migrated by this project and by others, and come to the same. Every rate is a median; \
               the line over a bar goes from the slowest to the fastest round.",
        content: bench::content,
    },
];

/// A page as it is written.
pub(super) fn render(page: &Page, gathered: &Gathered) -> String {
    let parts = BTreeMap::from([
        ("title", page.name.to_owned()),
        ("base", BASE.to_owned()),
        ("style", STYLE.to_owned()),
        ("script", SCRIPT.to_owned()),
        ("nav", nav(page).as_str().to_owned()),
        ("heading", words(page.heading).as_str().to_owned()),
        ("lead", words(page.lead).as_str().to_owned()),
        ("state", state(gathered).as_str().to_owned()),
        ("content", (page.content)(gathered).as_str().to_owned()),
    ]);
    fill(TEMPLATE, &parts)
}

fn nav(page: &Page) -> Html {
    let each = PAGES.iter().map(|other| {
        let here = [("href", other.file), ("aria-current", "page")];
        let is_here = other.file == page.file;
        let shown = if is_here {
            inline("a", &here, words(other.name))
        } else {
            link(other.file, other.name)
        };
        element("li", &[], shown)
    });
    element("ul", &[], each.collect())
}

/// Which state of the sources this is about.
fn state(gathered: &Gathered) -> Html {
    let short: String = gathered.tree.chars().take(DIGITS).collect();
    all([
        words("commit "),
        inline("code", &[], words(&gathered.commit)),
        words(" tree "),
        inline("code", &[("title", &gathered.tree)], words(&short)),
    ])
}
