//! A timeline as the rows of one table, and the line that connects the pair whose order mattered.

use super::{Entry, EntryRef, Line, Segment, Timeline};

/// A row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'t> {
    /// A run begins; the number is its index.
    Title(usize, &'t Segment),
    /// So many operations that are not told, and what the crash did to them.
    Untold(usize, &'static str),
    /// An operation or a mark.
    Entry(EntryRef, &'t Entry),
    /// A run ends.
    Ending(&'t Segment),
}

/// How a row stands to the line that connects the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// Not at all.
    Apart,
    /// The line begins here.
    First,
    /// It passes by.
    Between,
    /// It ends here.
    Last,
}

impl Timeline {
    /// Every row, with its connection.
    pub(super) fn rows(&self) -> Vec<(Row<'_>, Connection)> {
        let mut rows = Vec::new();
        for (index, run) in self.segments.iter().enumerate() {
            rows.push(Row::Title(index, run));
            rows.extend(run.lines.iter().map(|line| match line {
                Line::Skipped { operations } => Row::Untold(*operations, "left"),
                Line::Taken { operations } => Row::Untold(*operations, "took"),
                Line::Entry(entry) => {
                    Row::Entry(EntryRef { segment: index, number: entry.number }, entry)
                }
            }));
            rows.push(Row::Ending(run));
        }
        let ends = self.ends_of_pair(&rows);
        let connection = |at: usize| match ends {
            Some((first, _)) if at == first => Connection::First,
            Some((_, last)) if at == last => Connection::Last,
            Some((first, last)) if first < at && at < last => Connection::Between,
            _ => Connection::Apart,
        };
        rows.into_iter().enumerate().map(|(at, row)| (row, connection(at))).collect()
    }

    fn ends_of_pair(&self, rows: &[Row<'_>]) -> Option<(usize, usize)> {
        let place = |wanted: EntryRef| {
            rows.iter().position(|row| matches!(row, Row::Entry(found, _) if *found == wanted))
        };
        let order = self.order?;
        let (lost, kept) = (place(order.lost)?, place(order.kept)?);
        (lost != kept).then_some((lost.min(kept), lost.max(kept)))
    }
}
