//! Text that flows (RFC 3676): a paragraph is broken into short lines that end with a space, which a program that knows
//! the format joins again.

/// Where a line is broken, in characters, the space at its end included (RFC 3676 §4.2).
const WIDTH: usize = 72;

/// Breaks each line of a text. A word that is longer than a line stays whole.
pub(super) fn flow(paragraphs: &str) -> String {
    let mut out = String::with_capacity(paragraphs.len() + paragraphs.len() / 16);
    for paragraph in paragraphs.lines() {
        // A space at the end would join the next line to this one (RFC 3676 §4.2).
        let mut rest = paragraph.trim_end();
        loop {
            let end = line_end(rest);
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if is_stuffed(line) {
                out.push(' ');
            }
            out.push_str(line);
            out.push('\n');
            if after.is_empty() {
                break;
            }
            rest = after;
        }
    }
    out
}

/// Space-stuffing (RFC 3676 §4.4): what would be taken for a quote, a stuffed line or a mailbox file's separator.
fn is_stuffed(line: &str) -> bool {
    line.starts_with([' ', '>']) || line.starts_with("From ")
}

/// Where the first line of a paragraph ends: behind the last space that fits, or the first if none does.
fn line_end(text: &str) -> usize {
    let mut last_space = None;
    for (column, (place, c)) in text.char_indices().enumerate() {
        if column >= WIDTH && last_space.is_some() {
            break;
        }
        // Only before a word: spaces in a row stay together.
        let before_word = text.get(place + c.len_utf8()..).is_some_and(|rest| !rest.starts_with(' '));
        if c == ' ' && before_word {
            last_space = Some(place + 1);
        }
    }
    let fits = text.chars().nth(WIDTH).is_none();
    if fits { text.len() } else { last_space.unwrap_or(text.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3676 §4.1, as a reader does it.
    fn unflow(text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let line = line.strip_prefix(' ').unwrap_or(line);
            out.push_str(line);
            if !line.ends_with(' ') {
                out.push('\n');
            }
        }
        out
    }

    #[test]
    fn paragraphs_are_broken_and_joined_again() {
        let long = "Grüße und viele Wörter, ".repeat(20);
        let url = format!("Siehe https://example.org/{} dort", "x".repeat(100));
        let text = format!("Kurz\n\n{}\n{url}\n  eingerückt\n> zitiert\nFrom here\n", long.trim_end());
        let flowed = flow(&text);
        assert_eq!(unflow(&flowed), text);
        let fits = |line: &str| line.chars().count() <= WIDTH || line.contains("https://");
        assert!(flowed.lines().all(fits), "{flowed}");
        assert!(flowed.contains("\n  ") && flowed.contains("\n > zitiert\n From here\n"));
    }

    #[test]
    fn a_line_of_just_the_width_is_not_broken() {
        let word = "x".repeat(WIDTH - 2);
        assert_eq!(flow(&format!("{word} y")), format!("{word} y\n"));
        assert_eq!(flow(&format!("{word} yy")), format!("{word} \nyy\n"));
        assert_eq!(flow("ends with spaces   \n"), "ends with spaces\n");
        assert_eq!(flow("a  b"), "a  b\n");
    }
}
