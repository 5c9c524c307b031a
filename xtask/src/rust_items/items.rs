//! The functions of a file: those that `syn` sees, and those within macros, which it does not look into.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemFn, ItemImpl, ItemMacro, ItemMod, ItemTrait, Meta};
use syn::{PatIdent, Signature, TraitItemFn, Type};

use super::body::{Body, is_punct};
use super::{Function, Items, Kind};

pub(super) fn read(text: &str) -> Result<Items, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("it is no Rust: {error}"))?;
    let mut reader = Reader { text: text.lines().collect(), ..Reader::default() };
    reader.mention(tokens.clone());
    let file: syn::File = syn::parse2(tokens).map_err(|error| format!("it is no Rust: {error}"))?;
    reader.is_within_tests = is_for_tests(&file.attrs);
    reader.visit_file(&file);
    reader.items.functions.sort_by_key(|function| function.line);
    Ok(reader.items)
}

#[derive(Default)]
struct Reader<'t> {
    text: Vec<&'t str>,
    items: Items,
    modules: Vec<String>,
    /// The type or trait whose functions are being read.
    owner: Option<String>,
    is_within_tests: bool,
}

/// What is known of a function before its body is looked at.
struct Found<'a> {
    name: String,
    attributes: &'a [Attribute],
    kind: Kind,
    has_arguments: bool,
    start: Span,
    name_at: Span,
    end: Span,
}

impl Reader<'_> {
    fn mention(&mut self, tokens: TokenStream) {
        let mut is_defined = false;
        for token in tokens {
            match &token {
                TokenTree::Group(group) => self.mention(group.stream()),
                TokenTree::Ident(name) if !is_defined => {
                    self.items.mentioned.insert(name.to_string());
                }
                _ => {}
            }
            is_defined = matches!(&token, TokenTree::Ident(name) if name == "fn");
        }
    }

    fn add(&mut self, found: Found<'_>, body: Body) {
        let is_test = found.attributes.iter().any(|it| is_named(it, "test"));
        let line = found.name_at.start().line;
        let start = found.attributes.first().map_or(found.start, Spanned::span).start().line;
        self.items.functions.push(Function {
            modules: self.modules.clone(),
            kind: found.kind,
            name: found.name,
            line,
            first_line: self.with_comments(start.min(line)),
            last_line: found.end.end().line,
            is_test,
            is_ignored: found.attributes.iter().any(|it| mentions(it, "ignore")),
            should_panic: found.attributes.iter().any(|it| is_named(it, "should_panic")),
            is_within_tests: self.is_within_tests || is_test || is_for_tests(found.attributes),
            has_arguments: found.has_arguments,
            body,
        });
    }

    /// The first of the lines of comments right above this line; else this line.
    fn with_comments(&self, line: usize) -> usize {
        let above = self.text.get(..line.saturating_sub(1)).unwrap_or_default();
        let is_comment = |text: &&&str| {
            let text = text.trim_start();
            text.starts_with("//") && !text.starts_with("//!")
        };
        line - above.iter().rev().take_while(is_comment).count()
    }

    fn add_parsed(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        let mut variables = Variables::default();
        variables.visit_signature(signature);
        variables.visit_block(block);
        let found = Found {
            name: signature.ident.to_string(),
            attributes,
            kind: self.owner.clone().map_or(Kind::Free, Kind::Of),
            has_arguments: !signature.inputs.is_empty(),
            start: signature.span(),
            name_at: signature.ident.span(),
            end: block.brace_token.span.close(),
        };
        self.add(found, Body::read(block.to_token_stream(), &variables.0));
    }

    /// Finds functions in the tokens of a macro: `attributes… fn name(…) … { … }`, or `fn $name`.
    fn add_within_macro(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "fn" => {
                    let before = tokens.get(..at).unwrap_or_default();
                    let after = tokens.get(at + 1..).unwrap_or_default();
                    self.add_from_tokens(before, word.span(), after);
                }
                TokenTree::Group(group) => self.add_within_macro(group.stream()),
                _ => {}
            }
        }
    }

    fn add_from_tokens(&mut self, before: &[TokenTree], start: Span, after: &[TokenTree]) {
        let (name, name_at, rest) = match after {
            [TokenTree::Punct(dollar), TokenTree::Ident(name), rest @ ..]
                if dollar.as_char() == '$' =>
            {
                (format!("${name}"), name.span(), rest)
            }
            [TokenTree::Ident(name), rest @ ..] => (name.to_string(), name.span(), rest),
            // The type of a function: `fn(…)`.
            _ => return,
        };
        let mut groups = rest.iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group),
            _ => None,
        });
        let (Some(arguments), Some(body)) =
            (groups.next(), groups.find(|group| group.delimiter() == Delimiter::Brace))
        else {
            return;
        };
        let attributes = attributes_at_the_end(before);
        let mut variables = Variables::default();
        if let Ok(block) = syn::parse2::<Block>(TokenTree::Group(body.clone()).into()) {
            variables.visit_block(&block);
        }
        variables.add_all(arguments.stream());
        let kind = Kind::Free;
        let end = body.span_close();
        let found = Found {
            name,
            attributes: &attributes,
            kind,
            has_arguments: false,
            start,
            name_at,
            end,
        };
        self.add(found, Body::read(body.stream(), &variables.0));
    }

    /// Reads on with another module, or another `impl`, around it.
    fn within(&mut self, is_for_tests: bool, read: impl FnOnce(&mut Self)) {
        let before = self.is_within_tests;
        self.is_within_tests |= is_for_tests;
        read(self);
        self.is_within_tests = before;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = module.ident.to_string();
        let for_tests = is_for_tests(&module.attrs);
        if module.content.is_none() {
            if for_tests {
                self.items.test_modules.insert(name);
            }
            return;
        }
        self.modules.push(name);
        self.within(for_tests, |reader| visit::visit_item_mod(reader, module));
        self.modules.pop();
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let owner = self.owner.replace(name_of(&block.self_ty));
        self.within(is_for_tests(&block.attrs), |reader| visit::visit_item_impl(reader, block));
        self.owner = owner;
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let owner = self.owner.replace(item.ident.to_string());
        self.within(is_for_tests(&item.attrs), |reader| visit::visit_item_trait(reader, item));
        self.owner = owner;
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let owner = self.owner.take();
        self.add_parsed(&function.attrs, &function.sig, &function.block);
        self.within(is_for_tests(&function.attrs), |it| visit::visit_item_fn(it, function));
        self.owner = owner;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add_parsed(&function.attrs, &function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.add_parsed(&function.attrs, &function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        let tokens = item.mac.tokens.clone();
        if let Some(name) = &item.ident {
            let found = Found {
                name: name.to_string(),
                attributes: &item.attrs,
                kind: Kind::Macro,
                has_arguments: true,
                start: item.mac.span(),
                name_at: name.span(),
                end: item.mac.delimiter.span().close(),
            };
            self.add(found, Body::read(tokens.clone(), &BTreeSet::new()));
        }
        self.within(is_for_tests(&item.attrs), |reader| reader.add_within_macro(tokens));
    }
}

/// The names of variables, which are not those of functions.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl Variables {
    fn add_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    self.0.insert(name.to_string());
                }
                TokenTree::Group(group) => self.add_all(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.0.insert(pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }
}

