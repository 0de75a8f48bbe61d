//! What is wrong in a configuration file, in three parts: what, why, the next thing to do.

use std::fmt;

/// An error in the file, ready to be read by a person.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    what: String,
    why: String,
    hint: String,
}

impl ConfigError {
    /// From the parser's error; `name` is the file.
    pub(crate) fn of_toml(error: &toml::de::Error, text: &str, name: &str) -> Self {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let message = error.message();
        if let Some((unknown, known)) = unknown_field(message) {
            let hint = nearest(&unknown, &known).map_or_else(
                || format!("the settings here are: {}", known.join(", ")),
                |k| format!("did you mean `{k}`?"),
            );
            return Self {
                what: format!("{name}:{line}: there is no setting `{unknown}` here"),
                why: "a misspelt setting would be silently ignored".into(),
                hint,
            };
        }
        Self {
            what: format!("{name}:{line}: {}", first_line(message)),
            why: "the server does not start on a file that it may have misread".into(),
            hint: format!("correct the line, then try: postamt config check --config {name}"),
        }
    }

    /// A value that is well written but cannot be.
    pub(crate) fn of_value(key: &str, why: &str, text: &str, name: &str) -> Self {
        let leaf = key.rsplit('.').next().unwrap_or(key);
        let line = text.lines().position(|l| l.trim_start().starts_with(leaf)).map_or(1, |i| i + 1);
        Self {
            what: format!("{name}:{line}: {key} cannot be so"),
            why: why.into(),
            hint: format!("correct the line, then try: postamt config check --config {name}"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  why   {}\n  hint  {}", self.what, self.why, self.hint)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The names in "unknown field `a`, expected one of `b`, `c`".
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut names = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    Some((names.next()?, names.collect()))
}

/// What a parser's message about an unknown name says could stand there.
#[cfg(test)]
pub(crate) fn known_settings(message: &str) -> Option<Vec<String>> {
    unknown_field(message).map(|(_, known)| known)
}

/// The name that is fewest edits away, if it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: &'a [String]) -> Option<&'a String> {
    let best = known.iter().min_by_key(|k| edits(word, k))?;
    (edits(word, best) <= 1 + word.chars().count() / 4).then_some(best)
}

/// The Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            *cell = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not_guessed() {
        assert_eq!((edits("kitten", "sitting"), edits("", "ab"), edits("ab", "ab")), (3, 2, 0));
        let known = ["message-size".to_owned(), "connections".to_owned()];
        assert_eq!(nearest("mesage-size", &known), known.first());
        assert_eq!(nearest("zebra", &known), None);
    }
}
