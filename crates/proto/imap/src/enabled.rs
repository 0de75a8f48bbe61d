//! What a client has enabled on its connection.

use crate::command::enable::Extension;
use crate::language::Language;

/// The extensions that hold on a connection. Nothing is ever disabled again but by UNAUTHENTICATE, which begins anew
/// (RFC 5161 §3.1, RFC 8437 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enabled {
    bits: u8,
    language: Language,
}

impl Enabled {
    /// Enables one more; yields whether it was not yet. QRESYNC brings CONDSTORE along
    /// (RFC 7162 §3.2.3).
    pub fn enable(&mut self, extension: Extension) -> bool {
        let is_new = !self.has(extension);
        self.bits |= extension.bit();
        if extension == Extension::QResync {
            self.bits |= Extension::CondStore.bit();
        }
        is_new
    }

    /// Chooses the language of texts for people (RFC 5255 §3.2).
    pub fn speak(&mut self, language: Language) {
        self.language = language;
    }

    /// The language of texts for people.
    pub fn language(self) -> Language {
        self.language
    }

    /// Whether an extension holds.
    pub fn has(self, extension: Extension) -> bool {
        self.bits & extension.bit() != 0
    }

    /// CONDSTORE: changes are told with their MODSEQ (RFC 7162 §3.1).
    pub fn condstore(self) -> bool {
        self.has(Extension::CondStore)
    }

    /// QRESYNC: VANISHED in the place of EXPUNGE (RFC 7162 §3.2.10).
    pub fn qresync(self) -> bool {
        self.has(Extension::QResync)
    }

    /// The client speaks `IMAP4rev2` (RFC 9051 §6.3.1).
    pub fn rev2(self) -> bool {
        self.has(Extension::Imap4Rev2)
    }

    /// Names, patterns and quoted strings are UTF-8 (RFC 9755 §3, RFC 9051 §5.1).
    pub fn utf8(self) -> bool {
        self.rev2() || self.has(Extension::Utf8Accept)
    }

    /// UIDONLY: no sequence numbers in either direction (RFC 9586 §3).
    pub fn uid_only(self) -> bool {
        self.has(Extension::UidOnly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enabled_stays_and_brings_along_what_it_needs() {
        let mut enabled = Enabled::default();
        assert!(enabled.enable(Extension::QResync));
        assert!(!enabled.enable(Extension::QResync));
        assert!(enabled.qresync() && enabled.condstore() && !enabled.utf8());
        assert!(!enabled.enable(Extension::CondStore), "it came along");
        assert!(enabled.enable(Extension::Imap4Rev2) && enabled.utf8() && enabled.rev2());
    }
}
