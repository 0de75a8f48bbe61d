//! What passwords are used for: people's devices, what came in clear, who reads by two protocols.

use super::failures::of_directory;
use super::{Answer, Handler};
use domain::{DirectoryError, OnDelete, PasswordInfo, UseInfo};
use serde_json::{Value, json};
use types::{AccountId, Address, CredentialId, MailProtocol, Timestamp};

/// Most passwords, and most accounts, that `status` names.
const NAMED_MAX: usize = 20;

/// A time for programs.
pub(super) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_string()).unwrap_or_default()
}

/// What a password is called.
fn password_name(credential: CredentialId, name: Option<&str>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None if credential == CredentialId::MAIN => "main".to_owned(),
        None => format!("{credential} (removed)"),
    }
}

fn device(info: &UseInfo, passwords: &[PasswordInfo]) -> Value {
    let name = passwords.iter().find(|p| p.credential == info.credential).and_then(|p| p.name.as_deref());
    json!({
        "program": info.last.program,
        "protocol": info.protocol.to_string(),
        "encryption": info.last.tls,
        "last used": time(info.last.at),
        "open now": info.sessions,
        "password": password_name(info.credential, name),
        "from": info.last.peer.map(|peer| peer.to_string()),
        "by": info.last.mechanism,
    })
}

impl Handler {
    /// An account's devices, and what there is to say of them.
    pub(super) async fn devices(
        &self,
        account: AccountId,
        address: &Address,
    ) -> Result<(Value, Value), DirectoryError> {
        let directory = &self.core.shared.directory;
        let (uses, passwords) = (directory.uses(account).await?, directory.password_list(address).await?);
        let devices = uses.iter().map(|info| device(info, &passwords)).collect();
        let is_used = |protocol| uses.iter().any(|info| info.protocol == protocol);
        let on_delete = directory.settings(account).await?.on_delete;
        let note = match on_delete {
            _ if !is_used(MailProtocol::Imap) || !is_used(MailProtocol::Pop3) => Value::Null,
            OnDelete::Delete => {
                json!("POP3 and IMAP are both in use; what POP3 deletes can be had back: postamt undelete")
            }
            OnDelete::Trash => json!("POP3 and IMAP are both in use; what POP3 deletes goes to the trash"),
            OnDelete::Keep => json!("POP3 and IMAP are both in use; what POP3 deletes stays for IMAP"),
            OnDelete::Off => json!("POP3 was in use and is switched off"),
        };
        Ok((devices, note))
    }

    /// Passwords that came in clear and are still there, for `status`.
    pub(super) async fn exposed(&self) -> Answer {
        let exposed = self.core.shared.directory.exposed_list(NAMED_MAX).await;
        let exposed = exposed.map_err(|e| of_directory("cannot list the passwords that came in clear", &e))?;
        let row = |info: domain::ExposedInfo| {
            json!({
                "address": info.address.to_string(),
                "password": password_name(info.credential, info.name.as_deref()),
                "exposed": time(info.exposed.at),
                "by": info.exposed.protocol.to_string(),
                "from": info.exposed.peer.map(|peer| peer.to_string()),
                "program": info.exposed.program,
                "valid until": info.exposed.lock_at.map(time),
            })
        };
        Ok(exposed.into_iter().map(row).collect())
    }

    /// Who reads by POP3 and by IMAP where POP3 takes mail away, for `status`.
    pub(super) async fn both_protocols(&self) -> Answer {
        let both = self.core.shared.directory.both_protocols(NAMED_MAX).await;
        let both = both.map_err(|e| of_directory("cannot list who reads by both protocols", &e))?;
        Ok(both.into_iter().map(|address| Value::String(address.to_string())).collect())
    }
}
