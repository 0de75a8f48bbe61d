//! APPEND (RFC 3501 §6.3.11, MULTIAPPEND: RFC 3502, CATENATE: RFC 4469, APPENDUID: RFC 4315 §3): messages stream into the
//! store while they arrive, and go into the mailbox together when the command is whole. Until then nothing of them is to be
//! seen, and if the command ends in any other way nothing is left of them. REPLACE (RFC 8508) comes this way too.
//!
//! Deviation: RFC 9755 §4 refuses a header with 8-bit bytes from who did not enable UTF8=ACCEPT. RFC 3501 §6.3.11 permits them, and
//! old mail has them: it could not be brought here from another server.

mod part;

use self::part::Part;
use super::message_limit;
use super::replace::{self, Replaced};
use crate::place::Place;
use crate::rights::{Action, allowed};
use crate::session::Session;
use crate::status;
use bytes::Bytes;
use domain::{FlagNames, MailError, NewMessage, Staging};
use proto_imap::command::{Append, AppendLiteral, AppendMessage};
use proto_imap::connection::Tag;
use proto_imap::response::StatusKind;
use proto_imap::view::{Expunges, UpdateForm};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::{Octets, UidSet};

/// How large the messages of one APPEND may be together, a single one apart: small ones stand in memory until the
/// command is whole.
pub(crate) const APPEND_TOGETHER_MAX: Octets = Octets::mib(64);

/// An APPEND whose messages are on their way.
pub(crate) struct Appending {
    tag: Tag,
    place: Place,
    /// The message that goes, if it is a REPLACE.
    replaced: Option<Replaced>,
    /// Those that are whole.
    messages: Vec<NewMessage>,
    /// The one that is not.
    current: Option<Current>,
    /// How large those that are whole are together.
    together: Octets,
}

/// A message that is on its way.
struct Current {
    head: AppendMessage,
    /// Begun with its first bytes.
    staging: Option<Staging>,
    /// Whether a NUL was among them.
    has_nul: bool,
}

/// Why an APPEND is refused.
pub(crate) enum Failure {
    /// By a mail verb.
    Mail(MailError),
    /// With this answer.
    Status(Status),
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        Self::Mail(error)
    }
}

/// The command begins: refused before a byte of a message is taken, if it has to be.
pub(crate) async fn start<S: Transport>(session: &mut Session<S>, tag: Tag, append: &Append) -> io::Result<()> {
    match begin(session, append).await? {
        Ok((place, replaced)) => {
            let (messages, current, together) = (Vec::new(), None, Octets(0));
            session.appending = Some(Box::new(Appending { tag, place, replaced, messages, current, together }));
            session.machine.accept_append();
        }
        Err(failure) => session.machine.finish(&tag, &failure.status()),
    }
    Ok(())
}

async fn begin<S: Transport>(
    session: &Session<S>,
    append: &Append,
) -> io::Result<Result<(Place, Option<Replaced>), Failure>> {
    let replaced = match &append.replaces {
        Some(message) => match replace::named(session, message)? {
            Ok(replaced) => Some(replaced),
            Err(status) => return Ok(Err(Failure::Status(status))),
        },
        None => None,
    };
    let found = session.find(&append.mailbox).await.and_then(|place| place.allowing(Action::Insert));
    Ok(found.map(|place| (place, replaced)).map_err(Failure::Mail))
}

/// A message begins.
pub(crate) async fn message<S: Transport>(session: &mut Session<S>, head: AppendMessage) -> io::Result<()> {
    let Some(mut appending) = session.appending.take() else { return Ok(()) };
    let mut begun = appending.complete_message().await;
    // RFC 9738 §3.1: all of them or none.
    let so_far = u32::try_from(appending.messages.len()).unwrap_or(u32::MAX);
    if let Some(code) = message_limit::none_more_to_save(session, so_far) {
        begun = begun.and(Err(Failure::Status(message_limit::refused(code))));
    }
    appending.current = Some(Current { head, staging: None, has_nul: false });
    go_on(session, appending, begun);
    Ok(())
}

/// Bytes of it are announced.
pub(crate) async fn literal<S: Transport>(session: &mut Session<S>, literal: AppendLiteral) -> io::Result<()> {
    let Some(mut appending) = session.appending.take() else { return Ok(()) };
    let max = session.service.shared.mail.message_max();
    let admitted = appending.admit(literal, max).await;
    go_on(session, appending, admitted);
    Ok(())
}

/// A part of it is to be copied (RFC 4469 §3).
pub(crate) async fn url<S: Transport>(session: &mut Session<S>, url: &[u8]) -> io::Result<()> {
    let Some(mut appending) = session.appending.take() else { return Ok(()) };
    let copied = match part::find(session, url).await {
        Ok(part) => appending.copy(&part, session.service.shared.mail.message_max()).await,
        Err(failure) => Err(failure),
    };
    go_on(session, appending, copied);
    Ok(())
}

/// Some of these bytes.
pub(crate) async fn chunk<S: Transport>(session: &mut Session<S>, piece: Bytes) -> io::Result<()> {
    let Some(mut appending) = session.appending.take() else { return Ok(()) };
    let Some(current) = &mut appending.current else { return Ok(()) };
    match current.write(&piece).await {
        Ok(()) => session.appending = Some(appending),
        Err(failure) => session.machine.finish(&appending.tag, &status::of_mail(&failure)),
    }
    Ok(())
}

