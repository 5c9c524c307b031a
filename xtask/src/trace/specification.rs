//! Reads the specification and finds its leaf clauses: the smallest parts that can be shown to hold by themselves.
//!
//! | form | how it is read |
//! |---|---|
//! | a sentence with MUST, MUST NOT, SHOULD, SHOULD NOT or MAY | one clause, with all that it joins by "and" or "or" |
//! | such a sentence that ends with a colon | a lead-in: each line below is a clause of its level |
//! | "MUST either:", paragraphs, "OR" between them | each outcome is a clause: both have to be shown |
//! | "Where:" below a lead-in | its lines go on with the level of that lead-in |
//! | "guarantees:", and every sentence of that section | each line, and each sentence behind it, is a guarantee |
//! | "lifecycle:" | each paragraph below is a step; their order is part of each |
//! | all else | says why or names things, and binds nobody: it is listed, and no clause |

use std::fmt;

use serde::{Deserialize, Serialize};

/// How binding a clause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Level {
    /// It has to be.
    #[serde(rename = "MUST")]
    Must,
    /// It may never be.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// It has to be, unless there is a reason.
    #[serde(rename = "SHOULD")]
    Should,
    /// It may not be, unless there is a reason.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// It can be or not: somebody has to decide.
    #[serde(rename = "MAY")]
    May,
    /// What the section of guarantees promises.
    #[serde(rename = "GUARANTEE")]
    Guarantee,
    /// A step of the lifecycle, in its place.
    #[serde(rename = "STEP")]
    Step,
}

/// The words that make a sentence a clause, the longer ones first.
const KEYWORDS: [(&str, Level); 5] = [
    ("MUST NOT", Level::MustNot),
    ("MUST", Level::Must),
    ("SHOULD NOT", Level::ShouldNot),
    ("SHOULD", Level::Should),
    ("MAY", Level::May),
];

impl Level {
    /// The level of a sentence, if it has one.
    fn of(sentence: &str) -> Option<Self> {
        let has = |keyword: &str| {
            sentence.match_indices(keyword).any(|(at, _)| {
                let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let before = sentence.get(..at).and_then(|text| text.chars().next_back());
                let after = sentence.get(at + keyword.len()..).and_then(|text| text.chars().next());
                !is_letter(before) && !is_letter(after)
            })
        };
        KEYWORDS.iter().find(|(keyword, _)| has(keyword)).map(|(_, level)| *level)
    }

    /// True for MUST and MUST NOT.
    pub(super) fn is_must(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Guarantee => "GUARANTEE",
            Self::Step => "STEP",
            Self::Must | Self::MustNot | Self::Should | Self::ShouldNot | Self::May => {
                KEYWORDS.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| *name)
            }
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The smallest part of the specification that can be shown to hold by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The number of the section that it stands in.
    pub(super) section: u32,
    pub(super) level: Level,
    /// The lead-in above it, as it stands there.
    pub(super) parent: Option<String>,
    /// As it stands there, but for blanks at the ends.
    pub(super) text: String,
    /// Where: from 1.
    pub(super) line: usize,
}

/// What the specification says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Specification {
    /// In the order of the text.
    pub(super) leaves: Vec<Leaf>,
    /// The titles of the sections, by number.
    pub(super) titles: Vec<(u32, String)>,
    /// What binds nobody: line and text.
    pub(super) informative: Vec<(usize, String)>,
}

/// Reads it.
pub(super) fn read(text: &str) -> Specification {
    let mut reader = Reader::default();
    for paragraph in paragraphs(text) {
        reader.take(&paragraph);
    }
    reader.read
}

/// Lines that belong together, with their numbers, from 1.
type Paragraph<'a> = Vec<(usize, &'a str)>;

/// A heading or a rule is a paragraph of its own.
fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let mut paragraphs = Vec::new();
    let mut open = Paragraph::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let stands_alone = line.starts_with('#') || line == "---";
        if line.is_empty() || stands_alone {
            paragraphs.push(std::mem::take(&mut open));
        }
        if stands_alone {
            paragraphs.push(vec![(number, line)]);
        } else if !line.is_empty() {
            open.push((number, line));
        }
    }
    paragraphs.push(open);
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// What the next paragraphs are, because of the last.
#[derive(Debug, Default)]
enum Below {
    /// Nothing was said of them.
    #[default]
    Nothing,
    /// The lines of the next one are items.
    Items(Level, String),
    /// They were: what begins with "Where:" goes on with it.
    ItemsRead(Level, String),
    /// Each is an outcome, until one does not stand behind "OR".
    Outcomes { level: Level, lead_in: String, expected: bool },
    /// Each is a step, until the section ends.
    Steps(String),
}

#[derive(Debug, Default)]
struct Reader {
    section: u32,
    below: Below,
    read: Specification,
}

impl Reader {
    fn take(&mut self, paragraph: &Paragraph<'_>) {
        let Some((number, first)) = paragraph.first().copied() else { return };
        if let Some(title) = first.strip_prefix('#') {
            self.below = Below::Nothing;
            self.begin_section(title.trim_start_matches('#').trim());
            return;
        }
        match std::mem::take(&mut self.below) {
            _ if first == "---" => {}
            Below::Items(level, lead_in) => {
                for (number, line) in paragraph {
                    self.leaf(level, Some(&lead_in), *number, line);
                }
                self.below = Below::ItemsRead(level, lead_in);
            }
            Below::ItemsRead(level, lead_in) if first == "Where:" => {
                self.below = Below::Items(level, lead_in);
            }
            Below::Outcomes { level, lead_in, .. } if first == "OR" => {
                self.below = Below::Outcomes { level, lead_in, expected: true };
            }
            Below::Outcomes { level, lead_in, expected: true } => {
                self.leaf(level, Some(&lead_in), number, first);
                self.below = Below::Outcomes { level, lead_in, expected: false };
            }
            Below::Steps(lead_in) => {
                self.leaf(Level::Step, Some(&lead_in), number, first);
                self.below = Below::Steps(lead_in);
            }
            Below::Nothing | Below::ItemsRead(..) | Below::Outcomes { .. } => {
                self.take_sentences(paragraph);
            }
        }
    }

