//! Address lists (RFC 5322 §3.4, obsolete forms of §4.4): groups, routes, comments as names, and what real headers
//! hold instead. Nothing is refused: what cannot be read comes out marked, as the words below say.

use crate::lexer::{Broken, Lexer, Progress};

/// Stands for a local part that is not there: an empty one would make a client believe in a group (RFC 9051 §7.5.2).
pub const MISSING_MAILBOX: &[u8] = b"MISSING_MAILBOX";
/// Stands for a domain that is not there.
pub const MISSING_DOMAIN: &[u8] = b"MISSING_DOMAIN";
/// Stands for the domain of an address in angle brackets that cannot be read.
const SYNTAX_ERROR: &[u8] = b"SYNTAX_ERROR";
/// Stands for a source route that cannot be read.
const INVALID_ROUTE: &[u8] = b"INVALID_ROUTE";

/// One entry of an address list as ENVELOPE shows it (RFC 9051 §7.5.2): raw bytes, unquoted, unfolded, encoded words
/// as they came. Without a domain it begins a group (`mailbox` is its name) or ends one (no `mailbox` either).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressEntry {
    /// Display name, or the comment that stands for it.
    pub name: Option<Vec<u8>>,
    /// Source route (RFC 5322 §4.4).
    pub route: Option<Vec<u8>>,
    /// Local part.
    pub mailbox: Option<Vec<u8>>,
    /// Domain.
    pub domain: Option<Vec<u8>>,
}

impl AddressEntry {
    /// Whether local part and domain are both as the message has them.
    pub fn is_complete(&self) -> bool {
        let is = |part: &Option<Vec<u8>>, missing: &[&[u8]]| part.as_deref().is_some_and(|p| !missing.contains(&p));
        is(&self.mailbox, &[MISSING_MAILBOX]) && is(&self.domain, &[MISSING_DOMAIN, SYNTAX_ERROR])
    }
}

/// Hands every entry of an address list to `each`, in order. One pass: time grows with the value's length.
pub fn parse_list(value: &[u8], mut each: impl FnMut(AddressEntry)) {
    let mut lexer = Lexer::new(value).with_comments();
    if !matches!(lexer.skip_cfws(), Ok(true)) {
        return;
    }
    loop {
        match address(&mut lexer, &mut each) {
            Ok(true) | Err(Broken) if lexer.peek() == Some(b',') => lexer.advance(),
            _ => return,
        }
        match lexer.skip_cfws() {
            Ok(true) => {}
            Ok(false) => return,
            Err(Broken) => {
                each(completed(AddressEntry::default()));
                return;
            }
        }
    }
}

/// `address = mailbox / group`
fn address(lexer: &mut Lexer<'_>, each: &mut impl FnMut(AddressEntry)) -> Progress {
    let start = lexer.position();
    let mut name = Vec::new();
    match lexer.phrase(&mut name) {
        Ok(true) if lexer.peek() == Some(b':') => Ok(group(lexer, name, each)),
        phrase => {
            let (entry, progress) = mailbox(lexer, start, name, phrase);
            each(entry);
            progress
        }
    }
}

/// `group = display-name ":" [group-list] ";" [CFWS]`, from the colon. A group that does not end ends with the list.
fn group(lexer: &mut Lexer<'_>, name: Vec<u8>, each: &mut impl FnMut(AddressEntry)) -> bool {
    each(AddressEntry { mailbox: Some(name), ..AddressEntry::default() });
    lexer.advance();
    let mut more = matches!(lexer.skip_cfws(), Ok(true)) && lexer.peek() != Some(b';');
    while more {
        let start = lexer.position();
        let mut name = Vec::new();
        let phrase = lexer.phrase(&mut name);
        let (entry, _) = mailbox(lexer, start, name, phrase);
        each(entry);
        if lexer.peek() != Some(b',') {
            break;
        }
        lexer.advance();
        more = matches!(lexer.skip_cfws(), Ok(true));
    }
    let mut more = true;
    if lexer.peek() == Some(b';') {
        lexer.advance();
        more = lexer.skip_cfws() != Ok(false);
    }
    each(AddressEntry::default());
    more
}

