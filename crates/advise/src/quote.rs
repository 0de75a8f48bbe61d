//! What a peer wrote, made harmless for people.

/// Most characters of a program's name that are shown.
pub const PROGRAM_SHOWN_MAX: usize = 60;

/// The name that a program gave itself, so that it can stand in a letter: letters and digits, little else, at most
/// [`PROGRAM_SHOWN_MAX`] characters. Nothing that a mail program would turn into a link is left: a full stop stays between
/// digits only, and there is neither `:` nor `@`. `None` if nothing is left at all.
pub fn program(name: &str) -> Option<String> {
    // Bounded before anything is looked at: four bytes a character, and white space may be dropped.
    let looked_at: Vec<char> = name.chars().take(4 * PROGRAM_SHOWN_MAX).collect();
    let mut clean = String::new();
    for (place, c) in looked_at.iter().enumerate() {
        let digit_at = |at: Option<usize>| at.and_then(|at| looked_at.get(at)).is_some_and(char::is_ascii_digit);
        let stays = match c {
            '.' => digit_at(place.checked_sub(1)) && digit_at(place.checked_add(1)),
            '-' | '_' | '+' | '(' | ')' | '\'' | ',' => true,
            c => c.is_alphanumeric(),
        };
        if stays {
            clean.push(*c);
        } else if !clean.ends_with(' ') {
            clean.push(' ');
        }
    }
    let clean = clean.trim();
    if !clean.chars().any(char::is_alphanumeric) {
        return None;
    }
    let is_cut = clean.chars().count() > PROGRAM_SHOWN_MAX;
    let mut shown: String =
        clean.chars().take(if is_cut { PROGRAM_SHOWN_MAX - 1 } else { PROGRAM_SHOWN_MAX }).collect();
    if is_cut {
        shown.truncate(shown.trim_end().len());
        shown.push('…');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_stay_readable() {
        for name in ["Thunderbird 140.2.1", "K-9 Mail", "Björns Gerät (neu)", "メール 3"] {
            assert_eq!(program(name).as_deref(), Some(name));
        }
        assert_eq!(program("com.fsck.k9/6.8").as_deref(), Some("com fsck k9 6.8"));
        assert_eq!(program("[192.0.2.1]").as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn nothing_that_a_program_says_of_itself_becomes_a_link_or_a_line() {
        assert_eq!(program("go to https://evil.example/x?y").as_deref(), Some("go to https evil example x y"));
        assert_eq!(program("a@b.example <script>").as_deref(), Some("a b example script"));
        assert_eq!(program("one\r\nBcc: x\u{202e}\u{200b}\u{1b}[2J").as_deref(), Some("one Bcc x 2J"));
        for nothing in ["", " \r\n", "...", "\u{202e}", "--"] {
            assert_eq!(program(nothing), None);
        }
    }

    #[test]
    fn a_name_has_so_many_characters_and_no_more() {
        let longest = "ä".repeat(PROGRAM_SHOWN_MAX);
        assert_eq!(program(&longest).as_deref(), Some(longest.as_str()));
        let shown = program(&format!("{longest}x")).unwrap();
        assert_eq!((shown.chars().count(), shown.ends_with('…')), (PROGRAM_SHOWN_MAX, true));
        assert_eq!(program(&" ".repeat(1 << 20)), None);
    }
}
