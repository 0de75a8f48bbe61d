use super::*;
use crate::{Mail, MailOptions, PasswordOptions};
use std::sync::Arc;
use std::time::Duration;
use store_kv::Memory;
use types::{ManualClock, Secret, Timestamp};

#[test]
fn every_setting_has_its_own_tag_and_name_and_reads_what_it_shows() {
    let mut tags: Vec<_> = KEYS.iter().map(|key| key.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), KEYS.len());
    for key in &KEYS {
        let shown = (key.show)(&Settings::default());
        let change = SettingChange::parse(&format!("{} = {shown}", key.name)).unwrap();
        assert_eq!(change, SettingChange { tag: key.tag, value: Some(shown) });
        assert_eq!(SettingChange::parse(&format!("{}=", key.name)).unwrap().value, None);
    }
}

#[test]
fn what_is_no_setting_is_refused_with_what_could_be_one() {
    assert_eq!(SettingChange::parse("language"), Err(SettingError::Form("language".into())));
    let unknown = SettingChange::parse("pop3.ondelete=keep").unwrap_err().to_string();
    assert!(unknown.contains("pop3.on-delete"), "{unknown}");
    let error = SettingChange::parse("pop3.on-delete=never").unwrap_err();
    assert_eq!(error.to_string(), "pop3.on-delete is delete, keep, trash or off");
}

#[test]
fn a_login_delay_is_at_most_a_day() {
    let read = |text: &str| SettingChange::parse(&format!("pop3.login-delay={text}")).map(|change| change.value);
    assert_eq!(read("15m"), Ok(Some("900s".into())));
    assert_eq!(read("24h"), Ok(Some("86400s".into())));
    for bad in ["86401s", "1d", "15", "m", "-1s", "99999999999999999999s", "18446744073709551615h"] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert_eq!(LoginDelay::new(Duration::from_millis(1500)).map(LoginDelay::get), Some(Duration::from_secs(2)));
    assert_eq!(LoginDelay::new(LOGIN_DELAY_MAX + Duration::from_nanos(1)), None);
}

#[test]
fn a_row_keeps_what_it_does_not_know() {
    let mut row = SettingsRow::default();
    assert_eq!(row.encode(), None);
    row.set(9_999, Some("of a later version"));
    row.set(1, Some("keep"));
    let mut read = SettingsRow::decode(&row.encode().unwrap()).unwrap();
    assert_eq!(read, row);
    read.set(1, None);
    assert_eq!((read.get(9_999), read.get(1)), (Some("of a later version"), None));
    assert_eq!(SettingsRow::decode(&[2]), None);
    assert_eq!(SettingsRow::decode(&[1, 1, 200]), None);
}

fn directory() -> Arc<Directory> {
    let engine: Arc<dyn store_kv::Engine> = Memory::new();
    let clock: Arc<dyn types::Clock> = Arc::new(ManualClock::at(Timestamp(0)));
    let mail = Mail::new(Arc::clone(&engine), Arc::clone(&clock), MailOptions::default());
    let server = Settings { language: Language::De, ..Settings::default() };
    let options = PasswordOptions { settings: server, ..PasswordOptions::for_tests() };
    Directory::new(engine, clock, mail, options).unwrap()
}

fn changes(all: &[&str]) -> Vec<SettingChange> {
    all.iter().map(|text| SettingChange::parse(text).unwrap()).collect()
}

