//! The edits of a migration, made to TOML that keeps its comments.

use toml_edit::{Decor, DocumentMut, InlineTable, Item, Key, RawString, Table};

use crate::edit::Edit;
use crate::toml_writer::exact;
use crate::{ConfigurationError, DocumentName, Location, Path, Result, Secret, Segment, Value};

/// TOML, and the edits made to it so far.
pub(crate) struct TomlEdits {
    output: DocumentMut,
    /// Tables that edits created, whose headers may turn out to be superfluous.
    created: Vec<Path>,
    /// Where the last value went: comments that lose their place go there.
    last_moved: Option<Path>,
    /// Comments of a value that was cut in two, for its parts.
    loose_comments: Vec<String>,
    secret_comments: Vec<Secret>,
}

impl TomlEdits {
    pub(crate) const fn new(output: DocumentMut) -> Self {
        Self {
            output,
            created: Vec::new(),
            last_moved: None,
            loose_comments: Vec::new(),
            secret_comments: Vec::new(),
        }
    }

    /// Makes one edit. What happens within the document of secrets is no concern of this text.
    ///
    /// # Errors
    /// `NotInPlace`.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Result<()> {
        let done = match edit {
            Edit::Insert { at, value, .. } if is_here(at) => self.insert(&at.path, value),
            Edit::Remove { at, .. } if is_here(at) => self.remove(&at.path),
            Edit::Replace { at, after, .. } if is_here(at) => self.replace(&at.path, after),
            Edit::Relocate { from, from_position, to, to_position } => {
                match (is_here(from), is_here(to)) {
                    (true, true) => {
                        let same_place = from_position == to_position;
                        self.relocate(&from.path, &to.path, same_place)
                    }
                    (true, false) => self.take_secret(&from.path),
                    _ => None,
                }
            }
            Edit::Wrap { .. } | Edit::Unwrap { .. } => None,
            Edit::Insert { .. } | Edit::Remove { .. } | Edit::Replace { .. } => Some(()),
        };
        done.ok_or_else(|| ConfigurationError::NotInPlace { path: place(edit) })
    }

    /// The TOML, and the comments that went with secrets.
    pub(crate) fn finish(mut self) -> (DocumentMut, Vec<Secret>) {
        for path in std::mem::take(&mut self.created) {
            if let Some(Item::Table(table)) = self.item(&path) {
                let headed = |item: &Item| matches!(item, Item::Table(inner) if !inner.is_dotted());
                let superfluous = !table.is_empty() && table.iter().all(|(_, item)| headed(item));
                table.set_implicit(superfluous);
            }
        }
        let loose = std::mem::take(&mut self.loose_comments);
        self.keep_at_end(&loose);
        (self.output, self.secret_comments)
    }

    fn insert(&mut self, path: &Path, value: &Value) -> Option<()> {
        let (parent, key) = path.split_last()?;
        let is_new_table = matches!(value, Value::Object(members) if members.is_empty());
        let table = self.item(&parent)?;
        let dotted = matches!(&*table, Item::Table(table) if table.is_dotted());
        let item = match (exact(value, path.segments().len())?, &*table) {
            (toml_edit::Value::InlineTable(inline), Item::Table(_)) => {
                let mut inner = inline.into_table();
                inner.set_dotted(dotted);
                Item::Table(inner)
            }
            (value, _) => Item::Value(value),
        };
        put(table, &Key::new(key), item)?;
        if is_new_table {
            self.created.push(path.clone());
            return Some(());
        }
        self.last_moved = Some(path.clone());
        let comments = std::mem::take(&mut self.loose_comments);
        self.keep_before(path, &comments)
    }

    fn remove(&mut self, path: &Path) -> Option<()> {
        let (parent, key) = path.split_last()?;
        let (key, item) = take(self.item(&parent)?, key)?;
        let comments = comments_of(&key, &item);
        match self.last_moved.clone().filter(|_| !item.is_value() || item.is_inline_table()) {
            Some(place) => self.keep_before(&place, &comments),
            None => {
                self.loose_comments.extend(comments);
                Some(())
            }
        }
    }

    fn replace(&mut self, path: &Path, value: &Value) -> Option<()> {
        let mut new = exact(value, path.segments().len())?;
        let old = self.item(path)?.as_value_mut()?;
        *new.decor_mut() = old.decor().clone();
        *old = new;
        Some(())
    }

    fn relocate(&mut self, from: &Path, to: &Path, same_place: bool) -> Option<()> {
        let ((from_table, from_key), (to_table, to_key)) = (from.split_last()?, to.split_last()?);
        self.last_moved = Some(to.clone());
        if same_place && from_table == to_table {
            return rename(self.item(&from_table)?, from_key, to_key);
        }
        let source = self.item(&from_table)?;
        let out_of_line = source.is_inline_table();
        let (old_key, mut item) = take(source, from_key)?;
        let target = self.item(&to_table)?;
        let mut new_key = renamed(&old_key, to_key);
        if out_of_line || target.is_inline_table() {
            // Within a line there is no place for comments, and the spaces of one layout look odd in the other.
            if !comments_of(&old_key, &item).is_empty() {
                return None;
            }
            *new_key.leaf_decor_mut() = Decor::default();
            *new_key.dotted_decor_mut() = Decor::default();
            if let Some(value) = item.as_value_mut() {
                *value.decor_mut() = Decor::default();
            }
        }
        put(target, &new_key, item)
    }

    fn take_secret(&mut self, path: &Path) -> Option<()> {
        let (parent, key) = path.split_last()?;
        let (key, item) = take(self.item(&parent)?, key)?;
        self.secret_comments.extend(comments_of(&key, &item).into_iter().map(Secret::new));
        // The comments of a table that the secret leaves empty are about no secret: they stay in the text.
        self.last_moved = None;
        Some(())
    }

    /// Puts comments on lines before a value or table, before those that it has.
    fn keep_before(&mut self, path: &Path, comments: &[String]) -> Option<()> {
        if comments.is_empty() {
            return Some(());
        }
        let (parent, key) = path.split_last()?;
        let table = self.item(&parent)?;
        let lines: String = comments.iter().map(|comment| format!("{comment}\n")).collect();
        match table {
            Item::Table(table) => match table.get_key_value_mut(key)? {
                (_, Item::Table(inner)) if !inner.is_dotted() => prepend(inner.decor_mut(), &lines),
                (mut key, Item::Value(_)) => prepend(key.leaf_decor_mut(), &lines),
                _ => self.keep_at_end(comments),
            },
            _ => self.keep_at_end(comments),
        }
        Some(())
    }

    fn keep_at_end(&mut self, comments: &[String]) {
        let lines: String = comments.iter().map(|comment| format!("{comment}\n")).collect();
        let trailing = self.output.trailing().as_str().unwrap_or_default().to_owned();
        self.output.set_trailing(format!("{lines}{trailing}"));
    }

    fn item(&mut self, path: &Path) -> Option<&mut Item> {
        path.segments().iter().try_fold(self.output.as_item_mut(), |item, segment| match segment {
            Segment::Key(key) => item.as_table_like_mut()?.get_mut(key),
            Segment::Index(_) => None,
        })
    }
}

