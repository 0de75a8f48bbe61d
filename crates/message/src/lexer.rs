//! The tokens of structured fields (RFC 5322 §3.2, obsolete forms of §4 included): one pass forward, each token a
//! stretch of the input. Nothing is refused: a quote, bracket or parenthesis that does not close is a byte like any other.

use memchr::{memchr3, memchr3_iter};

/// Which bytes make up a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `atext` (RFC 5322 §3.2.3), and what is above 127 (RFC 6532 §3.2). Brackets make domain literals here.
    Atom,
    /// `token` (RFC 2045 §5.1), as real mail has it: bytes above 127 too.
    Token,
    /// The words and numbers of dates, zones included.
    Date,
}

impl Alphabet {
    fn holds(self, byte: u8) -> bool {
        let bit = match self {
            Self::Atom => ATOM,
            Self::Token => TOKEN,
            Self::Date => DATE,
        };
        ALPHABETS.get(usize::from(byte)).is_some_and(|alphabets| alphabets & bit != 0)
    }
}

const ATOM: u8 = 1;
const TOKEN: u8 = 2;
const DATE: u8 = 4;

/// For each byte the alphabets that hold it.
static ALPHABETS: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0u8;
    while let Some((alphabets, after)) = rest.split_first_mut() {
        let is_common = byte.is_ascii_alphanumeric();
        if is_common || byte > 127 || is_one_of(byte, b"!#$%&'*+-/=?^_`{|}~") {
            *alphabets |= ATOM;
        }
        if byte > b' ' && byte != 127 && !is_one_of(byte, b"()<>@,;:\\\"/[]?=") {
            *alphabets |= TOKEN;
        }
        if is_common || is_one_of(byte, b"+-:.") {
            *alphabets |= DATE;
        }
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

const fn is_one_of(byte: u8, mut bytes: &[u8]) -> bool {
    while let [first, after @ ..] = bytes {
        if *first == byte {
            return true;
        }
        bytes = after;
    }
    false
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes of the alphabet.
    Word,
    /// `quoted-string`, its text without the quotes.
    Quoted,
    /// `domain-literal`, its text with the brackets.
    Literal,
    /// `comment`, its text without the outer parentheses.
    Comment,
    /// Any other byte. A backslash takes the byte that it quotes along (RFC 822 had that outside quotes too).
    Mark(u8),
}

/// A stretch of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// As written, folds and backslashes included.
    pub(crate) text: &'a [u8],
    /// Whether white space or a comment stands before it.
    pub(crate) has_gap: bool,
}

impl Token<'_> {
    pub(crate) fn is(&self, mark: u8) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// Appends what the token means: backslashes and the line ends of folds are invisible (RFC 5322 §3.2.1, §3.2.2).
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut rest = self.text;
        if self.kind == Kind::Word || rest.len() == 1 {
            out.extend_from_slice(rest);
            return;
        }
        while let Some((plain, special)) = memchr3(b'\\', b'\r', b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
            out.extend_from_slice(plain);
            rest = match special {
                [b'\\', byte, after @ ..] if !matches!(byte, b'\r' | b'\n') => {
                    out.push(*byte);
                    after
                }
                // A lone CR ends no line, and a lone backslash quotes nothing.
                [byte @ b'\r', after @ ..] if after.first() != Some(&b'\n') => {
                    out.push(*byte);
                    after
                }
                [byte @ b'\\'] => {
                    out.push(*byte);
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
        }
        out.extend_from_slice(rest);
    }
}

