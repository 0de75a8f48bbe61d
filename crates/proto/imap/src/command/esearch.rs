//! ESEARCH over several mailboxes (RFC 7377).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::fetch::FetchItem;
use crate::search::{ReturnOption, ReturnOptions, SearchProgram};
use types::MailboxName;

/// Most sources and mailbox names in one ESEARCH, together.
pub const ESEARCH_NAMES_MAX: usize = 1000;

/// Where to look (RFC 7377 §2.2, RFC 5465 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The open mailbox.
    Selected,
    /// Those that mail is delivered to.
    Inboxes,
    /// All of the user's own.
    Personal,
    /// The subscribed ones.
    Subscribed,
    /// These and all below them.
    Subtree(Vec<MailboxName>),
    /// These and those one level below them.
    SubtreeOne(Vec<MailboxName>),
    /// These.
    Mailboxes(Vec<MailboxName>),
}

/// What to look for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Esearch {
    /// Where; `[Selected]` if nothing was said.
    pub sources: Vec<Source>,
    /// What to return; ALL if nothing was said (RFC 7377 §2.1).
    pub returns: ReturnOptions,
    /// What is fetched of new messages when UPDATE tells of them (RFC 5465 §7).
    pub update_items: Vec<FetchItem>,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut sources = vec![Source::Selected];
    if cursor.take_word("IN (") {
        sources = parse_sources(cursor)?;
        cursor.space()?;
    }
    let mut update_items = Vec::new();
    let returns = ReturnOptions::parse(cursor, &mut update_items)?.unwrap_or(ReturnOptions::of(&[ReturnOption::All]));
    if returns.has(ReturnOption::Save) && sources.iter().any(|source| *source != Source::Selected) {
        // RFC 7377 §2.2
        return Err(ParseError::Syntax("Only a result from the selected mailbox can be saved"));
    }
    let program = SearchProgram::parse_with_charset(cursor)?;
    Ok(Command::Esearch(Esearch { sources, returns, update_items, program }))
}

/// ```text
/// esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
/// source-mbox         = filter-mailboxes *(SP filter-mailboxes)
/// filter-mailboxes    = "selected" / "inboxes" / "personal" / "subscribed" /
///                       ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox
/// ```
fn parse_sources(cursor: &mut Cursor<'_>) -> Result<Vec<Source>, ParseError> {
    let (mut sources, mut left) = (Vec::new(), ESEARCH_NAMES_MAX);
    loop {
        left = left.checked_sub(1).ok_or(TOO_MANY)?;
        let word = cursor.word()?.to_ascii_lowercase();
        sources.push(match word.as_str() {
            "selected" => Source::Selected,
            "inboxes" => Source::Inboxes,
            "personal" => Source::Personal,
            "subscribed" => Source::Subscribed,
            "subtree" => Source::Subtree(parse_names(cursor, &mut left)?),
            "subtree-one" => Source::SubtreeOne(parse_names(cursor, &mut left)?),
            "mailboxes" => Source::Mailboxes(parse_names(cursor, &mut left)?),
            _ => return Err(ParseError::Syntax("There is no such source")),
        });
        if cursor.take_if(b')') {
            return Ok(sources);
        }
        cursor.space()?;
        if cursor.peek() == Some(b'(') {
            return Err(ParseError::Syntax("There is no such scope option"));
        }
    }
}

const TOO_MANY: ParseError = ParseError::Syntax("ESEARCH names too many mailboxes");

/// `one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"` (RFC 5465 §8)
fn parse_names(cursor: &mut Cursor<'_>, left: &mut usize) -> Result<Vec<MailboxName>, ParseError> {
    cursor.space()?;
    if !cursor.take_if(b'(') {
        return Ok(vec![cursor.mailbox()?]);
    }
    let mut names = Vec::new();
    loop {
        *left = left.checked_sub(1).ok_or(TOO_MANY)?;
        names.push(cursor.mailbox()?);
        if cursor.take_if(b')') {
            return Ok(names);
        }
        cursor.space()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn esearch(text: &str) -> Result<Esearch, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let command = parse(&mut cursor, false)?;
        cursor.end()?;
        let Command::Esearch(esearch) = command else { panic!("{text}") };
        Ok(esearch)
    }

    #[test]
    fn sources_are_read() {
        let names = |names: &[&str]| names.iter().map(|name| MailboxName::parse(name).unwrap()).collect();
        let one = esearch(" IN (mailboxes \"folder1\" subtree-one \"folder2\") subject \"chad\"").unwrap();
        let sources = [Source::Mailboxes(names(&["folder1"])), Source::SubtreeOne(names(&["folder2"]))];
        assert_eq!((one.sources, one.returns), (sources.to_vec(), ReturnOptions::of(&[ReturnOption::All])));
        let two = esearch(" in (SELECTED personal subtree (a b/c) Inboxes subscribed) RETURN (MIN) ALL").unwrap();
        let subtree = Source::Subtree(names(&["a", "b/c"]));
        assert_eq!(two.sources, [Source::Selected, Source::Personal, subtree, Source::Inboxes, Source::Subscribed]);
        assert_eq!(esearch(" RETURN (SAVE) ALL").unwrap().sources, [Source::Selected]);
        assert!(esearch(" IN (selected) RETURN (SAVE) CHARSET utf-8 ALL").is_ok());
        for bad in [
            "",
            " ",
            " IN () ALL",
            " IN (selected-delayed) ALL",
            " IN (weather) ALL",
            " IN (mailboxes) ALL",
            " IN (mailboxes ()) ALL",
            " IN (mailboxes (a) ALL",
            " IN (personal (x)) ALL",
            " IN (personal)",
            " IN (personal) RETURN (SAVE) ALL",
            " IN personal ALL",
        ] {
            assert!(matches!(esearch(bad), Err(ParseError::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn only_so_many_mailboxes_are_named() {
        let many = |n: usize| esearch(&format!(" IN (mailboxes ({})) ALL", vec!["a"; n].join(" ")));
        assert!(many(ESEARCH_NAMES_MAX - 1).is_ok() && many(ESEARCH_NAMES_MAX).is_err());
        let sources = |n: usize| esearch(&format!(" IN ({}) ALL", vec!["personal"; n].join(" ")));
        assert!(sources(ESEARCH_NAMES_MAX).is_ok() && sources(ESEARCH_NAMES_MAX + 1).is_err());
    }
}
