//! What the tokens of a function's body say: whether it asserts anything, and which names it calls or hands on.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{Function, Kind};

/// What a body does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// It has an assertion of its own.
    pub(super) asserts: bool,
    pub(super) references: BTreeSet<Reference>,
}

/// A name that stands for a function or a macro.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// `name(…)`, `module::name(…)`, or `name` where a value stands.
    Free(String),
    /// `value.name(…)`.
    Method(String),
    /// `Type::name`.
    Of(String, String),
    /// `name!(…)`.
    Macro(String),
}

impl Reference {
    /// Whether this function could be the one that is meant, as far as names say.
    pub(super) fn may_mean(&self, function: &Function) -> bool {
        match (self, &function.kind) {
            (Self::Free(name), Kind::Free)
            | (Self::Method(name), Kind::Of(_))
            | (Self::Macro(name), Kind::Macro) => *name == function.name,
            (Self::Of(owner, name), Kind::Of(this)) => {
                *name == function.name && (owner == this || owner == "Self")
            }
            _ => false,
        }
    }
}

impl Body {
    /// Reads the tokens of a body, in which these names are variables.
    pub(super) fn read(tokens: TokenStream, variables: &BTreeSet<String>) -> Self {
        let mut body = Self::default();
        body.add(tokens, variables);
        body
    }

    fn add(&mut self, tokens: TokenStream, variables: &BTreeSet<String>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.add(group.stream(), variables),
                TokenTree::Ident(name) => {
                    let before = tokens.get(..at).unwrap_or_default();
                    let after = tokens.get(at + 1..).unwrap_or_default();
                    self.add_name(&name.to_string(), before, after, variables);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn add_name(
        &mut self,
        name: &str,
        before: &[TokenTree],
        after: &[TokenTree],
        variables: &BTreeSet<String>,
    ) {
        let name = name.to_owned();
        if is_punct(after.first(), '!') && matches!(after.get(1), Some(TokenTree::Group(_))) {
            self.asserts |= is_asserting_macro(&name);
            self.references.insert(Reference::Macro(name));
            return;
        }
        let is_called =
            is_parenthesized(after.first()) || (is_path(after) && is_punct(after.get(2), '<'));
        // Not a range: `..name(…)`.
        if is_punct(before.last(), '.') && !is_punct(second_last(before), '.') {
            if is_called {
                self.asserts |= is_asserting_method(&name);
                self.references.insert(Reference::Method(name));
            }
            return;
        }
        let is_path_on = is_path(after) && !is_called;
        let owner = owner(before);
        match owner {
            Some(owner) => {
                self.asserts |= owner == "TestCaseError" && name == "fail";
                self.references.insert(Reference::Of(owner, name));
            }
            None if is_called || (!is_path_on && !variables.contains(&name)) => {
                self.references.insert(Reference::Free(name));
            }
            None => {}
        }
    }
}

fn is_asserting_macro(name: &str) -> bool {
    let is_assertion = ["assert", "debug_assert", "prop_assert"];
    is_assertion.iter().any(|start| name.starts_with(start))
        || ["panic", "unreachable"].contains(&name)
}

fn is_asserting_method(name: &str) -> bool {
    ["unwrap_err", "expect_err"].contains(&name)
        || ["assert", "debug_assert"].iter().any(|start| name.starts_with(start))
}

/// The type in `Type::`, told from a module by its first letter.
fn owner(before: &[TokenTree]) -> Option<String> {
    let [.., TokenTree::Ident(owner), first, second] = before else { return None };
    let owner = owner.to_string();
    let is_type = owner.starts_with(char::is_uppercase);
    (is_type && is_path(&[first.clone(), second.clone()])).then_some(owner)
}

fn is_path(tokens: &[TokenTree]) -> bool {
    is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':')
}

fn second_last(tokens: &[TokenTree]) -> Option<&TokenTree> {
    tokens.len().checked_sub(2).and_then(|at| tokens.get(at))
}

pub(super) fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_parenthesized(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}
