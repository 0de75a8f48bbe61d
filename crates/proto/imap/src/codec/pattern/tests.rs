use super::*;

fn fits(pattern: &str, name: &str) -> bool {
    ListPattern::new(pattern).unwrap().matches_text(name)
}

#[test]
fn a_star_crosses_levels_and_a_percent_does_not() {
    for (pattern, name, expected) in [
        ("*", "a/b/c", true),
        ("%", "a", true),
        ("%", "a/b", false),
        ("%/%", "a/b", true),
        ("a/%", "a/b/c", false),
        ("a*", "a", true),
        ("a%b/c", "axxb/c", true),
        ("a%b/c", "ax/b/c", false),
        ("%a%b", "xaab", true),
        ("*a%b", "a/xa/yab", true),
        ("**%*", "x/y", true),
        ("%%", "xy", true),
        ("inbox", "INBOX", true),
        ("iNB%", "INBOX", true),
        ("inbox/*", "INBOX/a", true),
        ("inbox/A", "INBOX/a", false),
        ("inboxes", "INBOXES", false),
        ("", "", true),
        ("", "a", false),
        ("Entw%", "Entwürfe", true),
        ("Entwu\u{308}r%", "Entwürfe", true),
    ] {
        assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn references_and_patterns_are_put_together() {
    let text = |reference: &str, pattern: &str| {
        let pattern = ListPattern::parse(reference.as_bytes(), pattern.as_bytes(), Enabled::default());
        pattern.unwrap().as_str().to_owned()
    };
    assert_eq!(text("a/", "%"), "a/%");
    assert_eq!(text("a/", "/%"), "%");
    assert_eq!(text("", "Entw&APw-rfe/*"), "Entwürfe/*");
    assert!(ListPattern::parse(b"", b"&", Enabled::default()).is_err());
    assert!(ListPattern::parse(b"", "Entwürfe".as_bytes(), Enabled::default()).is_err());
}

#[test]
fn who_enabled_utf8_writes_patterns_in_it() {
    let mut utf8 = Enabled::default();
    utf8.enable(crate::command::Extension::Utf8Accept);
    let text = |pattern: &[u8]| ListPattern::parse("Jürg/".as_bytes(), pattern, utf8).map(|p| p.as_str().to_owned());
    assert_eq!(text("Entwu\u{308}rfe/%".as_bytes()).unwrap(), "Jürg/Entwürfe/%");
    assert_eq!(text(b"R&D*").unwrap(), "Jürg/R&D*");
    assert!(text(b"\xfc%").is_err());
}

#[test]
fn the_matcher_agrees_with_a_plain_one_on_all_short_words() {
    fn plain(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|n| plain(rest, &name[n..])),
            Some((b'%', rest)) => {
                let level = name.iter().position(|b| *b == b'/').unwrap_or(name.len());
                (0..=level).any(|n| plain(rest, &name[n..]))
            }
            Some((byte, rest)) => name.first() == Some(byte) && plain(rest, &name[1..]),
        }
    }
    fn words(alphabet: &[u8], length: usize) -> Vec<Vec<u8>> {
        let mut all = vec![vec![]];
        let mut last = all.clone();
        for _ in 0..length {
            last =
                last.iter().flat_map(|w: &Vec<u8>| alphabet.iter().map(|b| [w.as_slice(), &[*b]].concat())).collect();
            all.extend(last.clone());
        }
        all
    }
    let names = words(b"ab/", 5);
    for pattern in words(b"ab/*%", 4) {
        let compiled = ListPattern::new(std::str::from_utf8(&pattern).unwrap()).unwrap();
        for name in &names {
            let text = std::str::from_utf8(name).unwrap();
            assert_eq!(compiled.matches_text(text), plain(&pattern, name), "{} {text}", compiled.as_str());
        }
    }
}

#[test]
fn a_pattern_has_a_limited_length_and_long_ones_match_in_linear_time() {
    let long = "*a".repeat(LIST_PATTERN_MAX / 2);
    let pattern = ListPattern::new(&long).unwrap();
    assert!(pattern.matches_text(&"a".repeat(LIST_PATTERN_MAX)));
    assert!(!pattern.matches_text(&"ab".repeat(LIST_PATTERN_MAX / 4)));
    assert!(ListPattern::new(&"a".repeat(LIST_PATTERN_MAX + 1)).is_err());
}
