//! What went wrong, why, and the next command.

use super::super::protocol::Failure;
use domain::{DirectoryError, MailError, QueueError};

pub(super) fn of_directory(what: &str, error: &DirectoryError) -> Failure {
    let hint = match error {
        DirectoryError::NoSuchDomain => "postamt domain add DOMAIN first, or postamt domain list",
        DirectoryError::NoSuchAccount | DirectoryError::NoSuchAddress => "postamt account list",
        DirectoryError::AlreadyExists => "postamt account list, postamt alias list",
        DirectoryError::InUse => "remove first what needs it: postamt account list, postamt alias list",
        DirectoryError::Targets => "name at least one target: --to anna@example.org",
        DirectoryError::NoSuchCertificate | DirectoryError::TooManyCertificates => {
            "postamt account certificate list ADDRESS"
        }
        DirectoryError::AliasLoop => "postamt alias list",
        DirectoryError::Address(_) => "write addresses as anna@example.org",
        DirectoryError::Password(_) | DirectoryError::SamePassword | DirectoryError::HashOfBurnt => {
            "choose another password"
        }
        DirectoryError::TooManyPasswords | DirectoryError::NoSuchPassword => "postamt password list ADDRESS",
        DirectoryError::PasswordName => "name the device, such as --name \"Anna's phone\"",
        DirectoryError::Busy => "try again",
        DirectoryError::Full | DirectoryError::System(_) | DirectoryError::Mail(_) | DirectoryError::Store(_) => {
            "postamt status, then the log"
        }
    };
    Failure::new(what, error.to_string(), hint)
}

pub(super) fn of_mail(what: &str, error: &MailError) -> Failure {
    Failure::new(what, error.to_string(), "postamt status, then the log")
}

pub(super) fn of_queue(error: &QueueError) -> Failure {
    Failure::new("the queue did not do that", error.to_string(), "postamt queue list")
}
