use super::{both_protocols, exposed, frame, numbers};
use crate::{Language, Text};
use std::collections::BTreeSet;

fn all() -> impl Iterator<Item = (&'static str, Text)> {
    [both_protocols::ALL, exposed::ALL, frame::ALL, numbers::ALL].into_iter().flatten().copied()
}

fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

#[test]
fn every_text_is_there_in_both_languages_with_the_same_values() {
    for (name, text) in all() {
        for language in Language::ALL {
            let words = text.in_language(language);
            assert!(!words.trim().is_empty() && words.trim() == words, "{name} {language:?}");
            assert!(!words.contains("  "), "{name} {language:?}: a line was not joined well");
        }
        assert_eq!(places(text.de), places(text.en), "{name}");
    }
    assert!(all().count() > 40);
}

#[test]
fn texts_are_plain_words_without_markup() {
    for (name, text) in all() {
        for words in [text.de, text.en] {
            assert!(!words.contains(['<', '>', '*', '`', '\\', '\n', '\t']), "{name}: {words}");
        }
    }
}

/// What is not said to people, by the glossary.
#[test]
fn texts_use_the_words_of_the_glossary() {
    let not_german = [
        "account",
        "konto",
        "client",
        "backup",
        "token",
        "download",
        "synchronisier",
        "alias",
        "queue",
        "email",
        "e-mails",
        "server-side",
        "folder",
        "bounce",
        "passwort-",
        "user",
    ];
    let not_english = ["account", "client", "token", "bounce", "user", "folder", "cleartext", "plaintext"];
    for (name, text) in all() {
        for (words, avoided) in [(text.de, &not_german[..]), (text.en, &not_english[..])] {
            let words = words.to_lowercase();
            let found: Vec<_> = avoided.iter().filter(|word| words.contains(**word)).collect();
            assert!(found.is_empty(), "{name} says {found:?}: {words}");
        }
    }
}
