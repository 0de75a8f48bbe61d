//! The base subject (RFC 5256 §2.1): a subject without "Re:", "Fwd:", list tags and the like.
//!
//! SORT, THREAD and THREADID compare it. Time grows with the length of the subject alone, whatever it holds.

/// What [`base_subject`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseSubject {
    /// The base subject; case is as in the subject, for which see [`casefold`](crate::casefold).
    pub text: String,
    /// Whether the subject is that of a reply or of forwarded mail (RFC 5256 §3, REFERENCES step 5).
    pub is_reply_or_forward: bool,
}

/// The base subject of a subject that is decoded already, such as [`Summary::subject`](crate::Summary::subject).
///
/// ```text
/// subject       = *subj-leader [subj-middle] *subj-trailer
/// subj-refwd    = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
/// subj-blob     = "[" *BLOBCHAR "]" *WSP
/// subj-fwd      = subj-fwd-hdr subject subj-fwd-trl
/// subj-fwd-hdr  = "[fwd:"
/// subj-fwd-trl  = "]"
/// subj-leader   = (*subj-blob subj-refwd) / WSP
/// subj-middle   = *subj-blob (subj-base / subj-fwd)
/// subj-trailer  = "(fwd)" / WSP
/// subj-base     = NONWSP *(*WSP NONWSP)
/// ```
pub fn base_subject(subject: &str) -> BaseSubject {
    let spaced = single_spaces(subject);
    let mut rest = spaced.as_str();
    let mut is_reply_or_forward = false;
    loop {
        // Step 2.
        while let Some(shorter) = rest.strip_suffix(' ').or_else(|| strip_suffix_ignoring_case(rest, "(fwd)")) {
            is_reply_or_forward |= !rest.ends_with(' ');
            rest = shorter;
        }
        rest = strip_leaders(rest, &mut is_reply_or_forward);
        // Step 6.
        let inner = strip_prefix_ignoring_case(rest, "[fwd:").and_then(|inner| inner.strip_suffix(']'));
        let Some(inner) = inner else {
            return BaseSubject { text: rest.to_owned(), is_reply_or_forward };
        };
        is_reply_or_forward = true;
        rest = inner;
    }
}

/// Step 1: tabs and line ends count as spaces, and a run of them as one.
fn single_spaces(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    for c in subject.chars() {
        let is_space = matches!(c, ' ' | '\t' | '\r' | '\n');
        if !is_space {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Steps 3 to 5. The blobs before something are looked at in one go: with a subj-refwd after them they are a
/// subj-leader, without one they are taken off one by one as long as something is left.
fn strip_leaders<'a>(mut rest: &'a str, is_reply_or_forward: &mut bool) -> &'a str {
    loop {
        rest = rest.trim_start_matches(' ');
        let (mut last_blob, mut after) = (rest, rest);
        while let Some(behind) = strip_blob(after) {
            (last_blob, after) = (after, behind);
        }
        match strip_refwd(after) {
            Some(behind) => {
                *is_reply_or_forward = true;
                rest = behind;
            }
            None => return if after.is_empty() { last_blob } else { after },
        }
    }
}

fn strip_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']', '\0'])?;
    let (_, behind) = inside.split_at_checked(end)?;
    Some(behind.strip_prefix(']')?.trim_start_matches(' '))
}

fn strip_refwd(text: &str) -> Option<&str> {
    let word = ["re", "fwd", "fw"].into_iter().find_map(|word| strip_prefix_ignoring_case(text, word))?;
    let behind = word.trim_start_matches(' ');
    strip_blob(behind).unwrap_or(behind).strip_prefix(':')
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(subject: &str) -> (String, bool) {
        let BaseSubject { text, is_reply_or_forward } = base_subject(subject);
        (text, is_reply_or_forward)
    }

    #[test]
    fn what_programs_add_is_taken_off() {
        for (subject, text, is_reply) in [
            ("", "", false),
            ("Lunch", "Lunch", false),
            (" Lunch \t at\r\n one ", "Lunch at one", false),
            ("Re: Lunch", "Lunch", true),
            ("RE : re: Fw:FWD:\tLunch", "Lunch", true),
            ("re[2]: Lunch", "Lunch", true),
            ("Re [a]  : Lunch", "Lunch", true),
            ("[list] Re: Lunch", "Lunch", true),
            ("[a] [b][c]Re: [d] Lunch", "Lunch", true),
            ("[list] Lunch", "Lunch", false),
            ("[list]", "[list]", false),
            ("[a][b] ", "[b]", false),
            ("Re: [b]", "[b]", true),
            ("Lunch (fwd) (FWD)", "Lunch", true),
            ("[Fwd: Lunch]", "Lunch", true),
            ("[fwd: [fwd: Re: Lunch (fwd)] ]", "Lunch", true),
            ("[fwd:]", "", true),
            ("Rest: Lunch", "Rest: Lunch", false),
            ("Re", "Re", false),
            ("Re:", "", true),
            ("Re[a[b]: Lunch", "Re[a[b]: Lunch", false),
            ("AW: Essen", "AW: Essen", false),
            ("[ä] Re: Ärger", "Ärger", true),
        ] {
            assert_eq!(base(subject), (text.to_owned(), is_reply), "{subject:?}");
        }
    }

    #[test]
    fn a_base_subject_is_its_own_base_subject() {
        for subject in ["Re: [a] x", "[fwd: a] b", "[fwd: re: [b]]", "[a][b]", "a] [b", "re[a] b: c", "(fwd)", "[]"] {
            let once = base(subject).0;
            assert_eq!(base(&once).0, once, "{subject:?}");
        }
    }

    #[test]
    fn what_nests_or_repeats_without_end_takes_no_time() {
        let n = 200_000;
        for unit in ["[a]", "[fwd:", "re:", "re[", "(fwd)", "[", "]", "[a] re: ", "[a]b"] {
            base_subject(&unit.repeat(n));
        }
        let nested = format!("{}x{}", "[fwd:".repeat(n), "]".repeat(n));
        assert_eq!(base(&nested), ("x".to_owned(), true));
    }
}
