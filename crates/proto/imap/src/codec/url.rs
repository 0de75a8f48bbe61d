//! IMAP URLs that lead to a message on this server, or to a part of one (RFC 5092, RFC 4469 §3, PARTIAL: RFC 5550 §5.7.1).
//!
//! Deviation: RFC 5092 §7.2 takes no reference that begins neither with a scheme nor with a slash. RFC 4469 §3 gives them the
//! open mailbox as their base, and RFC 5092 §9.1 shows what they mean there.

use super::Cursor;
use crate::fetch::Section;
use std::num::NonZeroU64;
use types::{HIERARCHY_SEPARATOR, MailboxName, Uid, UidValidity};

/// Longest URL.
pub const URL_MAX: usize = 8192;

/// What a relative URL is relative to: `imap://user@server/mailbox` (RFC 4469 §3).
#[derive(Clone, Copy, Debug)]
pub struct UrlBase<'a> {
    /// Who is signed in.
    pub user: &'a str,
    /// The server's name.
    pub server: &'a str,
    /// The open mailbox.
    pub mailbox: Option<&'a MailboxName>,
}

/// Octets of a section: `;PARTIAL=offset.length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlPartial {
    /// Where they begin.
    pub offset: u64,
    /// How many; to the end if it is not said.
    pub length: Option<NonZeroU64>,
}

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageUrl {
    /// The mailbox, as the user names it.
    pub mailbox: MailboxName,
    /// The UIDVALIDITY that it must have.
    pub uid_validity: Option<UidValidity>,
    /// The message.
    pub uid: Uid,
    /// What of it; all of it if it is not said.
    pub section: Option<Section>,
    /// Which octets of that.
    pub partial: Option<UrlPartial>,
}

impl MessageUrl {
    /// Reads a URL; `None` if it is none, leads to another server or user, or to no message.
    ///
    /// ```text
    /// imapurl      = "imap://" [enc-user [iauth] "@"] host [":" port] ipath-query
    /// imessagepart = enc-mailbox [";UIDVALIDITY=" nz-number] "/;UID=" nz-number ["/;SECTION=" enc-section]
    ///                ["/;PARTIAL=" number ["." nz-number]]
    /// ```
    /// A relative one begins with `//`, with `/`, with a mailbox beside the open one, or with `;UID=` in the open one.
    ///
    /// Deviation: against the base of RFC 4469 §3, `imap://user@server/mailbox`, a `;UID=` alone would take the place of
    /// the mailbox (RFC 3986 §5.2.3) and lead nowhere. It can only mean a message of the open mailbox, and does. With a
    /// server in front, which RFC 4469 §3 leaves to others, a URL is taken if the server is this one.
    pub fn parse(url: &[u8], base: &UrlBase<'_>) -> Option<Self> {
        let text = std::str::from_utf8(url).ok().filter(|text| text.len() <= URL_MAX)?;
        if !text.bytes().all(is_url_char) {
            return None;
        }
        let path = match strip_word(text, "imap:").unwrap_or(text).strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
                is_this_server(authority, base).then_some(path)?
            }
            // A scheme without a server is none.
            None if strip_word(text, "imap:").is_some() => return None,
            None => text,
        };
        let at = find_word(path, ";UID=")?;
        let (before, message) = (path.get(..at)?, path.get(at..)?);
        let (name, uid_validity) = match find_word(before, ";UIDVALIDITY=") {
            Some(at) => {
                let number = strip_word(before.get(at..)?, ";UIDVALIDITY=")?.strip_suffix('/')?;
                (before.get(..at)?, Some(UidValidity::new(number_of(number)?)?))
            }
            None => (before.strip_suffix('/').unwrap_or(before), None),
        };
        if before == "/" || !before.is_empty() && !before.ends_with('/') {
            return None;
        }
        let mailbox = resolve(name, base)?;
        let (uid, section, partial) = parse_message(message)?;
        Some(Self { mailbox, uid_validity, uid, section, partial })
    }
}

