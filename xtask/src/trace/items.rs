//! What a source file holds that an annotation can be bound to.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Something with a name and a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(super) kind: ItemKind,
    /// The path within the file: inline modules, the type of an `impl`, the name.
    pub(super) path: String,
    /// The line of its first attribute or documentation, from 1.
    pub(super) first: usize,
    /// The line that names it.
    pub(super) named: usize,
    /// Its last line.
    pub(super) last: usize,
}

impl Item {
    /// What is no item, but a line.
    pub(super) fn of_line(line: usize) -> Self {
        Self { kind: ItemKind::Code, path: String::new(), first: line, named: line, last: line }
    }
}

/// What an item is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A test: what `cargo test` runs.
    Test,
    /// A planted bug: an entry of the table, with its name as the path.
    Planted,
    /// A constant with a judge of the simulator in it, with its name as the path.
    Judge,
    /// Anything else.
    Code,
}

/// Finds the items of a source file, in the order of their lines.
///
/// # Errors
/// If it is no Rust.
pub(super) fn items(source: &str) -> Result<Vec<Item>, String> {
    let file = syn::parse_file(source)
        .map_err(|error| format!("line {}: {error}", error.span().start().line))?;
    let mut finder = Finder { modules: Vec::new(), items: Vec::new() };
    finder.visit_file(&file);
    let mut items = finder.items;
    items.sort_by_key(|item| (item.first, std::cmp::Reverse(item.last)));
    Ok(items)
}

struct Finder {
    /// Inline modules and types around what is looked at.
    modules: Vec<String>,
    items: Vec<Item>,
}

impl Finder {
    fn add(&mut self, kind: ItemKind, name: &str, whole: &impl Spanned, named: usize) {
        let span = whole.span();
        let path = match kind {
            ItemKind::Planted | ItemKind::Judge => name.to_owned(),
            ItemKind::Test | ItemKind::Code => {
                self.modules.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("::")
            }
        };
        let (first, last) = (span.start().line, span.end().line);
        self.items.push(Item { kind, path, first, named, last });
    }

    fn within(&mut self, name: String, look: impl FnOnce(&mut Self)) {
        self.modules.push(name);
        look(self);
        self.modules.pop();
    }

