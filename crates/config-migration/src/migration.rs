//! Running steps, and taking them back.

use crate::edit::{Documents, Edit};
use crate::{
    Change, ChangeKind, ConfigurationError, DocumentName, Location, Path, Rendered, Report, Result,
    Step, Value,
};

/// What a migration gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Migrated {
    /// The documents after it.
    pub documents: Documents,
    /// Everything that it did, without any secret.
    pub report: Report,
    /// How to take it back.
    pub undo: Undo,
}

/// The exact inverse of one migration.
///
/// It holds the values that the migration put in, and shows none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    edits: Vec<Edit>,
}

impl Undo {
    /// Takes the migration back. From the documents that the migration gave, this gives exactly those that it was given,
    /// down to the order of keys and the spelling of numbers.
    ///
    /// From documents that were changed since, it takes along what was changed inside the values that moved, leaves alone
    /// what was added elsewhere, keeps positions as far as they exist, and refuses to lose anything.
    ///
    /// # Errors
    /// `ChangedSince` where undoing would lose what was changed since, and `Missing`, `Occupied`, `NotATable` where there
    /// is no place to go back to.
    pub fn apply(&self, documents: &Documents) -> Result<Documents> {
        let mut documents = documents.clone();
        self.edits.iter().rev().try_for_each(|edit| edit.inverse().apply(&mut documents))?;
        Ok(documents)
    }

    pub(crate) fn edits(&self) -> &[Edit] {
        &self.edits
    }
}

/// Runs the steps, one after the other (FC-UPGRADE-0001 §10).
///
/// A pure function: the same documents and steps always give the same result. Every value of the configuration document is
/// in the report, at least as kept.
///
/// # Errors
/// Those of the first step that cannot be done exactly; the documents given are untouched.
// trace: impl FC-10.1.1 FC-10.3
pub fn migrate(documents: &Documents, steps: &[Step]) -> Result<Migrated> {
    let mut engine = Engine {
        documents: documents.clone(),
        edits: Vec::new(),
        changes: Vec::new(),
        touched: Vec::new(),
    };
    steps.iter().try_for_each(|step| engine.step(step))?;
    engine.report_kept();
    Ok(Migrated {
        documents: engine.documents,
        report: Report { changes: engine.changes },
        undo: Undo { edits: engine.edits },
    })
}

struct Engine {
    documents: Documents,
    edits: Vec<Edit>,
    changes: Vec<Change>,
    /// Places whose values are in the report already.
    touched: Vec<Location>,
}

