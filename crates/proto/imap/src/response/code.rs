//! Response codes (RFC 3501 §7.1, RFC 4315, RFC 5530, RFC 7162).

use super::write_flags;
use crate::codec::ObjectId;
use crate::codec::write::{write_number, write_spaced, write_string};
use crate::command::Events;
use bytes::BytesMut;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use types::{Flags, Keywords, ModSeq, Uid, UidSet, UidValidity};

/// How far a command is (RFC 9585 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandProgress {
    /// Nobody knows; the server is at work.
    Unknown,
    /// So many messages are done, of nobody knows how many.
    Counting(u32),
    /// So many messages are done, fewer than there are to do.
    Of(u32, NonZeroU32),
}

impl CommandProgress {
    /// How many messages there are to do, if that is known.
    pub fn goal(self) -> Option<NonZeroU32> {
        if let Self::Of(_, goal) = self { Some(goal) } else { None }
    }
}

/// The capability names that hold at one moment; made by `Connection::capabilities`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(pub(crate) Box<str>);

impl Capabilities {
    /// The names with spaces between, as the wire has them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// What stands in brackets before the text of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// The text must be shown to the person.
    Alert,
    /// SEARCH in a charset that is not known; the known ones are listed.
    BadCharset,
    /// The capabilities, so that the client need not ask.
    Capability(Capabilities),
    /// Which flags can be changed for good; `new_keywords` is `\*`.
    PermanentFlags {
        /// The flags.
        flags: Flags,
        /// Names of the keyword bits.
        keywords: Keywords,
        /// Whether the client may make up keywords.
        new_keywords: bool,
    },
    /// The mailbox can not be changed.
    ReadOnly,
    /// The mailbox can be changed.
    ReadWrite,
    /// The target does not exist, but CREATE would help.
    TryCreate,
    /// The UID that the next message will get; `None` (all used up) is written as the highest number.
    UidNext(Option<Uid>),
    /// The mailbox's UIDVALIDITY.
    UidValidity(UidValidity),
    /// The sequence number of the first message without `\Seen`.
    Unseen(u32),
    /// Where APPEND put its messages (RFC 4315 §3).
    AppendUid(UidValidity, UidSet),
    /// Where COPY or MOVE put its messages: source UIDs and target UIDs, pair by pair in order (RFC 4315 §3).
    CopyUid(UidValidity, UidSet, UidSet),
    /// The mailbox's highest MODSEQ (RFC 7162 §3.1.2.1).
    HighestModSeq(ModSeq),
    /// The mailbox that was open is closed: what follows is about another (RFC 7162 §3.2.11).
    Closed,
    /// A sequence number came where UIDONLY is enabled (RFC 9586 §3).
    UidRequired,
    /// The mailbox keeps no MODSEQ (RFC 7162 §3.1.2.2).
    NoModSeq,
    /// Messages that a conditional STORE left alone: sequence numbers, or UIDs after UID STORE (RFC 7162 §3.1.3).
    Modified(UidSet),
    /// RFC 5530 §3: a fault of ours that will pass.
    Unavailable,
    /// RFC 5530 §3
    AuthenticationFailed,
    /// RFC 5530 §3
    AuthorizationFailed,
    /// RFC 5530 §3: the credential is right but no longer valid.
    Expired,
    /// RFC 5530 §3: only inside TLS.
    PrivacyRequired,
    /// RFC 5530 §3
    ContactAdmin,
    /// RFC 5530 §3
    NoPerm,
    /// RFC 5530 §3
    InUse,
    /// RFC 5530 §3: some of the messages are gone.
    ExpungeIssued,
    /// RFC 5530 §3
    Corruption,
    /// RFC 5530 §3
    ServerBug,
    /// RFC 5530 §3
    ClientBug,
    /// RFC 5530 §3: never possible.
    Cannot,
    /// RFC 5530 §3: over a limit.
    Limit,
    /// RFC 5530 §3
    OverQuota,
    /// RFC 5530 §3
    AlreadyExists,
    /// There are mailboxes below one that is to be deleted (RFC 9051 §7.1).
    HasChildren,
    /// RFC 5530 §3
    NonExistent,
    /// The mailbox's identifier (RFC 8474 §4).
    MailboxId(ObjectId),
    /// A part's transfer encoding is not known, or a mailbox takes no binary (RFC 3516 §4.3).
    UnknownCte,
    /// The connection is compressed already (RFC 4978 §3).
    CompressionActive,
    /// How far the command with this tag is (RFC 9585 §4).
    InProgress {
        /// The command.
        tag: Box<str>,
        /// How far it is.
        progress: CommandProgress,
    },
    /// More messages were named than one command may take (RFC 9738 §3.1).
    MessageLimit {
        /// How many it may take.
        limit: NonZeroU32,
        /// The lowest of those that were taken, the highest first; `None` if it is not known.
        lowest: Option<Uid>,
    },
    /// Batches are to be smaller than they may (RFC 10022 §3.1.3.2).
    TooFew,
    /// Batches are to have more messages than they may (RFC 10022 §3.1.5).
    TooMany,
    /// Changes of this search are not told (RFC 5267 §4.3.1).
    NoUpdate(Box<str>),
    /// The result of a SEARCH could not be saved (RFC 5182 §2.5).
    NotSaved,
    /// An event that is not known; the known ones are listed (RFC 5465 §3.1).
    BadEvent,
    /// There is too much to tell, and nothing is told any more (RFC 5465 §5.8).
    NotificationOverflow,
    /// The message is larger than what is taken (RFC 7889 §4).
    TooBig,
    /// No comparator that is known fits (RFC 5255 §4.9).
    BadComparator,
    /// The mailbox cannot be for that (RFC 6154 §3).
    UseAttr,
    /// The size of the largest annotation that MAXSIZE kept back (RFC 5464 §4.2.1).
    MetadataLongEntries(u64),
    /// The largest value that an annotation can have (RFC 5464 §4.3).
    MetadataMaxSize(u64),
    /// There are as many annotations as there may be (RFC 5464 §4.3).
    MetadataTooMany,
    /// A URL, as the client wrote it, that leads nowhere (RFC 4469 §4.1).
    BadUrl(Box<[u8]>),
}