    /// The functions in the body of a macro such as `proptest!`, by their tokens.
    fn functions_of(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_punct =
            |token: &TokenTree, c| matches!(token, TokenTree::Punct(p) if p.as_char() == c);
        // Where the attributes of what comes next begin, and whether one says that it is a test.
        let mut attributes: Option<(usize, bool)> = None;
        for (at, token) in tokens.iter().enumerate() {
            let next = tokens.get(at + 1);
            match (token, next) {
                (token, Some(TokenTree::Group(group))) if is_punct(token, '#') => {
                    let line = token.span().start().line;
                    let (first, is_test) = attributes.unwrap_or((line, false));
                    let is_test = is_test || group.stream().to_string() == "test";
                    attributes = Some((first, is_test));
                }
                (TokenTree::Ident(word), Some(TokenTree::Ident(name))) if *word == "fn" => {
                    let named = name.span().start().line;
                    let (first, is_test) = attributes.take().unwrap_or((named, false));
                    let body = tokens.iter().skip(at).find_map(|token| match token {
                        TokenTree::Group(group)
                            if group.delimiter() == proc_macro2::Delimiter::Brace =>
                        {
                            Some(group.span().end().line)
                        }
                        _ => None,
                    });
                    let kind = if is_test { ItemKind::Test } else { ItemKind::Code };
                    let path = self.modules.iter().cloned().chain([name.to_string()]);
                    let path = path.collect::<Vec<_>>().join("::");
                    let last = body.unwrap_or(named);
                    self.items.push(Item { kind, path, first, named, last });
                }
                (token, _) if is_punct(token, ';') => attributes = None,
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let is_test = item.attrs.iter().any(|attribute| attribute.path().is_ident("test"));
        let kind = if is_test { ItemKind::Test } else { ItemKind::Code };
        self.add(kind, &item.sig.ident.to_string(), item, item.sig.span().start().line);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.add(ItemKind::Code, &item.ident.to_string(), item, item.ident.span().start().line);
        }
        self.within(item.ident.to_string(), |finder| visit::visit_item_mod(finder, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = type_name(&item.self_ty);
        let line = item.impl_token.span.start().line;
        self.add(ItemKind::Code, &format!("impl {name}"), item, line);
        self.within(name, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let name = item.ident.to_string();
        self.add(ItemKind::Code, &name, item, item.ident.span().start().line);
        self.within(name, |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let name = item.sig.ident.to_string();
        self.add(ItemKind::Code, &name, item, item.sig.span().start().line);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.add(ItemKind::Code, &item.ident.to_string(), item, item.ident.span().start().line);
        visit::visit_impl_item_const(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let name = item.sig.ident.to_string();
        self.add(ItemKind::Code, &name, item, item.sig.span().start().line);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(ItemKind::Code, &item.ident.to_string(), item, item.ident.span().start().line);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(ItemKind::Code, &item.ident.to_string(), item, item.ident.span().start().line);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(ItemKind::Code, &item.ident.to_string(), item, item.ident.span().start().line);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let judge = judge_name(&item.ty, &item.expr);
        let kind = if judge.is_some() { ItemKind::Judge } else { ItemKind::Code };
        let name = judge.unwrap_or_else(|| item.ident.to_string());
        self.add(kind, &name, item, item.ident.span().start().line);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        let judge = judge_name(&item.ty, &item.expr);
        let kind = if judge.is_some() { ItemKind::Judge } else { ItemKind::Code };
        let name = judge.unwrap_or_else(|| item.ident.to_string());
        self.add(kind, &name, item, item.ident.span().start().line);
        visit::visit_item_static(self, item);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let name = item.ident.as_ref().map(ToString::to_string);
        let Some(name) = name else { return self.functions_of(item.mac.tokens.clone()) };
        self.add(ItemKind::Code, &name, item, item.mac.span().start().line);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let is_bug = matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("bug"));
        let name = call.args.first().and_then(text_of).filter(|_| is_bug);
        if let Some(name) = name {
            self.add(ItemKind::Planted, &name, call, call.span().start().line);
        }
        visit::visit_expr_call(self, call);
    }
}

/// The name of the judge, if this is one: `Judge { name: "…", … }`.
fn judge_name(declared: &syn::Type, value: &syn::Expr) -> Option<String> {
    let syn::Expr::Struct(value) = value else { return None };
    if type_name(declared) != "Judge" {
        return None;
    }
    let named = |field: &&syn::FieldValue| matches!(&field.member, syn::Member::Named(name) if name == "name");
    text_of(&value.fields.iter().find(named)?.expr)
}

fn text_of(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// The last name of a type's path.
fn type_name(of: &syn::Type) -> String {
    match of {
        syn::Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
        }
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => "_".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(ItemKind, String, usize, usize, usize)> {
        let items = items(source).unwrap();
        items.into_iter().map(|i| (i.kind, i.path, i.first, i.named, i.last)).collect()
    }

    fn item(
        kind: ItemKind,
        path: &str,
        [first, named, last]: [usize; 3],
    ) -> (ItemKind, String, usize, usize, usize) {
        (kind, path.to_owned(), first, named, last)
    }

    #[test]
    fn items_have_the_path_and_the_lines_at_which_they_stand() {
        let source = "\
/// Of f.
#[inline]
fn f() {
}
impl<T> Of<T> {
    const A: u8 = 1;
    fn g() {}
}
mod tests {
    #[test]
    #[should_panic]
    fn t() {}
}
struct S;
";
        let expected = [
            item(ItemKind::Code, "f", [1, 3, 4]),
            item(ItemKind::Code, "impl Of", [5, 5, 8]),
            item(ItemKind::Code, "Of::A", [6, 6, 6]),
            item(ItemKind::Code, "Of::g", [7, 7, 7]),
            item(ItemKind::Code, "tests", [9, 9, 13]),
            item(ItemKind::Test, "tests::t", [10, 12, 12]),
            item(ItemKind::Code, "S", [14, 14, 14]),
        ];
        assert_eq!(found(source), expected);
    }

    #[test]
    fn tests_are_found_in_macros_too() {
        let source = "\
proptest! {
    #![config(1)]

    /// Always.
    #[test]
    fn t(a in 0..1) {
        assert(a);
    }

    fn helper(a in 0..1) {}
}
";
        let expected =
            [item(ItemKind::Test, "t", [4, 6, 8]), item(ItemKind::Code, "helper", [10, 10, 10])];
        assert_eq!(found(source), expected);
    }

    #[test]
    fn planted_bugs_and_judges_go_by_their_names() {
        let source = "\
const BUGS: &[Planted] = &[
    bug(\"a\", FILE),
    bug(\"b\", FILE)
        .redundant(\"c\"),
];
pub(super) const JUDGE: Judge = Judge { name: \"leaks\", claim: \"none\" };
";
        let expected = [
            item(ItemKind::Code, "BUGS", [1, 1, 5]),
            item(ItemKind::Planted, "a", [2, 2, 2]),
            item(ItemKind::Planted, "b", [3, 3, 3]),
            item(ItemKind::Judge, "leaks", [6, 6, 6]),
        ];
        assert_eq!(found(source), expected);
    }

    #[test]
    fn what_is_no_rust_is_refused_with_its_line() {
        assert!(items("fn f() {}\nfn {\n").unwrap_err().starts_with("line 2: "));
    }
}
