//! What a client is told when a rule or something of ours is in the way. A fault of ours is never permanent (G8).

use domain::Refusal;
use proto_smtp::Reply;
use service_session::Refused;
use std::error::Error;
use tracing::error;

/// What a refusal of the delivery is answered with.
pub(crate) fn of_refusal(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::NoSuchUser => Reply::new(550, 1, 1, "There is no such user here"),
        Refusal::MailboxFull => Reply::new(452, 2, 2, "The mailbox is full"),
        Refusal::TooLarge { max } => Reply::new(552, 3, 4, format!("The message is larger than {max} octets")),
        Refusal::Loop => Reply::new(554, 4, 6, "The message goes round in circles"),
        Refusal::NoRoom => {
            error!("there is no room for mail");
            Reply::new(452, 3, 1, "There is no room for mail now, try again later")
        }
        Refusal::Fault(_) => {
            error!(error = refusal as &dyn Error, "mail cannot be taken");
            unavailable()
        }
    }
}

/// A fault of ours.
pub(crate) fn unavailable() -> Reply {
    Reply::new(451, 3, 0, "The server cannot do that now, try again later")
}

/// What a refused sign-in is answered with (RFC 4954 §6).
pub(crate) fn of_refused(refused: Refused) -> Reply {
    match refused {
        Refused::Syntax => Reply::new(501, 5, 2, "That is not what the mechanism wants"),
        Refused::Denied => Reply::new(535, 7, 8, "The name or the password is wrong"),
        Refused::Binding => {
            Reply::new(535, 7, 8, "The sign-in does not belong to this connection: somebody may be listening in")
        }
        Refused::Locked => Reply::new(535, 7, 8, "This password is locked, ask your operator"),
        Refused::Expired => Reply::new(535, 7, 8, "This password is not valid any more, set a new one"),
        Refused::NotPermitted => {
            Reply::new(535, 7, 8, "This password is not for this program, use an app password for it")
        }
        Refused::Throttled => Reply::new(454, 7, 0, "Too many failures, try again later"),
        Refused::Fault => Reply::new(454, 7, 0, "The server cannot check this now, try again later"),
    }
}
