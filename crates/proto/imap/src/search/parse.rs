//! Reads SEARCH keys with an explicit stack, each byte once.

use super::{SEARCH_DEPTH_MAX, SEARCH_NODES_MAX, SearchKey, SearchNode};
use crate::codec::{Cursor, Date, ParseError, SequenceSet, UID_REQUIRED, chars, is_object_id};
use crate::command::flag_list::parse_keyword;
use message::charset::Charset;
use types::Flags;

/// An operator whose operands are still being read.
enum Open {
    /// Everything up to the end of the command.
    Command,
    /// Everything up to the closing parenthesis.
    Group(usize),
    /// So many more operands.
    Wants(usize, u8),
}

/// ```text
/// search-key = … / "NOT" SP search-key / "OR" SP search-key SP search-key / "(" search-key *(SP search-key) ")"
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>, charset: Option<Charset>) -> Result<Vec<SearchNode>, ParseError> {
    let mut nodes = vec![SearchNode::And { end: 0 }];
    let mut stack = vec![Open::Command];
    loop {
        if nodes.len() >= SEARCH_NODES_MAX {
            return Err(ParseError::Syntax("SEARCH has too many keys"));
        }
        let place = nodes.len();
        if let Some((node, open)) = parse_operator(cursor, place)? {
            if stack.len() > SEARCH_DEPTH_MAX {
                return Err(ParseError::Syntax("SEARCH is nested too deeply"));
            }
            nodes.push(node);
            stack.push(open);
            continue;
        }
        nodes.push(SearchNode::Key(parse_key(cursor, charset)?));
        if close(cursor, &mut nodes, &mut stack)? {
            return Ok(nodes);
        }
    }
}

/// Takes the beginning of an operator, if one is next.
fn parse_operator(cursor: &mut Cursor<'_>, place: usize) -> Result<Option<(SearchNode, Open)>, ParseError> {
    if cursor.take_if(b'(') {
        return Ok(Some((SearchNode::And { end: 0 }, Open::Group(place))));
    }
    let mut ahead = cursor.clone();
    let word = ahead.take_while(|b| b.is_ascii_alphabetic());
    let found = if word.eq_ignore_ascii_case(b"NOT") {
        (SearchNode::Not { end: 0 }, Open::Wants(place, 1))
    } else if word.eq_ignore_ascii_case(b"OR") {
        (SearchNode::Or { end: 0 }, Open::Wants(place, 2))
    } else {
        return Ok(None);
    };
    ahead.space()?;
    *cursor = ahead;
    Ok(Some(found))
}

/// A key is whole: closes what ends with it. True at the end of the command, else the next key follows.
fn close(cursor: &mut Cursor<'_>, nodes: &mut [SearchNode], stack: &mut Vec<Open>) -> Result<bool, ParseError> {
    loop {
        let behind = nodes.len();
        let closed = match stack.last_mut() {
            None => return Ok(true),
            Some(Open::Command) => {
                // Spaces at the end are forgiven, so they are looked at before the next key is wanted.
                if cursor.rest().iter().all(|b| *b == b' ') {
                    0
                } else {
                    cursor.space()?;
                    return Ok(false);
                }
            }
            Some(Open::Group(place)) => {
                if !cursor.take_if(b')') {
                    cursor.space()?;
                    return Ok(false);
                }
                *place
            }
            Some(Open::Wants(place, left)) => {
                *left -= 1;
                if *left > 0 {
                    cursor.space()?;
                    return Ok(false);
                }
                *place
            }
        };
        if let Some(SearchNode::And { end } | SearchNode::Or { end } | SearchNode::Not { end }) = nodes.get_mut(closed)
        {
            *end = behind;
        }
        stack.pop();
    }
}

/// Reads one key with its arguments.
fn parse_key(cursor: &mut Cursor<'_>, charset: Option<Charset>) -> Result<SearchKey, ParseError> {
    if cursor.take_if(b'$') {
        return Ok(SearchKey::Saved);
    }
    if cursor.peek().is_some_and(|b| b.is_ascii_digit() || b == b'*') {
        if cursor.enabled().uid_only() {
            return Err(UID_REQUIRED);
        }
        return SequenceSet::parse(cursor).map(SearchKey::Sequence);
    }
    let word = cursor.take_while(|b| b.is_ascii_alphabetic());
    let mut name = [0; LONGEST_KEY];
    let name = name.get_mut(..word.len()).ok_or(UNKNOWN)?;
    name.copy_from_slice(word);
    name.make_ascii_uppercase();
    match plain_key(name) {
        Some(key) => Ok(key),
        None => key_with_argument(name, cursor, charset),
    }
}

const LONGEST_KEY: usize = 17;
const UNKNOWN: ParseError = ParseError::Syntax("There is no such SEARCH key");

fn plain_key(name: &[u8]) -> Option<SearchKey> {
    Some(match name {
        b"ALL" => SearchKey::All,
        b"ANSWERED" => SearchKey::Flag(Flags::ANSWERED),
        b"DELETED" => SearchKey::Flag(Flags::DELETED),
        b"DRAFT" => SearchKey::Flag(Flags::DRAFT),
        b"FLAGGED" => SearchKey::Flag(Flags::FLAGGED),
        b"SEEN" => SearchKey::Flag(Flags::SEEN),
        b"UNANSWERED" => SearchKey::NoFlag(Flags::ANSWERED),
        b"UNDELETED" => SearchKey::NoFlag(Flags::DELETED),
        b"UNDRAFT" => SearchKey::NoFlag(Flags::DRAFT),
        b"UNFLAGGED" => SearchKey::NoFlag(Flags::FLAGGED),
        b"UNSEEN" => SearchKey::NoFlag(Flags::SEEN),
        b"NEW" => SearchKey::New,
        b"OLD" => SearchKey::Old,
        b"RECENT" => SearchKey::Recent,
        b"SAVEDATESUPPORTED" => SearchKey::SaveDateSupported,
        _ => return None,
    })
}

