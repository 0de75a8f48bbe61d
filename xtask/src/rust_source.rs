//! Tells code, comments and string literals of a Rust source apart, as far as the checks need it. Not a parser: what
//! does not compile may be cut wrongly.

/// What a piece of a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Comment,
    /// A string literal with its quotes.
    Text,
}

/// A piece with the line (from 1) it begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// Cuts a source into pieces that together are the source.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while !rest.is_empty() {
        let (kind, length) = next(rest);
        let (text, after) = rest.split_at(length);
        pieces.push(Piece { kind, line, text });
        line += text.matches('\n').count();
        rest = after;
    }
    pieces
}

/// The source with everything but code blanked; lines stay where they are.
pub(crate) fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for piece in pieces(source) {
        if piece.kind == Kind::Code {
            out.push_str(piece.text);
        } else {
            out.push(' ');
            out.extend(piece.text.chars().filter(|c| *c == '\n'));
        }
    }
    out
}

/// The string literals, without their quotes and with their escapes as written, each with its line.
pub(crate) fn string_literals(source: &str) -> Vec<(usize, &str)> {
    let texts = pieces(source).into_iter().filter(|piece| piece.kind == Kind::Text);
    texts.map(|piece| (piece.line, unquote(piece.text))).collect()
}

const TEST_MODULE: &str = "\n#[cfg(test)]\nmod ";

/// The source up to its inline `#[cfg(test)]` module, which house style puts last.
pub(crate) fn without_tests(source: &str) -> &str {
    let inline = |at: &usize| {
        let after = source.get(at + TEST_MODULE.len()..).and_then(|rest| rest.lines().next());
        after.is_some_and(|line| !line.ends_with(';'))
    };
    let end = source.match_indices(TEST_MODULE).map(|(at, _)| at).find(inline);
    end.and_then(|end| source.get(..end)).unwrap_or(source)
}

/// The names of the modules in files of their own that exist for tests only.
pub(crate) fn test_modules(source: &str) -> impl Iterator<Item = &str> {
    source.match_indices(TEST_MODULE).filter_map(|(at, found)| {
        let line = source.get(at + found.len()..)?.lines().next()?;
        line.strip_suffix(';')
    })
}

fn unquote(literal: &str) -> &str {
    let body = literal.trim_start_matches(['b', 'r', 'c']).trim_matches('#');
    body.strip_prefix('"').and_then(|body| body.strip_suffix('"')).unwrap_or(body)
}

/// The kind and length of the piece that `rest`, which is not empty, begins with.
fn next(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if let Some(length) = literal_length(rest) {
        return (Kind::Text, length);
    }
    (Kind::Code, code_length(rest))
}

/// How far the code goes: to the next comment or literal.
fn code_length(rest: &str) -> usize {
    let mut in_word = false;
    let mut skip_to = 0;
    for (at, c) in rest.char_indices() {
        let Some(here) = rest.get(at..) else { break };
        if at < skip_to {
            continue;
        }
        let starts_literal = !in_word && literal_length(here).is_some();
        if at > 0 && (here.starts_with("//") || here.starts_with("/*") || starts_literal) {
            return at;
        }
        if c == '\'' {
            skip_to = at + char_length(here);
        }
        in_word = c.is_alphanumeric() || c == '_';
    }
    rest.len()
}

/// The length of a character literal such as `'"'`; 1 for a lifetime's quote.
fn char_length(here: &str) -> usize {
    let mut chars = here.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let close = here.char_indices().skip(3).find(|(_, c)| *c == '\'');
            close.map_or(1, |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

fn literal_length(here: &str) -> Option<usize> {
    let after_prefix = here.trim_start_matches(['b', 'c']);
    let prefix = here.len() - after_prefix.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = after_prefix.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw.get(hashes..)?.strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = body.find(&close).map_or(body.len(), |end| end + close.len());
        return Some(prefix + 1 + hashes + 1 + end);
    }
    let body = after_prefix.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    Some(here.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_source() {
        let source = "let a = \"x // no\"; // yes \"no\"\nlet b = r#\"q\"q\"#; /* c\n */ let d = '\"'; let e: &'a str = b\"z\";\n";
        let joined: String = pieces(source).iter().map(|piece| piece.text).collect();
        assert_eq!(joined, source);
    }

    #[test]
    fn literals_are_found_and_quotes_in_characters_and_comments_are_not() {
        let source = "f(\"one\", '\"', r#\"t\"wo\"#); // \"no\"\nlet bar = br\"three\"; x('\\'', \"fo\\\"ur\")";
        let found = string_literals(source);
        assert_eq!(found, [(1, "one"), (1, "t\"wo"), (2, "three"), (2, "fo\\\"ur")]);
    }

    #[test]
    fn code_only_blanks_comments_and_literals_and_keeps_lines() {
        let code = code_only("a(\"tokio\n\"); // std::fs\nb();");
        assert_eq!(code, "a( \n);  \nb();");
    }

    #[test]
    fn tests_are_cut_off() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {}"), "a");
        let outside = "a\n#[cfg(test)]\nmod oracle;\nmod b;\n#[cfg(test)]\nmod tests {";
        assert_eq!(without_tests(outside), "a\n#[cfg(test)]\nmod oracle;\nmod b;");
        assert_eq!(test_modules(outside).collect::<Vec<_>>(), ["oracle"]);
        assert_eq!(without_tests("a\n"), "a\n");
    }
}
