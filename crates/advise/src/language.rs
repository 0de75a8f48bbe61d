//! Languages, and texts that exist in each of them.

/// A language that people are written to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

/// What a letter is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Languages {
    /// Its reader's language.
    Only(Language),
    /// Nobody has said which one its reader wants: all of them, one below the other.
    All,
}

impl Languages {
    /// The languages, in the order in which they stand in a letter.
    pub fn each(self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(move |language| self == Self::All || self == Self::Only(*language))
    }
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::De, Self::En];
}

/// A text in both languages. `{name}` in it stands for a value; a value that is not given stays as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// In German.
    pub de: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Text {
    /// The text as it stands.
    pub fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::De => self.de,
            Language::En => self.en,
        }
    }

    /// The text with its values. What a value holds is never looked at again: a `{…}` in it stays one.
    pub fn with(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.in_language(language);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let named = after.split_once('}');
            let value = named.and_then(|(name, _)| values.iter().find(|(known, _)| *known == name));
            if let (Some((_, behind)), Some((_, value))) = (named, value) {
                out.push_str(value);
                rest = behind;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_names_stood_and_are_not_read_again() {
        let text = Text { de: "{a}, {b} und {a}", en: "{b} {c} { {a" };
        let values = [("a", "{b}"), ("b", "2")];
        assert_eq!(text.with(Language::De, &values), "{b}, 2 und {b}");
        assert_eq!(text.with(Language::En, &values), "2 {c} { {a");
    }

    #[test]
    fn a_letter_is_in_one_language_or_in_all() {
        assert_eq!(Languages::All.each().collect::<Vec<_>>(), Language::ALL);
        assert_eq!(Languages::Only(Language::En).each().collect::<Vec<_>>(), [Language::En]);
    }
}