impl Engine {
    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Move { from, to } => self.relocate(
                &Location::configuration(from),
                &Location::configuration(to),
                ChangeKind::Moved,
            ),
            Step::MoveSecret { from, to } => {
                let (from, to) = (Location::configuration(from), Location::secrets(to));
                if self.documents.get(&from).is_some() {
                    self.documents.configuration.mark_secret(&from.path);
                }
                self.relocate(&from, &to, ChangeKind::SecretMoved)
            }
            Step::SetDefault { path, value } => {
                self.set_default(&Location::configuration(path), value)
            }
            Step::Wrap { path, key } => self.wrap(path, key, true),
            Step::Unwrap { path, key } => self.wrap(path, key, false),
            Step::Translate { path, pairs } => self.translate(path, pairs),
            Step::Split { path, separator, into } => self.split(path, separator, into),
            Step::Retire { path, under } => self.carry(path, under),
            Step::Carry { known, under } => self.carry_unknown(known, under),
        }
    }

    fn relocate(&mut self, from: &Location, to: &Location, kind: ChangeKind) -> Result<()> {
        let Some(value) = self.documents.get(from) else { return Ok(()) };
        if from == to {
            return Ok(());
        }
        if to.starts_with(from) {
            let (from, to) = (self.shown(from), self.shown(to));
            return Err(ConfigurationError::IntoItself { from, to });
        }
        let before = self.rendered(from, kind)?;
        let is_table = matches!(value, Value::Object(_));
        self.create_parent(to)?;
        let from_position = self.position(from)?;
        let renames = from.document == to.document
            && parent(&from.path)? == parent(&to.path)?
            && self.documents.get(to).is_none();
        let to_position =
            if renames { from_position } else { self.insertion(to, is_table, Some(from))? };
        self.edit(Edit::Relocate {
            from: from.clone(),
            from_position,
            to: to.clone(),
            to_position,
        })?;
        for place in &mut self.touched {
            if place.document == from.document
                && let Some(rest) = place.path.below(&from.path)
            {
                *place = Location { document: to.document, path: to.path.join(&rest) };
            }
        }
        self.remove_emptied(from.document, &parent(&from.path)?)?;
        let after = self.rendered(to, kind)?;
        self.report(kind, Some(from), Some(to), Some(before), Some(after));
        Ok(())
    }

    fn set_default(&mut self, at: &Location, value: &Value) -> Result<()> {
        if self.documents.get(at).is_some() {
            return Ok(());
        }
        self.create_parent(at)?;
        let position = self.insertion(at, matches!(value, Value::Object(_)), None)?;
        self.edit(Edit::Insert { at: at.clone(), position, value: value.clone(), secret: false })?;
        let after = self.rendered(at, ChangeKind::Defaulted)?;
        self.report(ChangeKind::Defaulted, None, Some(at), None, Some(after));
        Ok(())
    }

    fn wrap(&mut self, path: &Path, key: &str, wraps: bool) -> Result<()> {
        let at = Location::configuration(path);
        let inside = Location::configuration(path.child(key));
        let (from, to) = if wraps { (&at, &inside) } else { (&inside, &at) };
        let Some(_) = self.documents.get(from) else { return Ok(()) };
        let before = self.rendered(from, ChangeKind::Moved)?;
        if !wraps && self.documents.get(&at).and_then(Value::members).map(<[_]>::len) != Some(1) {
            let path = self.shown(&at);
            let reason = "the table has other members, which have no place";
            return Err(ConfigurationError::InexactStep { path, reason });
        }
        self.edit(match wraps {
            true => Edit::Wrap { at: at.clone(), key: key.to_owned() },
            false => Edit::Unwrap { at: at.clone(), key: key.to_owned() },
        })?;
        let after = self.rendered(to, ChangeKind::Moved)?;
        self.report(ChangeKind::Moved, Some(from), Some(to), Some(before), Some(after));
        Ok(())
    }

    fn translate(&mut self, path: &Path, pairs: &[(Value, Value)]) -> Result<()> {
        let at = Location::configuration(path);
        let ambiguous = pairs.iter().enumerate().any(|(index, (old, new))| {
            pairs
                .iter()
                .skip(index.saturating_add(1))
                .any(|(other_old, other_new)| old == other_old || new == other_new)
        });
        if ambiguous {
            let reason = "two values would become one, or one two";
            return Err(ConfigurationError::InexactStep { path: self.shown(&at), reason });
        }
        let Some(value) = self.documents.get(&at).cloned() else { return Ok(()) };
        let Some((_, after)) = pairs.iter().find(|(old, _)| *old == value) else {
            let path = self.shown(&at);
            let expected = format!("one of {} known values", pairs.len());
            return Err(ConfigurationError::NotConvertible { path, expected });
        };
        let before = self.rendered(&at, ChangeKind::Converted)?;
        self.edit(Edit::Replace { at: at.clone(), before: value, after: after.clone() })?;
        let after = self.rendered(&at, ChangeKind::Converted)?;
        self.report(ChangeKind::Converted, Some(&at), Some(&at), Some(before), Some(after));
        Ok(())
    }

    fn split(&mut self, path: &Path, separator: &str, into: &[Path; 2]) -> Result<()> {
        let from = Location::configuration(path);
        let Some(value) = self.documents.get(&from).cloned() else { return Ok(()) };
        let parts = value.as_str().and_then(|text| text.split_once(separator));
        let Some((left, right)) = parts.filter(|_| !separator.is_empty()) else {
            let expected = "a text with the separator".to_owned();
            return Err(ConfigurationError::NotConvertible { path: self.shown(&from), expected });
        };
        let before = self.rendered(&from, ChangeKind::Converted)?;
        let secret = self.documents.configuration.secrets().covers(path);
        let position = self.position(&from)?;
        self.edit(Edit::Remove { at: from.clone(), position, value: value.clone(), secret })?;
        for (path, part) in into.iter().zip([left, right]) {
            let to = Location::configuration(path);
            self.create_parent(&to)?;
            let position = self.insertion(&to, false, None)?;
            self.edit(Edit::Insert { at: to.clone(), position, value: part.into(), secret })?;
            let after = self.rendered(&to, ChangeKind::Converted)?;
            let (from, before) = (Some(&from), Some(before.clone()));
            self.report(ChangeKind::Converted, from, Some(&to), before, Some(after));
        }
        self.remove_emptied(DocumentName::Configuration, &parent(path)?)
    }

    fn carry_unknown(&mut self, known: &[Path], under: &str) -> Result<()> {
        let mut unknown = Vec::new();
        find_unknown(self.documents.configuration.root(), &Path::root(), known, &mut unknown);
        let carry_table = Path::keys([under]);
        unknown.retain(|path| !path.starts_with(&carry_table));
        unknown.iter().try_for_each(|path| self.carry(path, under))
    }

    fn carry(&mut self, path: &Path, under: &str) -> Result<()> {
        let from = Location::configuration(path);
        let to = Location::configuration(Path::keys([under]).join(path));
        if self.documents.get(&from).is_some() {
            let shown = self.shown(&from);
            self.relocate(&from, &to, ChangeKind::Carried)?;
            // What is unknown may be inside a secret, whose keys are not shown.
            if let Some(change) = self.changes.last_mut() {
                change.to = Some(Location::configuration(Path::keys([under]).join(&shown)));
                change.from = Some(Location::configuration(shown));
            }
            // Nobody can say that what is unknown is no secret. The whole table, because one mark is enough.
            self.documents.configuration.mark_secret(&Path::keys([under]));
        }
        Ok(())
    }

    fn report_kept(&mut self) {
        let mut leaves = Vec::new();
        let configuration = &self.documents.configuration;
        find_leaves(
            configuration.root(),
            &Path::root(),
            &mut |path| configuration.secrets().covers(path),
            &mut leaves,
        );
        for path in leaves {
            let at = Location::configuration(path);
            if self.touched.iter().any(|place| at.starts_with(place) || place.starts_with(&at)) {
                continue;
            }
            if let Ok(value) = self.rendered(&at, ChangeKind::Kept) {
                let value = Some(value);
                self.report(ChangeKind::Kept, Some(&at), Some(&at), value.clone(), value);
            }
        }
    }

    fn edit(&mut self, edit: Edit) -> Result<()> {
        edit.apply(&mut self.documents)?;
        self.edits.push(edit);
        Ok(())
    }

    fn report(
        &mut self,
        kind: ChangeKind,
        from: Option<&Location>,
        to: Option<&Location>,
        before: Option<Rendered>,
        after: Option<Rendered>,
    ) {
        self.touched.extend(to.cloned());
        self.changes.push(Change { kind, from: from.cloned(), to: to.cloned(), before, after });
    }

    fn rendered(&self, at: &Location, kind: ChangeKind) -> Result<Rendered> {
        if kind == ChangeKind::Carried {
            return Ok(Rendered::Withheld);
        }
        let missing = || ConfigurationError::Missing { path: self.shown(at) };
        let value = self.documents.get(at).ok_or_else(missing)?;
        Ok(Rendered::of(value, &at.path, self.documents.document(at.document).secrets()))
    }

    fn shown(&self, at: &Location) -> Path {
        self.documents.document(at.document).secrets().shown(&at.path)
    }

    /// The tables around a place, created where they are missing.
    fn create_parent(&mut self, at: &Location) -> Result<()> {
        let table = Location { document: at.document, path: parent(&at.path)? };
        match self.documents.get(&table) {
            Some(Value::Object(_)) => Ok(()),
            Some(_) => Err(ConfigurationError::NotATable { path: self.shown(&table) }),
            None => {
                self.create_parent(&table)?;
                let position = self.insertion(&table, true, None)?;
                let value = Value::empty_object();
                self.edit(Edit::Insert { at: table, position, value, secret: false })
            }
        }
    }

    /// Takes away a table that a step emptied, and those around it that are empty then.
    fn remove_emptied(&mut self, document: DocumentName, path: &Path) -> Result<()> {
        let at = Location { document, path: path.clone() };
        let empty = self.documents.get(&at).and_then(Value::members).is_some_and(<[_]>::is_empty);
        if path.is_root() || !empty {
            return Ok(());
        }
        let position = self.position(&at)?;
        let value = Value::empty_object();
        // The mark is in the edit so that the inverse puts it back.
        let secret = self.documents.document(document).secrets().covers(path);
        self.edit(Edit::Remove { at, position, value, secret })?;
        self.remove_emptied(document, &parent(path)?)
    }

    fn position(&self, at: &Location) -> Result<usize> {
        let missing = || ConfigurationError::Missing { path: self.shown(at) };
        let (table, key) = at.path.split_last().ok_or_else(missing)?;
        let table = self.documents.document(at.document).get(&table);
        let members = table.and_then(Value::members).ok_or_else(missing)?;
        members.iter().position(|(name, _)| name == key).ok_or_else(missing)
    }

    /// Where a new member of a table goes, once `leaving` is gone: plain values before tables, tables last.
    fn insertion(
        &self,
        at: &Location,
        is_table: bool,
        leaving: Option<&Location>,
    ) -> Result<usize> {
        let table = Location { document: at.document, path: parent(&at.path)? };
        let members = self.documents.get(&table).and_then(Value::members).unwrap_or_default();
        let leaving = leaving.filter(|leaving| leaving.document == at.document);
        let leaving = leaving.and_then(|leaving| leaving.path.split_last());
        let leaving = leaving.filter(|(parent, _)| *parent == table.path).map(|(_, key)| key);
        let stays = |key: &str| leaving != Some(key);
        let staying = || members.iter().filter(|(key, _)| stays(key));
        let first_table = staying().position(|(_, value)| matches!(value, Value::Object(_)));
        Ok(if is_table { staying().count() } else { first_table.unwrap_or(staying().count()) })
    }
}

