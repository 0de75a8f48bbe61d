//! What is set for accounts and domains.

use super::super::protocol::Failure;
use super::failures::of_directory;
use super::{Answer, Handler, address, domain};
use domain::{SettingChange, SettingInfo, SettingSource};
use serde_json::{Value, json};

fn shown(all: Vec<SettingInfo>) -> Value {
    let row = |info: SettingInfo| {
        let source = match info.source {
            SettingSource::Account => "this account",
            SettingSource::Domain => "its domain",
            SettingSource::Server => "the server",
        };
        json!({"setting": info.key, "value": info.value, "said by": source})
    };
    all.into_iter().map(row).collect()
}

/// Reads all of them before any is done.
fn changes(settings: &[String]) -> Result<Vec<SettingChange>, Failure> {
    let read = |text: &String| {
        SettingChange::parse(text).map_err(|error| {
            Failure::new(format!("`{text}` is no setting"), error.to_string(), "write for example pop3.on-delete=keep")
        })
    };
    settings.iter().map(read).collect()
}

impl Handler {
    pub(super) async fn account_settings(&self, text: &str) -> Answer {
        let all = self.core.shared.directory.account_settings_show(&address(text)?).await;
        Ok(shown(all.map_err(|e| of_directory(&format!("cannot show {text}"), &e))?))
    }

    pub(super) async fn account_set(&self, text: &str, settings: &[String]) -> Answer {
        let (address, changes) = (address(text)?, changes(settings)?);
        if !changes.is_empty() {
            let done = self.core.shared.directory.account_settings_change(&address, &changes).await;
            done.map_err(|e| of_directory(&format!("cannot set that for {text}"), &e))?;
        }
        self.account_settings(text).await
    }

    pub(super) async fn domain_set(&self, text: &str, settings: &[String]) -> Answer {
        let (domain, changes) = (domain(text)?, changes(settings)?);
        let directory = &self.core.shared.directory;
        if !changes.is_empty() {
            let done = directory.domain_settings_change(&domain, &changes).await;
            done.map_err(|e| of_directory(&format!("cannot set that for {text}"), &e))?;
        }
        let all = directory.domain_settings_show(&domain).await;
        Ok(shown(all.map_err(|e| of_directory(&format!("cannot show {text}"), &e))?))
    }
}
