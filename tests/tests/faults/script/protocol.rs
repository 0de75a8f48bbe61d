//! How answers are read, by protocol.

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Imap,
    Pop3,
    Mx,
    Submission,
    Lmtp,
}

impl Protocol {
    /// Whether this line ends an answer, or begins the one line that decides.
    pub(crate) fn ends_answer(self, line: &str) -> bool {
        match self {
            Self::Imap => line.starts_with("a ") || line.starts_with('+'),
            Self::Pop3 => true,
            Self::Mx | Self::Submission | Self::Lmtp => line.as_bytes().get(3) != Some(&b'-'),
        }
    }

    /// Whether RSET means that a message begins anew.
    pub(crate) fn has_transactions(self) -> bool {
        matches!(self, Self::Mx | Self::Submission | Self::Lmtp)
    }

    /// What programs decide by. Codes that tell numbers are left out.
    pub(crate) fn decisive(self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let first = |count: usize| words.iter().take(count).copied().collect::<Vec<_>>().join(" ");
        match self {
            Self::Imap if line.starts_with('+') => "+".into(),
            Self::Imap if words.get(1) == Some(&"OK") => "a OK".into(),
            Self::Imap => first(3),
            Self::Pop3 if line.starts_with("-ERR [") => first(2),
            Self::Pop3 => first(1),
            Self::Mx | Self::Submission | Self::Lmtp => first(2),
        }
    }

    /// Whether a client that is told this tries again later and tells nobody that anything is wrong with him or his mail
    /// (RFC 5530 §3 UNAVAILABLE and INUSE, RFC 3206 §4 SYS/TEMP, RFC 5321 §4.2.1).
    pub(crate) fn is_temporary(self, answer: &str) -> bool {
        match self {
            Self::Imap => matches!(answer, "a NO [UNAVAILABLE]" | "a NO [INUSE]"),
            Self::Pop3 => answer == "-ERR [SYS/TEMP]",
            Self::Mx | Self::Submission | Self::Lmtp => answer.starts_with('4'),
        }
    }
}
