//! Writing HTML of which every element is closed and every value escaped, because nothing else can be written with it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A part of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

/// Parts that stand side by side.
pub(crate) fn all<const N: usize>(parts: [Html; N]) -> Html {
    parts.into_iter().collect()
}

/// A text.
pub(crate) fn text(text: &str) -> Html {
    Html(escaped(text))
}

/// An element. Names are ours, values may be anybody's.
pub(crate) fn element(
    name: &'static str,
    attributes: &[(&'static str, &str)],
    inside: Html,
) -> Html {
    let values = attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)));
    let values: String = values.collect();
    Html(format!("<{name}{values}>{}</{name}>\n", inside.0))
}

/// An element within a line: no space comes behind it.
pub(crate) fn inline(
    name: &'static str,
    attributes: &[(&'static str, &str)],
    inside: Html,
) -> Html {
    let Html(mut html) = element(name, attributes, inside);
    html.pop();
    Html(html)
}

/// A text within an element within a line.
pub(crate) fn leaf(name: &'static str, class: &str, inside: &str) -> Html {
    let class: &[(&'static str, &str)] = if class.is_empty() { &[] } else { &[("class", class)] };
    inline(name, class, text(inside))
}

/// A place at which a line may end.
pub(crate) fn rest_may_wrap() -> Html {
    Html("<wbr>".to_owned())
}

/// A choice of a list.
pub(crate) fn option(value: &str, said: &str) -> Html {
    element("option", &[("value", value)], text(said))
}

/// Puts parts where a template says `{{name}}`. What was put in is not looked at again.
pub(crate) fn fill(template: &str, parts: &BTreeMap<&str, String>) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        page.push_str(parts.get(name).map_or("", String::as_str));
        page.push_str(rest);
    }
    page
}

/// Data for the page's script. Nothing in it ends the element that it stands in, or a line.
pub(crate) fn data(value: &Value) -> String {
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    let text = value.to_string();
    escapes.into_iter().fold(text, |text, (character, escape)| text.replace(character, escape))
}

/// A text in Markdown with nothing but paragraphs, **strong** and `code`.
pub(crate) fn markdown(source: &str) -> Html {
    let paragraphs = source.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| element("p", &[], spans(paragraph.trim()))).collect()
}

/// What is between marks. A mark that nothing closes is a text like any other.
fn spans(source: &str) -> Html {
    let next = [("`", "code"), ("**", "strong")]
        .into_iter()
        .filter_map(|(mark, name)| Some((source.find(mark)?, mark, name)))
        .min();
    let Some((at, mark, name)) = next else { return text(source) };
    let (before, opened) = (source.get(..at), source.get(at + mark.len()..));
    let closed = opened.and_then(|opened| opened.split_once(mark));
    let (Some(before), Some((inside, behind))) = (before, closed) else { return text(source) };
    let inside = if mark == "`" { text(inside) } else { spans(inside) };
    all([text(before), inline(name, &[], inside), spans(behind)])
}

/// The same text without its marks.
pub(crate) fn plain(source: &str) -> String {
    source.replace("**", "").replace('`', "")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No document may hold it, and browsers put something else in its place.
            '\0' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The address of an id in this page: whatever could mean something else there is escaped.
pub(crate) fn address(id: &str) -> String {
    let mut address = "#".to_owned();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b':' => {
                address.push(char::from(byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_is_written_can_become_markup() {
        let hostile = "</script><img src=x onerror='a'> \"&";
        let written = leaf("code", "\"><b>", hostile);
        assert_eq!(
            written.as_str(),
            "<code class=\"&quot;&gt;&lt;b&gt;\">&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39;&gt; &quot;&amp;</code>"
        );
        let data = data(&json!({ "</script>": "<!--\u{2028}\u{2029}&" }));
        assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{data}");
        let back: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(back["</script>"], "<!--\u{2028}\u{2029}&");
    }

    #[test]
    fn markdown_has_paragraphs_strong_words_and_code() {
        let html = markdown("**Decided:** `a < b` and\nmore.\n\n2 ** 3 and ` alone");
        assert_eq!(
            html.as_str(),
            "<p><strong>Decided:</strong> <code>a &lt; b</code> and\nmore.</p>\n<p>2 ** 3 and ` alone</p>\n"
        );
        assert_eq!(markdown("**a `**` b**").as_str(), "<p><strong>a `</strong>` b**</p>\n");
        assert_eq!(plain("**a** `b`"), "a b");
    }

    #[test]
    fn what_is_put_into_a_template_is_not_read_as_one() {
        let parts = BTreeMap::from([("a", "{{b}} {{a}}".to_owned()), ("b", "secret".to_owned())]);
        assert_eq!(fill("<{{a}}|{{b}}|{{c}}>", &parts), "<{{b}} {{a}}|secret|>");
    }

    #[test]
    fn an_address_leads_to_its_id_only() {
        assert_eq!(address("a/b.rs:7"), "#a/b.rs:7");
        assert_eq!(address("a b%\"&=é"), "#a%20b%25%22%26%3D%C3%A9");
    }
}
