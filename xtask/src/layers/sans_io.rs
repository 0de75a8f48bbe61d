//! Protocols, messages and types do no I/O: no runtime, no files, no sockets, no clock, no randomness of their own.

use crate::problem::Problem;
use crate::rust_source::{code_only, test_modules, without_tests};

/// The crates that do no I/O.
const SANS_IO: [&str; 4] = ["types", "message", "mailauth", "sieve"];

/// Crates from outside that bring I/O, a clock or randomness.
const FORBIDDEN: &[(&str, &str)] = &[
    ("tokio", "bytes in, events out"),
    ("tokio-rustls", "bytes in, events out"),
    ("mio", "bytes in, events out"),
    ("async-io", "bytes in, events out"),
    ("socket2", "bytes in, events out"),
    ("rustix", "bytes in, events out"),
    ("libc", "bytes in, events out"),
    ("hickory-resolver", "answers of the DNS are an argument"),
    ("rand", "randomness is an argument"),
    ("getrandom", "randomness is an argument"),
    ("fastrand", "randomness is an argument"),
    ("uuid", "randomness is an argument"),
    ("chrono", "time is an argument"),
    ("time", "time is an argument"),
];

/// Words and paths that the code of such a crate may not name. Addresses of `std::net` are values and may be used.
const FORBIDDEN_PATHS: &[(&str, &str)] = &[
    ("std::fs", "no files"),
    ("std::process", "no processes"),
    ("std::env", "no environment"),
    ("std::thread", "no threads"),
    ("TcpStream", "no sockets"),
    ("TcpListener", "no sockets"),
    ("UdpSocket", "no sockets"),
    ("UnixStream", "no sockets"),
    ("UnixListener", "no sockets"),
    ("ToSocketAddrs", "no look-ups"),
    // An `Instant` is a value that a machine may be handed; only reading the clock is not its business.
    ("Instant::now", "time is an argument"),
    ("elapsed", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("tokio", "no runtime"),
];

/// What may not be taken out of `std::{…}`.
const FORBIDDEN_MODULES: [&str; 4] = ["fs", "process", "env", "thread"];

pub(super) fn applies_to(package: &str) -> bool {
    package.starts_with("proto-") || SANS_IO.contains(&package)
}

pub(super) fn forbidden_dependency(package: &str, import: &str) -> Option<&'static str> {
    let row = FORBIDDEN.iter().find(|(name, _)| *name == import)?;
    applies_to(package).then_some(row.1)
}

/// Looks through the sources of a crate; tests may do what they like.
pub(super) fn check_sources(sources: &[(&str, String)]) -> Vec<Problem> {
    let modules = |(file, text): &(&str, String)| {
        let folder = module_folder(file);
        test_modules(text).map(|name| format!("{folder}{name}")).collect::<Vec<_>>()
    };
    let only_tests: Vec<String> = sources.iter().flat_map(modules).collect();
    let for_tests = |file: &str| {
        let module = file.trim_end_matches(".rs");
        file.ends_with("/tests.rs")
            || file.contains("/tests/")
            || only_tests.iter().any(|test| {
                module.strip_prefix(test.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    };
    sources.iter().filter(|(file, _)| !for_tests(file)).flat_map(|(file, text)| check_source(file, text)).collect()
}

/// Where the modules that a file declares lie.
fn module_folder(file: &str) -> String {
    match file.strip_suffix("/lib.rs") {
        Some(folder) => format!("{folder}/"),
        None => format!("{}/", file.trim_end_matches(".rs")),
    }
}

fn check_source(file: &str, source: &str) -> Vec<Problem> {
    let code = code_only(without_tests(source));
    let mut problems = Vec::new();
    for (path, why) in FORBIDDEN_PATHS {
        for line in lines_with(&code, path) {
            problems.push(Problem::at(file, line, format!("`{path}` in a crate without I/O: {why}")));
        }
    }
    for (line, names) in groups(&code, "std::{", '}') {
        for name in names.iter().filter(|name| FORBIDDEN_MODULES.contains(name)) {
            problems.push(Problem::at(file, line, format!("`std::{name}` in a crate without I/O")));
        }
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn lines_with<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    let numbered = code.lines().enumerate();
    numbered.filter(move |(_, line)| names_path(line, path)).map(|(index, _)| index + 1)
}

/// Whether a line names the path as a whole word.
fn names_path(line: &str, path: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + path.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

/// The identifiers between each `start` and the next `end`, with the line of the start.
fn groups<'a>(code: &'a str, start: &'a str, end: char) -> impl Iterator<Item = (usize, Vec<&'a str>)> + 'a {
    code.match_indices(start).map(move |(at, _)| {
        let line = code.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let inside = code.get(at + start.len()..).and_then(|rest| rest.split(end).next()).unwrap_or_default();
        let names = inside.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty());
        (line, names.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<Option<usize>> {
        check_source("crates/proto/imap/src/x.rs", source).into_iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn clean_code_passes() {
        let source = "//! No tokio here, no std::fs.\nuse std::net::{IpAddr, Ipv4Addr};\nuse std::time::{Duration, Instant};\n\
                      fn f() { g(\"std::fs\") } // std::fs\nfn tokio_like() {}\n";
        assert_eq!(lines(source), []);
    }

    #[test]
    fn files_sockets_clocks_and_runtimes_are_found() {
        assert_eq!(lines("\nuse std::fs::File;\n"), [Some(2)]);
        assert_eq!(lines("use std::net::TcpStream;\n"), [Some(1)]);
        assert_eq!(lines("use std::net::{IpAddr, TcpListener};\n"), [Some(1)]);
        assert_eq!(lines("let now = Instant::now();\n"), [Some(1)]);
        assert_eq!(lines("let late = start.elapsed();\n"), [Some(1)]);
        assert_eq!(lines("use std::time::{Duration, SystemTime};\n"), [Some(1)]);
        assert_eq!(lines("fn f(x: tokio::io::DuplexStream) {}\n"), [Some(1)]);
        assert_eq!(lines("use std::{fmt, fs};\n"), [Some(1)]);
    }

    #[test]
    fn tests_may_read_files() {
        assert_eq!(lines("fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), []);
        let reads = || "use std::fs::read;".to_owned();
        assert!(check_sources(&[("crates/message/src/scan/tests.rs", reads())]).is_empty());
        let declares = ("crates/message/src/lib.rs", "\n#[cfg(test)]\nmod oracle;\nmod scan;\n".to_owned());
        let sources = [
            declares,
            ("crates/message/src/oracle.rs", reads()),
            ("crates/message/src/oracle/peer.rs", reads()),
            ("crates/message/src/scan.rs", reads()),
        ];
        let found: Vec<String> = check_sources(&sources).into_iter().map(|problem| problem.file).collect();
        assert_eq!(found, ["crates/message/src/scan.rs"]);
    }
}