/// ```text
/// bchar = unreserved / sub-delims-sh / pct-encoded / "&" / "=" / ":" / "@" / "/"
/// ```
fn is_url_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$'()*+,&=:@/%;".contains(&byte)
}

/// What stands behind a word that is written in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    text.as_bytes().windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn number_of(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'%' {
            out.push(*first);
            rest = behind;
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    Some(out)
}

/// Whether an authority is this server, for this user.
///
/// ```text
/// iserver   = [iuserinfo "@"] host [":" port]
/// iuserinfo = enc-user [";AUTH=" ("*" / enc-auth-type)] / [enc-user] ";AUTH=" ("*" / enc-auth-type)
/// ```
fn is_this_server(authority: &str, base: &UrlBase<'_>) -> bool {
    let (user, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => {
            let (user, auth) = userinfo.split_once(';').map_or((userinfo, None), |(user, auth)| (user, Some(auth)));
            let is_auth = |auth| strip_word(auth, "AUTH=").is_some_and(|name| !name.is_empty() && !name.contains(';'));
            if !auth.map_or(!user.is_empty(), is_auth) {
                return false;
            }
            (user, host)
        }
        None => ("", authority),
    };
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    let is_user = user.is_empty() || decode(user).is_some_and(|user| user.eq_ignore_ascii_case(base.user.as_bytes()));
    is_user && host.eq_ignore_ascii_case(base.server)
}

/// The mailbox of a path (RFC 3986 §5.2): `/name` from the top, `name` beside the open one, nothing for the open one.
/// The name is in UTF-8 under its percent signs.
fn resolve(path: &str, base: &UrlBase<'_>) -> Option<MailboxName> {
    let (path, is_absolute) = match path.strip_prefix('/') {
        Some(path) => (path, true),
        None => (path, false),
    };
    if path.is_empty() {
        return base.mailbox.filter(|_| !is_absolute).cloned();
    }
    if path.contains(';') {
        return None;
    }
    let mut levels: Vec<String> = Vec::new();
    if let Some(open) = base.mailbox.filter(|_| !is_absolute) {
        levels.extend(open.as_str().split(HIERARCHY_SEPARATOR).map(str::to_owned));
        levels.pop();
    }
    for level in path.split('/') {
        match level {
            "." => {}
            ".." => drop(levels.pop()),
            level => levels.push(String::from_utf8(decode(level)?).ok()?),
        }
    }
    MailboxName::parse(&levels.join(HIERARCHY_SEPARATOR.encode_utf8(&mut [0; 4]))).ok()
}

/// `;UID=n`, and behind it `/;SECTION=…` and `/;PARTIAL=…`.
fn parse_message(text: &str) -> Option<(Uid, Option<Section>, Option<UrlPartial>)> {
    let text = strip_word(text, ";UID=")?;
    let (text, partial) = match find_word(text, "/;PARTIAL=") {
        Some(at) => (text.get(..at)?, Some(parse_partial(strip_word(text.get(at..)?, "/;PARTIAL=")?)?)),
        None => (text, None),
    };
    let (text, section) = match find_word(text, "/;SECTION=") {
        Some(at) => (text.get(..at)?, Some(parse_section(strip_word(text.get(at..)?, "/;SECTION=")?)?)),
        None => (text, None),
    };
    Some((Uid::new(number_of(text)?)?, section, partial))
}

fn parse_partial(text: &str) -> Option<UrlPartial> {
    let (offset, length) = match text.split_once('.') {
        Some((offset, length)) => (offset, Some(length)),
        None => (text, None),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let length = match length {
        Some(length) => Some(NonZeroU64::new(number(length)?)?),
        None => None,
    };
    Some(UrlPartial { offset: number(offset)?, length })
}

fn parse_section(text: &str) -> Option<Section> {
    let mut text = decode(text).filter(|text| !text.is_empty())?;
    text.push(b']');
    let mut cursor = Cursor::new(&text);
    Section::parse(&mut cursor).ok().filter(|_| cursor.rest().is_empty())
}

#[cfg(test)]
mod tests;
