//! What has been read of one address: the parts as they come, and the entry made of them.

use super::{AddressEntry, Class};
use crate::lexer::Token;

/// Words that dots join: `dot-atom`, `obs-local-part`, `obs-domain`, or one literal. Dots may also stand at the ends or
/// next to each other, as in many real addresses.
#[derive(Debug, Default)]
struct Joined {
    text: Vec<u8>,
    last: Option<Class>,
    is_spoilt: bool,
}

impl Joined {
    /// Makes it as new; its memory stays.
    fn clear(&mut self) {
        self.text.clear();
        self.last = None;
        self.is_spoilt = false;
    }

    /// Whether a token of this class goes on with it.
    fn continues(&self, class: Class) -> bool {
        match (self.last, class) {
            (None, _) => true,
            (Some(Class::Literal), _) | (_, Class::Literal) => false,
            (last, class) => last == Some(Class::Dot) || class == Class::Dot,
        }
    }

    fn add(&mut self, token: &Token<'_>, class: Class) {
        token.put(&mut self.text);
        self.last = Some(class);
    }

    /// Takes what a domain may go on with, and tells whether this is it.
    fn add_to_domain(&mut self, token: &Token<'_>, class: Class) -> bool {
        let is_part = matches!(class, Class::Word | Class::Dot | Class::Literal) && self.continues(class);
        if is_part {
            self.add(token, class);
        }
        if is_part && class == Class::Literal {
            // White space within the brackets means nothing.
            self.text.retain(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        }
        is_part
    }

    /// Empty if it could not be read.
    fn text(&self) -> &[u8] {
        if self.is_spoilt { b"" } else { &self.text }
    }
}

/// Which form of an address it is by what has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// None yet: only words.
    #[default]
    Words,
    /// `addr-spec`
    Bare,
    /// `name-addr`
    Bracketed,
}

/// One address in the making.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// Whether there was anything but comments.
    is_begun: bool,
    form: Form,
    /// All up to the opening bracket, as written, each gap one space.
    words: Vec<u8>,
    last_word: Option<Class>,
    /// Where in `words` what stands before the local part ends.
    name_end: usize,
    /// Whether `words` are more than atoms and dots without gaps, and so no local part on their own.
    is_phrase: bool,
    route: Joined,
    local: Joined,
    domain: Joined,
    comment: Vec<u8>,
}

impl Member {
    /// With memory for what most addresses need.
    pub(super) fn new() -> Self {
        let mut new = Self::default();
        new.words.reserve(48);
        new.local.text.reserve(24);
        new.domain.text.reserve(32);
        new
    }

    pub(super) fn begin(&mut self) {
        self.is_begun = true;
    }

    /// The custom before name-addr was a name in a comment after the address (RFC 5322 §3.4).
    pub(super) fn comment(&mut self, token: &Token<'_>) {
        if self.is_begun && !token.text.is_empty() {
            self.comment.clear();
            token.put(&mut self.comment);
        }
    }

    /// A gap is one space (RFC 5322 §3.2.2), and so is what is missing between two words.
    pub(super) fn add_rest(&mut self, token: &Token<'_>, class: Class) {
        let is_apart = token.has_gap || class.is_text() && self.last_word.is_some_and(Class::is_text);
        if is_apart && !self.words.is_empty() {
            self.words.push(b' ');
        }
        token.put(&mut self.words);
        self.last_word = Some(class);
    }

    pub(super) fn add_word(&mut self, token: &Token<'_>, class: Class) {
        self.is_phrase |= !matches!(class, Class::Word | Class::Dot) || token.has_gap && self.last_word.is_some();
        let is_stray = |class| matches!(class, Some(Class::Stray | Class::Greater));
        let touches = !token.has_gap && (is_stray(Some(class)) || is_stray(self.local.last));
        if !touches && !self.local.continues(class) {
            self.local.clear();
            self.name_end = self.words.len();
        }
        self.local.add(token, class);
        self.local.is_spoilt |= is_stray(Some(class)) || class == Class::Literal;
        self.add_rest(token, class);
    }

