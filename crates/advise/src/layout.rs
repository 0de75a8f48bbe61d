//! The body of a letter in one language: paragraphs, a list of facts, steps to do.

use crate::{Language, Text};
use std::fmt::Write as _;

/// Builds a body. Each paragraph is one line; where it is broken is decided when the letter is built.
pub(crate) struct Body {
    language: Language,
    text: String,
}

impl Body {
    pub(crate) fn new(language: Language) -> Self {
        Self { language, text: String::new() }
    }

    /// Adds a paragraph.
    pub(crate) fn say(&mut self, text: Text, values: &[(&str, &str)]) {
        let text = text.with(self.language, values);
        self.gap();
        let _ = writeln!(self.text, "{text}");
    }

    /// Adds a list of what is known, each with its name before it.
    pub(crate) fn facts(&mut self, facts: &[(Text, String)]) {
        self.gap();
        for (name, value) in facts {
            let _ = writeln!(self.text, "{}: {value}", name.in_language(self.language));
        }
    }

    /// Adds a headed list of what to do, numbered.
    pub(crate) fn steps(&mut self, head: Text, steps: &[String]) {
        self.say(head, &[]);
        for (number, step) in steps.iter().enumerate() {
            let _ = write!(self.text, "\n{}. {step}\n", number + 1);
        }
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
