//! The commands: one room each, with typed arguments and their parser. [`crate::registry`] has their rows.

pub mod append;
pub mod authenticate;
pub mod bare;
pub mod cancel_update;
pub mod comparator;
pub mod compress;
pub mod copy;
pub mod create;
pub mod delete;
pub mod deleteacl;
pub mod enable;
pub mod esearch;
pub mod examine;
pub mod expunge;
pub mod fetch;
pub mod getacl;
pub mod getmetadata;
pub mod getquota;
pub mod getquotaroot;
pub mod id;
pub mod language;
pub mod list;
pub mod listrights;
pub mod login;
pub mod lsub;
pub mod r#move;
pub mod myrights;
pub mod notify;
pub mod rename;
pub mod replace;
pub mod search;
pub mod select;
pub mod setacl;
pub mod setmetadata;
pub mod setquota;
pub mod sort;
pub mod status;
pub mod store;
pub mod subscribe;
pub mod thread;
pub mod uid_batches;
pub mod unsubscribe;

pub(crate) mod betrayed;
pub(crate) mod flag_list;

pub use append::{Append, AppendLiteral, AppendMessage, LiteralKind};
pub use authenticate::Authenticate;
pub use betrayed::Betrayed;
pub use cancel_update::CancelUpdate;
pub use comparator::{COMPARATOR, Comparator};
pub use copy::Copy;
pub use create::Create;
pub use delete::Delete;
pub use deleteacl::DeleteAcl;
pub use enable::{Enable, Extension};
pub use esearch::Esearch;
pub use expunge::Expunge;
pub use fetch::Fetch;
pub use flag_list::FlagList;
pub use getacl::GetAcl;
pub use getmetadata::{Entries, GetMetadata};
pub use getquota::GetQuota;
pub use getquotaroot::GetQuotaRoot;
pub use id::Id;
pub use language::ChooseLanguage;
pub use list::{List, ReturnOption, SelectOption};
pub use listrights::ListRights;
pub use login::Login;
pub use lsub::Lsub;
pub use r#move::Move;
pub use myrights::MyRights;
pub use notify::{EventGroup, Events, MailboxFilter, Notify, NotifySet, SelectedEvents};
pub use rename::Rename;
pub use search::Search;
pub use select::{KnownRun, Resync, Select};
pub use setacl::{Identifier, RightsChange, SetAcl};
pub use setmetadata::SetMetadata;
pub use setquota::SetQuota;
pub use sort::Sort;
pub use status::{Status, StatusItem};
pub use store::Store;
pub use subscribe::Subscribe;
pub use thread::Thread;
pub use uid_batches::UidBatches;
pub use unsubscribe::Unsubscribe;

use crate::view::Expunges;

/// A command with its arguments. APPEND is none of these: it comes as `Event::AppendStart`.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// ID
    Id(Id),
    /// LANGUAGE
    Language(ChooseLanguage),
    /// COMPARATOR
    Comparator(Comparator),
    /// STARTTLS
    StartTls,
    /// UNAUTHENTICATE
    Unauthenticate,
    /// AUTHENTICATE
    Authenticate(Authenticate),
    /// LOGIN
    Login(Login),
    /// ENABLE
    Enable(Enable),
    /// SELECT
    Select(Select),
    /// EXAMINE
    Examine(Select),
    /// CREATE
    Create(Create),
    /// DELETE
    Delete(Delete),
    /// RENAME
    Rename(Rename),
    /// SUBSCRIBE
    Subscribe(Subscribe),
    /// UNSUBSCRIBE
    Unsubscribe(Unsubscribe),
    /// LIST
    List(List),
    /// LSUB
    Lsub(Lsub),
    /// NAMESPACE
    Namespace,
    /// STATUS
    Status(Status),
    /// GETACL
    GetAcl(GetAcl),
    /// SETACL
    SetAcl(SetAcl),
    /// DELETEACL
    DeleteAcl(DeleteAcl),
    /// LISTRIGHTS
    ListRights(ListRights),
    /// MYRIGHTS
    MyRights(MyRights),
    /// GETMETADATA
    GetMetadata(GetMetadata),
    /// SETMETADATA
    SetMetadata(SetMetadata),
    /// GETQUOTA
    GetQuota(GetQuota),
    /// GETQUOTAROOT
    GetQuotaRoot(GetQuotaRoot),
    /// SETQUOTA
    SetQuota(SetQuota),
    /// IDLE
    Idle,
    /// COMPRESS DEFLATE
    Compress,
    /// NOTIFY
    Notify(Notify),
    /// CHECK
    Check,
    /// CLOSE
    Close,
    /// UNSELECT
    Unselect,
    /// EXPUNGE, UID EXPUNGE
    Expunge(Expunge),
    /// SEARCH, UID SEARCH
    Search(Search),
    /// SORT, UID SORT
    Sort(Sort),
    /// THREAD, UID THREAD
    Thread(Thread),
    /// ESEARCH
    Esearch(Esearch),
    /// CANCELUPDATE
    CancelUpdate(CancelUpdate),
    /// UIDBATCHES
    UidBatches(UidBatches),
    /// FETCH, UID FETCH
    Fetch(Fetch),
    /// STORE, UID STORE
    Store(Store),
    /// COPY, UID COPY
    Copy(Copy),
    /// MOVE, UID MOVE
    Move(Move),
}

impl Command {
    /// Whether EXPUNGE may be told while the command runs: not during FETCH, STORE and SEARCH with sequence numbers,
    /// since the numbers of commands already on their way would shift (RFC 3501 §7.4.1); nor during a UID SEARCH for
    /// sequence numbers (RFC 7162 §3.2.10.2), nor while a mailbox is opened, where a client that has just heard EXISTS
    /// expects none.
    pub fn expunges(&self) -> Expunges {
        let held = match self {
            Self::Fetch(fetch) => !fetch.messages.is_uid(),
            Self::Store(store) => !store.messages.is_uid(),
            Self::Search(search) => !search.uid || search.program.uses_sequence_numbers(),
            Self::Sort(sort) => !sort.uid || sort.program.uses_sequence_numbers(),
            Self::Thread(thread) => !thread.uid || thread.program.uses_sequence_numbers(),
            Self::Esearch(search) => search.program.uses_sequence_numbers(),
            Self::Select(_) | Self::Examine(_) => true,
            _ => false,
        };
        if held { Expunges::Held } else { Expunges::Told }
    }
}

#[cfg(test)]
mod tests;
