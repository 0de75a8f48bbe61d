//! What a client is told when something of ours, or a rule, is in the way. The log gets the whole cause.

use domain::MailError;
use proto_imap::{Code, Status};
use service_session::Refused;
use std::error::Error;
use tracing::error;

/// What a mail verb's failure is answered with: a refusal by a rule keeps its code, a fault of ours is temporary.
pub(crate) fn of_mail(failure: &MailError) -> Status {
    match failure {
        MailError::NoSuchMailbox => Status::no(Code::NonExistent, "There is no such mailbox"),
        MailError::AlreadyExists => Status::no(Code::AlreadyExists, "There is such a mailbox already"),
        MailError::HasChildren => Status::no(Code::HasChildren, "There are mailboxes below it"),
        MailError::CannotBeChanged => Status::no(Code::Cannot, "This mailbox cannot be changed so"),
        MailError::NameInvalid(_) => Status::no(Code::Cannot, "The name breaks a rule"),
        MailError::UseTaken => Status::no(Code::UseAttr, "Another mailbox is for that already"),
        MailError::TooManyMailboxes => Status::no(Code::Limit, "There are too many mailboxes"),
        MailError::KeywordsFull => Status::no(Code::Limit, "The mailbox has too many keywords"),
        MailError::NotPermitted => Status::no(Code::NoPerm, "Your rights do not allow that"),
        MailError::AclFull => Status::no(Code::Limit, "The access control list is full"),
        MailError::AnnotationTooLarge { max } => Status::no(Code::MetadataMaxSize(max.0), "The value is too large"),
        MailError::TooManyAnnotations => Status::no(Code::MetadataTooMany, "There are too many annotations"),
        MailError::OverQuota => Status::no(Code::OverQuota, "The mailbox is full"),
        MailError::TooLarge { .. } => Status::no(Code::TooBig, "The message is too large"),
        MailError::TooMany { .. } => Status::no(Code::Limit, "Too many messages at once"),
        MailError::UidsExhausted => Status::no(Code::Limit, "The mailbox has used up its UIDs"),
        MailError::Gone => Status::no(Code::ExpungeIssued, "The message is gone"),
        MailError::Busy => Status::no(Code::InUse, "The mailbox is busy, try again later"),
        MailError::StoreFull => {
            error!("the store is full");
            Status::no(Code::Unavailable, "The server has no room for that now; deleting works")
        }
        MailError::Store(_) => {
            error!(error = failure as &dyn Error, "an IMAP command failed");
            Status::no(Code::Unavailable, "The server cannot do that now, try again later")
        }
    }
}

/// The same for a target mailbox: what is not there could be created (RFC 3501 §6.3.11).
pub(crate) fn of_target(failure: &MailError) -> Status {
    match failure {
        MailError::NoSuchMailbox => Status::no(Code::TryCreate, "There is no such mailbox"),
        failure => of_mail(failure),
    }
}

/// What a refused sign-in is answered with (RFC 5530 §3).
pub(crate) fn of_refused(refused: Refused) -> Status {
    match refused {
        Refused::Syntax => Status::bad("That is not what the mechanism wants"),
        Refused::Denied => Status::no(Code::AuthenticationFailed, "The name or the password is wrong"),
        Refused::Binding => Status::no(
            Code::AuthenticationFailed,
            "The sign-in does not belong to this connection: somebody may be listening in",
        ),
        Refused::Locked => Status::no(Code::Expired, "This password is locked, ask your operator"),
        Refused::Expired => Status::no(Code::Expired, "This password is not valid any more, set a new one"),
        Refused::NotPermitted => {
            Status::no(Code::AuthorizationFailed, "This password is not for this program, use an app password for it")
        }
        Refused::Throttled => Status::no(Code::Unavailable, "Too many failures, try again later"),
        Refused::Fault => Status::no(Code::Unavailable, "The server cannot check this now, try again later"),
    }
}

/// A change in a mailbox that was opened with EXAMINE.
pub(crate) fn read_only() -> Status {
    Status::no(Code::ReadOnly, "The mailbox is open for reading only")
}

/// A sequence number that no message has.
pub(crate) fn no_such_message() -> Status {
    Status::bad("There is no message of that number")
}

/// Part of what was named is gone without the session having been told (RFC 2180 §4.1.2).
pub(crate) fn expunge_issued() -> Status {
    Status::no(Code::ExpungeIssued, "Some of these messages are gone")
}