/// The name of the type in `impl … for Type`, without what it is made of.
fn name_of(of: &Type) -> String {
    match of {
        Type::Path(path) => {
            path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => name_of(&reference.elem),
        _ => String::new(),
    }
}

/// The attributes at the end of these tokens: `#[…]`, and before `fn` its visibility and the like.
fn attributes_at_the_end(tokens: &[TokenTree]) -> Vec<Attribute> {
    let is_word = |token: &TokenTree| {
        matches!(token, TokenTree::Ident(_))
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
    };
    let mut rest = tokens;
    while let [before @ .., last] = rest
        && is_word(last)
    {
        rest = before;
    }
    let mut from = rest.len();
    while let Some([.., hash, TokenTree::Group(group)]) = rest.get(..from)
        && is_punct(Some(hash), '#')
        && is_bracket(group)
    {
        from -= 2;
    }
    let tokens: TokenStream = rest.get(from..).unwrap_or_default().iter().cloned().collect();
    syn::parse::Parser::parse2(Attribute::parse_outer, tokens).unwrap_or_default()
}

fn is_bracket(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
}

/// True of `#[name]`, `#[name(…)]`, `#[path::name]`.
fn is_named(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
}

/// True of `#[name]`, and of `#[cfg_attr(…, name)]`.
fn mentions(attribute: &Attribute, name: &str) -> bool {
    let is_within = |meta: &Meta| {
        matches!(meta, Meta::List(list) if list.tokens.clone().into_iter().any(|token| {
            matches!(token, TokenTree::Ident(word) if word == name)
        }))
    };
    is_named(attribute, name) || (is_named(attribute, "cfg_attr") && is_within(&attribute.meta))
}

/// True of `#[cfg(test)]` and of `#[cfg(all(test, …))]`, but not of `#[cfg(not(test))]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        is_named(attribute, "cfg") && requires_test(list.tokens.clone())
    })
}

fn requires_test(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(word), TokenTree::Group(group), ..] if word == "all" => {
            requires_test(group.stream())
        }
        tokens => tokens
            .split(|token| is_punct(Some(token), ','))
            .any(|part| matches!(part, [TokenTree::Ident(word)] if word == "test")),
    }
}
