//! Domains, accounts, aliases, passwords, quotas.

use super::failures::of_directory;
use super::{Answer, Handler, address, domain};
use domain::{AccountInfo, AccountMark, AccountState};
use serde_json::{Value, json};
use types::{Octets, Secret};

/// Accounts that are read at once.
const PAGE: usize = 500;

fn shown(info: &AccountInfo) -> Value {
    json!({
        "address": info.address.to_string(),
        "messages": info.usage.messages,
        "octets": info.usage.octets.0,
        "quota": info.usage.quota.map(|q| q.0),
        "locked": info.locked,
    })
}

impl Handler {
    pub(super) async fn domain_list(&self) -> Answer {
        let domains = self.core.shared.directory.domain_list().await;
        let domains = domains.map_err(|e| of_directory("cannot list the domains", &e))?;
        let row = |d: domain::DomainInfo| json!({"domain": d.domain.as_str(), "catch-all": d.catch_all.map(|a| a.to_string())});
        Ok(domains.into_iter().map(row).collect())
    }

    pub(super) async fn domain_add(&self, name: &str) -> Answer {
        let added = self.core.shared.directory.domain_add(&domain(name)?).await;
        added.map_err(|e| of_directory(&format!("cannot add the domain {name}"), &e))?;
        Ok(json!({"domain": name, "next": format!("postamt account add anna@{name}")}))
    }

    pub(super) async fn domain_remove(&self, name: &str) -> Answer {
        let removed = self.core.shared.directory.domain_remove(&domain(name)?).await;
        removed.map_err(|e| of_directory(&format!("cannot remove the domain {name}"), &e))?;
        Ok(json!({"removed": name}))
    }

    pub(super) async fn account_list(&self) -> Answer {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.core.shared.directory.account_list(after, PAGE).await;
            let page = page.map_err(|e| of_directory("cannot list the accounts", &e))?;
            let Some(last) = page.last() else { break };
            after = Some(last.account);
            all.extend(page.iter().filter(|info| info.state == AccountState::Active).map(shown));
        }
        Ok(Value::Array(all))
    }

    pub(super) async fn account_show(&self, text: &str) -> Answer {
        let info = self.core.shared.directory.account_show(&address(text)?).await;
        let info = info.map_err(|e| of_directory(&format!("cannot show {text}"), &e))?;
        let mut value = shown(&info);
        if let Some(fields) = value.as_object_mut() {
            let addresses: Vec<_> = info.addresses.iter().map(ToString::to_string).collect();
            fields.insert("addresses".into(), json!(addresses));
            let sessions = self.network.admission().open_of(info.account);
            fields.insert("sessions".into(), json!(sessions));
            fields.insert("operator".into(), json!(info.marks.admin));
            fields.insert("shared".into(), json!(info.marks.shared));
            fields.insert("passwords".into(), self.password_list(text).await?);
            fields.insert("settings".into(), self.account_settings(text).await?);
            let devices = self.devices(info.account, &info.address).await;
            let (devices, note) = devices.map_err(|e| of_directory(&format!("cannot show {text}"), &e))?;
            fields.insert("devices".into(), devices);
            fields.insert("note".into(), note);
        }
        Ok(value)
    }

    pub(super) async fn account_add(&self, text: &str, password: String) -> Answer {
        let address = address(text)?;
        let added = self.core.shared.directory.account_add(&address, &Secret::new(password), None).await;
        added.map_err(|e| of_directory(&format!("cannot add {text}"), &e))?;
        Ok(json!({"address": address.to_string()}))
    }

    pub(super) async fn account_remove(&self, text: &str) -> Answer {
        let removed = self.core.shared.directory.account_remove(&address(text)?).await;
        removed.map_err(|e| of_directory(&format!("cannot remove {text}"), &e))?;
        Ok(json!({"removed": text}))
    }

    pub(super) async fn account_mark(&self, text: &str, operator: Option<bool>, shared: Option<bool>) -> Answer {
        let (directory, address) = (&self.core.shared.directory, address(text)?);
        for (mark, on) in [(AccountMark::Admin, operator), (AccountMark::Shared, shared)] {
            if let Some(on) = on {
                let set = directory.mark_set(&address, mark, on).await;
                set.map_err(|e| of_directory(&format!("cannot mark {text}"), &e))?;
            }
        }
        self.account_show(text).await
    }

    pub(super) async fn quota_set(&self, text: &str, octets: Option<u64>) -> Answer {
        let set = self.core.shared.directory.quota_set(&address(text)?, octets.map(Octets)).await;
        set.map_err(|e| of_directory(&format!("cannot set the quota of {text}"), &e))?;
        Ok(json!({"address": text, "quota": octets}))
    }

    pub(super) async fn alias_list(&self) -> Answer {
        let aliases = self.core.shared.directory.alias_list_all().await;
        let aliases = aliases.map_err(|e| of_directory("cannot list the aliases", &e))?;
        let row = |alias: domain::AliasInfo| {
            let to: Vec<_> = alias.targets.iter().map(ToString::to_string).collect();
            json!({"alias": alias.alias.to_string(), "to": to})
        };
        let mut all: Vec<Value> = aliases.into_iter().map(row).collect();
        let domains = self.core.shared.directory.domain_list().await;
        for info in domains.map_err(|e| of_directory("cannot list the domains", &e))? {
            if let Some(target) = info.catch_all {
                all.push(json!({"alias": format!("*@{}", info.domain), "to": [target.to_string()]}));
            }
        }
        Ok(Value::Array(all))
    }

    /// An alias; `*@domain` is the domain's catch-all.
    pub(super) async fn alias_add(&self, alias: &str, to: &[String]) -> Answer {
        let targets = to.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
        let directory = &self.core.shared.directory;
        let done = match (alias.strip_prefix("*@"), targets.as_slice()) {
            (Some(name), [target]) => directory.catch_all_set(&domain(name)?, Some(target)).await,
            (Some(_), _) => Err(domain::DirectoryError::Targets),
            (None, targets) => directory.alias_add(&address(alias)?, targets, false).await,
        };
        done.map_err(|e| of_directory(&format!("cannot add the alias {alias}"), &e))?;
        Ok(json!({"alias": alias, "to": to}))
    }

    pub(super) async fn alias_remove(&self, alias: &str) -> Answer {
        let directory = &self.core.shared.directory;
        let done = match alias.strip_prefix("*@") {
            Some(name) => directory.catch_all_set(&domain(name)?, None).await,
            None => directory.alias_remove(&address(alias)?).await,
        };
        done.map_err(|e| of_directory(&format!("cannot remove the alias {alias}"), &e))?;
        Ok(json!({"removed": alias}))
    }
}
