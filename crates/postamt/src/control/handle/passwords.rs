//! Passwords: the main one and those of devices.

use super::failures::of_directory;
use super::{Answer, Failure, Handler, address};
use domain::{Exposed, NewAppPassword, PasswordInfo};
use serde_json::{Value, json};
use std::time::Duration;
use types::{CredentialId, Protocols, ScramHash, Secret, Timestamp};

impl Handler {
    pub(super) async fn password_set(&self, text: &str, password: String) -> Answer {
        let set = self.core.shared.directory.password_set(&address(text)?, &Secret::new(password)).await;
        set.map_err(|e| of_directory(&format!("cannot set the password of {text}"), &e))?;
        Ok(json!({"address": text, "password": "set"}))
    }

    pub(super) async fn password_add(
        &self,
        text: &str,
        name: String,
        scope: Option<&str>,
        seconds: Option<u64>,
    ) -> Answer {
        let scope = match scope {
            None => Protocols::ALL,
            Some(names) => Protocols::parse(names).ok_or_else(|| {
                Failure::new(format!("`{names}` are no protocols"), "there are imap, pop3 and smtp", "--for imap,smtp")
            })?,
        };
        let expires = seconds.map(|seconds| self.core.shared.clock.now().after(Duration::from_secs(seconds)));
        let new = NewAppPassword { name: name.clone(), scope, expires };
        let made = self.core.shared.directory.app_password_add(&address(text)?, new).await;
        let made = made.map_err(|e| of_directory(&format!("cannot add a password for {text}"), &e))?;
        Ok(json!({
            "address": text,
            "name": name.trim(),
            "number": made.credential.0,
            "password": made.password.expose(),
            "for": scope.to_string(),
            "expires": expires.map(date),
            "note": "it is not shown again",
        }))
    }

    pub(super) async fn password_list(&self, text: &str) -> Answer {
        let all = self.core.shared.directory.password_list(&address(text)?).await;
        let all = all.map_err(|e| of_directory(&format!("cannot list the passwords of {text}"), &e))?;
        Ok(all.iter().map(shown).collect())
    }

    /// Removes an app password, by its name or its number.
    pub(super) async fn password_remove(&self, text: &str, password: &str) -> Answer {
        let (directory, owner) = (&self.core.shared.directory, address(text)?);
        let failed = |e: &domain::DirectoryError| of_directory(&format!("cannot remove a password of {text}"), e);
        let all = directory.password_list(&owner).await.map_err(|e| failed(&e))?;
        let by_name = all.iter().find(|info| info.name.as_deref() == Some(password)).map(|info| info.credential);
        let number = by_name.or_else(|| password.parse().ok().map(CredentialId));
        let number = number.ok_or_else(|| failed(&domain::DirectoryError::NoSuchPassword))?;
        directory.app_password_remove(&owner, number).await.map_err(|e| failed(&e))?;
        Ok(json!({"address": text, "removed": password}))
    }
}

/// One password as `password list` and `account show` have it.
pub(super) fn shown(info: &PasswordInfo) -> Value {
    json!({
        "number": info.credential.0,
        "name": info.name.as_deref().unwrap_or("main"),
        "for": info.scope.to_string(),
        "created": info.created.map(date),
        "expires": info.expires.map(date),
        "locked": info.locked,
        "exposed": info.exposed.as_ref().map(how),
        "scram": info.scram.iter().map(|hash| scram(*hash)).collect::<Vec<_>>().join(", "),
    })
}

fn scram(hash: ScramHash) -> &'static str {
    match hash {
        ScramHash::Sha1 => "SHA-1",
        ScramHash::Sha256 => "SHA-256",
        ScramHash::Sha512 => "SHA-512",
    }
}

/// How a password was exposed, in a line.
fn how(exposed: &Exposed) -> String {
    let Exposed { at, peer, protocol, program, mechanism, lock_at } = exposed;
    let peer = peer.map_or_else(|| "this machine".into(), |peer| peer.to_string());
    let program = program.as_ref().map(|program| format!(" ({program})")).unwrap_or_default();
    let lock = lock_at.map_or_else(|| "not locked".into(), |at| format!("locked from {}", date(at)));
    format!("{} by {protocol} {mechanism} from {peer}{program}, {lock}", date(*at))
}

/// A time as people and programs read it (RFC 3339), in UTC.
fn date(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.unix_seconds()).map(|at| at.to_string()).unwrap_or_default()
}
