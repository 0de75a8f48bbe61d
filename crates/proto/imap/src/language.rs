//! The languages of the texts for people in answers (RFC 5255 §3). Programs read codes, which have no language.
//!
//! The English texts stand where they are said; those of another language in a file of its own, by the English ones. A text
//! without a translation is said in English. So whoever adds a text adds its row here.

mod de;

use std::borrow::Cow;

/// What an English text of success ends with, and a German one.
const COMPLETED: (&str, &str) = (" completed", " ausgeführt");

/// A language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// `i-default`: English, in ASCII. What holds until the client chooses (RFC 5255 §3.1).
    #[default]
    Default,
    /// `en`
    English,
    /// `de`; its texts are UTF-8.
    German,
}

impl Language {
    /// All of them; `i-default` must be among them (RFC 5255 §3.1).
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Default];

    /// The language tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Default => "i-default",
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The first language that one of the ranges leads to, each shortened until it does (RFC 4647 §3.4): `de-CH` leads to
    /// `de`. `default` is the operator's and leads to `i-default`; so does `*`, which says nothing, where no other range
    /// comes behind it.
    pub fn choose<'a>(ranges: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut ranges = ranges.into_iter().peekable();
        while let Some(range) = ranges.next() {
            if range == "*" && ranges.peek().is_some() {
                continue;
            }
            if let Some(found) = Self::of_range(range) {
                return Some(found);
            }
        }
        None
    }

    fn of_range(range: &str) -> Option<Self> {
        let mut rest = if range == "*" || range.eq_ignore_ascii_case("default") { "i-default" } else { range };
        loop {
            if let Some(found) = Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(rest)) {
                return Some(found);
            }
            (rest, _) = rest.rsplit_once('-')?;
        }
    }

    /// A text in this language; English if there is no translation.
    pub(crate) fn text(self, english: &str) -> Cow<'_, str> {
        if self != Self::German {
            return Cow::Borrowed(english);
        }
        if let Some(what) = english.strip_suffix(COMPLETED.0) {
            return Cow::Owned(format!("{what}{}", COMPLETED.1));
        }
        let row = de::TEXTS.binary_search_by_key(&english, |(text, _)| text).ok();
        Cow::Borrowed(row.and_then(|place| de::TEXTS.get(place)).map_or(english, |(_, text)| text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_leads_to_the_nearest_language() {
        for (ranges, expected) in [
            (vec!["de"], Some(Language::German)),
            (vec!["DE-ch-1996"], Some(Language::German)),
            (vec!["fr-CA", "en-CA"], Some(Language::English)),
            (vec!["mul"], None),
            (vec!["dec"], None),
            (vec!["i-default"], Some(Language::Default)),
            (vec!["Default"], Some(Language::Default)),
            (vec!["*"], Some(Language::Default)),
            (vec!["*", "de"], Some(Language::German)),
            (vec!["fr", "*"], Some(Language::Default)),
            (vec!["*", "fr"], None),
            (vec!["de-x-private-use"], Some(Language::German)),
            (vec![""], None),
            (vec!["-"], None),
        ] {
            assert_eq!(Language::choose(ranges.clone()), expected, "{ranges:?}");
        }
    }

    #[test]
    fn every_text_stands_once_in_the_order_of_the_english_ones() {
        assert!(de::TEXTS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (english, german) in de::TEXTS {
            assert_eq!(Language::German.text(english), *german);
            assert_eq!(Language::English.text(english), *english);
            assert!(english.is_ascii() && !german.starts_with('[') && !german.chars().any(char::is_control));
        }
        assert_eq!(Language::German.text("NOOP completed"), "NOOP ausgeführt");
        assert_eq!(Language::German.text("Never heard"), "Never heard");
    }
}
