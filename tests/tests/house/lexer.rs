//! Rust sources as tokens, without comments and literals: enough to tell what a file imports,
//! where a search through the text would also find words that only speak of it.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A word or sign, and the line on which it stands (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of a source. Words and numbers are whole, `::` is one token, every other sign is one
/// character. Comments (those of documentation too) and lifetimes are left out; a string or a
/// character leaves an empty token.
pub fn tokens(source: &str) -> Vec<Token> {
    let stream: TokenStream = source
        .parse()
        .unwrap_or_else(|error| panic!("no Rust: {error}: {source:.80}"));
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        let mut push = |text: String, line| tokens.push(Token { text, line });
        match tree {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                push(word.trim_start_matches("r#").into(), line);
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let number = text.starts_with(|c: char| c.is_ascii_digit());
                push(if number { text } else { String::new() }, line);
            }
            TokenTree::Punct(sign) => match (sign.as_char(), sign.spacing(), trees.peek()) {
                ('\'', Spacing::Joint, Some(TokenTree::Ident(_))) => {
                    trees.next();
                }
                (':', Spacing::Joint, Some(TokenTree::Punct(next))) if next.as_char() == ':' => {
                    trees.next();
                    push("::".into(), line);
                }
                (sign, ..) => push(sign.into(), line),
            },
            TokenTree::Group(group) if is_documentation(&group) => {
                while tokens
                    .last()
                    .is_some_and(|t| t.text == "!" || t.text == "#")
                {
                    tokens.pop();
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.into(), line);
                flatten(group.stream(), tokens);
                let line = group.span_close().start().line;
                tokens.push(Token {
                    text: close.into(),
                    line,
                });
            }
        }
    }
}

/// Whether this is what stands in the brackets of `#[doc = "…"]`, which a comment becomes.
fn is_documentation(group: &Group) -> bool {
    let mut words = group.stream().into_iter();
    group.delimiter() == Delimiter::Bracket
        && matches!(words.next(), Some(TokenTree::Ident(word)) if word == "doc")
        && matches!(words.next(), Some(TokenTree::Punct(sign)) if sign.as_char() == '=')
}

/// The tokens without the items that stand under `#[cfg(test)]`.
pub fn production(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match attribute(tokens, i) {
            Some((end, words)) if words.starts_with("cfg(") && tests_only(words.as_str()) => {
                if tokens[i + 1].text == "!" {
                    return Vec::new();
                }
                i = end_of_item(tokens, end);
            }
            _ => {
                kept.push(tokens[i].clone());
                i += 1;
            }
        }
    }
    kept
}

fn tests_only(words: &str) -> bool {
    words == "cfg(test)" || words.starts_with("cfg(all(test,") || words.ends_with(",test))")
}

/// Where the attribute that starts here ends, and its tokens in one word.
fn attribute(tokens: &[Token], start: usize) -> Option<(usize, String)> {
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|token| token.text == text);
    let open = start + 1 + usize::from(is(start + 1, "!"));
    if !is(start, "#") || !is(open, "[") {
        return None;
    }
    let end = end_of_group(tokens, open);
    let words = tokens.get(open + 1..end - 1)?;
    Some((end, words.iter().map(|token| token.text.as_str()).collect()))
}

/// The position after the bracket that closes the one here.
pub fn end_of_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The position after the item, statement, field or variant that starts here.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut i = start;
    while let Some((end, _)) = attribute(tokens, i) {
        i = end;
    }
    // Only a field or variant ends with a comma; an item may have one between its generics.
    let comma_ends = tokens.get(i).is_some_and(|token| {
        let keyword = matches!(
            token.text.as_str(),
            "pub"
                | "fn"
                | "mod"
                | "use"
                | "impl"
                | "struct"
                | "enum"
                | "trait"
                | "type"
                | "const"
                | "static"
                | "unsafe"
                | "async"
                | "extern"
                | "let"
                | "macro_rules"
        );
        !keyword
    });
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            "{" => return end_of_group(tokens, i),
            "(" | "[" => i = end_of_group(tokens, i),
            ";" => return i + 1,
            "," if comma_ends => return i + 1,
            ")" | "]" | "}" => return i,
            // `use a::{b, c};` ends with its semicolon, not with its group.
            "::" if tokens.get(i + 1).is_some_and(|next| next.text == "{") => {
                i = end_of_group(tokens, i + 1);
            }
            _ => i += 1,
        }
    }
    i
}