/// `mailbox = name-addr / addr-spec`, after its first phrase has been read.
fn mailbox(lexer: &mut Lexer<'_>, start: usize, name: Vec<u8>, phrase: Progress) -> (AddressEntry, Progress) {
    let mut entry = AddressEntry::default();
    if phrase == Ok(true) && lexer.peek() == Some(b'<') {
        entry.name = Some(name).filter(|n| !n.is_empty());
        let read = angle_address(lexer, &mut entry);
        if read.is_err() {
            entry.domain = Some(SYNTAX_ERROR.to_vec());
        }
        return (completed(entry), Ok(lexer.peek().is_some()));
    }
    lexer.rewind(start);
    let progress = bare_address(lexer, &mut entry);
    (completed(entry), progress)
}

fn completed(mut entry: AddressEntry) -> AddressEntry {
    entry.mailbox.get_or_insert_with(|| MISSING_MAILBOX.to_vec());
    if entry.domain.as_ref().is_none_or(Vec::is_empty) {
        entry.domain = Some(MISSING_DOMAIN.to_vec());
    }
    entry
}

/// `angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]`
fn angle_address(lexer: &mut Lexer<'_>, entry: &mut AddressEntry) -> Progress {
    lexer.advance();
    if !lexer.skip_cfws()? {
        return Err(Broken);
    }
    if lexer.peek() == Some(b'@') {
        let mut route = Vec::new();
        if matches!(route_list(lexer, &mut route), Ok(true)) && lexer.peek() == Some(b':') {
            entry.route = Some(route);
            lexer.advance();
        } else {
            entry.route = Some(INVALID_ROUTE.to_vec());
        }
        if !lexer.skip_cfws()? {
            return Err(Broken);
        }
    }
    if lexer.peek() != Some(b'>') {
        if !local_part(lexer, entry)? {
            return Err(Broken);
        }
        if lexer.peek() == Some(b'@') && !domain(lexer, entry)? {
            return Err(Broken);
        }
    }
    if lexer.peek() != Some(b'>') {
        return Err(Broken);
    }
    lexer.advance();
    lexer.skip_cfws()
}

/// `obs-domain-list`, from its first at sign.
fn route_list(lexer: &mut Lexer<'_>, route: &mut Vec<u8>) -> Progress {
    while lexer.peek() == Some(b'@') {
        if !route.is_empty() {
            route.push(b',');
        }
        route.push(b'@');
        if !lexer.at_domain(route)? {
            return Ok(false);
        }
        while lexer.skip_cfws()? && lexer.peek() == Some(b',') {
            lexer.advance();
        }
    }
    Ok(lexer.peek().is_some())
}

fn local_part(lexer: &mut Lexer<'_>, entry: &mut AddressEntry) -> Progress {
    let mut local = Vec::new();
    let progress =
        if lexer.peek() == Some(b'"') { lexer.quoted_string(&mut local) } else { lexer.loose_dot_atom(&mut local) };
    if progress.is_ok() {
        entry.mailbox = Some(local);
    }
    progress
}

fn domain(lexer: &mut Lexer<'_>, entry: &mut AddressEntry) -> Progress {
    let mut domain = Vec::new();
    let progress = lexer.at_domain(&mut domain);
    if progress.is_ok() {
        entry.domain = Some(domain);
    }
    progress
}

/// `addr-spec = local-part "@" domain`; a comment becomes the name, as was the custom before RFC 822 had names.
fn bare_address(lexer: &mut Lexer<'_>, entry: &mut AddressEntry) -> Progress {
    lexer.take_comment();
    let is_quoted = lexer.peek() == Some(b'"');
    let mut progress = local_part(lexer, entry);
    let mut has_domain = false;
    if progress != Ok(false) && lexer.peek() == Some(b'@') {
        has_domain = true;
        let read = domain(lexer, entry);
        if read != Ok(true) {
            progress = read;
        }
    }
    let comment = lexer.take_comment();
    if !comment.is_empty() {
        entry.name = Some(comment);
    } else if !has_domain {
        // One word alone is a mailbox; several are a name.
        let mut name = entry.mailbox.clone().unwrap_or_default();
        name.push(b' ');
        let length = name.len();
        // What follows is only looked at for whether it is there: the entry is broken either way.
        let _ = lexer.phrase(&mut name);
        if name.len() != length {
            entry.mailbox = None;
            entry.name = Some(name);
        } else if is_quoted {
            entry.name = entry.mailbox.take();
        }
        progress = Err(Broken);
    }
    progress
}
