//! The languages of the texts for people in answers (RFC 6856 §3). Programs read `+OK`, `-ERR` and response codes, which
//! have no language.
//!
//! The English texts stand where they are said; the German ones in a file of their own, by the English ones. Until the
//! client chooses a language, texts are English in ASCII (RFC 1939 §3); whoever adds a text adds its row here.

mod de;

use std::borrow::Cow;

/// A language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// `en`; its texts are ASCII.
    #[default]
    English,
    /// `de`; its texts are UTF-8.
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language that a range leads to, shortened until it does (RFC 4647 §3.4): `de-CH` leads to `de`.
    pub(crate) fn choose(range: &str) -> Option<Self> {
        let mut rest = range;
        loop {
            if let Some(found) = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(rest)) {
                return Some(found);
            }
            (rest, _) = rest.rsplit_once('-')?;
        }
    }

    /// A text in this language; English if there is no translation.
    pub(crate) fn text(self, english: &str) -> Cow<'_, str> {
        let row = match self {
            Self::English => None,
            Self::German => de::TEXTS.binary_search_by_key(&english, |(text, _)| text).ok(),
        };
        let translated = row.and_then(|row| de::TEXTS.get(row)).map(|(_, german)| *german);
        translated.map_or_else(|| Cow::Owned(english.to_owned()), Cow::Borrowed)
    }

    /// Whether its texts may hold more than ASCII.
    pub(crate) fn is_utf8(self) -> bool {
        self == Self::German
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_leads_to_the_language_that_it_is_part_of() {
        for (range, language) in [
            ("de", Some(Language::German)),
            ("DE-ch-1996", Some(Language::German)),
            ("en-boont", Some(Language::English)),
            ("mul", None),
            ("d", None),
            ("dede", None),
            ("", None),
            ("-de", None),
        ] {
            assert_eq!(Language::choose(range), language, "{range}");
        }
    }

    #[test]
    fn texts_are_in_order_so_that_each_is_found() {
        assert!(de::TEXTS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (english, german) in de::TEXTS {
            assert_eq!(Language::German.text(english), *german);
            assert_eq!(Language::English.text(english), *english);
        }
        assert_eq!(Language::German.text("no row"), "no row");
    }
}
