//! Notices become letters: what the directory put down for somebody is written, put into their INBOX, and only then struck
//! out. A crash in between loses nothing and doubles nothing: a letter's trace id follows from its notice, and what was
//! delivered once is not delivered again.

use super::options::Letters;
use crate::server::services::Core;
use advise::{
    BothProtocols, Circumstances, Exposed as ToldExposed, Languages, LastSeen, Lock, Moment, Occasion, Password,
    PopDeletes,
};
use domain::{
    AccountState, Cause, Delivery, Directory, Exposed, LastUse, Notice, NoticeId, OnDelete, Recipient, SettingSource,
    Settings, Traces,
};
use jiff::tz::TimeZone;
use net::ShutdownToken;
use service_session::{Happening, Shared, happened};
use std::sync::Arc;
use std::time::Duration;
use types::{AccountId, Address, MailProtocol, Timestamp};

/// How often it is looked whether something is due that nobody woke us for, such as a reminder.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// When what could not be written is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(20);
/// Notices that are looked at at once.
const AT_ONCE: usize = 500;
/// Retained messages that are read at once.
const PAGE: usize = 1000;

/// Writes the letters.
pub(crate) struct LetterWriter {
    shared: Shared,
    delivery: Arc<Delivery>,
    traces: Arc<Traces>,
    options: Letters,
    retention: Duration,
    zone: TimeZone,
}

impl LetterWriter {
    /// For a running server; times are told in this zone.
    pub(crate) fn new(core: &Core, options: Letters, retention: Duration, zone: TimeZone) -> Self {
        let (shared, delivery, traces) = (core.shared.clone(), Arc::clone(&core.delivery), Arc::clone(&core.traces));
        Self { shared, delivery, traces, options, retention, zone }
    }

    /// Writes what is due as soon as it is, until the server stops.
    pub(crate) async fn run(self, mut token: ShutdownToken) {
        let mut changes = self.directory().watch();
        loop {
            let pause = match self.write_due().await {
                Ok(true) => LOOK_EVERY,
                Ok(false) => RETRY_AFTER,
                Err(error) => {
                    tracing::error!(error = &*error as &dyn std::error::Error, "cannot look for letters to write");
                    RETRY_AFTER
                }
            };
            tokio::select! {
                // What failed waits; else a wake-up for something else would try it again at once.
                () = changes.changed(), if pause == LOOK_EVERY => {}
                () = tokio::time::sleep(pause) => {}
                () = token.requested() => return,
            }
        }
    }

    fn directory(&self) -> &Arc<Directory> {
        &self.shared.directory
    }

    /// Writes all letters that are due; `false` if some could not be written now.
    pub(crate) async fn write_due(&self) -> anyhow::Result<bool> {
        loop {
            let due = self.directory().notices_due(self.shared.clock.now(), AT_ONCE).await?;
            let (is_all, mut written) = (due.len() < AT_ONCE, 0);
            for (id, account, notice) in &due {
                match self.write(*id, *account, notice).await {
                    Ok(()) => {
                        self.directory().notice_done(*id).await?;
                        written += 1;
                    }
                    Err(error) => {
                        tracing::error!(%account, error = &*error as &dyn std::error::Error, "a letter is not written yet");
                    }
                }
            }
            if is_all || written == 0 {
                return Ok(written == due.len());
            }
        }
    }

    /// Writes one letter into the mailbox, unless there is nobody any more who should have it.
    async fn write(&self, id: NoticeId, account: AccountId, notice: &Notice) -> anyhow::Result<()> {
        let Some((state, address)) = self.directory().account_of(account).await? else { return Ok(()) };
        match state {
            AccountState::Active => {}
            AccountState::Removed => return Ok(()),
            AccountState::Making => anyhow::bail!("the account is still being made"),
        }
        let trace = id.trace();
        let languages = self.languages(&address).await?;
        let circumstances = Circumstances {
            to: &address,
            hostname: self.shared.hostname.as_str(),
            help: self.options.help.as_deref(),
            languages,
            now: self.moment(self.shared.clock.now()),
            trace,
        };
        let raw = match notice {
            Notice::Exposed { name, exposed } => {
                let told = self.told(name.as_deref(), exposed);
                advise::letter(&circumstances, &Occasion::Exposed(told))
            }
            Notice::ExposedReminder { name, exposed } => {
                if !self.is_still_there(&address, id, exposed).await? {
                    return Ok(());
                }
                let told = self.told(name.as_deref(), exposed);
                advise::letter(&circumstances, &Occasion::ExposedReminder(told))
            }
            Notice::BothProtocols => match self.both_protocols(account, &circumstances).await? {
                Some(raw) => raw,
                None => return Ok(()),
            },
        };
        let mut staging = self.delivery.stage_letter(trace).await?;
        staging.write(&raw).await?;
        let letter = staging.finish().await?;
        let subject = letter.staged().summary().subject().to_owned();
        self.delivery.deliver_local(&Recipient { account, address: address.clone() }, &letter).await?;
        self.traces.record(trace, domain::EventKind::Received, "", &format!("a letter of this server: {subject}"));
        let who = address.to_string();
        happened(Happening { who: Some(&who), service: "MAIL", what: "told", detail: &subject });
        Ok(())
    }

