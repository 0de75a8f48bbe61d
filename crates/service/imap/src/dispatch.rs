//! From a command to its room, and what is told before its answer.

use crate::command::{
    acl, cancel_update, capability, close, comparator, compress, copy, create, delete, enable, esearch, expunge, fetch,
    getmetadata, id, language, list, lsub, mailbox_status, r#move, namespace, notify, quota, rename, search, select,
    setmetadata, sort, store, subscribe, thread, uid_batches, unauthenticate,
};
use crate::login;
use crate::session::Session;
use proto_imap::connection::Tag;
use proto_imap::view::UpdateForm;
use proto_imap::{Command, Status};
use service_session::Transport;
use std::io;

/// Carries a command out and answers it, unless its answer comes later. An error ends the connection.
pub(crate) async fn dispatch<S: Transport>(session: &mut Session<S>, tag: Tag, command: Command) -> io::Result<()> {
    session.progress.begin(&tag);
    let (expunges, form) = (command.expunges(), form_of(&command));
    // What it expunges itself is its answer; what others did is news.
    let is_expunging = matches!(command, Command::Expunge(_) | Command::Move(_));
    let status = match command {
        Command::StartTls => return session.start_tls(&tag).await,
        Command::Logout => {
            session.machine.logout(&tag);
            return Ok(());
        }
        Command::Unauthenticate => return unauthenticate::run(session, &tag).await,
        Command::Compress => return compress::run(session, &tag).await,
        Command::Notify(notify) => notify::run(session, notify).await?,
        Command::Idle => return session.begin_idle(tag).await,
        Command::Authenticate(authenticate) => match login::authenticate(session, &tag, authenticate).await {
            Some(status) => status,
            None => return Ok(()),
        },
        Command::Language(language) => language::run(session, &language),
        Command::Comparator(comparator) => comparator::run(session, &comparator),
        Command::Login(login) => login::login(session, login).await,
        Command::Capability => capability::run(session),
        Command::Noop => Status::ok("NOOP completed"),
        Command::Check => Status::ok("CHECK completed"),
        Command::Id(id) => id::run(session, &id),
        Command::Enable(enable) => enable::run(session, &enable).await,
        Command::Select(select) => select::run(session, select, false).await?,
        Command::Examine(select) => select::run(session, select, true).await?,
        Command::Create(create) => create::run(session, create).await?,
        Command::Delete(delete) => delete::run(session, delete).await?,
        Command::Rename(rename) => rename::run(session, rename).await?,
        Command::Subscribe(subscribe) => subscribe::run(session, &subscribe.mailbox, true).await?,
        Command::Unsubscribe(unsubscribe) => subscribe::run(session, &unsubscribe.mailbox, false).await?,
        Command::List(list) => list::run(session, list).await?,
        Command::Lsub(lsub) => lsub::run(session, lsub).await?,
        Command::Namespace => namespace::run(session),
        Command::GetAcl(command) => acl::get(session, command).await?,
        Command::SetAcl(command) => acl::set(session, command).await?,
        Command::DeleteAcl(command) => acl::delete(session, command).await?,
        Command::ListRights(command) => acl::list(session, command).await?,
        Command::MyRights(command) => acl::mine(session, command).await?,
        Command::GetMetadata(command) => getmetadata::run(session, command).await?,
        Command::SetMetadata(command) => setmetadata::run(session, command).await?,
        Command::GetQuota(command) => quota::get(session, command).await?,
        Command::GetQuotaRoot(command) => quota::root(session, command).await?,
        Command::SetQuota(command) => quota::set(session, command).await?,
        Command::Status(status) => mailbox_status::run(session, status).await?,
        Command::Close => close::run(session).await?,
        Command::Unselect => close::unselect(session),
        Command::Expunge(expunge) => expunge::run(session, expunge).await?,
        Command::Search(search) => search::run(session, &tag, search).await?,
        Command::Sort(sort) => sort::run(session, &tag, sort).await?,
        Command::Thread(thread) => thread::run(session, thread).await?,
        Command::Esearch(esearch) => esearch::run(session, &tag, esearch).await?,
        Command::CancelUpdate(cancel) => cancel_update::run(session, &cancel)?,
        Command::UidBatches(request) => uid_batches::run(session, &tag, request).await?,
        Command::Fetch(fetch) => fetch::run(session, fetch).await?,
        Command::Store(store) => store::run(session, store).await?,
        Command::Copy(copy) => copy::run(session, copy).await?,
        // Boxed: the way to another account is long, and every session would have room for it.
        Command::Move(r#move) => Box::pin(r#move::run(session, r#move)).await?,
    };
    let expunges = if is_expunging { expunges } else { session.expunges(expunges) };
    session.tell(expunges, form).await?;
    session.tell_others_now().await?;
    session.finish(&tag, &status).await
}

/// Whether the news told with a command's answer carry UIDs (RFC 3501 §6.4.8).
fn form_of(command: &Command) -> UpdateForm {
    let is_uid = match command {
        Command::Fetch(fetch) => fetch.messages.is_uid(),
        Command::Store(store) => store.messages.is_uid(),
        Command::Copy(copy) => copy.messages.is_uid(),
        Command::Move(r#move) => r#move.messages.is_uid(),
        Command::Search(search) => search.uid,
        Command::Esearch(_) => true,
        Command::Sort(sort) => sort.uid,
        Command::Thread(thread) => thread.uid,
        Command::Expunge(expunge) => expunge.uids.is_some(),
        _ => false,
    };
    if is_uid { UpdateForm::WithUid } else { UpdateForm::Plain }
}