#[tokio::test]
async fn an_accounts_settings_stand_over_its_domains_and_those_over_the_servers() {
    let directory = directory();
    let domain = DomainName::parse("x.example").unwrap();
    let address = Address::parse("ann@x.example").unwrap();
    directory.domain_add(&domain).await.unwrap();
    let account = directory.account_add(&address, &Secret::new("geheim 1".into()), None).await.unwrap();
    directory
        .domain_settings_change(&domain, &changes(&["pop3.on-delete=trash", "pop3.login-delay=60s"]))
        .await
        .unwrap();
    directory.account_settings_change(&address, &changes(&["pop3.on-delete=keep", "notices=off"])).await.unwrap();
    let settings = directory.settings(account).await.unwrap();
    let delay = LoginDelay::new(Duration::from_mins(1)).unwrap();
    let expected = Settings {
        on_delete: OnDelete::Keep,
        login_delay: delay,
        language: Language::De,
        notices: Notices::Off,
        ..Settings::default()
    };
    assert_eq!(settings, expected);
    let shown = directory.account_settings_show(&address).await.unwrap();
    let sources: Vec<_> = shown.iter().map(|info| (info.key, info.value.as_str(), info.source)).collect();
    assert_eq!(
        sources[..3],
        [
            ("pop3.on-delete", "keep", SettingSource::Account),
            ("pop3.login-delay", "60s", SettingSource::Domain),
            ("language", "de", SettingSource::Server),
        ]
    );
    directory.account_settings_change(&address, &changes(&["pop3.on-delete=", "notices="])).await.unwrap();
    let settings = directory.settings(account).await.unwrap();
    assert_eq!((settings.on_delete, settings.notices), (OnDelete::Trash, Notices::On));
}

#[tokio::test]
async fn settings_go_with_what_they_belong_to() {
    let directory = directory();
    let domain = DomainName::parse("x.example").unwrap();
    let address = Address::parse("ann@x.example").unwrap();
    let none = directory.domain_settings_change(&domain, &changes(&["language=en"])).await;
    assert!(matches!(none, Err(DirectoryError::NoSuchDomain)), "{none:?}");
    directory.domain_add(&domain).await.unwrap();
    directory.domain_settings_change(&domain, &changes(&["language=en"])).await.unwrap();
    let account = directory.account_add(&address, &Secret::new("geheim 1".into()), None).await.unwrap();
    directory.account_settings_change(&address, &changes(&["pop3.on-delete=off"])).await.unwrap();
    directory.account_remove(&address).await.unwrap();
    assert!(matches!(directory.settings(account).await, Err(DirectoryError::NoSuchAccount)));
    assert_eq!(directory.engine.get(&keys::account_settings(account)).await.unwrap(), None);
    directory.domain_remove(&domain).await.unwrap();
    directory.domain_add(&domain).await.unwrap();
    assert_eq!(directory.domain_settings(&domain).await.unwrap().language, Language::De);
}

#[tokio::test]
async fn the_longest_login_delay_follows_what_is_set() {
    let directory = directory();
    let domain = DomainName::parse("x.example").unwrap();
    directory.domain_add(&domain).await.unwrap();
    let addresses = ["ann@x.example", "bob@x.example"].map(|text| Address::parse(text).unwrap());
    for address in &addresses {
        directory.account_add(address, &Secret::new("geheim 1".into()), None).await.unwrap();
    }
    let longest = async || directory.login_delay_longest().await.unwrap().get().as_secs();
    let set = async |address: &Address, text: &str| {
        directory.account_settings_change(address, &changes(&[text])).await.unwrap();
    };
    assert_eq!(longest().await, 0);
    directory.domain_settings_change(&domain, &changes(&["pop3.login-delay=30s"])).await.unwrap();
    set(&addresses[0], "pop3.login-delay=90s").await;
    set(&addresses[1], "pop3.login-delay=90s").await;
    assert_eq!(longest().await, 90);
    set(&addresses[0], "pop3.login-delay=10s").await;
    assert_eq!(longest().await, 90, "somebody else still has it");
    set(&addresses[1], "pop3.login-delay=").await;
    assert_eq!(longest().await, 30);
    set(&addresses[0], "notices=off").await;
    set(&addresses[0], "pop3.login-delay=86400s").await;
    assert_eq!(longest().await, 86_400);
    set(&addresses[0], "pop3.login-delay=").await;
    directory.domain_settings_change(&domain, &changes(&["pop3.login-delay="])).await.unwrap();
    assert_eq!(longest().await, 0);
}
