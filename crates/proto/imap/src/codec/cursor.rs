//! A place in a framed command, and the readers of the grammar's small words.

use super::{chars, modified_utf7};
use crate::enabled::Enabled;
use crate::response::Code;
use std::borrow::Cow;
use std::num::NonZeroU32;
use types::{HIERARCHY_SEPARATOR, MailboxName, MailboxNameError, ModSeq};
use unicode_normalization::is_nfc;

/// Why a command was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The grammar is broken: `BAD` with this text.
    Syntax(&'static str),
    /// The grammar is broken in a way that has a code: `BAD` with it and this text.
    Misuse(Code, &'static str),
    /// The grammar holds, but a rule or a limit does not: `NO` with this code and text.
    Refusal(Code, &'static str),
}

/// A sequence number came where UIDONLY is enabled (RFC 9586 §3).
pub(crate) const UID_REQUIRED: ParseError =
    ParseError::Misuse(Code::UidRequired, "With UIDONLY messages are named by their UIDs");

/// Reads a command from left to right.
///
/// Each reader either takes what it names and moves on, or fails; what a failed reader left behind is not defined.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    enabled: Enabled,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input, enabled: Enabled::default() }
    }

    /// The same for a client that has enabled this.
    #[must_use]
    pub fn with(self, enabled: Enabled) -> Self {
        Self { enabled, ..self }
    }

    /// What the client has enabled.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// What is still unread.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, unread.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes `byte` if it is next.
    pub fn take_if(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes `byte` or fails with `why`.
    pub fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), ParseError> {
        if self.take_if(byte) { Ok(()) } else { Err(ParseError::Syntax(why)) }
    }

    /// Takes `word` if it is next, in any case.
    pub fn take_word(&mut self, word: &str) -> bool {
        match self.rest.split_at_checked(word.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(word.as_bytes()) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// One space.
    pub fn space(&mut self) -> Result<(), ParseError> {
        self.expect(b' ', "A space is missing")
    }

    /// The end of the command; spaces before it are forgiven.
    pub fn end(&mut self) -> Result<(), ParseError> {
        while self.take_if(b' ') {}
        if self.rest.is_empty() { Ok(()) } else { Err(ParseError::Syntax("Unexpected text after the arguments")) }
    }

    /// Takes bytes as long as `class` holds.
    pub fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|b| !class(*b)).unwrap_or(self.rest.len());
        let (head, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        head
    }

    fn take_ascii_while(&mut self, class: impl Fn(u8) -> bool, why: &'static str) -> Result<&'a str, ParseError> {
        let word = self.take_while(class);
        match std::str::from_utf8(word) {
            Ok(word) if !word.is_empty() => Ok(word),
            _ => Err(ParseError::Syntax(why)),
        }
    }

    /// `atom = 1*ATOM-CHAR`
    pub fn atom(&mut self) -> Result<&'a str, ParseError> {
        self.take_ascii_while(chars::is_atom_char, "An atom is missing")
    }

    /// `tag = 1*<any ASTRING-CHAR except "+">`
    pub fn tag(&mut self) -> Result<&'a str, ParseError> {
        self.take_ascii_while(chars::is_tag_char, "A tag is missing")
    }

    /// A word of letters, digits, `.` and `-`, as commands, FETCH items and SEARCH keys are named.
    pub fn word(&mut self) -> Result<&'a str, ParseError> {
        self.take_ascii_while(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-', "A word is missing")
    }

    /// `number`: 32 bits without a sign.
    pub fn number(&mut self) -> Result<u32, ParseError> {
        let number = self.number64()?;
        u32::try_from(number).map_err(|_| ParseError::Syntax("A number is too large"))
    }

    /// `nz-number`
    pub fn nz_number(&mut self) -> Result<NonZeroU32, ParseError> {
        NonZeroU32::new(self.number()?).ok_or(ParseError::Syntax("Zero is not allowed here"))
    }

    /// `number64` (RFC 9051 §9): 63 bits.
    pub fn number64(&mut self) -> Result<u64, ParseError> {
        let digits = self.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() {
            return Err(ParseError::Syntax("A number is missing"));
        }
        let mut number = 0i64;
        for digit in digits {
            number = number
                .checked_mul(10)
                .and_then(|n| n.checked_add(i64::from(digit - b'0')))
                .ok_or(ParseError::Syntax("A number is too large"))?;
        }
        Ok(number.unsigned_abs())
    }

    /// `mod-sequence-valzer` (RFC 7162 §7): 63 bits, zero allowed.
    pub fn modseq(&mut self) -> Result<ModSeq, ParseError> {
        Ok(ModSeq(self.number64()?))
    }

    /// `string = quoted / literal`
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        match self.peek() {
            Some(b'"') => {
                let text = self.quoted()?;
                // RFC 9755 §3: who says it is UTF-8 writes UTF-8.
                if self.enabled.utf8() && std::str::from_utf8(&text).is_err() {
                    return Err(ParseError::Syntax("A quoted string is not in UTF-8"));
                }
                Ok(text)
            }
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => Err(ParseError::Syntax("A string is missing")),
        }
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub fn astring(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => match self.take_while(chars::is_astring_char) {
                [] => Err(ParseError::Syntax("An argument is missing")),
                word => Ok(Cow::Borrowed(word)),
            },
        }
    }

    /// `nstring = string / nil`
    pub fn nstring(&mut self) -> Result<Option<Cow<'a, [u8]>>, ParseError> {
        if self.take_word("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// `nstring / literal8` (RFC 3516 §7): a literal behind `~` may hold any byte.
    pub fn nstring8(&mut self) -> Result<Option<Cow<'a, [u8]>>, ParseError> {
        if self.take_if(b'~') { self.any_literal().map(|text| Some(Cow::Borrowed(text))) } else { self.nstring() }
    }

    /// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`
    ///
    /// Deviation: bytes above 127 are taken as they are, as RFC 9051 §9 does; passwords with umlauts come this way.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        let unclosed = ParseError::Syntax("A quoted string is not closed");
        self.expect(b'"', "A quoted string is missing")?;
        let plain = self.take_while(|b| !matches!(b, b'"' | b'\\' | b'\r' | b'\n' | 0));
        if self.take_if(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.take_if(b'"');
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.take_if(b'\\');
                    let escaped = self.peek().filter(|b| matches!(b, b'"' | b'\\'));
                    let escaped = escaped.ok_or(ParseError::Syntax("Only \\\" and \\\\ may be escaped"))?;
                    self.take_if(escaped);
                    text.push(escaped);
                }
                _ => match self.take_while(|b| !matches!(b, b'"' | b'\\' | b'\r' | b'\n' | 0)) {
                    [] => return Err(unclosed),
                    more => text.extend_from_slice(more),
                },
            }
        }
    }

    /// `literal = "{" number ["+"] "}" CRLF *CHAR8`; the framing has read it whole.
    fn literal(&mut self) -> Result<&'a [u8], ParseError> {
        let text = self.any_literal()?;
        if memchr::memchr(0, text).is_some() {
            return Err(ParseError::Syntax("A literal holds a NUL"));
        }
        Ok(text)
    }

    fn any_literal(&mut self) -> Result<&'a [u8], ParseError> {
        let broken = ParseError::Syntax("A literal is not well formed");
        self.expect(b'{', "A literal is missing")?;
        let size = usize::try_from(self.number64()?).map_err(|_| broken.clone())?;
        self.take_if(b'+');
        self.expect(b'}', "A literal is not well formed")?;
        self.take_if(b'\r');
        self.expect(b'\n', "A literal is not well formed")?;
        let (text, rest) = self.rest.split_at_checked(size).ok_or(broken)?;
        self.rest = rest;
        Ok(text)
    }

    /// `mailbox = "INBOX" / astring`, in modified UTF-7 (RFC 3501 §5.1.3), or in UTF-8 for who enabled it
    /// (RFC 9755 §3, RFC 9051 §5.1).
    pub fn mailbox(&mut self) -> Result<MailboxName, ParseError> {
        Ok(self.mailbox_as_spelled()?.0)
    }

    /// As [`Self::mailbox`], with the client's own spelling if that is not in normal form C: a client that speaks
    /// `IMAP4rev2` is told how its name is kept (RFC 9051 §6.3.9.7).
    pub fn mailbox_as_spelled(&mut self) -> Result<(MailboxName, Option<Box<str>>), ParseError> {
        let wire = self.astring()?;
        parse_mailbox_name(&wire, self.enabled)
    }

    /// As [`Self::mailbox`]; the empty string is the server (RFC 5464 §4.1).
    pub fn mailbox_or_server(&mut self) -> Result<Option<MailboxName>, ParseError> {
        let wire = self.astring()?;
        if wire.is_empty() { Ok(None) } else { parse_mailbox_name(&wire, self.enabled).map(|(name, _)| Some(name)) }
    }

    /// As [`Self::mailbox`], but one separator at the end is forgiven (RFC 3501 §6.3.3: CREATE's "names below will follow").
    pub fn mailbox_to_create(&mut self) -> Result<(MailboxName, Option<Box<str>>), ParseError> {
        let wire = self.astring()?;
        let separator = u8::try_from(HIERARCHY_SEPARATOR).unwrap_or(b'/');
        let (name, spelled) = parse_mailbox_name(wire.strip_suffix(&[separator]).unwrap_or(&wire), self.enabled)?;
        // RFC 5198 §2: it is no character of the text.
        if name.as_str().starts_with('\u{feff}') {
            return Err(ParseError::Refusal(Code::Cannot, "A mailbox name has no byte order mark"));
        }
        Ok((name, spelled))
    }

    /// `list-mailbox = 1*list-char / string`
    pub fn list_mailbox(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => match self.take_while(chars::is_list_char) {
                [] => Err(ParseError::Syntax("A pattern is missing")),
                word => Ok(Cow::Borrowed(word)),
            },
        }
    }
}

/// Reads a mailbox name as the wire has it; with its spelling if that is another.
fn parse_mailbox_name(wire: &[u8], enabled: Enabled) -> Result<(MailboxName, Option<Box<str>>), ParseError> {
    let name = if enabled.utf8() {
        let name = std::str::from_utf8(wire);
        name.map_err(|_| ParseError::Refusal(Code::Cannot, "The mailbox name is not in UTF-8"))?.to_owned()
    } else {
        let name = modified_utf7::decode(wire);
        name.map_err(|_| ParseError::Refusal(Code::Cannot, "The mailbox name is not in modified UTF-7"))?
    };
    let parsed = MailboxName::parse(&name).map_err(|error| {
        let why = match error {
            MailboxNameError::Empty => "A mailbox name has no empty level",
            MailboxNameError::TooLong => "The mailbox name is too long",
            MailboxNameError::TooDeep => "The mailbox name has too many levels",
            MailboxNameError::Control => "A mailbox name has no control characters",
        };
        ParseError::Refusal(Code::Cannot, why)
    })?;
    let spelled = (!is_nfc(&name)).then(|| name.into());
    Ok((parsed, spelled))
}

#[cfg(test)]
mod tests;
