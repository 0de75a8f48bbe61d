//! What the machine tells the session, and what the session tells the machine about login.

use crate::command::{Append, AppendLiteral, AppendMessage, Authenticate, Betrayed, Command, Login};
use bytes::Bytes;
use std::fmt;
use types::Secret;

/// A command's tag: what the client calls it by.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag(Box<str>);

impl Tag {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The tag as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whether a name and a password may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginPolicy {
    /// LOGIN is taken.
    Allowed,
    /// LOGINDISABLED: the way is open to listeners.
    Disabled,
}

/// What holds before login; the session makes it of the SASL policy's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// LOGIN.
    pub login: LoginPolicy,
    /// The mechanisms that AUTHENTICATE takes, in capitals, as they are announced.
    pub mechanisms: Vec<Box<str>>,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
}

/// What a connection's input amounts to.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A command, legal in this state. Answer with `finish`.
    Command {
        /// Its tag.
        tag: Tag,
        /// What it says.
        command: Command,
    },
    /// LOGIN though it is disabled: a password crossed in clear. It must be refused with `PRIVACYREQUIRED`, whatever
    /// it is; the session looks whether it has to be burnt.
    RefusedLogin {
        /// Its tag.
        tag: Tag,
        /// What was betrayed.
        login: Login,
    },
    /// AUTHENTICATE with a mechanism that is not offered now. It must be refused; what came with it may have to be
    /// burnt.
    RefusedAuthenticate {
        /// Its tag.
        tag: Tag,
        /// What was asked for.
        authenticate: Authenticate,
    },
    /// Behind an AUTHENTICATE that was refused came what may be a response that nobody asked for: a secret in it is known
    /// to everybody, if it came in clear. It is answered already, as the bad command that it is.
    Uninvited(Secret<Vec<u8>>),
    /// A sign-in whose literal was refused in clear came to its end all the same: a secret in it is known to everybody. It
    /// is answered already, line by line, as the bad commands that they are.
    Betrayed(Betrayed),
    /// The answer to a challenge, decoded. Go on with `challenge` or `finish`.
    SaslResponse(Secret<Vec<u8>>),
    /// The client ended IDLE. Answer with `finish`.
    IdleDone,
    /// APPEND begins. Go on with `accept_append`, or refuse with `finish`.
    AppendStart {
        /// Its tag.
        tag: Tag,
        /// Where its messages go.
        append: Append,
    },
    /// A message begins; the one before it is whole. Go on with `accept_append`, or refuse with `finish`.
    AppendMessage(AppendMessage),
    /// Bytes of the message are announced: all of them, unless it is catenated. Let them come with `accept_append`, or
    /// refuse with `finish`.
    AppendLiteral(AppendLiteral),
    /// The next part of the message is to be copied from where this URL leads (RFC 4469 §3); it is as it was sent. Go on
    /// with `accept_append`, or refuse with `finish`.
    AppendUrl(Box<[u8]>),
    /// The next piece of the announced bytes.
    AppendChunk(Bytes),
    /// The last message and the command are whole. Answer with `finish`.
    AppendEnd,
    /// The command that ran is over and was answered here: a SASL exchange that was cancelled or is no base64, an IDLE
    /// that ended in something else than DONE, an APPEND that cannot be read. Forget it.
    Aborted,
}
