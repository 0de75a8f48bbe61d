use super::*;

fn own(byte: u8) -> PasswordHash {
    let cost = Argon2Cost { memory_kib: 19 * 1024, passes: 2 };
    PasswordHash { cost, salt: [byte; 16], hash: Secret::new([byte + 1; 32]) }
}

fn hash(byte: u8) -> MainHash {
    MainHash::Own(own(byte))
}

fn pair(byte: u8) -> KeyPair {
    KeyPair { stored_key: Secret::new(vec![byte; 32]), server_key: Secret::new(vec![byte + 1; 32]) }
}

fn exposed(lock_at: Option<Timestamp>) -> Exposed {
    Exposed {
        at: Timestamp(-3),
        peer: Some("2001:db8::1".parse().unwrap()),
        protocol: MailProtocol::Pop3,
        program: Some("Telefon".into()),
        mechanism: "USER".into(),
        lock_at,
    }
}

fn app(id: u32, scope: Protocols, expires: Option<Timestamp>, exposed: Option<Exposed>) -> App {
    App {
        id: CredentialId(id),
        since: 7,
        name: "Käthes Telefon".into(),
        scope,
        created: Timestamp(5),
        expires,
        hash: Secret::new([9; 32]),
        keys: PerHash::of(|hash| (hash != ScramHash::Sha1).then(|| pair(3))),
        exposed,
    }
}

#[test]
fn rows_read_back() {
    let salt = ScramSalt { salt: vec![1; 16].into(), iterations: NonZeroU32::MIN };
    let main = Main { since: 5, hash: hash(1), keys: PerHash::of(|_| Some(pair(1))), exposed: None };
    let smallest = Credential {
        version: 300,
        locked: false,
        main,
        burnt: None,
        salts: PerHash::of(|_| Some(salt.clone())),
        next: 1,
        apps: vec![],
    };
    let apps = vec![
        app(1, Protocols::ALL, None, None),
        app(9, Protocols::NONE.with(MailProtocol::Smtp), Some(Timestamp(8)), Some(exposed(Some(Timestamp(-3))))),
    ];
    let main = Main { exposed: Some(exposed(None)), ..smallest.main.clone() };
    let largest = Credential { locked: true, burnt: Some(hash(4)), next: 10, apps, main, ..smallest.clone() };
    for credential in [smallest, largest] {
        let row = credential.encode();
        assert_eq!(Credential::decode(&row), Some(credential.clone()));
        // Cut anywhere but between two app passwords, it is no row.
        let cuts = (0..row.len()).filter(|cut| Credential::decode(&row[..*cut]).is_some()).count();
        assert_eq!(cuts, credential.apps.len());
    }
    assert_eq!(Credential::decode(&[3, 0, 0]), None);
}

/// As the first version of this program wrote it.
pub(in crate::accounts) fn row_of_format_one(
    version: u64,
    hash: &PasswordHash,
    salt: &ScramSalt,
    pair: &KeyPair,
) -> Bytes {
    let mut row = RowWriter::new(1, 192);
    row.number(version);
    row.byte(0);
    row.number(u64::from(hash.cost.memory_kib));
    row.number(u64::from(hash.cost.passes));
    row.raw(&hash.salt);
    row.raw(hash.hash.expose());
    row.number(u64::from(salt.iterations.get()));
    row.bytes(&salt.salt);
    row.bytes(pair.stored_key.expose());
    row.bytes(pair.server_key.expose());
    row.finish()
}

#[test]
fn a_row_of_the_first_format_has_one_password_with_keys_for_sha_256() {
    let salt = ScramSalt { salt: vec![6; 16].into(), iterations: NonZeroU32::new(4096).unwrap() };
    let credential = Credential::decode(&row_of_format_one(4, &own(2), &salt, &pair(3))).unwrap();
    assert_eq!((credential.version, credential.locked, credential.main.since), (4, false, 4));
    assert_eq!((credential.main.hash.clone(), credential.next), (hash(2), 1));
    assert_eq!(credential.salts.get(ScramHash::Sha256), Some(&salt));
    assert_eq!(credential.main.keys.get(ScramHash::Sha256), Some(&pair(3)));
    assert!(!credential.main.keys.is_complete() && credential.apps.is_empty());
    assert_eq!(Credential::decode(&credential.encode()), Some(credential));
}

#[test]
fn an_imported_hash_is_kept_as_it_was_given() {
    let text = "{SHA}MdbtwXFNPTgolkp+Y3yddppjtZA=";
    let imported = ImportedHash::of_row(text).unwrap();
    let credential = Credential::new(MainHash::Imported(imported), PerHash::of(|_| None), PerHash::of(|_| None));
    let row = credential.encode();
    assert!(row.windows(text.len()).any(|part| part == text.as_bytes()));
    assert_eq!(Credential::decode(&row), Some(credential));
}