/// A path such as `std::fs::read`, groups of `use` spelled out, and the line where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
}

/// All paths, words that stand alone among them. What follows a dot (a field or method) is none.
pub fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let after_dot = i > 0 && tokens[i - 1].text == ".";
        if is_word(&tokens[i]) && !after_dot {
            i = path(tokens, i, &[], &mut found);
        } else {
            i += 1;
        }
    }
    found
}

fn is_word(token: &Token) -> bool {
    token
        .text
        .starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn path(tokens: &[Token], start: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    segments.push(tokens[start].text.clone());
    let mut i = start + 1;
    while tokens.get(i).is_some_and(|token| token.text == "::") {
        match tokens.get(i + 1) {
            Some(next) if is_word(next) => {
                segments.push(next.text.clone());
                i += 2;
            }
            Some(next) if next.text == "{" => {
                let end = end_of_group(tokens, i + 1);
                let mut inner = i + 2;
                while inner < end {
                    if tokens[inner].text == "as" {
                        // The new name is no path.
                        inner += 2;
                    } else if is_word(&tokens[inner]) {
                        inner = path(tokens, inner, &segments, found);
                    } else {
                        inner += 1;
                    }
                }
                return end;
            }
            _ => break,
        }
    }
    found.push(Path {
        segments,
        line: tokens[start].line,
    });
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        let tokens = tokens(source);
        let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        words.join(" ")
    }

    fn spelled(source: &str) -> Vec<String> {
        let paths = paths(&production(&tokens(source)));
        paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn comments_literals_and_lifetimes_are_no_code() {
        for (source, expected) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            (r#"a("b \" c", d)"#, "a (  , d )"),
            (r###"a(r#"b " c"#, br"d", b"e", b'f')"###, "a (  ,  ,  ,  )"),
            (r"a('b', '\'', '\n', '\u{41}')", "a (  ,  ,  ,  )"),
            ("//! a\n/// b\n#[c] d", "# [ c ] d"),
            ("a<'b>(&'b c)", "a < > ( & c )"),
            ("r#type::b", "type :: b"),
        ] {
            assert_eq!(words(source), expected, "{source}");
        }
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let tokens = tokens("/* 1\n2 */ \"\n\" a");
        assert_eq!(
            tokens.last().map(|token| (token.text.as_str(), token.line)),
            Some(("a", 3))
        );
    }

    #[test]
    fn test_items_are_no_production() {
        for (source, expected) in [
            ("#[cfg(test)] mod tests { fn a() { b() } } c", vec!["c"]),
            ("#[cfg(test)] #[path = \"x\"] mod tests; c", vec!["c"]),
            ("#[cfg(test)] use a::{b, c}; d", vec!["d"]),
            (
                "#[cfg(test)] fn a<B, C>(d: [u8; 2]) -> E { f } g",
                vec!["g"],
            ),
            ("{ #[cfg(test)] a: b, c: d }", vec!["c", "d"]),
            ("#[cfg(all(test, unix))] fn a() {} b", vec!["b"]),
            ("#![cfg(test)] a", vec![]),
            ("#[cfg(not(test))] a", vec!["cfg", "not", "test", "a"]),
        ] {
            assert_eq!(spelled(source), expected, "{source}");
        }
    }

    #[test]
    fn groups_are_spelled_out() {
        assert_eq!(
            spelled("use std::{fs, time::{self, Instant as I}}; a.now(); ::b::c::<d>()"),
            [
                "use",
                "std::fs",
                "std::time::self",
                "std::time::Instant",
                "a",
                "b::c",
                "d"
            ]
        );
    }
}