impl Code {
    /// The sets that a code ends with: they may have as many ranges as a mailbox has messages, so they are written some
    /// at a time.
    pub(super) fn sets(&self) -> [&[RangeInclusive<u32>]; 2] {
        match self {
            Self::AppendUid(_, uids) | Self::Modified(uids) => [uids.ranges(), &[]],
            Self::CopyUid(_, from, to) => [from.ranges(), to.ranges()],
            _ => [&[], &[]],
        }
    }

    /// Writes the code without its brackets and without its sets.
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Capability(capabilities) => {
                out.extend_from_slice(b"CAPABILITY ");
                capabilities.write(out);
            }
            Self::PermanentFlags { flags, keywords, new_keywords } => {
                out.extend_from_slice(b"PERMANENTFLAGS (");
                write_flags(out, *flags, keywords, false);
                if *new_keywords {
                    out.extend_from_slice(if *flags == Flags::NONE { b"\\*" } else { b" \\*" });
                }
                out.extend_from_slice(b")");
            }
            Self::UidNext(uid) => write_with(out, "UIDNEXT", u64::from(uid.unwrap_or(Uid::MAX).get())),
            Self::UidValidity(validity) => write_with(out, "UIDVALIDITY", u64::from(validity.get())),
            Self::Unseen(number) => write_with(out, "UNSEEN", u64::from(*number)),
            Self::BadEvent => {
                out.extend_from_slice(b"BADEVENT (");
                write_spaced(out, Events::NAMES, |out, (name, _)| out.extend_from_slice(name.as_bytes()));
                out.extend_from_slice(b")");
            }
            Self::HighestModSeq(modseq) => write_with(out, "HIGHESTMODSEQ", modseq.0),
            // Writing to a BytesMut does not fail. Their sets follow; see `Code::sets`.
            Self::AppendUid(validity, _) => drop(write!(out, "APPENDUID {validity} ")),
            Self::CopyUid(validity, ..) => drop(write!(out, "COPYUID {validity} ")),
            Self::MailboxId(id) => {
                out.extend_from_slice(b"MAILBOXID ");
                id.write(out);
            }
            Self::MetadataLongEntries(size) => write_with(out, "METADATA LONGENTRIES", *size),
            Self::MetadataMaxSize(size) => write_with(out, "METADATA MAXSIZE", *size),
            Self::Modified(_) => out.extend_from_slice(b"MODIFIED "),
            Self::BadUrl(url) => {
                out.extend_from_slice(b"BADURL ");
                write_url(out, url);
            }
            Self::InProgress { tag, progress } => {
                out.extend_from_slice(b"INPROGRESS (");
                // RFC 9585 §4: a tag that would seem to end the code is not told.
                if tag.contains(']') {
                    out.extend_from_slice(b"NIL");
                } else {
                    write_string(out, tag.as_bytes());
                }
                // Writing to a BytesMut does not fail.
                let _ = match progress {
                    CommandProgress::Unknown => write!(out, " NIL NIL)"),
                    CommandProgress::Counting(done) => write!(out, " {done} NIL)"),
                    CommandProgress::Of(done, goal) => write!(out, " {done} {goal})"),
                };
            }
            Self::MessageLimit { limit, lowest } => {
                let _ = write!(out, "MESSAGELIMIT {limit}");
                if let Some(lowest) = lowest {
                    let _ = write!(out, " {lowest}");
                }
            }
            Self::NoUpdate(tag) => {
                out.extend_from_slice(b"NOUPDATE ");
                write_string(out, tag.as_bytes());
            }
            plain => out.extend_from_slice(plain.name().as_bytes()),
        }
    }

    /// The code's name, as the wire has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::BadCharset => "BADCHARSET (US-ASCII UTF-8)",
            Self::Capability(_) => "CAPABILITY",
            Self::PermanentFlags { .. } => "PERMANENTFLAGS",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unseen(_) => "UNSEEN",
            Self::AppendUid(..) => "APPENDUID",
            Self::CopyUid(..) => "COPYUID",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::Closed => "CLOSED",
            Self::UidRequired => "UIDREQUIRED",
            Self::NoModSeq => "NOMODSEQ",
            Self::Modified(_) => "MODIFIED",
            Self::Unavailable => "UNAVAILABLE",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::Expired => "EXPIRED",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::NoPerm => "NOPERM",
            Self::InUse => "INUSE",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::Corruption => "CORRUPTION",
            Self::ServerBug => "SERVERBUG",
            Self::ClientBug => "CLIENTBUG",
            Self::Cannot => "CANNOT",
            Self::Limit => "LIMIT",
            Self::OverQuota => "OVERQUOTA",
            Self::HasChildren => "HASCHILDREN",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::NonExistent => "NONEXISTENT",
            Self::MailboxId(_) => "MAILBOXID",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::InProgress { .. } => "INPROGRESS",
            Self::MessageLimit { .. } => "MESSAGELIMIT",
            Self::TooFew => "TOOFEW",
            Self::TooMany => "TOOMANY",
            Self::NoUpdate(_) => "NOUPDATE",
            Self::NotSaved => "NOTSAVED",
            Self::BadEvent => "BADEVENT",
            Self::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Self::TooBig => "TOOBIG",
            Self::BadComparator => "BADCOMPARATOR",
            Self::UseAttr => "USEATTR",
            Self::MetadataLongEntries(_) | Self::MetadataMaxSize(_) => "METADATA",
            Self::MetadataTooMany => "METADATA TOOMANY",
            Self::BadUrl(_) => "BADURL",
        }
    }
}

fn write_with(out: &mut BytesMut, name: &str, number: u64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b" ");
    write_number(out, number);
}

/// Longest URL that is repeated; of a longer one the beginning is.
const URL_REPEATED_MAX: usize = 1024;

/// What cannot stand in a code is percent-encoded, which for a URL means the same.
///
/// ```text
/// url-resp-text = 1*<any TEXT-CHAR except "]">
/// ```
fn write_url(out: &mut BytesMut, url: &[u8]) {
    for byte in url.iter().take(URL_REPEATED_MAX) {
        if byte.is_ascii_graphic() && *byte != b']' {
            out.extend_from_slice(&[*byte]);
        } else {
            // Writing to a BytesMut does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if url.is_empty() {
        out.extend_from_slice(b"/");
    }
}
