//! The keys of a JSON object and where they are, as far as it can be read.
//!
//! For messages that name a line, and for files that are no JSON but were meant to be: a mark or a comment before them, a
//! key that is there twice, an end that is missing.

/// What some editors write before UTF-8 text, and JSON must not have.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its key, without escapes.
    pub(crate) key: String,
    /// The offset of its key.
    pub(crate) at: usize,
    /// The offset of its value.
    pub(crate) value: usize,
}

/// The members of the object that the bytes begin with, in order, up to where they can be told.
pub(crate) fn members(bytes: &[u8]) -> Vec<Member> {
    let mut found = Vec::new();
    let start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut at = blank_end(bytes, start);
    if bytes.get(at) != Some(&b'{') {
        return found;
    }
    at += 1;
    let (mut depth, mut before_key) = (1_u64, true);
    while depth > 0 {
        at = blank_end(bytes, at);
        let Some(byte) = bytes.get(at) else { break };
        match byte {
            b'"' => {
                let Some(end) = string_end(bytes, at) else { break };
                let colon = blank_end(bytes, end);
                if depth == 1 && before_key && bytes.get(colon) == Some(&b':') {
                    let literal = bytes.get(at..end).unwrap_or_default();
                    let key = serde_json::from_slice(literal)
                        .unwrap_or_else(|_| String::from_utf8_lossy(literal).into_owned());
                    found.push(Member { key, at, value: blank_end(bytes, colon + 1) });
                }
                before_key = false;
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 1 => before_key = true,
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first member whose key was there before.
pub(crate) fn repeated(members: &[Member]) -> Option<&Member> {
    let mut seen = std::collections::BTreeSet::new();
    members.iter().find(|member| !seen.insert(member.key.as_str()))
}

/// The offset of the member that these keys lead to, and of its value.
pub(crate) fn find(bytes: &[u8], keys: &[&str]) -> Option<Member> {
    let mut found = Member { key: String::new(), at: 0, value: 0 };
    for key in keys {
        let start = found.value;
        let inside = members(bytes.get(start..)?);
        let member = inside.into_iter().find(|member| member.key == *key)?;
        found = Member { at: start + member.at, value: start + member.value, key: member.key };
    }
    Some(found)
}

/// The line of an offset, from 1.
pub(crate) fn line_at(bytes: &[u8], offset: usize) -> u64 {
    let before = bytes.get(..offset).unwrap_or(bytes);
    before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

/// Where white space and comments end.
fn blank_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = if rest.starts_with(b"//") || rest.starts_with(b"#") {
            rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            rest.windows(2).skip(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4)
        } else {
            rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        if length == 0 {
            return at;
        }
        at += length;
    }
}

/// Where the string that begins here ends, if it does.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &str) -> Vec<String> {
        members(text.as_bytes()).into_iter().map(|member| member.key).collect()
    }

    #[test]
    fn keys_are_found_as_far_as_an_object_goes() {
        assert_eq!(keys(r#"{"a":{"x":1},"b" : ["c",{"d":1}],"e":"f"}"#), ["a", "b", "e"]);
        assert_eq!(
            keys("\u{feff} // why\n{ /* \"x\":1 */ \"\\u0061\": 1, # no\n \"b\": {\"c\""),
            ["a", "b"]
        );
        assert_eq!(keys(r#"{"a":1} {"b":2}"#), ["a"]);
        for text in ["", "[", "[{\"a\":1}]", "{\"a", "{\"a\"", "/*"] {
            assert!(keys(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_path_and_a_repeated_one_by_itself() {
        let text = "{\n\"a\": {\n\"b\": {},\n\"c\": 1},\n\"a\": 2}";
        let found = find(text.as_bytes(), &["a", "c"]).unwrap();
        assert_eq!(line_at(text.as_bytes(), found.at), 4);
        assert_eq!(find(text.as_bytes(), &["a", "x"]), None);
        let all = members(text.as_bytes());
        assert_eq!(line_at(text.as_bytes(), repeated(&all).unwrap().at), 5);
    }

    proptest! {
        #[test]
        fn a_key_is_where_it_is_said_to_be_and_its_value_behind_it(
            text in "\\{[{}\\[\\]\",:/*#a\\\\\n ]{0,60}", bytes: Vec<u8>,
        ) {
            for bytes in [text.as_bytes(), &bytes] {
                let mut end = 0;
                for Member { at, value, .. } in members(bytes) {
                    prop_assert!(end <= at && at < value && value <= bytes.len());
                    prop_assert_eq!(bytes[at], b'"');
                    end = value;
                }
                if let Some(found) = find(bytes, &["a", "a"]) {
                    prop_assert!(found.key == "a" && bytes[found.at] == b'"');
                }
            }
        }
    }
}