    fn moment(&self, at: Timestamp) -> Moment {
        let offset = jiff::Timestamp::from_millisecond(at.0).map_or(0, |at| self.zone.to_offset(at).seconds() / 60);
        Moment { at, offset_minutes: i16::try_from(offset).unwrap_or(0) }
    }

    /// What somebody is written to in: as the account or its domain says, else as the server does.
    async fn languages(&self, address: &Address) -> anyhow::Result<Languages> {
        let all = self.directory().account_settings_show(address).await?;
        let said = all.iter().find(|info| info.key == "language" && info.source != SettingSource::Server);
        Ok(match (said.map(|info| info.value.as_str()), self.options.language) {
            (Some("de"), _) => Languages::Only(advise::Language::De),
            (Some(_), _) => Languages::Only(advise::Language::En),
            (None, Some(language)) => Languages::Only(language),
            (None, None) => Languages::All,
        })
    }

    fn told<'a>(&self, name: Option<&'a str>, exposed: &'a Exposed) -> ToldExposed<'a> {
        ToldExposed {
            password: name.map_or(Password::Main, Password::App),
            at: self.moment(exposed.at),
            peer: exposed.peer,
            protocol: protocol_name(exposed.protocol),
            program: exposed.program.as_deref(),
            lock: exposed.lock_at.map_or(Lock::Never, |at| Lock::From(self.moment(at))),
        }
    }

    /// Whether it is still the password that was sent in clear.
    async fn is_still_there(&self, address: &Address, id: NoticeId, exposed: &Exposed) -> anyhow::Result<bool> {
        let passwords = self.directory().password_list(address).await?;
        Ok(passwords.iter().any(|password| {
            password.credential == id.credential && password.exposed.as_ref().is_some_and(|e| e.at == exposed.at)
        }))
    }

    /// `None` if nothing is left to explain.
    async fn both_protocols(
        &self,
        account: AccountId,
        circumstances: &Circumstances<'_>,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let uses = self.directory().uses(account).await?;
        let latest = |protocol| {
            let of_protocol = uses.iter().filter(|info| info.protocol == protocol).map(|info| &info.last);
            of_protocol.max_by_key(|last| last.at)
        };
        let Some((imap, pop3)) = latest(MailProtocol::Imap).zip(latest(MailProtocol::Pop3)) else { return Ok(None) };
        let Settings { on_delete, .. } = self.directory().settings(account).await?;
        let deletes = match on_delete {
            OnDelete::Delete => {
                PopDeletes::ForGood { retention: self.retention, deleted: self.deleted_by_pop3(account).await? }
            }
            OnDelete::Trash => PopDeletes::ToTrash,
            OnDelete::Keep | OnDelete::Off => return Ok(None),
        };
        let seen = |last: &LastUse| self.moment(last.at);
        let seen = |last| LastSeen { at: seen(last), peer: last.peer, program: last.program.as_deref() };
        let both = BothProtocols { imap: seen(imap), pop3: seen(pop3), deletes };
        Ok(Some(advise::letter(circumstances, &Occasion::BothProtocols(both))))
    }

    async fn deleted_by_pop3(&self, account: AccountId) -> anyhow::Result<u64> {
        let account = self.shared.mail.account(account).await?;
        let (mut count, mut from) = (0, None);
        loop {
            let page = account.retained(from.as_ref(), PAGE).await?;
            count += page.messages.iter().map(|message| u64::from(message.cause == Cause::Pop3)).sum::<u64>();
            from = page.next;
            if from.is_none() {
                return Ok(count);
            }
        }
    }
}

fn protocol_name(protocol: MailProtocol) -> &'static str {
    match protocol {
        MailProtocol::Imap => "IMAP",
        MailProtocol::Pop3 => "POP3",
        MailProtocol::Smtp => "SMTP",
    }
}

#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