/// Reads one field's value, token by token, comments too. Time grows with the value's length.
#[derive(Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    alphabet: Alphabet,
    /// Set once a parenthesis does not close: the search goes to the end and is not made again.
    has_open_comment: bool,
    /// The same for a quote.
    has_open_quote: bool,
    is_after_comment: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(value: &'a [u8], alphabet: Alphabet) -> Self {
        Self { rest: value, alphabet, has_open_comment: false, has_open_quote: false, is_after_comment: false }
    }

    /// The next token that is no comment.
    pub(crate) fn significant(&mut self) -> Option<Token<'a>> {
        self.find(|token| token.kind != Kind::Comment)
    }

    /// The value of a parameter: a quoted string, or all up to white space or a semicolon, whatever it is but for a quote
    /// that does not close. Empty where there is none.
    pub(crate) fn parameter_value(&mut self) -> Token<'a> {
        let mut ahead = self.clone();
        let first = ahead.significant();
        if let Some(token) = first.filter(|token| token.kind == Kind::Quoted) {
            *self = ahead;
            return token;
        }
        // Comments before it go.
        let start = first.map_or(0, |token| ahead.rest.len() + token.text.len());
        let before = self.rest.len().saturating_sub(start);
        let value = self.rest.get(before..).unwrap_or_default();
        let end = value.iter().position(|b| is_space(*b) || *b == b';').unwrap_or(value.len());
        let (text, rest) = value.split_at_checked(end).unwrap_or_default();
        *self = Self { rest, is_after_comment: false, ..ahead };
        let text = text.strip_prefix(b"\"").unwrap_or(text);
        Token { kind: Kind::Word, text, has_gap: before > 0 }
    }

    /// Takes a token off, this many bytes of it its text, after as many of the opening and before as many of the end.
    fn cut(&mut self, opening: usize, length: usize, closing: usize) -> &'a [u8] {
        let (_, from_text) = self.rest.split_at_checked(opening).unwrap_or_default();
        let (text, after) = from_text.split_at_checked(length).unwrap_or_default();
        self.rest = after.get(closing..).unwrap_or_default();
        text
    }

    /// What begins with this byte, which is neither white space nor of the alphabet.
    fn special(&mut self, first: u8) -> (Kind, &'a [u8]) {
        let inside = self.rest.get(1..).unwrap_or_default();
        match first {
            b'"' if !self.has_open_quote => {
                if let Some(length) = enclosed(inside, Pair { open: b'"', close: b'"', nests: false }) {
                    return (Kind::Quoted, self.cut(1, length, 1));
                }
                self.has_open_quote = true;
            }
            b'(' if !self.has_open_comment => {
                if let Some(length) = enclosed(inside, Pair { open: b'(', close: b')', nests: true }) {
                    self.is_after_comment = true;
                    return (Kind::Comment, self.cut(1, length, 1));
                }
                self.has_open_comment = true;
            }
            // The search ends at the next bracket of either kind, so that many of them cost no more than one.
            b'[' if self.alphabet == Alphabet::Atom => {
                if let Some(length) = enclosed(inside, Pair { open: b'[', close: b']', nests: false }) {
                    return (Kind::Literal, self.cut(0, length + 2, 0));
                }
            }
            b'\\' if inside.first().is_some_and(|byte| !matches!(byte, b'\r' | b'\n')) => {
                return (Kind::Mark(first), self.cut(0, 2, 0));
            }
            _ => {}
        }
        (Kind::Mark(first), self.cut(0, 1, 0))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let gap = self.rest.iter().position(|byte| !is_space(*byte)).unwrap_or(self.rest.len());
        self.rest = self.rest.get(gap..)?;
        let has_gap = gap > 0 || self.is_after_comment;
        self.is_after_comment = false;
        let first = *self.rest.first()?;
        let length = self.rest.iter().position(|byte| !self.alphabet.holds(*byte)).unwrap_or(self.rest.len());
        let (kind, text) = if length > 0 { (Kind::Word, self.cut(0, length, 0)) } else { self.special(first) };
        Some(Token { kind, text, has_gap })
    }
}

/// `FWS`, with the line ends that real mail has.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Two bytes that enclose a text.
#[derive(Clone, Copy)]
struct Pair {
    open: u8,
    close: u8,
    /// Whether such texts stand within each other; otherwise a second opening says that the first is none.
    nests: bool,
}

