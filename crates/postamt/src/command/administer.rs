//! The commands that the running server carries out: each becomes one control request.

use super::password_input;
use crate::cli::{Account, Alias, Ban, Certificate, Command, Common, Domain, Password, Queue, Quota, Store, Switch};
use crate::config;
use crate::config::units::{parse_size, parse_span};
use crate::control::{self, Request};
use crate::print::say;
use anyhow::{Context as _, bail};
use std::fmt::Write as _;

pub(super) fn run(command: Command, common: &Common) -> anyhow::Result<()> {
    let value = ask(&request(command)?, common)?;
    if common.json {
        say(&format!("{value}\n"));
    } else {
        say(&control::render(&value));
    }
    Ok(())
}

/// Asks the running server.
pub(super) fn ask(request: &Request, common: &Common) -> anyhow::Result<serde_json::Value> {
    Ok(control::ask(&socket(common)?, request)?)
}

/// Where the running server is asked.
pub(super) fn socket(common: &Common) -> anyhow::Result<std::path::PathBuf> {
    Ok(match &common.control {
        Some(path) => path.clone(),
        None => config::load(&common.config)?.control(),
    })
}

fn request(command: Command) -> anyhow::Result<Request> {
    Ok(match command {
        Command::Status => Request::Status,
        Command::Reload => Request::Reload,
        Command::Account(account) => match account {
            Account::List => Request::AccountList,
            Account::Show { address } => Request::AccountShow { address },
            Account::Add { address, password_hash: Some(hash), .. } => {
                Request::AccountAddHashed { address, hash: password_input::hash(hash)? }
            }
            Account::Add { address, password, password_hash: None } => {
                Request::AccountAdd { address, password: password_input::read(&password)? }
            }
            Account::Import { .. } => bail!("an import asks for each line"),
            Account::Certificate(certificate) => of_certificate(certificate)?,
            Account::Set { address, settings } => Request::AccountSet { address, settings },
            Account::Mark { address, operator, shared } => {
                let on = |switch: Option<Switch>| switch.map(|switch| matches!(switch, Switch::On));
                Request::AccountMark { address, operator: on(operator), shared: on(shared) }
            }
            Account::Remove { address, yes: true } => Request::AccountRemove { address },
            Account::Remove { address, yes: false } => {
                bail!("this removes {address} with all its mail; say so with --yes")
            }
        },
        Command::Alias(Alias::List) => Request::AliasList,
        Command::Alias(Alias::Add { alias, to }) => Request::AliasAdd { alias, to },
        Command::Alias(Alias::Remove { alias }) => Request::AliasRemove { alias },
        Command::Domain(Domain::List) => Request::DomainList,
        Command::Domain(Domain::Add { domain }) => Request::DomainAdd { domain },
        Command::Domain(Domain::Set { domain, settings }) => Request::DomainSet { domain, settings },
        Command::Domain(Domain::Remove { domain }) => Request::DomainRemove { domain },
        Command::Password(Password::Set { address, hash: Some(hash), .. }) => {
            Request::PasswordSetHash { address, hash: password_input::hash(hash)? }
        }
        Command::Password(Password::Set { address, password, hash: None }) => {
            Request::PasswordSet { address, password: password_input::read(&password)? }
        }
        Command::Password(Password::Add { address, name, scope, expires }) => {
            let seconds = expires.as_deref().map(span).transpose()?;
            Request::PasswordAdd { address, name, scope, seconds }
        }
        Command::Password(Password::List { address }) => Request::PasswordList { address },
        Command::Password(Password::Remove { address, password }) => Request::PasswordRemove { address, password },
        Command::Quota(Quota::Set { address, limit }) => Request::QuotaSet { address, octets: quota(&limit)? },
        Command::Queue(queue) => match queue {
            Queue::List => Request::QueueList,
            Queue::Show { id } => Request::QueueShow { id },
            Queue::Hold { id } => Request::QueueHold { id },
            Queue::Release { id } => Request::QueueRelease { id },
            Queue::Retry { id } => Request::QueueRetry { id },
            Queue::Drop { id } => Request::QueueDrop { id },
        },
        Command::Ban(command) => ban(command)?,
        Command::Store(store) => match store {
            Store::Verify => Request::StoreVerify,
            Store::Stats => Request::StoreStats,
            Store::Compact => Request::StoreCompact,
            Store::Backup { target } => {
                Request::StoreBackup { target: std::path::absolute(&target).context("the target is no path")? }
            }
            Store::Rebuild => bail!("the index is rebuilt without the server"),
        },
        Command::Trace { id } => Request::Trace { id },
        Command::Undelete(_) => bail!("undelete asks several times"),
        Command::Trial(_) | Command::Serve | Command::Prove(_) | Command::Config(_) => {
            bail!("this command needs no server")
        }
    })
}

fn span(text: &str) -> anyhow::Result<u64> {
    let span = parse_span(text).with_context(|| format!("`{text}` is no time; write for example 90d or 12h"))?;
    Ok(span.as_secs())
}

fn of_certificate(certificate: Certificate) -> anyhow::Result<Request> {
    Ok(match certificate {
        Certificate::List { address } => Request::CertificateList { address },
        Certificate::Add { address, certificate, name } => {
            Request::CertificateAdd { address, certificate: fingerprint(&certificate)?, name }
        }
        Certificate::Remove { address, certificate } => {
            Request::CertificateRemove { address, certificate: fingerprint(&certificate)? }
        }
    })
}

/// The fingerprint of the certificate in a file; what names no file is taken for one.
fn fingerprint(text: &str) -> anyhow::Result<String> {
    let Ok(pem) = std::fs::read_to_string(text) else { return Ok(text.to_owned()) };
    let hash = net::certificate_sha256(&pem).with_context(|| format!("there is no certificate in {text}"))?;
    let mut out = String::new();
    for byte in hash {
        let _ = write!(out, "{byte:02x}");
    }
    Ok(out)
}

fn ban(command: Ban) -> anyhow::Result<Request> {
    Ok(match command {
        Ban::List => Request::BanList,
        Ban::Add { address, time, reason, force } => {
            let span = |text: &String| {
                let hint = "is no time; write for example 12h or 1d";
                parse_span(text).with_context(|| format!("`{text}` {hint}")).map(|span| span.as_secs())
            };
            Request::BanAdd { address, seconds: time.as_ref().map(span).transpose()?, reason, force }
        }
        Ban::Remove { address } => Request::BanRemove { address },
        Ban::Why { address } => Request::BanWhy { address },
    })
}

fn quota(limit: &str) -> anyhow::Result<Option<u64>> {
    if limit == "none" {
        return Ok(None);
    }
    let size =
        parse_size(limit).with_context(|| format!("`{limit}` is no size; write for example \"2 GB\" or none"))?;
    Ok(Some(size.0))
}
