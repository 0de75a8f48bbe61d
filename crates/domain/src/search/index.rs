//! Where a full-text index will stand: it answers for a text which contents can hold it, and the search looks into no
//! others. There is none yet; a search without one reads.

use crate::MailError;
use std::collections::BTreeSet;
use store_kv::BoxFuture;
use types::{AccountId, EmailId};

/// A text that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextQuestion<'a> {
    /// The text as [`casefold`](message::casefold) folds it; not empty.
    pub folded: &'a str,
    /// TEXT: whether the header counts too.
    pub in_header: bool,
}

/// What an index knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Contents up to this one are in the index; those after it are read.
    pub indexed_up_to: Option<EmailId>,
    /// Which of them can hold the text: every one that does, and perhaps more.
    pub emails: BTreeSet<EmailId>,
    /// Whether all of them do, so that none need be read.
    pub is_exact: bool,
}

impl Candidates {
    /// Whether a content holds the text; `None` if it must be read.
    pub(super) fn tell(&self, email: EmailId) -> Option<bool> {
        if self.indexed_up_to.is_none_or(|last| email > last) {
            return None;
        }
        match self.emails.contains(&email) {
            true if self.is_exact => Some(true),
            true => None,
            false => Some(false),
        }
    }
}

/// An index of texts.
pub trait TextIndex: Send + Sync {
    /// Which contents of an account can hold a text as a substring; `None` if the index cannot help.
    fn candidates<'a>(
        &'a self,
        account: AccountId,
        question: TextQuestion<'a>,
    ) -> BoxFuture<'a, Result<Option<Candidates>, MailError>>;
}
