//! What a client is told when something of ours, or a rule, is in the way. The log gets the whole cause.

use domain::MailError;
use net::Refused as NoPlace;
use proto_pop3::ResponseCode;
use service_session::Refused;
use std::error::Error;
use tracing::error;

/// An answer that is no `+OK`.
pub(crate) type Status = (Option<ResponseCode>, &'static str);

/// What a mail verb's failure is answered with. Nothing here is permanent: POP3 programs give an account up for that.
pub(crate) fn of_mail(failure: &MailError) -> Status {
    match failure {
        MailError::Gone | MailError::NoSuchMailbox => (None, "The message is gone"),
        MailError::Busy => (Some(ResponseCode::SysTemp), "The mailbox is busy, try again later"),
        fault => {
            error!(error = fault as &dyn Error, "a POP3 command failed");
            (Some(ResponseCode::SysTemp), "The server cannot do that now, try again later")
        }
    }
}

/// What a refused sign-in is answered with.
pub(crate) fn of_refused(refused: Refused) -> (ResponseCode, &'static str) {
    match refused {
        Refused::Denied | Refused::Syntax => (ResponseCode::Auth, "The name or the password is wrong"),
        Refused::Binding => {
            (ResponseCode::Auth, "The sign-in does not belong to this connection: somebody may be listening in")
        }
        Refused::Locked => (ResponseCode::Auth, "This password is locked, ask your operator"),
        Refused::Expired => (ResponseCode::Auth, "This password is not valid any more, set a new one"),
        Refused::NotPermitted => {
            (ResponseCode::Auth, "This password is not for this program, use an app password for it")
        }
        Refused::Throttled => (ResponseCode::SysTemp, "Too many failures, try again later"),
        Refused::Fault => (ResponseCode::SysTemp, "The server cannot check this now, try again later"),
    }
}

/// What a sign-in is answered with for which there is no place.
pub(crate) fn of_no_place(_: NoPlace) -> (ResponseCode, &'static str) {
    // RFC 2449 §8.1.2: the maildrop itself is never locked, so this is all that there is of it.
    (ResponseCode::InUse, "Too many connections of this account")
}
