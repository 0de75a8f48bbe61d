//! Text compared without regard to case, as SEARCH does (RFC 9051 §6.4.4), in pieces too.
//!
//! One function, [`fold_into`], says what is equal; an index that stores folded text and the search that reads bodies
//! agree because both call it. Folding works character by character, so text may be folded in pieces.

use memchr::memmem;

/// Appends text so that what differs only in case becomes equal: upper case, then lower case, of every character
/// (ß and SS, ς and Σ meet).
pub fn fold_into(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !b.is_ascii()) {
        let (ascii, after) = rest.split_at_checked(at).unwrap_or_default();
        out.extend(ascii.chars().map(|c| c.to_ascii_lowercase()));
        let end = after.bytes().position(|b| b.is_ascii()).unwrap_or(after.len());
        let (other, tail) = after.split_at_checked(end).unwrap_or_default();
        out.extend(other.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase));
        rest = tail;
    }
    out.extend(rest.chars().map(|c| c.to_ascii_lowercase()));
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
        for (text, needle) in
            [("Grüße", "GRÜSSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ÀÉ", "àé"), ("abc", ""), ("STRASSE", "straße")]
        {
            assert!(Needle::new(needle).is_in(text), "{needle} in {text}");
        }
        assert!(!Needle::new("gruse").is_in("Grüße"));
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
