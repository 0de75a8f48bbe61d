//! Which certificate a client gets, and what a reload changes.

use super::*;
use crate::tls::self_made;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A directory of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("postamt-certificates-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a certificate for these names that was made at that time.
    fn write(&self, file: &str, names: &[&str], made: Timestamp) -> CertificateFiles {
        let made = self_made(names, made).unwrap();
        let files =
            CertificateFiles { chain: self.0.join(format!("{file}.pem")), key: self.0.join(format!("{file}.key")) };
        std::fs::write(&files.chain, &made.chain_pem).unwrap();
        std::fs::write(&files.key, made.key_pem.expose()).unwrap();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn long_ago() -> Timestamp {
    now().before(1000 * DAY)
}

/// Where among the files the certificate stands that a client gets.
fn chosen(certificates: &Certificates, name: Option<&str>) -> usize {
    let chosen = certificates.choose_for(name, |_| true, now()).unwrap();
    certificates.current.load().entries.iter().position(|entry| Arc::ptr_eq(entry, &chosen)).unwrap()
}

#[test]
fn the_name_decides_then_the_order() {
    let folder = Folder::new("names");
    let files = vec![
        folder.write("a", &["a.example", "mail.a.example"], now()),
        folder.write("b", &["*.b.example"], now()),
        folder.write("c", &["mail.b.example"], now()),
    ];
    let certificates = Certificates::load(files, None).unwrap();
    let cases = [
        (Some("a.example"), 0),
        (Some("MAIL.A.example"), 0),
        (Some("imap.b.example"), 1),
        (Some("mail.b.example"), 1),
        // A wildcard stands for one label (RFC 6125 §6.4.3).
        (Some("b.example"), 0),
        (Some("x.y.b.example"), 0),
        (Some("elsewhere.example"), 0),
        (Some("not a name"), 0),
        (None, 0),
    ];
    for (name, expected) in cases {
        assert_eq!(chosen(&certificates, name), expected, "{name:?}");
    }
}

#[test]
fn an_expired_one_is_shown_only_where_there_is_no_better_one() {
    let folder = Folder::new("expired");
    let files = vec![
        folder.write("old", &["a.example"], long_ago()),
        folder.write("new", &["a.example", "c.example"], now()),
        folder.write("only", &["b.example"], long_ago()),
    ];
    let certificates = Certificates::load(files, None).unwrap();
    assert_eq!(chosen(&certificates, Some("a.example")), 1);
    assert_eq!(chosen(&certificates, Some("b.example")), 2, "the name tells a person more than the date");
    assert_eq!(chosen(&certificates, None), 1);
}

#[test]
fn one_that_the_client_cannot_check_is_the_last_choice() {
    let folder = Folder::new("kinds");
    let files = vec![folder.write("a", &["a.example"], now()), folder.write("b", &["b.example"], now())];
    let certificates = Certificates::load(files, None).unwrap();
    let second = Arc::clone(&certificates.current.load().entries[1]);
    let only_second = |entry: &Entry| std::ptr::eq(entry, Arc::as_ptr(&second));
    let chosen = certificates.choose_for(Some("a.example"), only_second, now()).unwrap();
    assert!(Arc::ptr_eq(&chosen, &second));
}

#[test]
fn a_reload_takes_what_is_good_and_keeps_the_rest_as_it_was() {
    let folder = Folder::new("reload");
    let files = vec![folder.write("a", &["a.example"], now()), folder.write("b", &["b.example"], now())];
    let certificates = Certificates::load(files.clone(), None).unwrap();
    let entries = || certificates.current.load().entries.clone();
    let is_kept = |before: &[Arc<Entry>], at: usize| Arc::ptr_eq(&before[at], &entries()[at]);
    let before = entries();
    assert!(certificates.reload().is_empty());
    assert!(is_kept(&before, 0) && is_kept(&before, 1), "unchanged ones stay, and with them their tickets");

    folder.write("a", &["a.example"], now());
    std::fs::write(&files[1].key, "rubbish").unwrap();
    let failed = certificates.reload();
    assert!(matches!(&failed[..], [TlsError::Pem { .. }]), "{failed:?}");
    assert!(!is_kept(&before, 0) && is_kept(&before, 1));
    let status = certificates.status();
    assert_eq!(status[0].trouble, None);
    assert!(status[1].trouble.as_ref().unwrap().contains("b.key"), "{status:?}");
    assert!(status[1].not_after.unwrap() > now());

    // The key of another one, as between the two writes of a renewal.
    std::fs::copy(&files[0].key, &files[1].key).unwrap();
    assert!(matches!(&certificates.reload()[..], [TlsError::Certificate { .. }]));
    folder.write("b", &["b.example"], long_ago());
    assert!(matches!(&certificates.reload()[..], [TlsError::NotValid { .. }]));
    assert!(is_kept(&before, 1));
    std::fs::remove_file(&files[1].chain).unwrap();
    assert!(matches!(&certificates.reload()[..], [TlsError::Read { .. }]));
    folder.write("b", &["b.example"], now());
    assert!(certificates.reload().is_empty());
    assert!(!is_kept(&before, 1));
    assert!(certificates.status().iter().all(|status| status.trouble.is_none()));
}

#[test]
fn a_changed_file_is_noticed_once() {
    let folder = Folder::new("changed");
    let files = vec![folder.write("a", &["a.example"], now())];
    let certificates = Certificates::load(files.clone(), None).unwrap();
    assert!(certificates.reload_if_changed().is_none());
    folder.write("a", &["a.example"], now());
    assert!(certificates.reload_if_changed().is_some_and(|failed| failed.is_empty()));
    assert!(certificates.reload_if_changed().is_none());
    std::fs::remove_file(&files[0].key).unwrap();
    assert_eq!(certificates.reload_if_changed().map(|failed| failed.len()), Some(1));
    assert!(certificates.reload_if_changed().is_none(), "one complaint");
}

#[test]
fn what_cannot_be_used_at_the_start_is_an_error() {
    let folder = Folder::new("start");
    let good = folder.write("a", &["a.example"], now());
    assert!(matches!(Certificates::load(Vec::new(), None), Err(TlsError::None)));
    let swapped = CertificateFiles { chain: good.key.clone(), key: good.chain.clone() };
    assert!(matches!(Certificates::load(vec![swapped], None), Err(TlsError::Pem { .. })));
    let missing = Some(folder.0.join("none.pem"));
    assert!(matches!(Certificates::load(vec![good.clone()], missing), Err(TlsError::Read { .. })));
    let empty = folder.0.join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(Certificates::load(vec![good.clone()], Some(empty)), Err(TlsError::Pem { .. })));
    assert!(Certificates::load(vec![good.clone()], None).is_ok());
    assert!(Certificates::load(vec![good.clone()], Some(good.chain)).is_ok());
}
