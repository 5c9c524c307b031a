//! Editing TOML in place: comments, order and layout stay.

use std::fmt;

use toml_edit::DocumentMut;

use crate::edit::Documents;
use crate::toml_edits::{TomlEdits, all_comments};
use crate::{
    CARRIED_JSON, ConfigurationError, Document, Migrated, Notation, Path, Result, Secret,
    SecretPaths, Step, migrate, toml_reader,
};

/// A TOML text that steps can be applied to without touching anything else (FC-UPGRADE-0001 §10).
///
/// Comments above a value and behind it move with it; those of a table that a step empties go to the value that left it last.
/// Every byte of other lines stays, with the byte order mark, the line ends and a missing last line end. Debug shows nothing
/// of the text.
#[derive(Clone)]
pub struct TomlDocument {
    parsed: DocumentMut,
    secrets: SecretPaths,
    envelope: Envelope,
}

/// What [`TomlDocument::edit`] gave.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedToml {
    /// The new text of the configuration document.
    pub text: Secret,
    /// The same as a tree, with the report and the undo. The document of secrets holds what [`Step::MoveSecret`] took out.
    pub migrated: Migrated,
    /// The comments that stood with secrets which left the text. They may quote the secrets, so they went with them.
    pub secret_comments: Vec<Secret>,
}

impl TomlDocument {
    /// Reads TOML with its comments.
    ///
    /// # Errors
    /// `Syntax` with line and column and never with text, `TooLarge`, `TooDeep`; `LayoutNotKept` if the text is laid out so
    /// that toml_edit cannot write it back byte for byte: dotted keys of one table with others between them, line ends of
    /// both kinds.
    pub fn parse(text: &str, mut secrets: SecretPaths) -> Result<Self> {
        secrets.mark(&Path::keys([CARRIED_JSON]));
        let (envelope, normalized) = Envelope::open(text)?;
        // Parsed as it is first, so that an error tells the line of the text that was given.
        toml_reader::parse(text)?;
        let parsed = toml_reader::parse(&normalized)?;
        if envelope.seal(&parsed.to_string()) != text {
            return Err(ConfigurationError::LayoutNotKept);
        }
        Ok(Self { parsed, secrets, envelope })
    }

    /// The tree of the text, as [`Document::from_toml`] gives it.
    ///
    /// # Errors
    /// `TooDeep`, `TooManyValues`.
    pub fn document(&self) -> Result<Document> {
        Ok(Document::new(toml_reader::tree(&self.parsed)?, self.secrets.clone()))
    }

    /// Applies the steps, as [`migrate`] does, and to the text as well. The text is then read back and compared with what the
    /// steps gave, so that both are the same but for the order of keys, which the text decides.
    ///
    /// # Errors
    /// Those of [`migrate`]. `NotInPlace` for moves of tables that have values in [`CARRIED_JSON`], for [`Step::Wrap`] and [`Step::Unwrap`], for values that TOML cannot hold, and for
    /// moves into one line of values with comments; `LayoutNotKept` if a comment would be lost otherwise. `NotReproduced` if the text does not say what the steps gave.
    pub fn edit(&self, steps: &[Step]) -> Result<EditedToml> {
        let migrated = migrate(&Documents::new(self.document()?), steps)?;
        self.refuse_stale_carried(&migrated)?;
        let mut edits = TomlEdits::new(self.parsed.clone());
        migrated.undo.edits().iter().try_for_each(|edit| edits.apply(edit))?;
        let (output, secret_comments) = edits.finish();
        let mut comments = all_comments(&output);
        comments.extend(secret_comments.iter().map(|comment| comment.expose().to_owned()));
        comments.sort();
        if comments != all_comments(&self.parsed) {
            return Err(ConfigurationError::LayoutNotKept);
        }
        let text = self.envelope.seal(&output.to_string());
        if !toml_reader::read(&text)?.same_content(migrated.documents.configuration.root()) {
            return Err(ConfigurationError::NotReproduced { notation: Notation::Toml });
        }
        Ok(EditedToml { text: Secret::new(text), migrated, secret_comments })
    }
}

