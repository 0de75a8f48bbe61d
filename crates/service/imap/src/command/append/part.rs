//! Parts of a message that are copied from others (CATENATE: RFC 4469, URL-PARTIAL: RFC 5550 §5.7.1).

use super::Failure;
use crate::command::fetch::{Located, locate};
use crate::place::Place;
use crate::rights::Action;
use crate::session::Session;
use bytes::Bytes;
use domain::{Account, Content, MailError};
use proto_imap::codec::{MessageUrl, UrlBase, UrlPartial};
use proto_imap::fetch::{Section, SectionText};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::ops::Range;
use std::sync::Arc;
use types::Octets;

/// What a URL leads to.
pub(super) enum Part {
    /// These bytes: selected header fields.
    Made(Bytes),
    /// A range of a message.
    Body(Account, Arc<Content>, Range<u64>),
}

/// Finds what a URL leads to, in a mailbox that the user may read. `\Seen` stays as it is (RFC 4469 §3).
pub(super) async fn find<S: Transport>(session: &Session<S>, url: &[u8]) -> Result<Part, Failure> {
    let bad = || Failure::Status(Status::no(Code::BadUrl(url.into()), "There is no such message or part"));
    let base = UrlBase {
        user: session.name().unwrap_or_default(),
        server: session.service.shared.hostname.as_str(),
        mailbox: session.selected.as_deref().map(|selected| &selected.name),
    };
    let parsed = MessageUrl::parse(url, &base).ok_or_else(bad)?;
    match look(session, parsed).await {
        Ok(part) => part.ok_or_else(bad),
        Err(MailError::NoSuchMailbox | MailError::Gone) => Err(bad()),
        Err(failure) => Err(failure.into()),
    }
}

async fn look<S: Transport>(session: &Session<S>, url: MessageUrl) -> Result<Option<Part>, MailError> {
    let Place { account, mailbox, .. } = session.find(&url.mailbox).await?.allowing(Action::Select)?;
    let snapshot = account.open(mailbox.id).await?.current();
    if url.uid_validity.is_some_and(|validity| validity != snapshot.uid_validity) {
        return Ok(None);
    }
    let Some(entry) = snapshot.get(url.uid) else { return Ok(None) };
    let Some(content) = account.contents(&[entry.email]).await?.pop().flatten() else { return Ok(None) };
    let section = url.section.unwrap_or(Section { part: Box::default(), text: SectionText::Whole });
    Ok(match locate(&account, &content, &section).await? {
        Located::Nothing => None,
        Located::Made(made) => {
            let range = cut(0..u64::try_from(made.len()).unwrap_or(u64::MAX), url.partial);
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            Some(Part::Made(made.slice(start..end)))
        }
        Located::Body(range) => Some(Part::Body(account, content, cut(range, url.partial))),
    })
}

/// The part of a range that `;PARTIAL=` names; nothing where it begins behind the end.
fn cut(range: Range<u64>, partial: Option<UrlPartial>) -> Range<u64> {
    let Some(UrlPartial { offset, length }) = partial else { return range };
    let start = range.start.saturating_add(offset).min(range.end);
    let end = length.map_or(range.end, |length| start.saturating_add(length.get()).min(range.end));
    start..end
}

impl Part {
    /// How large it is.
    pub(super) fn size(&self) -> Octets {
        match self {
            Self::Made(bytes) => Octets(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Body(_, _, range) => Octets(range.end - range.start),
        }
    }

    /// The bytes from an offset on, as many as are read at once; `None` at its end.
    pub(super) async fn read(&self, offset: u64) -> Result<Option<Bytes>, MailError> {
        if offset >= self.size().0 {
            return Ok(None);
        }
        match self {
            Self::Made(bytes) => Ok(Some(bytes.slice(usize::try_from(offset).unwrap_or(usize::MAX)..))),
            Self::Body(account, content, range) => {
                let piece = account.read_body(content, range.start + offset..range.end).await?;
                if piece.is_empty() { Err(MailError::Gone) } else { Ok(Some(piece)) }
            }
        }
    }
}
