//! SPDX licence expressions: `MIT OR (Apache-2.0 WITH LLVM-exception AND Unicode-3.0)`.

/// A licence expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// A licence, with its exception if there is one: `Apache-2.0 WITH LLVM-exception`.
    Licence(String),
    /// All of these hold at once.
    All(Vec<Self>),
    /// Any one of these may be chosen.
    Any(Vec<Self>),
}

/// The deepest nesting of parentheses that is read.
const MAXIMUM_DEPTH: u32 = 32;

impl Expression {
    /// Reads an expression. `/` counts as `OR`, as crates wrote it before they used SPDX.
    ///
    /// # Errors
    /// A sentence that says why it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut parser = Parser { words: &words };
        let expression = parser.any(MAXIMUM_DEPTH)?;
        match parser.words.first() {
            None => Ok(expression),
            Some(word) => Err(format!("{text:?} goes on with {word:?} where it should end")),
        }
    }

    /// True if the expression can be met with the licences that `is_allowed` allows.
    pub(crate) fn is_met_by(&self, is_allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Licence(licence) => is_allowed(licence),
            Self::All(parts) => parts.iter().all(|part| part.is_met_by(is_allowed)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met_by(is_allowed)),
        }
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        let is_next = self.words.first() == Some(&wanted);
        if is_next {
            self.take();
        }
        is_next
    }

    /// `OR` binds weakest.
    fn any(&mut self, depth: u32) -> Result<Expression, String> {
        let mut parts = vec![self.all(depth)?];
        while self.take_if("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self, depth: u32) -> Result<Expression, String> {
        let mut parts = vec![self.licence(depth)?];
        while self.take_if("AND") {
            parts.push(self.licence(depth)?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn licence(&mut self, depth: u32) -> Result<Expression, String> {
        let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
        match self.take() {
            None => Err("it ends where a licence should stand".to_owned()),
            Some("(") => {
                let inner = self.any(depth)?;
                if self.take_if(")") { Ok(inner) } else { Err("a parenthesis is open".to_owned()) }
            }
            Some(word @ (")" | "OR" | "AND" | "WITH")) => {
                Err(format!("{word:?} stands where a licence should"))
            }
            Some(licence) if self.take_if("WITH") => {
                let exception = self.take().ok_or("WITH names no exception")?;
                Ok(Expression::Licence(format!("{licence} WITH {exception}")))
            }
            Some(licence) => Ok(Expression::Licence(licence.to_owned())),
        }
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_met(text: &str) -> bool {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        Expression::parse(text).unwrap().is_met_by(&|licence| allowed.contains(&licence))
    }

    #[test]
    fn one_choice_that_is_allowed_suffices_but_all_of_a_conjunction_are_needed() {
        for met in [
            "MIT",
            "GPL-2.0-only OR MIT",
            "GPL-3.0/MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception",
            "(GPL-2.0-only OR MIT) AND Apache-2.0",
            // AND binds stronger than OR.
            "MIT OR Apache-2.0 AND GPL-2.0-only",
        ] {
            assert!(is_met(met), "{met}");
        }
        for unmet in [
            "GPL-2.0-only",
            "MIT AND GPL-2.0-only",
            "(MIT OR Apache-2.0) AND GPL-2.0-only",
            "MIT WITH Unknown-exception",
            "mit",
        ] {
            assert!(!is_met(unmet), "{unmet}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = format!("{}MIT{}", "(".repeat(100), ")".repeat(100));
        for text in ["", "OR", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "MIT WITH", "()", &deep]
        {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