fn is_here(location: &Location) -> bool {
    location.document == DocumentName::Configuration
}

fn place(edit: &Edit) -> Path {
    match edit {
        Edit::Insert { at, .. }
        | Edit::Remove { at, .. }
        | Edit::Replace { at, .. }
        | Edit::Wrap { at, .. }
        | Edit::Unwrap { at, .. } => at.path.clone(),
        Edit::Relocate { from, .. } => from.path.clone(),
    }
}

fn take(table: &mut Item, key: &str) -> Option<(Key, Item)> {
    match table {
        Item::Table(table) => table.remove_entry(key),
        Item::Value(toml_edit::Value::InlineTable(table)) => {
            let last = table.iter().last().is_some_and(|(name, _)| name == key);
            let (key, value) = table.remove_entry(key)?;
            if last {
                close_line(table, value.decor().suffix());
            }
            Some((key, Item::Value(value)))
        }
        _ => None,
    }
}

fn put(table: &mut Item, key: &Key, item: Item) -> Option<()> {
    match table {
        Item::Table(table) => table.insert_formatted(key, item).is_none().then_some(()),
        Item::Value(toml_edit::Value::InlineTable(table)) => {
            let mut value = item.into_value().ok()?;
            // The space before the closing brace belongs to the last value.
            let last = table.iter_mut().last();
            let suffix = last.and_then(|(_, last)| {
                let suffix = last.decor().suffix().cloned();
                last.decor_mut().set_suffix("");
                suffix
            });
            if let Some(suffix) = suffix {
                value.decor_mut().set_suffix(suffix);
            }
            table.insert_formatted(key, value).is_none().then_some(())
        }
        _ => None,
    }
}