    pub(super) fn end_local(&mut self, token: &Token<'_>, class: Class) {
        self.form = Form::Bare;
        self.add_rest(token, class);
    }

    /// Tells whether the domain may go on.
    pub(super) fn add_domain(&mut self, token: &Token<'_>, class: Class) -> bool {
        self.add_rest(token, class);
        let is_part = self.domain.add_to_domain(token, class);
        // What follows after a gap is something else.
        self.domain.is_spoilt |= !is_part && !token.has_gap;
        is_part
    }

    /// Which of several at signs counts is not for us to guess.
    pub(super) fn spoil_domain(&mut self, token: &Token<'_>, class: Class) {
        self.domain.is_spoilt = true;
        if self.form == Form::Bare {
            self.add_rest(token, class);
        }
    }

    pub(super) fn open(&mut self) {
        self.form = Form::Bracketed;
        self.name_end = self.words.len();
        self.reopen();
    }

    pub(super) fn reopen(&mut self) {
        self.route.clear();
        self.local.clear();
        self.domain.clear();
    }

    /// Words that nothing joins are shown with a space between them: better than nothing.
    pub(super) fn add_inner_local(&mut self, token: &Token<'_>, class: Class) {
        if !self.local.continues(class) {
            self.local.text.push(b' ');
        }
        self.local.add(token, class);
    }

    pub(super) fn spoil_local(&mut self) {
        self.local.is_spoilt = true;
    }

    pub(super) fn add_inner_domain(&mut self, token: &Token<'_>, class: Class) {
        let is_part = self.domain.add_to_domain(token, class);
        self.domain.is_spoilt |= !is_part;
    }

    /// Tells whether it belongs to a route: a word does after an at sign or a dot only.
    pub(super) fn add_route(&mut self, token: &Token<'_>, class: Class) -> bool {
        if class == Class::Word && !matches!(self.route.last, Some(Class::At | Class::Dot)) {
            return false;
        }
        self.route.is_spoilt |= class == Class::Stray;
        self.route.add(token, class);
        true
    }

    /// `obs-route` is a list of domains, each after an at sign (RFC 5322 §4.4).
    pub(super) fn end_route(&mut self) {
        let is_domain = |part: &[u8]| part.strip_prefix(b"@").is_some_and(|d| !d.is_empty() && !d.contains(&b'@'));
        let mut parts = self.route.text.split(|byte| *byte == b',').filter(|part| !part.is_empty());
        self.route.is_spoilt |= !parts.all(is_domain);
    }

    pub(super) fn leave_route(&mut self) {
        let route = std::mem::take(&mut self.route);
        let domain = route.text.strip_prefix(b"@").filter(|d| !d.iter().any(|byte| matches!(byte, b',' | b'@')));
        if let (false, Some(domain)) = (route.is_spoilt, domain) {
            self.domain.text = domain.to_vec();
        }
    }

    /// The words alone, as the name of a group.
    pub(super) fn words(&self) -> &[u8] {
        &self.words
    }

    /// The entry; `None` if there was nothing.
    pub(super) fn entry(&self) -> Option<AddressEntry> {
        if !self.is_begun {
            return None;
        }
        let words = self.words.as_slice();
        let (name, mailbox) = match self.form {
            Form::Words if self.is_phrase => (words, &b""[..]),
            Form::Words => (&b""[..], self.local.text()),
            Form::Bare => (words.get(..self.name_end).unwrap_or(words), self.local.text()),
            Form::Bracketed => (words, self.local.text()),
        };
        let present = |text: &[u8]| (!text.is_empty()).then(|| text.to_vec());
        Some(AddressEntry {
            name: present(name).or_else(|| present(&self.comment)),
            route: present(self.route.text()),
            mailbox: Some(mailbox.to_vec()),
            domain: Some(self.domain.text().to_vec()),
        })
    }

    /// Begins anew; the memory stays.
    pub(super) fn clear(&mut self) {
        self.is_begun = false;
        self.form = Form::Words;
        self.words.clear();
        self.last_word = None;
        self.name_end = 0;
        self.is_phrase = false;
        self.reopen();
        self.comment.clear();
    }
}