    /// A paragraph of which nothing was said before.
    fn take_sentences(&mut self, paragraph: &Paragraph<'_>) {
        for (number, line) in paragraph {
            let is_lead_in = line.ends_with(':');
            let level = self.level_of(line);
            match level {
                Some(level) if line.ends_with("either:") => {
                    let lead_in = (*line).to_owned();
                    self.below = Below::Outcomes { level, lead_in, expected: true };
                }
                Some(level) if is_lead_in => self.below = Below::Items(level, (*line).to_owned()),
                Some(level) => self.leaf(level, None, *number, line),
                None if is_lead_in && line.ends_with("lifecycle:") => {
                    self.below = Below::Steps((*line).to_owned());
                }
                None => self.read.informative.push((*number, (*line).to_owned())),
            }
        }
    }

    fn level_of(&self, line: &str) -> Option<Level> {
        let title = self.read.titles.last().map_or("", |(_, title)| title.as_str());
        let is_guarantee = title.ends_with("Guarantees");
        Level::of(line).or(is_guarantee.then_some(Level::Guarantee))
    }

    /// `7. Storage Migration Atomicity`; what has no number begins no section.
    fn begin_section(&mut self, title: &str) {
        let numbered = title.split_once(". ").and_then(|(number, title)| {
            number.parse::<u32>().ok().map(|number| (number, title.to_owned()))
        });
        if let Some((number, title)) = numbered {
            self.section = number;
            self.read.titles.push((number, title));
        }
    }

    fn leaf(&mut self, level: Level, parent: Option<&str>, line: usize, text: &str) {
        let section = self.section;
        let (parent, text) = (parent.map(str::to_owned), text.to_owned());
        self.read.leaves.push(Leaf { section, level, parent, text, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<(Level, Option<String>, String)> {
        let text = format!("# 1. Title\n\n{text}");
        read(&text).leaves.into_iter().map(|leaf| (leaf.level, leaf.parent, leaf.text)).collect()
    }

    fn leaf(level: Level, parent: &str, text: &str) -> (Level, Option<String>, String) {
        (level, (!parent.is_empty()).then(|| parent.to_owned()), text.to_owned())
    }

    #[test]
    fn a_sentence_with_a_keyword_is_a_clause_and_another_is_none() {
        let text = "It MUST be.\n\nIt ensures that.\n\nIt MUST NOT be.\n\nIt MAY be.\n\nIt SHOULD be. MUSTARD.\n";
        let expected = [
            leaf(Level::Must, "", "It MUST be."),
            leaf(Level::MustNot, "", "It MUST NOT be."),
            leaf(Level::May, "", "It MAY be."),
            leaf(Level::Should, "", "It SHOULD be. MUSTARD."),
        ];
        assert_eq!(leaves(text), expected);
        let informative = read("# 1. A\n\nMUSTARD.\n").informative;
        assert_eq!(informative, [(3, "MUSTARD.".to_owned())]);
    }

    #[test]
    fn each_line_below_a_lead_in_is_a_clause() {
        let text = "It MUST keep:\n\nData  \nLogs  \n\nKeeping is good.\n";
        let expected = [
            leaf(Level::Must, "It MUST keep:", "Data"),
            leaf(Level::Must, "It MUST keep:", "Logs"),
        ];
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn both_outcomes_are_clauses() {
        let text = "It MUST either:\n\nEnd well\n\nOR\n\nNot at all\n\nIt ensures that.\n";
        let parent = "It MUST either:";
        let expected =
            [leaf(Level::Must, parent, "End well"), leaf(Level::Must, parent, "Not at all")];
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn where_goes_on_with_the_lead_in() {
        let text =
            "It MUST use:\n\nA.B\n\nWhere:\n\nA is big  \nB is small\n\nWhere:\n\nIt MUST be.\n";
        let parent = "It MUST use:";
        let level = Level::Must;
        let expected = [
            leaf(level, parent, "A.B"),
            leaf(level, parent, "A is big"),
            leaf(level, parent, "B is small"),
            leaf(level, parent, "It MUST be."),
        ];
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn guarantees_and_steps_are_clauses_without_a_keyword() {
        let text = "# 28. Upgrade Guarantees\n\nIt guarantees:\n\nSafety  \nOrder\n\nIt cannot break.\n\n\
                    # 29. Example\n\nExample lifecycle:\n\nBegin\n\nEnd\n\nAll is well.\n\n# 30. Conclusion\n\nThat is all.\n";
        let read = read(text);
        let told: Vec<_> =
            read.leaves.iter().map(|leaf| (leaf.section, leaf.level, leaf.text.as_str())).collect();
        let expected = [
            (28, Level::Guarantee, "Safety"),
            (28, Level::Guarantee, "Order"),
            (28, Level::Guarantee, "It cannot break."),
            (29, Level::Step, "Begin"),
            (29, Level::Step, "End"),
            (29, Level::Step, "All is well."),
        ];
        assert_eq!(told, expected);
        assert_eq!(read.informative, [(25, "That is all.".to_owned())]);
    }
}
