//! Command lines that are shown to be copied.

use crate::style::COLUMNS;

/// A word as a shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A command line, indented; broken before options, as a shell takes it, where it would not fit.
pub(crate) fn command_line(words: &[String], indent: usize) -> String {
    let margin = " ".repeat(indent);
    let (mut lines, mut line) = (String::new(), margin.clone());
    let mut words = words.iter().map(|word| quoted(word)).peekable();
    let mut is_empty = true;
    while let Some(mut word) = words.next() {
        // An option and its value stay together.
        if word.starts_with("--") {
            while let Some(value) = words.next_if(|next| !next.starts_with("--")) {
                word = format!("{word} {value}");
            }
        }
        // Room for the backslash is needed, too.
        if !is_empty && line.chars().count() + word.chars().count() + 3 > COLUMNS {
            lines.push_str(&format!("{line} \\\n"));
            line = format!("{margin}    ");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&word);
        is_empty = false;
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_a_shell_takes_them() {
        assert_eq!(quoted("/srv/femtoclaw"), "/srv/femtoclaw");
        assert_eq!(quoted("*:fs.watch:execute"), "'*:fs.watch:execute'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_long_command_line_is_broken_before_an_option() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            command_line(&words("femtoclaw-upgrade plan --home /x"), 2),
            "  femtoclaw-upgrade plan --home /x\n"
        );
        let long = format!(
            "femtoclaw-upgrade apply --home /srv/femtoclaw --plan blake3:{}",
            "0".repeat(64)
        );
        let shown = command_line(&words(&long), 2);
        let expected = format!(
            "  femtoclaw-upgrade apply --home /srv/femtoclaw \\\n      --plan blake3:{}\n",
            "0".repeat(64)
        );
        assert_eq!(shown, expected);
    }
}
