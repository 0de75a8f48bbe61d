//! What a search is to return (RFC 4731 §3.1, RFC 5182 §2.1, RFC 5267 §4, RFC 9394 §3.1).

use crate::codec::{Cursor, ParseError};
use crate::fetch::{FetchItem, parse_items};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// Something that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnOption {
    /// MIN: the first.
    Min,
    /// MAX: the last.
    Max,
    /// ALL: all of them as a set.
    All,
    /// COUNT: how many.
    Count,
    /// SAVE: `$` stands for them from now on.
    Save,
    /// CONTEXT: more of this is to come. A hint; it changes nothing.
    Context,
    /// UPDATE: changes are told.
    Update,
}

impl ReturnOption {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Min, "MIN"),
        (Self::Max, "MAX"),
        (Self::All, "ALL"),
        (Self::Count, "COUNT"),
        (Self::Save, "SAVE"),
        (Self::Context, "CONTEXT"),
        (Self::Update, "UPDATE"),
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::Min => 1,
            Self::Max => 2,
            Self::All => 4,
            Self::Count => 8,
            Self::Save => 16,
            Self::Context => 32,
            Self::Update => 64,
        }
    }
}

/// Results by their place, from the first (`1:5`) or from the last (`-1:-5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialRange {
    /// As written first.
    from: NonZeroU32,
    /// As written second.
    to: NonZeroU32,
    from_end: bool,
}

impl PartialRange {
    /// Reads a range.
    ///
    /// ```text
    /// partial-range-first = nz-number ":" nz-number
    /// partial-range-last  = MINUS nz-number ":" MINUS nz-number
    /// ```
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let from_end = cursor.take_if(b'-');
        let from = cursor.nz_number()?;
        cursor.expect(b':', "PARTIAL wants a range")?;
        if cursor.take_if(b'-') != from_end {
            return Err(ParseError::Syntax("Both ends of the range are counted from the same side"));
        }
        let to = cursor.nz_number()?;
        Ok(Self { from, to, from_end })
    }

    /// Whether places are counted from the last result.
    pub fn is_from_end(self) -> bool {
        self.from_end
    }

    /// The place that is farthest from where it is counted.
    pub fn farthest(self) -> u32 {
        self.from.max(self.to).get()
    }

    /// How many places it has, whether or not there are so many results.
    pub fn length(self) -> u32 {
        (self.farthest() - self.from.min(self.to).get()).saturating_add(1)
    }

    /// The places, counted from one at the first of `count` results; empty if they have none of them.
    pub fn places(self, count: u32) -> RangeInclusive<u32> {
        let (low, high) = (self.from.min(self.to).get(), self.farthest());
        if self.from_end {
            // -1 is the last one.
            let place = |back: u32| (u64::from(count) + 1).saturating_sub(u64::from(back));
            let [low, high] = [place(high).max(1), place(low)].map(|p| u32::try_from(p).unwrap_or(u32::MAX));
            return low..=high;
        }
        low..=high.min(count)
    }
}

impl fmt::Display for PartialRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.from_end { "-" } else { "" };
        write!(f, "{sign}{}:{sign}{}", self.from, self.to)
    }
}

/// What is asked for. An empty list asks for ALL (RFC 4731 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnOptions {
    bits: u8,
    /// PARTIAL: a part of the results.
    pub partial: Option<PartialRange>,
}

impl ReturnOptions {
    /// These options.
    pub fn of(options: &[ReturnOption]) -> Self {
        Self { bits: options.iter().fold(0, |bits, option| bits | option.bit()), partial: None }
    }

    /// Reads `RETURN (…) ` if it is next.
    ///
    /// ```text
    /// search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
    /// search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE" / "CONTEXT" / modifier-update /
    ///                      "PARTIAL" SP partial-range
    /// modifier-update    = "UPDATE" [SP "(" fetch-att *(SP fetch-att) ")" ]
    /// ```
    /// What is to be fetched of new messages (RFC 5465 §7) goes to `update_items`.
    pub(crate) fn parse(
        cursor: &mut Cursor<'_>,
        update_items: &mut Vec<FetchItem>,
    ) -> Result<Option<Self>, ParseError> {
        if !cursor.take_word("RETURN ") {
            return Ok(None);
        }
        cursor.expect(b'(', "RETURN wants a list")?;
        let mut options = Self::default();
        while !cursor.take_if(b')') {
            if options != Self::default() {
                cursor.space()?;
            }
            let word = cursor.word()?;
            if word.eq_ignore_ascii_case("PARTIAL") {
                cursor.space()?;
                if options.partial.replace(PartialRange::parse(cursor)?).is_some() {
                    return Err(ParseError::Syntax("Only one PARTIAL may be asked for"));
                }
            } else {
                let known = ReturnOption::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
                let (option, _) = known.ok_or(ParseError::Syntax("There is no such RETURN option"))?;
                options.bits |= option.bit();
                if *option == ReturnOption::Update && cursor.rest().starts_with(b" (") {
                    cursor.space()?;
                    *update_items = parse_items(cursor)?;
                }
            }
        }
        if options == Self::default() {
            options = Self::of(&[ReturnOption::All]);
        }
        // RFC 9394 §3.1
        if options.partial.is_some() && options.has(ReturnOption::All) {
            return Err(ParseError::Syntax("ALL and PARTIAL may not be asked for together"));
        }
        cursor.space()?;
        Ok(Some(options))
    }

