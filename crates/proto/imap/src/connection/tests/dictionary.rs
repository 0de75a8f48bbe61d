//! The words that the mutated conversations are made of. They come from the registry and from the parsers themselves, so
//! that a new command, option or key is among them without that anybody has to think of it.

use crate::command::Extension;
use crate::registry::{CAPABILITIES, COMMANDS};

/// The text of some source files, by their names.
macro_rules! sources {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../", $folder, "/", $name, ".rs")))),*]
    };
}

type Sources = &'static [(&'static str, &'static str)];

const COMMAND_ROOMS: Sources = sources!("command":
    "append" "authenticate" "bare" "betrayed" "cancel_update" "comparator" "compress" "copy" "create" "delete" "deleteacl"
    "enable" "esearch" "examine" "expunge" "fetch" "flag_list" "getacl" "getmetadata" "getquota" "getquotaroot" "id" "language"
    "list" "listrights" "login" "lsub" "move" "myrights" "notify" "rename" "replace" "search" "select" "setacl"
    "setmetadata" "setquota" "sort" "status" "store" "subscribe" "thread" "uid_batches" "unsubscribe");
const SEARCH_ROOMS: Sources = sources!("search": "key" "parse" "returns");
const FETCH_ROOMS: Sources = sources!("fetch": "binary" "encode" "item" "section");

/// The modules of each folder, and the file that names them.
const FOLDERS: [(&str, Sources); 3] = [
    (include_str!("../../command.rs"), COMMAND_ROOMS),
    (include_str!("../../search.rs"), SEARCH_ROOMS),
    (include_str!("../../fetch.rs"), FETCH_ROOMS),
];

/// Longest word; a longer text is for people.
const WORD_MAX: usize = 32;

/// Every word, in order, once.
pub(super) fn words() -> Vec<String> {
    let mut words = Vec::new();
    for row in COMMANDS {
        words.push(format!("\r\na {} ", row.name));
        if row.uid {
            words.push(format!("\r\na UID {} ", row.name));
        }
        words.extend(row.capability.map(str::to_owned));
    }
    words.extend(CAPABILITIES.iter().map(|&name| name.to_owned()));
    words.extend(Extension::ALL.iter().map(|extension| format!("\r\na ENABLE {}\r\n", extension.name())));
    for (parent, rooms) in FOLDERS {
        words.extend(literals(parent));
        words.extend(rooms.iter().flat_map(|(_, text)| literals(text)));
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// The literals of a source file that a parser may compare with, its tests apart.
fn literals(source: &str) -> impl Iterator<Item = String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| {
            line.replace("\\\\", "\u{1}").split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
        })
        .map(|word| word.replace('\u{1}', "\\"))
        .filter(|word| is_word(word))
}

/// One word in any case, or several in capitals.
fn is_word(word: &str) -> bool {
    let plain = word.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && !word.contains(['{', '}']);
    let capitals = !word.bytes().any(|b| b.is_ascii_lowercase());
    (1..=WORD_MAX).contains(&word.len()) && plain && (capitals || !word.contains(' '))
}

#[test]
fn every_room_of_a_parser_gives_its_words() {
    for (parent, rooms) in FOLDERS {
        let code = parent.split("#[cfg(test)]").next().unwrap_or_default();
        let modules =
            code.lines().filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name));
        let mut modules: Vec<&str> = modules.map(|name| name.trim_start_matches("r#")).collect();
        modules.sort_unstable();
        let named: Vec<&str> = rooms.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, modules, "the list in this file and the modules");
    }
}

#[test]
fn the_words_of_each_kind_are_known() {
    let words = words();
    for word in [
        "\r\na NOTIFY ",
        "\r\na UID REPLACE ",
        "\r\na ENABLE UTF8=ACCEPT\r\n",
        "CONTEXT=SORT",
        "SAVEDATESUPPORTED",
        "CHARSET ",
        "RECURSIVEMATCH",
        "PARTIAL",
        "MessageNew",
        "subtree-one",
        "CATENATE",
        "CHANGEDSINCE",
        "BINARY.SIZE",
        "HEADER.FIELDS.NOT",
        "DISPLAYFROM",
        "REFS",
        "DELETED-STORAGE",
        "DEPTH",
    ] {
        assert!(words.iter().any(|known| known.contains(word)), "{word} is not among {words:?}");
    }
}