fn close_line(table: &mut InlineTable, suffix: Option<&RawString>) {
    if let (Some((_, last)), Some(suffix)) = (table.iter_mut().last(), suffix) {
        last.decor_mut().set_suffix(suffix.clone());
    }
}

/// Another key at the same place: every entry is taken out and put back, because that is the one way to keep the order.
fn rename(table: &mut Item, from: &str, to: &str) -> Option<()> {
    match table {
        Item::Table(table) => rename_in_table(table, from, to),
        Item::Value(toml_edit::Value::InlineTable(table)) => {
            let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
            let entries: Vec<_> = keys.iter().filter_map(|key| table.remove_entry(key)).collect();
            for (key, value) in entries {
                let key = if key.get() == from { renamed(&key, to) } else { key };
                table.insert_formatted(&key, value);
            }
            Some(())
        }
        _ => None,
    }
}

fn rename_in_table(table: &mut Table, from: &str, to: &str) -> Option<()> {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let entries: Vec<_> = keys.iter().filter_map(|key| table.remove_entry(key)).collect();
    for (key, item) in entries {
        let key = if key.get() == from { renamed(&key, to) } else { key };
        table.insert_formatted(&key, item);
    }
    Some(())
}

fn renamed(key: &Key, to: &str) -> Key {
    Key::new(to)
        .with_leaf_decor(key.leaf_decor().clone())
        .with_dotted_decor(key.dotted_decor().clone())
}

fn prepend(decor: &mut Decor, lines: &str) {
    let prefix = decor.prefix().and_then(RawString::as_str).unwrap_or_default();
    // Blank lines stay first.
    let blank = prefix.len().saturating_sub(prefix.trim_start_matches('\n').len());
    let (blank, rest) = prefix.split_at_checked(blank).unwrap_or_default();
    decor.set_prefix(format!("{blank}{lines}{rest}"));
}

/// Every comment of a document, sorted.
pub(crate) fn all_comments(document: &DocumentMut) -> Vec<String> {
    let mut comments = Vec::new();
    collect_table(document.as_table(), &mut comments);
    collect(Some(document.trailing()), &mut comments);
    comments.sort();
    comments
}

/// The comments above, behind and inside an entry.
fn comments_of(key: &Key, item: &Item) -> Vec<String> {
    let mut comments = Vec::new();
    collect_decor(key.leaf_decor(), &mut comments);
    collect_item(item, &mut comments);
    comments
}

fn collect_item(item: &Item, comments: &mut Vec<String>) {
    match item {
        Item::None => {}
        Item::Value(value) => collect_value(value, comments),
        Item::Table(table) => collect_table(table, comments),
        Item::ArrayOfTables(tables) => {
            tables.iter().for_each(|table| collect_table(table, comments));
        }
    }
}

fn collect_table(table: &Table, comments: &mut Vec<String>) {
    collect_decor(table.decor(), comments);
    for (name, item) in table {
        if let Some(key) = table.key(name) {
            collect_decor(key.leaf_decor(), comments);
        }
        collect_item(item, comments);
    }
}

fn collect_value(value: &toml_edit::Value, comments: &mut Vec<String>) {
    collect(value.decor().prefix(), comments);
    match value {
        toml_edit::Value::Array(array) => {
            array.iter().for_each(|element| collect_value(element, comments));
            collect(Some(array.trailing()), comments);
        }
        toml_edit::Value::InlineTable(table) => {
            for (name, value) in table {
                if let Some(key) = table.key(name) {
                    collect_decor(key.leaf_decor(), comments);
                }
                collect_value(value, comments);
            }
            collect(Some(table.trailing()), comments);
        }
        _ => {}
    }
    collect(value.decor().suffix(), comments);
}

fn collect_decor(decor: &Decor, comments: &mut Vec<String>) {
    collect(decor.prefix(), comments);
    collect(decor.suffix(), comments);
}

fn collect(raw: Option<&RawString>, comments: &mut Vec<String>) {
    let lines = raw.and_then(RawString::as_str).unwrap_or_default().lines().map(str::trim);
    comments.extend(lines.filter(|line| line.starts_with('#')).map(str::to_owned));
}
