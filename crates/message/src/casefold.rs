//! Text compared by i;unicode-casemap (RFC 5051), as SEARCH, SORT and THREAD do (RFC 5256 §7, RFC 5255 §4.2), in
//! pieces too.
//!
//! One function, [`fold_into`], says what is equal and, by its bytes, what comes first; an index that stores folded text
//! and the search that reads bodies agree because both call it. Folding works character by character, so text may be
//! folded in pieces. What takes more than one character to see is not looked at, as RFC 5051 has it: ß is not SS.
//!
//! Deviation: RFC 5051 §2 step (1)(b) compares a text with bytes that its charset does not have as plain bytes, case and all.
//! Here such bytes are U+FFFD and the rest of the text is folded: one broken byte should not hide a word from who looks for it.

use memchr::memmem;
use unicode_normalization::char::decompose_compatible;

/// Appends text in "titlecased canonicalised" form (RFC 5051 §2): each character's title case, then its decomposition,
/// compatible ones included, until nothing is left to decompose. Without canonical order and without taking Hangul
/// syllables apart, for their decompositions do not stand in the table that RFC 5051 refers to.
pub fn fold_into(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !b.is_ascii()) {
        let (ascii, after) = rest.split_at_checked(at).unwrap_or_default();
        out.extend(ascii.chars().map(|c| c.to_ascii_uppercase()));
        let end = after.bytes().position(|b| b.is_ascii()).unwrap_or(after.len());
        let (other, tail) = after.split_at_checked(end).unwrap_or_default();
        other.chars().for_each(|c| put_folded(c, out));
        rest = tail;
    }
    out.extend(rest.chars().map(|c| c.to_ascii_uppercase()));
}

fn put_folded(c: char, out: &mut String) {
    match title_case(c) {
        hangul @ '\u{ac00}'..='\u{d7a3}' => out.push(hangul),
        other => decompose_compatible(other, |part| out.push(part)),
    }
}

/// The simple title case of a character (UnicodeData.txt): its upper case but for digraphs, Georgian, and letters whose
/// upper case is more than one character.
fn title_case(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        // Greek with an iota below: the letter with an iota beside.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => {
            let mut upper = c.to_uppercase();
            upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
        }
    }
}

/// Text folded; see [`fold_into`].
pub fn fold(text: &str) -> String {
    let mut out = String::new();
    fold_into(text, &mut out);
    out
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Needle {
    folded: String,
    finder: memmem::Finder<'static>,
}

impl Needle {
    /// Prepares a text to be searched for. An empty one is found everywhere.
    pub fn new(text: &str) -> Self {
        let folded = fold(text);
        let finder = memmem::Finder::new(folded.as_bytes()).into_owned();
        Self { folded, finder }
    }

    /// The folded text, for an index that stores folded text.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether the text holds it, case aside.
    pub fn is_in(&self, text: &str) -> bool {
        self.finder.find(fold(text).as_bytes()).is_some()
    }

    /// Looks for it in a text that comes in pieces.
    pub fn search(&self) -> Search<'_> {
        Search { needle: self, window: String::new(), is_found: self.folded.is_empty() }
    }
}

/// A search in progress; holds back fewer bytes than the needle has.
#[derive(Debug)]
pub struct Search<'n> {
    needle: &'n Needle,
    window: String,
    is_found: bool,
}

impl Search<'_> {
    /// Takes the next piece; tells whether the needle has been found by now.
    pub fn push(&mut self, text: &str) -> bool {
        if self.is_found {
            return true;
        }
        fold_into(text, &mut self.window);
        self.is_found = self.needle.finder.find(self.window.as_bytes()).is_some();
        let keep = self.needle.folded.len().saturating_sub(1).min(self.window.len());
        let mut from = self.window.len().saturating_sub(keep);
        while !self.window.is_char_boundary(from) {
            from = from.saturating_sub(1);
        }
        self.window.drain(..from);
        self.is_found
    }

    /// Whether it was found.
    pub fn is_found(&self) -> bool {
        self.is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_disregarded_in_every_script() {
        for (text, needle) in [
            ("Grüße", "GRÜßE"),
            ("Gru\u{308}ße", "grü"),
            ("Grüße", "gru"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ÀÉ", "àé"),
            ("abc", ""),
            ("ｆind １２", "FIND 12"),
            ("Ǆ", "ǆ"),
            ("ﾊﾟ", "パ"),
        ] {
            assert!(Needle::new(needle).is_in(text), "{needle} in {text}");
        }
        for (text, needle) in [("STRASSE", "straße"), ("Grüße", "grue"), ("한", "ㅎ"), ("ﬁ", "FI")] {
            assert!(!Needle::new(needle).is_in(text), "{needle} in {text}");
        }
    }

    #[test]
    fn characters_take_the_form_of_rfc_5051() {
        for (text, folded) in [
            ("abcXYZ_", "ABCXYZ_"),
            // The digraph in title case, its parts as they come out of it.
            ("\u{1c4}", "Dz\u{30c}"),
            ("\u{1c6}", "Dz\u{30c}"),
            ("ß", "ß"),
            ("ÿ", "Y\u{308}"),
            ("ŉ", "\u{2bc}n"),
            ("ﬀ", "ff"),
            ("\u{1f80}", "\u{391}\u{313}\u{345}"),
            ("\u{1fb3}", "\u{391}\u{345}"),
            ("\u{10d0}", "\u{10d0}"),
            ("한", "한"),
            ("\u{1e9b}\u{323}", "S\u{307}\u{323}"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn a_needle_is_found_across_pieces() {
        let needle = Needle::new("Über allen Gipfeln");
        let text = "und ÜBER ALLEN GIPFELN ist Ruh";
        for cut in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let mut search = needle.search();
            search.push(&text[..cut]);
            assert!(search.push(&text[cut..]), "cut at {cut}");
        }
        let mut search = needle.search();
        assert!(!text.chars().rev().any(|c| search.push(c.encode_utf8(&mut [0; 4]))));
    }
}