fn parent(path: &Path) -> Result<Path> {
    // The root, and elements of arrays, are in no table that a step could take them from.
    let not_a_member = || ConfigurationError::NotATable { path: path.clone() };
    path.split_last().map(|(table, _)| table).ok_or_else(not_a_member)
}

fn find_unknown(value: &Value, path: &Path, known: &[Path], unknown: &mut Vec<Path>) {
    for (key, member) in value.members().unwrap_or_default() {
        let child = path.child(key);
        if known.iter().any(|known| child.starts_with(known)) {
            continue;
        }
        let leads_on = known.iter().any(|known| known.starts_with(&child));
        match (leads_on, member) {
            (true, Value::Object(_)) => find_unknown(member, &child, known, unknown),
            _ => unknown.push(child),
        }
    }
}

fn find_leaves(
    value: &Value,
    path: &Path,
    stops: &mut impl FnMut(&Path) -> bool,
    leaves: &mut Vec<Path>,
) {
    match value.members() {
        Some(members) if !stops(path) && (path.is_root() || !members.is_empty()) => {
            for (key, member) in members {
                find_leaves(member, &path.child(key), stops, leaves);
            }
        }
        _ => leaves.push(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, SecretPaths};

    fn documents(json: &str) -> Documents {
        let secrets = SecretPaths::new([["brain", "api_key"]]);
        Documents::new(Document::from_json(json, secrets).unwrap())
    }

    /// Runs the steps, checks that they undo exactly, and gives the document and the report.
    fn run(json: &str, steps: &[Step]) -> (String, Vec<String>) {
        let before = documents(json);
        let migrated = migrate(&before, steps).unwrap();
        assert!(migrated.undo.apply(&migrated.documents).unwrap() == before);
        let text = crate::json::write_compact(migrated.documents.configuration.root()).unwrap();
        (text, migrated.report.changes.iter().map(ToString::to_string).collect())
    }

    fn error(json: &str, step: Step) -> String {
        migrate(&documents(json), &[step]).unwrap_err().to_string()
    }

    #[test]
    fn a_renaming_keeps_its_position_and_everything_else_is_reported_as_kept() {
        let (text, report) = run(r#"{"a":1,"b":{"c":2},"d":[]}"#, &[Step::rename(["b"], "x")]);
        assert_eq!(text, r#"{"a":1,"x":{"c":2},"d":[]}"#);
        assert_eq!(report, [r#"moved b to x: {"c":2}"#, "kept a: 1", "kept d: []"]);
    }

    #[test]
    fn a_move_creates_the_tables_it_needs_and_removes_those_it_empties() {
        let (text, _) =
            run(r#"{"a":{"b":{"c":1}},"d":{}}"#, &[Step::relocate(["a", "b", "c"], ["x", "y"])]);
        assert_eq!(text, r#"{"d":{},"x":{"y":1}}"#);
        let (text, _) = run(r#"{"t":{},"a":{"b":1,"c":2}}"#, &[Step::relocate(["a", "b"], ["b"])]);
        assert_eq!(text, r#"{"b":1,"t":{},"a":{"c":2}}"#);
    }

    // trace: test FC-10.1.1
    #[test]
    fn nothing_is_ever_overwritten() {
        assert_eq!(
            error(r#"{"a":1,"b":2}"#, Step::relocate(["a"], ["b"])),
            "b already holds a value, which is not overwritten"
        );
        assert_eq!(
            error(r#"{"a":1,"b":2}"#, Step::relocate(["a"], ["b", "c"])),
            "b should be a table, and is none"
        );
        assert!(error(r#"{"a":{}}"#, Step::relocate(["a"], ["a", "b"])).contains("inside itself"));
        assert!(migrate(&documents("{}"), &[Step::relocate(["a"], ["b"])]).is_ok());
    }

    #[test]
    fn wrapping_splitting_and_translating_are_exact() {
        let pairs = vec![("User".into(), "user".into()), ("Tool".into(), "tool".into())];
        let into = [Path::from(["h", "host"]), Path::from(["h", "port"])];
        let separator = ":".to_owned();
        let steps = [
            Step::Wrap { path: ["a"].into(), key: "k".into() },
            Step::Unwrap { path: ["w"].into(), key: "k".into() },
            Step::Translate { path: ["r"].into(), pairs },
            Step::Split { path: ["s"].into(), separator, into },
            Step::Retire { path: ["old"].into(), under: "carried".into() },
        ];
        let json = r#"{"a":1,"w":{"k":[2]},"r":"User","s":"h:1:2","old":null}"#;
        let (text, _) = run(json, &steps);
        let expected = r#"{"a":{"k":1},"w":[2],"r":"user","h":{"host":"h","port":"1:2"},"carried":{"old":null}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn an_inexact_step_is_refused() {
        let pairs = vec![("a".into(), "x".into()), ("b".into(), "x".into())];
        let merging = Step::Translate { path: ["a"].into(), pairs };
        assert!(error(r#"{"a":"a"}"#, merging).contains("two values would become one"));
        let step = Step::Translate { path: ["a"].into(), pairs: vec![("x".into(), "y".into())] };
        assert!(error(r#"{"a":"z"}"#, step).contains("cannot be converted"));
        let step = Step::Unwrap { path: ["a"].into(), key: "b".into() };
        assert!(error(r#"{"a":{"b":1,"c":2}}"#, step).contains("other members"));
    }

    #[test]
    fn what_was_changed_since_is_not_lost_by_undoing() {
        let before = documents("{\"a\":1}");
        let steps = [Step::set_default(["d"], 5), Step::rename(["a"], "b")];
        let migrated = migrate(&before, &steps).unwrap();
        let changed = |json: &str| Documents {
            configuration: Document::from_json(json, SecretPaths::none()).unwrap(),
            secrets: migrated.documents.secrets.clone(),
        };
        let undone = migrated.undo.apply(&changed("{\"b\":2,\"new\":3,\"d\":5}")).unwrap();
        assert!(undone.configuration == changed("{\"a\":2,\"new\":3}").configuration);
        let path = Path::from(["d"]);
        let error = migrated.undo.apply(&changed("{\"b\":2,\"d\":6}")).unwrap_err();
        assert_eq!(error, ConfigurationError::ChangedSince { path });
    }

    #[test]
    fn a_secret_goes_to_its_document_and_shows_nowhere() {
        let json = r#"{"brain":{"backend":"openai","api_key":"sk-1","other_key":"sk-1"}}"#;
        let steps = [
            Step::move_secret(["brain", "api_key"], ["model", "api_key"]),
            Step::carry(vec![["brain", "backend"].into()], "carried"),
        ];
        let migrated = migrate(&documents(json), &steps).unwrap();
        let key = Location::secrets(["model", "api_key"]);
        assert_eq!(migrated.documents.get(&key).unwrap().as_str(), Some("sk-1"));
        let shown = format!(
            "{}{migrated:?}{}",
            migrated.report,
            serde_json::to_string(&migrated.report).unwrap()
        );
        assert!(!shown.contains("sk-1"), "{shown}");
        assert_eq!(
            migrated.report.to_string(),
            "moved secret brain.api_key to secrets:model.api_key: [secret]\n\
             carried brain.other_key to carried.brain.other_key: [not shown]\n\
             kept brain.backend: \"openai\"\n"
        );
    }
}