fn key_with_argument(name: &[u8], cursor: &mut Cursor<'_>, charset: Option<Charset>) -> Result<SearchKey, ParseError> {
    if let Some(key) = text_key(name) {
        cursor.space()?;
        return text(cursor, charset).map(key);
    }
    let key: fn(&mut Cursor<'_>) -> Result<SearchKey, ParseError> = match name {
        b"HEADER" => {
            cursor.space()?;
            let name = text(cursor, charset)?;
            cursor.space()?;
            return Ok(SearchKey::Header(name, text(cursor, charset)?));
        }
        b"BEFORE" => |c| Date::parse(c).map(SearchKey::Before),
        b"ON" => |c| Date::parse(c).map(SearchKey::On),
        b"SINCE" => |c| Date::parse(c).map(SearchKey::Since),
        b"SENTBEFORE" => |c| Date::parse(c).map(SearchKey::SentBefore),
        b"SENTON" => |c| Date::parse(c).map(SearchKey::SentOn),
        b"SENTSINCE" => |c| Date::parse(c).map(SearchKey::SentSince),
        b"SAVEDBEFORE" => |c| Date::parse(c).map(SearchKey::SavedBefore),
        b"SAVEDON" => |c| Date::parse(c).map(SearchKey::SavedOn),
        b"SAVEDSINCE" => |c| Date::parse(c).map(SearchKey::SavedSince),
        b"OLDER" => |c| c.nz_number().map(SearchKey::Older),
        b"YOUNGER" => |c| c.nz_number().map(SearchKey::Younger),
        b"EMAILID" => |c| object_id(c).map(SearchKey::EmailId),
        b"THREADID" => |c| object_id(c).map(SearchKey::ThreadId),
        b"LARGER" => |c| c.number().map(SearchKey::Larger),
        b"SMALLER" => |c| c.number().map(SearchKey::Smaller),
        b"KEYWORD" => |c| parse_keyword(c).map(SearchKey::Keyword),
        b"UNKEYWORD" => |c| parse_keyword(c).map(SearchKey::NoKeyword),
        b"UID" => |c| if c.take_if(b'$') { Ok(SearchKey::Saved) } else { SequenceSet::parse(c).map(SearchKey::Uid) },
        b"UIDAFTER" => |c| c.nz_number().map(SearchKey::UidAfter),
        b"UIDBEFORE" => |c| c.nz_number().map(SearchKey::UidBefore),
        b"MODSEQ" => modseq,
        _ => return Err(UNKNOWN),
    };
    cursor.space()?;
    key(cursor)
}

fn text_key(name: &[u8]) -> Option<fn(Box<str>) -> SearchKey> {
    Some(match name {
        b"BCC" => SearchKey::Bcc,
        b"BODY" => SearchKey::Body,
        b"CC" => SearchKey::Cc,
        b"FROM" => SearchKey::From,
        b"SUBJECT" => SearchKey::Subject,
        b"TEXT" => SearchKey::Text,
        b"TO" => SearchKey::To,
        _ => return None,
    })
}

/// A text in a charset. In one that nobody knows it says nothing, but where it ends is known.
fn text(cursor: &mut Cursor<'_>, charset: Option<Charset>) -> Result<Box<str>, ParseError> {
    let bytes = cursor.astring()?;
    let Some(charset) = charset else { return Ok(String::from_utf8_lossy(&bytes).into()) };
    let text = charset.decode(&bytes).ok_or(ParseError::Syntax("The text to search for is not in its charset"))?;
    Ok(text.into())
}

/// `objectid` (RFC 8474 §7)
fn object_id(cursor: &mut Cursor<'_>) -> Result<Box<str>, ParseError> {
    let id = cursor.atom()?;
    if is_object_id(id.as_bytes()) { Ok(id.into()) } else { Err(ParseError::Syntax("This is no object id")) }
}

/// ```text
/// search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
/// entry-name         = DQUOTE "/flags/" attr-flag DQUOTE
/// attr-flag          = ["\"] atom                  ; in the quotes the backslash is doubled
/// entry-type-req     = "priv" / "shared" / "all"
/// ```
fn modseq(cursor: &mut Cursor<'_>) -> Result<SearchKey, ParseError> {
    if cursor.peek() == Some(b'"') {
        let entry = cursor.string()?;
        let flag = entry.split_at_checked(7).filter(|(head, _)| head.eq_ignore_ascii_case(b"/flags/")).map(|(_, f)| f);
        let name = flag.map(|flag| flag.strip_prefix(b"\\").unwrap_or(flag));
        if !name.is_some_and(|name| !name.is_empty() && name.iter().all(|b| chars::is_atom_char(*b))) {
            return Err(ParseError::Syntax("MODSEQ knows the entries of flags only"));
        }
        cursor.space()?;
        let scope = cursor.atom()?;
        if !["priv", "shared", "all"].iter().any(|known| known.eq_ignore_ascii_case(scope)) {
            return Err(ParseError::Syntax("There is no such entry type"));
        }
        cursor.space()?;
    }
    cursor.modseq().map(SearchKey::ModSeq)
}