/// The command is whole.
pub(crate) async fn end<S: Transport>(session: &mut Session<S>) -> io::Result<()> {
    let Some(mut appending) = session.appending.take() else { return Ok(()) };
    let completed = appending.complete_message().await;
    let Appending { tag, place, messages, replaced, .. } = *appending;
    session.progress.begin(&tag);
    let appended = match (completed, replaced) {
        (Ok(()), Some(replaced)) => return replace::end(session, &tag, place, messages, replaced).await,
        (Ok(()), None) => {
            let appended = place.account.append(place.mailbox.id, messages);
            session.await_verb(appended).await?.map_err(Failure::Mail)
        }
        (Err(failure), _) => Err(failure),
    };
    let status = match appended {
        Ok(appended) => {
            session.did_add(&place.account, place.mailbox.id, appended.uids.iter().copied());
            let code = Code::AppendUid(appended.uid_validity, UidSet::from_uids(appended.uids));
            Status::ok("APPEND completed").with_code(code)
        }
        Err(failure) => failure.status(),
    };
    session.tell(session.expunges(Expunges::Told), UpdateForm::Plain).await?;
    session.tell_others_now().await?;
    session.machine.finish(&tag, &status);
    Ok(())
}

/// Lets the client go on, or answers the command, of which nothing is left then.
fn go_on<S: Transport>(session: &mut Session<S>, appending: Box<Appending>, so_far: Result<(), Failure>) {
    match so_far {
        Ok(()) => {
            session.machine.accept_append();
            session.appending = Some(appending);
        }
        Err(failure) => session.machine.finish(&appending.tag, &failure.status()),
    }
}

impl Failure {
    pub(super) fn status(self) -> Status {
        match self {
            Self::Mail(failure) => status::of_target(&failure),
            Self::Status(status) => status,
        }
    }
}

impl Current {
    async fn write(&mut self, piece: &[u8]) -> Result<(), MailError> {
        let Some(staging) = &mut self.staging else { return Ok(()) };
        self.has_nul |= memchr::memchr(0, piece).is_some();
        staging.write(piece).await
    }
}

impl Appending {
    /// The message that is on its way is whole.
    async fn complete_message(&mut self) -> Result<(), Failure> {
        let Some(Current { head, staging, has_nul }) = self.current.take() else { return Ok(()) };
        let Some(staging) = staging.filter(|staging| staging.size() > Octets(0)) else { return Err(empty()) };
        let mut staged = staging.finish().await?;
        if has_nul {
            staged = self.place.account.encode_binary(staged).await?;
        }
        let mut message = NewMessage::new(staged);
        self.together = Octets(self.together.0.saturating_add(message.staged.size().0));
        message.flags =
            allowed(self.place.rights, FlagNames { system: head.flags.system, keywords: head.flags.keywords });
        message.internal_date = head.date;
        self.messages.push(message);
        Ok(())
    }

    /// Whether bytes may come.
    async fn admit(&mut self, literal: AppendLiteral, max: Octets) -> Result<(), Failure> {
        if self.current.as_ref().is_some_and(|c| !c.head.is_catenated) && literal.size == Octets(0) {
            return Err(empty());
        }
        self.make_room(literal.size, max).await
    }

    /// Whether the message may grow by so much: the limits and the quota speak before anything is written.
    async fn make_room(&mut self, more: Octets, max: Octets) -> Result<(), Failure> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let so_far = current.staging.as_ref().map_or(0, |staging| staging.size().0);
        let size = Octets(so_far.saturating_add(more.0));
        if size > max {
            return Err(MailError::TooLarge { max }.into());
        }
        let together = Octets(self.together.0.saturating_add(size.0));
        if are_too_large(self.messages.len(), together) {
            return Err(Failure::Status(Status::no(Code::Limit, "The messages are too large together")));
        }
        // RFC 8508 §3.4: what goes makes room for what comes.
        let freed = self.replaced.as_ref().filter(|old| old.account.id() == self.place.account.id());
        let usage = self.place.account.usage().await?;
        let count = u64::try_from(self.messages.len()).unwrap_or(u64::MAX).saturating_add(1);
        let is_refused = match freed {
            Some(old) => usage.refuses_instead(together, old.size),
            None => usage.refuses(together, count),
        };
        if is_refused {
            return Err(MailError::OverQuota.into());
        }
        if current.staging.is_none() {
            current.staging = Some(self.place.account.stage(Some(size)).await?);
        }
        Ok(())
    }
}

impl Appending {
    /// Puts a part of another message behind what there is of this one, range by range.
    async fn copy(&mut self, part: &Part, max: Octets) -> Result<(), Failure> {
        self.make_room(part.size(), max).await?;
        let Some(current) = &mut self.current else { return Ok(()) };
        let mut offset = 0;
        while let Some(piece) = part.read(offset).await? {
            offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            current.write(&piece).await?;
        }
        Ok(())
    }
}

/// RFC 3502 §6.3.11: an empty message is how a client takes its APPEND back.
fn empty() -> Failure {
    Failure::Status(Status { kind: StatusKind::No, code: None, text: "A message without a byte is none".into() })
}

/// Whether a message behind so many others makes them too large together. One alone has only its own limit.
fn are_too_large(others: usize, together: Octets) -> bool {
    others > 0 && together > APPEND_TOGETHER_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_a_limit_together_but_not_one_alone() {
        let past = Octets(APPEND_TOGETHER_MAX.0 + 1);
        assert!(!are_too_large(1, APPEND_TOGETHER_MAX) && are_too_large(1, past));
        assert!(!are_too_large(0, past));
    }
}
