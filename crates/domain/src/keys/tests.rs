use super::*;

const ACCOUNT: AccountId = AccountId(7);

#[test]
fn keys_sort_like_what_they_name_and_read_back() {
    let uid = |n| Uid::new(n).unwrap();
    let keys = [
        placement(ACCOUNT, MailboxId(1), uid(1)),
        placement(ACCOUNT, MailboxId(1), uid(256)),
        placement(ACCOUNT, MailboxId(2), uid(1)),
    ];
    assert!(keys.is_sorted());
    assert_eq!(keys[1].as_ref(), b"a\0\0\0\x07P\0\0\0\x01\0\0\x01\0");
    assert_eq!(placement_of(&keys[1]), Some(uid(256)));
    assert_eq!(mailbox_of(&mailbox(ACCOUNT, MailboxId(9))), Some(MailboxId(9)));
    assert_eq!(subscription_of(&subscription(ACCOUNT, 5)), Some(5));
    assert_eq!(tombstone_of(&tombstone(ACCOUNT, MailboxId(1), ModSeq(77))), Some(ModSeq(77)));
    let times = [Timestamp(-5), Timestamp(0), Timestamp(5)];
    let retained_keys = times.map(|t| retained(ACCOUNT, t, MailboxId(3), uid(4)));
    assert!(retained_keys.is_sorted());
    assert_eq!(retained_of(&retained_keys[0]), Some((Timestamp(-5), MailboxId(3), uid(4))));
    assert_eq!(contents(ACCOUNT, &[EmailId(3), EmailId(1)])[1], content(ACCOUNT, EmailId(1)));
}

#[test]
fn the_longest_recipient_fits_a_key() {
    assert!(delivered(ACCOUNT, TraceId(u128::MAX), &"r".repeat(64 + 1 + 255)).len() <= store_kv::KEY_MAX);
}

#[test]
fn keys_of_another_shape_are_none() {
    for bad in [&b""[..], b"a", b"a\0\0\0\0P\0\0\0", b"a\0\0\0\0P\0\0\0\x01\0\0\0"] {
        assert_eq!(placement_of(bad), None);
        assert_eq!(tombstone_of(bad), None);
        assert_eq!(retained_of(bad), None);
    }
}

#[test]
fn the_longest_entry_name_fits_a_key_and_hints_read_back() {
    let name = EntryName::parse(format!("/shared/{}", "n".repeat(types::ENTRY_NAME_MAX - 8)).as_bytes()).unwrap();
    assert!(annotation(ACCOUNT, MailboxId(u32::MAX), ACCOUNT, &name).len() <= store_kv::KEY_MAX);
    assert_eq!(hint_of(&grant_hint(ACCOUNT, AccountId(20))), Some(AccountId(20)));
    assert_eq!(hint_of(&owner_hint(AccountId(20), ACCOUNT)), Some(ACCOUNT));
    assert_eq!(hint_of(&grant_hints(ACCOUNT)), None);
}

#[test]
fn no_two_things_of_the_directory_share_a_kind() {
    let [domain_kind, account_kind] = all_settings();
    let none = AccountId(0);
    let each = [
        domains(),
        addresses(""),
        account_entries(),
        credential(none),
        all_owned(none),
        intents(),
        grant_hints(none),
        owner_hints(none),
        account_kind,
        domain_kind,
        notices(),
        all_exposed(),
        certificates(),
        account_certificates(none),
        last_uses(none),
        all_told_of_both(),
        next_account(),
        longest_login_delay(),
        directory_secret(),
    ];
    let kinds: std::collections::BTreeSet<u8> = each.iter().map(|key| key[HEAD - 1]).collect();
    assert!(each.iter().all(|key| key.starts_with(&account_prefix(DIRECTORY))));
    assert_eq!(kinds.len(), each.len(), "a scan of one would meet rows of another");
}
