//! The table itself. A new row is a decision about the architecture: it needs a reason here and, when it changes the
//! picture in ARCHITECTURE.md, an ADR.

/// `from` may import `to`; both may end in `*`.
pub(super) struct Import {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    /// For the reader of this file.
    #[expect(dead_code, reason = "written for people")]
    pub(super) reason: &'static str,
}

const fn row(from: &'static str, to: &'static str, reason: &'static str) -> Import {
    Import { from, to, reason }
}

/// What code may import.
pub(super) const IMPORTS: &[Import] = &[
    row("message", "types", "the words that everybody shares"),
    row("mailauth", "types", "the words that everybody shares"),
    row("sieve", "types", "the words that everybody shares"),
    row("proto-*", "types", "the words that everybody shares"),
    row("store-*", "types", "the words that everybody shares"),
    row("domain", "types", "the words that everybody shares"),
    row("net", "types", "the words that everybody shares"),
    row("service-*", "types", "the words that everybody shares"),
    row("advise", "types", "the words that everybody shares"),
    row("proto-*", "message", "FETCH hands out what the scanner found; SMTP writes delivery reports"),
    row("mailauth", "message", "signatures cover header fields"),
    row("sieve", "message", "tests look at header fields and parts"),
    row("store-embedded", "store-kv", "an engine implements the trait"),
    row("store-postgres", "store-kv", "an engine implements the trait"),
    row("domain", "store-kv", "mail is laid out in keys; the trait is all that it knows of an engine"),
    row("domain", "message", "the summary is computed once, at delivery"),
    row("domain", "sieve", "delivery filters"),
    row("service-*", "proto-*", "a session drives the protocol machine, and SASL beside it"),
    row("service-*", "domain", "a session speaks mail"),
    row("service-*", "message", "a session encodes what the summary of a message says"),
    row("service-*", "net", "a session may turn its stream into TLS and is counted against the limits"),
    row(
        "service-*",
        "service-session",
        "what all sessions do alike: reading, writing, TLS, sign-in; no service imports another",
    ),
    row("service-smtp", "mailauth", "the inbound checks"),
    row("service-*", "advise", "refusals and notices have one wording"),
    row("advise", "message", "a letter is a message"),
    row("advise", "proto-*", "the judge looks at a provider through the client machines"),
    row("advise", "net", "the judge looks at a provider from outside"),
    row("postamt", "*", "the binary puts everything together"),
    row("tests", "*", "transcripts drive whole servers; nothing of it is shipped"),
    row("tests-*", "*", "nothing of it is shipped"),
    row("tests-clients", "message", "the corpus that programs carry; the server itself is another process"),
    row("fuzz", "*", "nothing of it is shipped"),
];

/// What tests may import besides. The crate itself, with another feature, always may.
pub(super) const TEST_IMPORTS: &[Import] = &[
    row("domain", "store-embedded", "the domain's tests run on every engine"),
    row("service-*", "store-kv", "a session's tests need a domain, and that an engine in memory"),
    row("service-*", "store-embedded", "where a test must show what survives a restart"),
];

/// Crates from outside that only some of ours may import.
pub(super) struct External {
    pub(super) name: &'static str,
    pub(super) only: &'static [&'static str],
    pub(super) reason: &'static str,
}

/// Restrictions on crates from outside; for those without I/O see `sans_io.rs`.
pub(super) const EXTERNAL: &[External] = &[
    External {
        name: "anyhow",
        only: &["postamt", "xtask", "tests", "tests-clients", "tests-stress"],
        reason: "a library's errors have variants that a caller can act on",
    },
    External { name: "clap", only: &["postamt"], reason: "only the binary has a command line" },
    External { name: "toml", only: &["postamt", "xtask", "tests", "tests-*"], reason: "no crate reads configuration" },
    External { name: "heed", only: &["store-embedded"], reason: "the index is a servant of one engine" },
    External {
        name: "rcgen",
        only: &["net", "postamt", "tests", "tests-clients"],
        reason: "certificates are made in one place",
    },
];