impl TomlDocument {
    /// An entry of [`CARRIED_JSON`] names the place of its value. Were the table around that place moved, the entry would
    /// lead back to nowhere.
    fn refuse_stale_carried(&self, migrated: &Migrated) -> Result<()> {
        let Some(carried) = self.parsed.get(CARRIED_JSON).and_then(|item| item.as_table_like())
        else {
            return Ok(());
        };
        let carried: Vec<Path> = carried.iter().filter_map(|(key, _)| key.parse().ok()).collect();
        for edit in migrated.undo.edits() {
            let Some(from) = edit.leaves() else { continue };
            if carried.iter().any(|path| path.starts_with(&from.path)) {
                return Err(ConfigurationError::NotInPlace {
                    path: self.secrets.shown(&from.path),
                });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TomlDocument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TomlDocument").finish_non_exhaustive()
    }
}

/// What toml_edit does not keep of a text.
#[derive(Debug, Clone, Copy)]
struct Envelope {
    byte_order_mark: bool,
    carriage_returns: bool,
    last_line_end: bool,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Envelope {
    fn open(text: &str) -> Result<(Self, String)> {
        let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let returns = body.matches("\r\n").count();
        if returns > 0 && returns != body.matches('\n').count() {
            return Err(ConfigurationError::LayoutNotKept);
        }
        let mut normalized = body.replace("\r\n", "\n");
        let last_line_end = normalized.is_empty() || normalized.ends_with('\n');
        if !last_line_end {
            normalized.push('\n');
        }
        let byte_order_mark = body.len() != text.len();
        Ok((Self { byte_order_mark, carriage_returns: returns > 0, last_line_end }, normalized))
    }

    fn seal(self, body: &str) -> String {
        let body = match self.last_line_end {
            true => body,
            false => body.strip_suffix('\n').unwrap_or(body),
        };
        let body = if self.carriage_returns { body.replace('\n', "\r\n") } else { body.to_owned() };
        if self.byte_order_mark { format!("{BYTE_ORDER_MARK}{body}") } else { body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# About this file.

schema = 2 # never change this

[model] # the brain
# Which one.
backend  =  'openai'   # or "ollama"
# The key. Old one: sk-0
api_key = "sk-1"
extra.x = 0x10

# Storage.
[storage]
path = "/var/lib"

[storage.deep]
list = [ 1,
  2, # two
]
# The end."#;

    fn edited(text: &str, steps: &[Step]) -> EditedToml {
        let secrets = SecretPaths::new([["model", "api_key"]]);
        TomlDocument::parse(text, secrets).unwrap().edit(steps).unwrap()
    }

    fn with(replacements: &[(&str, &str)]) -> String {
        replacements.iter().fold(TEXT.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        })
    }

    #[test]
    fn a_renaming_touches_its_keys_and_nothing_else() {
        let steps = [
            Step::rename(["model", "backend"], "engine"),
            Step::rename(["storage"], "store"),
            Step::rename(["store", "deep", "list"], "odd key"),
            Step::rename(["model", "extra"], "more"),
        ];
        let expected = with(&[
            ("backend  =", "engine  ="),
            ("[storage]", "[store]"),
            ("[storage.deep]", "[store.deep]"),
            ("list = [", "\"odd key\" = ["),
            ("extra.x", "more.x"),
        ]);
        assert_eq!(edited(TEXT, &steps).text.expose(), expected);
    }

    #[test]
    fn a_value_moves_with_its_comments() {
        let lines = "# Which one.\nbackend  =  'openai'   # or \"ollama\"\n";
        let expected = with(&[
            (lines, ""),
            ("path = \"/var/lib\"\n", &format!("path = \"/var/lib\"\n{lines}")),
        ]);
        let steps = [Step::relocate(["model", "backend"], ["storage", "backend"])];
        assert_eq!(edited(TEXT, &steps).text.expose(), expected);
    }

    #[test]
    fn defaults_are_added_and_what_is_there_stays() {
        let steps = [
            Step::set_default(["storage", "sync"], true),
            Step::set_default(["storage", "path"], "/other"),
            Step::set_default(["new", "inner", "limit"], 5),
        ];
        let expected = with(&[
            ("path = \"/var/lib\"\n", "path = \"/var/lib\"\nsync = true\n"),
            ("]\n# The end.", "]\n\n[new.inner]\nlimit = 5\n# The end."),
        ]);
        assert_eq!(edited(TEXT, &steps).text.expose(), expected);
    }

    #[test]
    fn a_secret_leaves_the_text_with_its_comments() {
        let steps = [Step::move_secret(["model", "api_key"], ["model", "api_key"])];
        let output = edited(TEXT, &steps);
        let expected = with(&[("# The key. Old one: sk-0\napi_key = \"sk-1\"\n", "")]);
        assert_eq!(output.text.expose(), expected);
        assert_eq!(output.secret_comments, [Secret::new("# The key. Old one: sk-0")]);
        assert!(!format!("{output:?}").contains("sk-"));
        let key = Path::from(["model", "api_key"]);
        assert_eq!(output.migrated.documents.secrets.get(&key).unwrap().as_str(), Some("sk-1"));
    }

    #[test]
    fn the_comments_of_an_emptied_table_stay() {
        let text = "# One.\n[a] # two\n# Three.\nb = 1 # four\n\n[c]\nd = 1\n";
        let steps = [Step::relocate(["a", "b"], ["c", "b"])];
        let expected = "\n[c]\nd = 1\n# One.\n# two\n# Three.\nb = 1 # four\n";
        assert_eq!(edited(text, &steps).text.expose(), expected);
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_kept() {
        let text = "\u{feff}# x\r\na = 1\r\n\r\n[t]\r\nb = '''\r\ny'''";
        let expected = text.replace("a = 1", "z = 1");
        assert_eq!(edited(text, &[Step::rename(["a"], "z")]).text.expose(), expected);
    }

    #[test]
    fn an_inline_table_is_edited_within_its_line() {
        let text = "a = 1\nt = { x = 1, y = 2 } # t\n";
        let output =
            edited(text, &[Step::rename(["t", "x"], "z"), Step::relocate(["a"], ["t", "a"])]);
        assert_eq!(output.text.expose(), "t = { z = 1, y = 2, a = 1 } # t\n");
    }

    #[test]
    fn comments_inside_a_secret_leave_with_it() {
        let text = "[s] # sk-1\nlist = [ 1, # sk-2\n 2 ]\n# sk-3\nx = 1\n# stays\n";
        let output = edited(text, &[Step::move_secret(["s"], ["s"])]);
        assert_eq!(output.text.expose(), "# stays\n");
        assert_eq!(output.secret_comments.len(), 3);
    }

    #[test]
    fn a_move_into_one_line_that_would_lose_a_comment_is_refused() {
        let text = "t = {}\n[a]\n# why\nx = 1\n";
        let document = TomlDocument::parse(text, SecretPaths::none()).unwrap();
        let error = document.edit(&[Step::relocate(["a"], ["t", "a"])]).unwrap_err();
        assert_eq!(error, ConfigurationError::NotInPlace { path: ["a"].into() });
    }

    #[test]
    fn a_table_with_carried_values_is_not_moved_away_from_them() {
        let text = "[a]\nx = 1\n[carried_json]\n\"a.y\" = { position = 1, json = \"null\" }\n";
        let document = TomlDocument::parse(text, SecretPaths::none()).unwrap();
        let error = document.edit(&[Step::rename(["a"], "b")]).unwrap_err();
        assert_eq!(error, ConfigurationError::NotInPlace { path: ["a"].into() });
        assert!(document.edit(&[Step::rename(["a", "x"], "z")]).is_ok());
        // What is carried may be a secret, so it is not shown.
        let report = document.edit(&[]).unwrap().migrated.report.to_string();
        assert_eq!(report, "kept a.x: 1\nkept carried_json: [secret]\n");
    }

    #[test]
    fn a_layout_that_cannot_be_kept_is_refused() {
        for text in ["a.x = 1\nb = 2\na.y = 3\n", "[ a . b ]\nx = 1\n[a.c]\n", "a = 1\nb = 2\r\n"] {
            let error = TomlDocument::parse(text, SecretPaths::none()).unwrap_err();
            assert_eq!(error, ConfigurationError::LayoutNotKept, "{text:?}");
        }
    }
}