/// How many bytes stand before the closing one, quoted pairs passed over; `None` if it does not come.
fn enclosed(text: &[u8], pair: Pair) -> Option<usize> {
    let mut depth = 0usize;
    let mut quoted = None;
    for at in memchr3_iter(pair.open, pair.close, b'\\', text) {
        if quoted == Some(at) {
            continue;
        }
        match text.get(at) {
            Some(b'\\') => quoted = Some(at + 1),
            Some(byte) if *byte == pair.close => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return Some(at),
            },
            _ if pair.nests => depth += 1,
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each token's kind as a letter (a mark as itself), `_` before it where there is a gap, and its meaning.
    fn shown(value: &[u8], alphabet: Alphabet) -> Vec<String> {
        let show = |token: Token<'_>| {
            let kind = match token.kind {
                Kind::Word => 'w',
                Kind::Quoted => 'q',
                Kind::Literal => 'l',
                Kind::Comment => 'c',
                Kind::Mark(byte) => char::from(byte),
            };
            let mut text = Vec::new();
            token.put(&mut text);
            format!("{}{kind} {}", if token.has_gap { "_" } else { "" }, String::from_utf8_lossy(&text))
        };
        Tokens::new(value, alphabet).map(show).collect()
    }

    #[test]
    fn every_kind_of_token_is_found_with_its_meaning() {
        assert_eq!(
            shown(b"John (a (nested\\)) one)\"Q. \r\n \\\"P\" x.y@[1. 2]", Alphabet::Atom),
            ["w John", "_c a (nested)) one", "_q Q.  \"P", "_w x", ". .", "w y", "@ @", "l [1. 2]"]
        );
        assert_eq!(
            shown(b"a/b; c=d.e[1]", Alphabet::Token),
            ["w a", "/ /", "w b", "; ;", "_w c", "= =", "w d.e", "[ [", "w 1", "] ]"]
        );
        assert_eq!(shown(b"Tue, 1 13:00 +01", Alphabet::Date), ["w Tue", ", ,", "_w 1", "_w 13:00", "_w +01"]);
        assert_eq!(shown(b" \r\n\t", Alphabet::Atom), [""; 0]);
    }

    #[test]
    fn what_does_not_close_is_text() {
        assert_eq!(shown(b"\"a (b", Alphabet::Atom), ["\" \"", "w a", "_( (", "w b"]);
        assert_eq!(shown(b"(a (b) c", Alphabet::Atom), ["( (", "w a", "_( (", "w b", ") )", "_w c"]);
        assert_eq!(shown(b"[a[b]", Alphabet::Atom), ["[ [", "w a", "l [b]"]);
        assert_eq!(shown(b"\"a\\\"\\", Alphabet::Atom), ["\" \"", "w a", "\\ \"", "\\ \\"]);
        assert_eq!(shown(b"\"a\rb\\\r\nc\"", Alphabet::Atom), ["q a\rbc"]);
    }

    #[test]
    fn a_parameter_value_is_quoted_or_runs_to_white_space() {
        let values = |value: &'static [u8]| {
            let mut tokens = Tokens::new(value, Alphabet::Token);
            (tokens.parameter_value().text, tokens.rest)
        };
        assert_eq!(values(b" (c) \"a;b\"c"), (&b"a;b"[..], &b"c"[..]));
        assert_eq!(values(b" (c) a=/b(d);e"), (&b"a=/b(d)"[..], &b";e"[..]));
        assert_eq!(values(b"\"open;x"), (&b"open"[..], &b";x"[..]));
        assert_eq!(values(b" ;x"), (&b""[..], &b";x"[..]));
        assert_eq!(values(b" "), (&b""[..], &b""[..]));
    }

    #[test]
    fn many_openings_that_do_not_close_cost_no_more_than_one() {
        for opening in [&b"("[..], b"[", b"\"", b"[\\[", b"(\\(", b"\\\"", b"[\\]"] {
            let value = opening.repeat(200_000);
            assert!(Tokens::new(&value, Alphabet::Atom).count() >= 200_000 / 2);
        }
    }
}
