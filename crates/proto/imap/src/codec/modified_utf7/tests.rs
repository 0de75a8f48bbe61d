use super::*;

#[test]
fn the_examples_of_rfc_3501_read_and_write() {
    for (wire, text) in [
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        ("Entw&APw-rfe", "Entwürfe"),
        ("Gel&APY-scht &- weg", "Gelöscht & weg"),
        ("&2D3eAA-", "😀"),
        ("&AOQA9gD8-", "äöü"),
        ("", ""),
        ("INBOX", "INBOX"),
    ] {
        assert_eq!(decode(wire.as_bytes()).as_deref(), Ok(text), "{wire}");
        assert_eq!(encode(text), wire);
    }
}

#[test]
fn every_other_form_of_a_name_is_refused() {
    for bad in [
        "&",
        "a&",
        "&AOQ",
        "&!!!-",
        "&A-",
        "&AO-",
        "&AOR-",
        "&AGE-",
        "&2D0-",
        "&3gA-",
        "&AOQ-&APY-",
        "&AOQ=-",
        "\u{e4}",
        "a\r",
        "&AOQAA-",
        "&AAAA-x\n",
        "&ACY-",
    ] {
        assert_eq!(decode(bad.as_bytes()), Err(NotModifiedUtf7), "{bad}");
    }
}

#[test]
fn any_text_survives_the_way_there_and_back() {
    let mut seed = 7u64;
    for _ in 0..5_000 {
        let mut text = String::new();
        for _ in 0..(seed >> 60) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = u32::try_from(seed >> 40).unwrap() % if seed & 256 == 0 { 128 } else { 0x11_0000 };
            text.extend(char::from_u32(pick));
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wire = encode(&text);
        assert!(wire.bytes().all(|b| matches!(b, b' '..=b'~')));
        assert_eq!(decode(wire.as_bytes()).as_deref(), Ok(&*text), "{wire}");
    }
}