    /// Whether it is asked for.
    pub fn has(self, option: ReturnOption) -> bool {
        self.bits & option.bit() != 0
    }

    /// Whether nothing is to be told: SAVE alone (RFC 5182 §2.2).
    pub fn is_silent(self) -> bool {
        self == Self::of(&[ReturnOption::Save])
    }

    /// Whether every result matters, and not only the ends or a part of them.
    pub fn wants_all(self) -> bool {
        let ends = self.has(ReturnOption::Min) || self.has(ReturnOption::Max) || self.partial.is_some();
        self.has(ReturnOption::All) || self.has(ReturnOption::Count) || self.has(ReturnOption::Update) || !ends
    }

    /// Whether `$` gets only what MIN, MAX and PARTIAL tell (RFC 5182 §2.4, RFC 9394 §3.2).
    pub fn saves_only_named(self) -> bool {
        let ends = self.has(ReturnOption::Min) || self.has(ReturnOption::Max) || self.partial.is_some();
        ends && !self.has(ReturnOption::All) && !self.has(ReturnOption::Count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<ReturnOptions>, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let mut items = Vec::new();
        let options = ReturnOptions::parse(&mut cursor, &mut items)?;
        assert_eq!(cursor.rest(), b"ALL");
        assert_eq!(!items.is_empty(), text.contains("UPDATE ("));
        Ok(options)
    }

    #[test]
    fn return_options_are_read() {
        use ReturnOption::{All, Count, Max, Min, Save, Update};
        assert_eq!(parse("ALL"), Ok(None));
        assert_eq!(parse("RETURN () ALL"), Ok(Some(ReturnOptions::of(&[All]))));
        assert_eq!(parse("return (min MAX min) ALL"), Ok(Some(ReturnOptions::of(&[Min, Max]))));
        assert_eq!(parse("RETURN (COUNT SAVE UPDATE) ALL"), Ok(Some(ReturnOptions::of(&[Count, Save, Update]))));
        for with in ["RETURN (UPDATE (UID FLAGS) MIN) ALL", "RETURN (MIN update (BODY.PEEK[HEADER.FIELDS (TO)])) ALL"] {
            assert_eq!(parse(&with.replace("update", "UPDATE")), Ok(Some(ReturnOptions::of(&[Min, Update]))));
        }
        let partial = parse("RETURN (PARTIAL -1:-30 MIN) ALL").unwrap().unwrap();
        assert_eq!(partial.partial.unwrap().to_string(), "-1:-30");
        assert!(partial.has(Min) && !partial.wants_all() && partial.saves_only_named());
        for bad in [
            "RETURN ALL",
            "RETURN (X) ALL",
            "RETURN (UPDATE ()) ALL",
            "RETURN (MIN (UID)) ALL",
            "RETURN ( MIN) ALL",
            "RETURN (MIN ) ALL",
            "RETURN (MIN ALL",
            "RETURN (MIN)ALL",
            "RETURN (PARTIAL) ALL",
            "RETURN (PARTIAL 1) ALL",
            "RETURN (PARTIAL 1:-2) ALL",
            "RETURN (PARTIAL -1:2) ALL",
            "RETURN (PARTIAL 0:2) ALL",
            "RETURN (PARTIAL 1:*) ALL",
            "RETURN (PARTIAL 1:2 ALL) ALL",
            "RETURN (ALL PARTIAL 1:2) ALL",
            "RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL",
        ] {
            assert!(matches!(parse(bad), Err(ParseError::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn a_partial_range_is_counted_from_either_side() {
        let places = |text: &str, count| {
            let range = PartialRange::parse(&mut Cursor::new(text.as_bytes())).unwrap().places(count);
            (!range.is_empty()).then(|| (*range.start(), *range.end()))
        };
        let length = |text: &str| PartialRange::parse(&mut Cursor::new(text.as_bytes())).unwrap().length();
        assert_eq!([length("1:5"), length("-9:-9"), length("4294967295:1")], [5, 1, u32::MAX]);
        assert_eq!(places("1:5", 3), Some((1, 3)));
        assert_eq!(places("5:2", 9), Some((2, 5)));
        assert_eq!(places("4:5", 3), None);
        assert_eq!(places("-1:-2", 9), Some((8, 9)));
        assert_eq!(places("-5:-2", 3), Some((1, 2)));
        assert_eq!(places("-4:-9", 3), None);
        assert_eq!(places("-4:-9", 0), None);
        assert_eq!(places("1:4294967295", u32::MAX), Some((1, u32::MAX)));
        assert_eq!(places("-1:-4294967295", u32::MAX), Some((1, u32::MAX)));
    }

    #[test]
    fn what_must_be_known_follows_from_what_is_asked_for() {
        use ReturnOption::{All, Context, Count, Max, Min, Save};
        let of = ReturnOptions::of;
        assert!(of(&[Save]).is_silent() && !of(&[Save, Min]).is_silent() && !of(&[Context]).is_silent());
        assert!(of(&[Save]).wants_all() && of(&[Min, Count]).wants_all() && !of(&[Min, Max, Save]).wants_all());
        assert!(of(&[Min, Save]).saves_only_named() && !of(&[Min, Save, All]).saves_only_named());
    }
}
