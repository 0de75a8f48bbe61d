//! The words of structured fields (RFC 5322 §3.2, obsolete forms of §4 included): atoms, quoted strings, comments,
//! phrases, domains. One pass forward, no recursion: nested comments are counted.

/// What was read does not follow the grammar; the lexer stands where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Whether there is more input after what was read and the white space behind it.
pub(crate) type Progress = Result<bool, Broken>;

/// Reads one field's value.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    input: &'a [u8],
    at: usize,
    /// The text of the last comment passed over, if anybody wants it.
    comment: Option<Vec<u8>>,
}

/// Whether a byte may stand in an atom. Bytes above 127 may: real headers have them (RFC 6532 §3.2).
pub(crate) fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Whether a byte may stand in a MIME token (RFC 2045 §5.1), as real mail has it: bytes above 127 too.
fn is_token(byte: u8) -> bool {
    (is_atext(byte) || byte == b'.') && !b"/?=".contains(&byte)
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, comment: None }
    }

    /// Keeps the text of comments from here on.
    pub(crate) fn with_comments(mut self) -> Self {
        self.comment = Some(Vec::new());
        self
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    pub(crate) fn advance(&mut self) {
        self.at = self.at.saturating_add(1).min(self.input.len());
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn rewind(&mut self, position: usize) {
        self.at = position.min(self.input.len());
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Takes the last comment's text; empty if there was none.
    pub(crate) fn take_comment(&mut self) -> Vec<u8> {
        self.comment.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Passes over white space and comments: `CFWS`.
    pub(crate) fn skip_cfws(&mut self) -> Progress {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.advance(),
                Some(b'(') => self.skip_comment()?,
                _ => return Ok(self.at < self.input.len()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Broken> {
        let mut text = self.comment.take();
        if let Some(text) = &mut text {
            text.clear();
        }
        let mut depth = 0usize;
        let mut ended = false;
        while let Some(byte) = self.peek() {
            self.advance();
            let mut kept = Some(byte);
            match byte {
                b'(' => {
                    depth = depth.saturating_add(1);
                    kept = (depth > 1).then_some(byte);
                }
                b')' if depth <= 1 => {
                    ended = true;
                    break;
                }
                b')' => depth -= 1,
                b'\\' => kept = self.quoted_pair(),
                b'\r' | b'\n' => kept = None,
                _ => {}
            }
            if let (Some(text), Some(byte)) = (&mut text, kept) {
                text.push(byte);
            }
        }
        if !ended {
            self.comment = text.map(|_| Vec::new());
            return Err(Broken);
        }
        self.comment = text;
        Ok(())
    }

    /// After a backslash: the byte it quotes, unless that is a line end or NUL, which it may not quote.
    fn quoted_pair(&mut self) -> Option<u8> {
        match self.peek() {
            Some(b'\r' | b'\n' | 0) => Some(b'\\'),
            Some(byte) => {
                self.advance();
                Some(byte)
            }
            None => None,
        }
    }

    fn run(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| !fits(*b)).unwrap_or(rest.len());
        let (run, _) = rest.split_at_checked(length).unwrap_or_default();
        self.at = self.at.saturating_add(length);
        run
    }

    /// `atom = [CFWS] 1*atext [CFWS]`, from the first atext on.
    pub(crate) fn atom(&mut self, out: &mut Vec<u8>) -> Progress {
        let run = self.run(is_atext);
        if run.is_empty() {
            return Err(Broken);
        }
        out.extend_from_slice(run);
        self.skip_cfws()
    }

    /// `dot-atom`, with white space around the dots as RFC 5322 §4.4 allows.
    pub(crate) fn dot_atom(&mut self, out: &mut Vec<u8>) -> Progress {
        loop {
            if !self.atom(out)? {
                return Ok(false);
            }
            if self.peek() != Some(b'.') {
                return Ok(true);
            }
            self.advance();
            out.push(b'.');
            if !self.skip_cfws()? {
                return Err(Broken);
            }
        }
    }

    /// A local part that is not quoted: words and dots in any order, for many real addresses are no dot-atoms.
    pub(crate) fn loose_dot_atom(&mut self, out: &mut Vec<u8>) -> Progress {
        let mut progress = Err(Broken);
        let mut is_word_due = true;
        let mut has_word = false;
        loop {
            match self.peek() {
                Some(b'.') => {
                    out.push(b'.');
                    self.advance();
                    progress = self.skip_cfws();
                    progress?;
                    is_word_due = true;
                }
                Some(byte) if is_atext(byte) && is_word_due => {
                    progress = self.atom(out);
                    progress?;
                    is_word_due = false;
                    has_word = true;
                }
                _ if has_word => return progress,
                _ => return Err(Broken),
            }
        }
    }

    /// `quoted-string`, from its first quote; folds are taken out. One that does not end leaves nothing.
    pub(crate) fn quoted_string(&mut self, out: &mut Vec<u8>) -> Progress {
        let start = out.len();
        let progress = self.quoted_text(out);
        if progress.is_err() {
            out.truncate(start);
        }
        progress?;
        self.skip_cfws()
    }

    fn quoted_text(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.advance();
        loop {
            let run = self.run(|b| !b"\"\\\r\n".contains(&b));
            out.extend_from_slice(run);
            match self.peek() {
                Some(b'"') => {
                    self.advance();
                    return Ok(());
                }
                Some(b'\\') => {
                    self.advance();
                    if self.peek().is_none() {
                        return Err(Broken);
                    }
                    out.extend(self.quoted_pair());
                }
                Some(b'\r') if self.rest().get(1) != Some(&b'\n') => {
                    out.push(b'\r');
                    self.advance();
                }
                Some(_) => self.advance(),
                None => return Err(Broken),
            }
        }
    }

    /// `phrase = 1*word / obs-phrase`: words joined by single spaces. Empty where there is none.
    pub(crate) fn phrase(&mut self, out: &mut Vec<u8>) -> Progress {
        match self.peek() {
            None => return Ok(false),
            Some(b'.') => return Err(Broken),
            Some(_) => {}
        }
        loop {
            let more = if self.peek() == Some(b'"') {
                self.quoted_string(out)?
            } else {
                out.extend_from_slice(self.run(|b| is_atext(b) || b == b'.'));
                self.skip_cfws()?
            };
            if !more {
                return Ok(false);
            }
            match self.peek() {
                Some(byte) if is_atext(byte) || matches!(byte, b'"' | b'.') => out.push(b' '),
                _ => return Ok(true),
            }
        }
    }

    /// `"@" domain`, from the at sign.
    pub(crate) fn at_domain(&mut self, out: &mut Vec<u8>) -> Progress {
        self.advance();
        if !self.skip_cfws()? {
            return Err(Broken);
        }
        if self.peek() == Some(b'[') { self.domain_literal(out) } else { self.dot_atom(out) }
    }

    fn domain_literal(&mut self, out: &mut Vec<u8>) -> Progress {
        out.push(b'[');
        self.advance();
        loop {
            let run = self.run(|b| !b"[]\\\r\n".contains(&b));
            out.extend_from_slice(run);
            match self.peek() {
                Some(b']') => {
                    out.push(b']');
                    self.advance();
                    return self.skip_cfws();
                }
                Some(b'\\') => {
                    // The backslash stays: a domain literal is compared as written.
                    out.push(b'\\');
                    self.advance();
                    match self.peek() {
                        None => return Err(Broken),
                        Some(b'\r' | b'\n' | 0) => {}
                        Some(byte) => {
                            out.push(byte);
                            self.advance();
                        }
                    }
                }
                Some(b'\r' | b'\n') => self.advance(),
                Some(_) | None => return Err(Broken),
            }
        }
    }

    /// `token` (RFC 2045 §5.1); may be empty.
    pub(crate) fn token(&mut self, out: &mut Vec<u8>) -> Progress {
        out.extend_from_slice(self.run(is_token));
        self.skip_cfws()
    }

    /// A parameter's value that is not quoted: up to white space or a semicolon, tspecials or not.
    pub(crate) fn loose_value(&mut self, out: &mut Vec<u8>) -> Progress {
        out.extend_from_slice(self.run(|b| !b" \t\r\n;(\"".contains(&b)));
        self.skip_cfws()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_with_comments_and_folds_around_them() {
        let mut out = Vec::new();
        let mut lexer = Lexer::new(b"John (a (nested\\)) one) \"Q. \r\n Public\" x.y <").with_comments();
        assert_eq!(lexer.phrase(&mut out), Ok(true));
        assert_eq!(out, b"John Q.  Public x.y");
        assert_eq!((lexer.peek(), lexer.take_comment()), (Some(b'<'), b"a (nested)) one".to_vec()));
        out.clear();
        assert_eq!(Lexer::new(b"a . b(c).d").dot_atom(&mut out), Ok(false));
        assert_eq!(out, b"a.b.d");
        out.clear();
        assert_eq!(Lexer::new(b"@ [1.2.3.4] ,").at_domain(&mut out), Ok(true));
        assert_eq!(out, b"[1.2.3.4]");
    }

    type Read = for<'a> fn(&mut Lexer<'a>, &mut Vec<u8>) -> Progress;

    #[test]
    fn what_does_not_end_is_broken() {
        let mut out = Vec::new();
        let cases: [(&[u8], Read); 7] = [
            (b"\"abc", |l, out| l.quoted_string(out)),
            (b"\"abc\\", |l, out| l.quoted_string(out)),
            (b"a (b", |l, out| l.atom(out)),
            (b"a.", |l, out| l.dot_atom(out)),
            (b"@[1", |l, out| l.at_domain(out)),
            (b"@", |l, out| l.at_domain(out)),
            (b".", |l, out| l.phrase(out)),
        ];
        for (open, read) in cases {
            assert_eq!(read(&mut Lexer::new(open), &mut out), Err(Broken), "{open:?}");
        }
    }
}
