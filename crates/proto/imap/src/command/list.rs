//! LIST (RFC 3501 §6.3.8) with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819) and SPECIAL-USE (RFC 6154).

use super::Command;
use super::getmetadata::{Depth, Entries, parse_names};
use super::status::{self, StatusItem};
use crate::codec::{Cursor, ListPattern, ParseError};
use crate::response::Code;

/// Most patterns of one LIST.
pub const LIST_PATTERNS_MAX: usize = 32;

/// Which names to list (RFC 5258 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectOption {
    /// `SUBSCRIBED`: subscribed names in the place of mailboxes.
    Subscribed,
    /// `REMOTE`: also mailboxes of other servers, of which there are none.
    Remote,
    /// `RECURSIVEMATCH`: also names above those that do not fit a pattern and meet the other options.
    RecursiveMatch,
    /// `SPECIAL-USE`: only mailboxes with a special use (RFC 6154 §5.2).
    SpecialUse,
}

impl SelectOption {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Subscribed, "SUBSCRIBED"),
        (Self::Remote, "REMOTE"),
        (Self::RecursiveMatch, "RECURSIVEMATCH"),
        (Self::SpecialUse, "SPECIAL-USE"),
    ];
}

/// What to tell of each name (RFC 5258 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnOption {
    /// `SUBSCRIBED`: which are subscribed.
    Subscribed,
    /// `CHILDREN`: which have others below them; that is always told.
    Children,
    /// `SPECIAL-USE`: what they are for; that is always told.
    SpecialUse,
    /// `STATUS (…)`: a STATUS line for each mailbox that can be selected (RFC 5819 §2).
    Status(Vec<StatusItem>),
    /// `MYRIGHTS`: the user's rights in each (RFC 8440 §3).
    MyRights,
    /// `METADATA (…)`: annotations of each (RFC 9590 §3).
    Metadata(Entries),
}

/// Which mailboxes to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// What the names must fit, one of these at least; `None` asks for the hierarchy separator only.
    pub patterns: Option<Vec<ListPattern>>,
    /// Which of them, each option once.
    pub select: Vec<SelectOption>,
    /// What to tell, each option once.
    pub returns: Vec<ReturnOption>,
    /// Whether the client knows extended answers: it used an extended form (RFC 5258 §3).
    pub extended: bool,
    /// Whether the command was XLIST: the answer has the name and the attributes of that.
    pub xlist: bool,
}

impl List {
    /// Whether an option is among the selection options.
    pub fn selects(&self, option: SelectOption) -> bool {
        self.select.contains(&option)
    }

    /// Whether `\Subscribed` must be told: asked for, or implied by the selection (RFC 5258 §3.1).
    pub fn tells_subscriptions(&self) -> bool {
        self.selects(SelectOption::Subscribed) || self.returns.contains(&ReturnOption::Subscribed)
    }

    /// The values of STATUS that were asked for.
    pub fn status_items(&self) -> Option<&[StatusItem]> {
        self.returns.iter().find_map(|option| match option {
            ReturnOption::Status(items) => Some(items.as_slice()),
            _ => None,
        })
    }

    /// Whether the user's rights are asked for.
    pub fn tells_rights(&self) -> bool {
        self.returns.contains(&ReturnOption::MyRights)
    }

    /// The annotations that were asked for.
    pub fn entries(&self) -> Option<&Entries> {
        self.returns.iter().find_map(|option| match option {
            ReturnOption::Metadata(entries) => Some(entries),
            _ => None,
        })
    }
}

/// ```text
/// list             = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
/// mbox-or-pat      = list-mailbox / patterns
/// patterns         = "(" list-mailbox *(SP list-mailbox) ")"
/// list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut select = Vec::new();
    let mut extended = cursor.peek() == Some(b'(');
    if extended {
        parse_options(cursor, |cursor| parse_select_option(cursor, &mut select))?;
        check_selection(&select)?;
        cursor.space()?;
    }
    let reference = cursor.astring()?;
    cursor.space()?;
    let mut wires = Vec::new();
    if cursor.take_if(b'(') {
        extended = true;
        loop {
            wires.push(cursor.list_mailbox()?);
            if cursor.take_if(b')') {
                break;
            }
            cursor.space()?;
        }
    } else {
        wires.push(cursor.list_mailbox()?);
    }
    let mut returns = Vec::new();
    if cursor.take_word(" RETURN") {
        extended = true;
        cursor.space()?;
        parse_options(cursor, |cursor| parse_return_option(cursor, &mut returns))?;
    }
    let patterns = match wires.as_slice() {
        [only] if only.is_empty() && !extended => None,
        [only] if !extended => Some(vec![ListPattern::parse(&reference, only, cursor.enabled())?]),
        all if all.len() > LIST_PATTERNS_MAX => {
            return Err(ParseError::Refusal(Code::Limit, "There are too many patterns"));
        }
        // RFC 5258 §3: in an extended LIST an empty pattern fits nothing, and what a server does not take it ignores.
        all => {
            let named = all.iter().filter(|wire| !wire.is_empty());
            Some(named.filter_map(|wire| ListPattern::parse(&reference, wire, cursor.enabled()).ok()).collect())
        }
    };
    Ok(Command::List(List { patterns, select, returns, extended, xlist: false }))
}

