//! SORT and UID SORT (RFC 5256 §3, RFC 5957, RFC 5267 §3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::fetch::FetchItem;
use crate::search::{ReturnOptions, SearchProgram};
use types::{SortCriterion, SortKey};

/// Most criteria of one SORT; more say nothing new, for there are nine keys and two directions.
pub const SORT_CRITERIA_MAX: usize = 18;

/// The keys by their names.
const KEYS: [(SortKey, &str); 9] = [
    (SortKey::Arrival, "ARRIVAL"),
    (SortKey::Cc, "CC"),
    (SortKey::Date, "DATE"),
    (SortKey::DisplayFrom, "DISPLAYFROM"),
    (SortKey::DisplayTo, "DISPLAYTO"),
    (SortKey::From, "FROM"),
    (SortKey::Size, "SIZE"),
    (SortKey::Subject, "SUBJECT"),
    (SortKey::To, "TO"),
];

/// What to look for, and in which order to tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Whether UIDs are asked for.
    pub uid: bool,
    /// What to return in an ESEARCH response; `None` asks for a SORT response.
    pub returns: Option<ReturnOptions>,
    /// What is fetched of new messages when UPDATE tells of them (RFC 5465 §7).
    pub update_items: Vec<FetchItem>,
    /// One to [`SORT_CRITERIA_MAX`] criteria, the first deciding first.
    pub criteria: Vec<SortCriterion>,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// sort           = "SORT" [SP search-return-opts] SP sort-criteria SP search-criteria
/// sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"
/// sort-criterion = ["REVERSE" SP] sort-key
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut update_items = Vec::new();
    let returns = ReturnOptions::parse(cursor, &mut update_items)?;
    cursor.expect(b'(', "The order is a list")?;
    let mut criteria = Vec::new();
    loop {
        let is_reverse = cursor.take_word("REVERSE ");
        let word = cursor.word()?;
        let known = KEYS.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
        let (key, _) = known.ok_or(ParseError::Syntax("There is no such order"))?;
        if criteria.len() >= SORT_CRITERIA_MAX {
            return Err(ParseError::Syntax("SORT has too many criteria"));
        }
        criteria.push(SortCriterion { key, is_reverse });
        if !cursor.take_if(b' ') {
            break;
        }
    }
    cursor.expect(b')', "The order is not closed")?;
    cursor.space()?;
    let program = SearchProgram::parse_criteria(cursor)?;
    Ok(Command::Sort(Sort { uid, returns, update_items, criteria, program }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::ReturnOption;

    fn sort(text: &str) -> Result<Sort, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let command = parse(&mut cursor, true)?;
        cursor.end()?;
        let Command::Sort(sort) = command else { panic!("{text}") };
        Ok(sort)
    }

    #[test]
    fn criteria_are_read_in_order() {
        let plain = sort(" (SUBJECT REVERSE date) utf-8 SINCE 1-Feb-1994").unwrap();
        let criterion = |key, is_reverse| SortCriterion { key, is_reverse };
        assert_eq!(plain.criteria, [criterion(SortKey::Subject, false), criterion(SortKey::Date, true)]);
        assert!(plain.uid && plain.returns.is_none() && plain.program.charset_known());
        let extended = sort(" RETURN (COUNT) (REVERSE DISPLAYFROM) \"US-ASCII\" ALL UNSEEN").unwrap();
        assert_eq!(extended.returns, Some(ReturnOptions::of(&[ReturnOption::Count])));
        assert!(!sort(" (CC) x-nobody TEXT \"a b\"").unwrap().program.charset_known());
        for bad in [
            "",
            " ",
            " SUBJECT utf-8 ALL",
            " () utf-8 ALL",
            " (SUBJECT) ALL",
            " (SUBJECT) utf-8",
            " (REVERSE) utf-8 ALL",
            " (REVERSE REVERSE SUBJECT) utf-8 ALL",
            " (SUBJECT WEATHER) utf-8 ALL",
            " (SUBJECT utf-8 ALL",
            " (SUBJECT)utf-8 ALL",
            " RETURN (SUBJECT) (SUBJECT) utf-8 ALL",
        ] {
            assert!(matches!(sort(bad), Err(ParseError::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn there_are_only_so_many_criteria() {
        let many = |n: usize| sort(&format!(" ({}) utf-8 ALL", vec!["REVERSE SIZE"; n].join(" ")));
        assert_eq!(many(SORT_CRITERIA_MAX).unwrap().criteria.len(), SORT_CRITERIA_MAX);
        assert!(many(SORT_CRITERIA_MAX + 1).is_err());
    }
}
