//! HTML to text, for previews and search: tags out, entities in, white space where blocks end. One pass, no tree; what
//! it holds back is bounded, so that it can stream.

/// Longest tag name that matters and longest entity that is known, in bytes.
const WORD_MAX: usize = 12;

/// Takes the text out of HTML as it streams by.
#[derive(Clone, Debug, Default)]
pub struct HtmlText {
    state: State,
    word: String,
    /// The element whose content is no text, while inside it.
    hidden: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Entity,
    /// After `<`, in the name.
    Tag,
    /// After the name, outside quotes.
    Attributes,
    Quoted(char),
    /// After `<!`: a declaration, or a comment if two dashes follow.
    Declaration,
    Comment {
        dashes: u8,
    },
}

/// Elements whose content no reader sees.
const HIDDEN: [&str; 5] = ["script", "style", "head", "title", "template"];

/// Elements that run on within a line; at any other tag a word ends.
const INLINE: [&str; 18] = [
    "a", "abbr", "acronym", "b", "bdo", "big", "code", "em", "font", "i", "ins", "s", "small", "span", "strong", "sub",
    "sup", "u",
];

impl HtmlText {
    /// Appends the text of the next piece.
    pub fn push(&mut self, html: &str, out: &mut String) {
        for c in html.chars() {
            self.character(c, out);
        }
    }

    /// Appends what was held back at the end.
    pub fn finish(&mut self, out: &mut String) {
        if self.state == State::Entity {
            self.end_entity(None, out);
        }
    }

    fn text(&self, c: char, out: &mut String) {
        if self.hidden.is_none() {
            out.push(c);
        }
    }

    fn character(&mut self, c: char, out: &mut String) {
        match self.state {
            State::Text => match c {
                '<' => {
                    self.word.clear();
                    self.state = State::Tag;
                }
                '&' => {
                    self.word.clear();
                    self.state = State::Entity;
                }
                _ => self.text(c, out),
            },
            State::Entity => self.entity(c, out),
            State::Tag => self.tag(c, out),
            State::Attributes => match c {
                '>' => self.end_tag(out),
                '"' | '\'' => self.state = State::Quoted(c),
                _ => {}
            },
            State::Quoted(quote) if c == quote => self.state = State::Attributes,
            State::Quoted(_) => {}
            State::Declaration => match c {
                '>' => self.state = State::Text,
                '-' if self.word == "-" => self.state = State::Comment { dashes: 0 },
                _ => {
                    self.word.clear();
                    self.word.push(if c == '-' { '-' } else { 'x' });
                }
            },
            State::Comment { dashes } => {
                self.state = match c {
                    '>' if dashes >= 2 => State::Text,
                    '-' => State::Comment { dashes: dashes.saturating_add(1) },
                    _ => State::Comment { dashes: 0 },
                };
            }
        }
    }

    fn entity(&mut self, c: char, out: &mut String) {
        if c == ';' {
            self.end_entity(Some(';'), out);
        } else if (c.is_ascii_alphanumeric() || c == '#') && self.word.len() < WORD_MAX {
            self.word.push(c);
        } else {
            self.end_entity(None, out);
            self.character(c, out);
        }
    }

    fn end_entity(&mut self, terminator: Option<char>, out: &mut String) {
        self.state = State::Text;
        if self.hidden.is_some() {
            return;
        }
        if let Some(c) = entity(&self.word) {
            out.push(c);
            return;
        }
        out.push('&');
        out.push_str(&self.word);
        out.extend(terminator);
    }

    fn tag(&mut self, c: char, out: &mut String) {
        // In a script or style sheet nothing but an end tag is one (HTML "raw text").
        let is_raw = matches!(self.hidden, Some("script" | "style"));
        match c {
            c if is_raw && self.word.is_empty() && c != '/' => {
                self.state = State::Text;
                self.character(c, out);
            }
            '!' | '?' if self.word.is_empty() => self.state = State::Declaration,
            '>' => self.end_tag(out),
            '/' if self.word.is_empty() => self.word.push('/'),
            c if self.word.is_empty() && !c.is_ascii_alphanumeric() => {
                // A lone less-than sign is text.
                self.state = State::Text;
                self.text('<', out);
                self.character(c, out);
            }
            c if c.is_whitespace() || c == '/' => self.state = State::Attributes,
            c if c.is_ascii_alphanumeric() => {
                if self.word.len() < WORD_MAX {
                    self.word.push(c.to_ascii_lowercase());
                }
            }
            _ => self.state = State::Attributes,
        }
    }

    fn end_tag(&mut self, out: &mut String) {
        self.state = State::Text;
        let (closes, name) = match self.word.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, self.word.as_str()),
        };
        if let Some(hidden) = self.hidden {
            // A body ends a head that was never closed.
            if (closes && name == hidden) || (hidden == "head" && name == "body") {
                self.hidden = None;
            }
            return;
        }
        if !closes {
            self.hidden = HIDDEN.into_iter().find(|h| *h == name);
        }
        if !INLINE.contains(&name) {
            out.push('\n');
        }
    }
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    }
    NAMED.iter().find(|(n, _)| *n == name).map(|(_, c)| *c)
}

/// The entities that mail is full of.
const NAMED: [(&str, char); 40] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("euro", '€'),
    ("pound", '£'),
    ("sect", '§'),
    ("deg", '°'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        let mut whole = String::new();
        let mut decoder = HtmlText::default();
        decoder.push(html, &mut whole);
        decoder.finish(&mut whole);
        let mut pieces = String::new();
        let mut decoder = HtmlText::default();
        html.chars().for_each(|c| decoder.push(c.encode_utf8(&mut [0; 4]), &mut pieces));
        decoder.finish(&mut pieces);
        assert_eq!(whole, pieces, "any split gives the same text");
        whole.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_text_of_html_is_what_a_reader_sees() {
        for (html, want) in [
            ("<p>Hello <b>wor</b>ld</p><p>next</p>", "Hello world next"),
            ("<style>p{x:y}</style><script>if (a<b) x()</script>a&amp;b &lt;tag&gt; &#8364;&#x20AC;", "a&b <tag> €€"),
            ("<!-- no > --><!DOCTYPE html><head><title>t</title></head><body>yes", "yes"),
            ("<head><body title='a>b'>in<br>out", "in out"),
            ("1 < 2 &nosuch; & &", "1 < 2 &nosuch; & &"),
            ("<a href=\"x>y\">link</a>", "link"),
        ] {
            assert_eq!(text(html), want, "{html}");
        }
    }
}