/// XLIST is what LIST with special uses was before RFC 6154. No standard has it and it is not announced; programs made for
/// Gmail send it all the same. Source: <https://limilabs.com/blog/localized-gmail-imap-folders>.
///
/// ```text
/// xlist = "XLIST" SP mailbox SP list-mailbox
/// ```
pub(crate) fn parse_xlist(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let reference = cursor.astring()?;
    cursor.space()?;
    let pattern = cursor.list_mailbox()?;
    let patterns = vec![ListPattern::parse(&reference, &pattern, cursor.enabled())?];
    let list = List { patterns: Some(patterns), select: vec![], returns: vec![], extended: false, xlist: true };
    Ok(Command::List(list))
}

/// ```text
/// list-select-opt = "SUBSCRIBED" / "REMOTE" / "RECURSIVEMATCH" / "SPECIAL-USE"
/// ```
fn parse_select_option(cursor: &mut Cursor<'_>, select: &mut Vec<SelectOption>) -> Result<(), ParseError> {
    let name = cursor.word()?;
    let known = SelectOption::ALL.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
    let (option, _) = known.ok_or(ParseError::Syntax("There is no such option"))?;
    if !select.contains(option) {
        select.push(*option);
    }
    Ok(())
}

/// RFC 5258 §3.1: RECURSIVEMATCH needs an option that it can modify.
fn check_selection(select: &[SelectOption]) -> Result<(), ParseError> {
    if select.contains(&SelectOption::RecursiveMatch) && !select.contains(&SelectOption::Subscribed) {
        return Err(ParseError::Syntax("RECURSIVEMATCH needs SUBSCRIBED"));
    }
    Ok(())
}

/// ```text
/// return-option = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" / status-option
/// status-option = "STATUS" SP "(" status-att *(SP status-att) ")"
/// ```
fn parse_return_option(cursor: &mut Cursor<'_>, returns: &mut Vec<ReturnOption>) -> Result<(), ParseError> {
    let name = cursor.word()?.to_ascii_uppercase();
    let option = match name.as_str() {
        "SUBSCRIBED" => ReturnOption::Subscribed,
        "CHILDREN" => ReturnOption::Children,
        "SPECIAL-USE" => ReturnOption::SpecialUse,
        "STATUS" => {
            cursor.space()?;
            ReturnOption::Status(status::parse_items(cursor)?)
        }
        "MYRIGHTS" => ReturnOption::MyRights,
        "METADATA" => {
            cursor.space()?;
            ReturnOption::Metadata(parse_entries(cursor)?)
        }
        _ => return Err(ParseError::Syntax("There is no such option")),
    };
    // RFC 5258 §3: an option that comes twice is as one.
    let is_new = returns.iter().all(|other| std::mem::discriminant(other) != std::mem::discriminant(&option));
    if is_new {
        returns.push(option);
    }
    Ok(())
}

/// ```text
/// return-option =/ "MYRIGHTS" / "METADATA" SP "(" entry *(SP entry) ")"
/// ```
fn parse_entries(cursor: &mut Cursor<'_>) -> Result<Entries, ParseError> {
    if cursor.peek() != Some(b'(') {
        return Err(ParseError::Syntax("A list of entries is missing"));
    }
    let mut entries = Entries { max_size: None, depth: Depth::Zero, names: Vec::new() };
    parse_names(cursor, &mut entries.names)?;
    Ok(entries)
}

/// Reads options in parentheses with `take`.
fn parse_options<'a>(
    cursor: &mut Cursor<'a>,
    mut take: impl FnMut(&mut Cursor<'a>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    cursor.expect(b'(', "A list of options is missing")?;
    if cursor.take_if(b')') {
        return Ok(());
    }
    loop {
        take(cursor)?;
        if cursor.take_if(b')') {
            return Ok(());
        }
        cursor.space()?;
    }
}
