//! The reference page of the settings, `docs/configuration.md`: a row for each field of the schema. A test compares the
//! page with the rows, the rows' names with what the schema takes, and the rows' defaults with the schema's own;
//! `UPDATE_DOCS=1 cargo test -p postamt` writes the page.

use super::report::known_settings;
use super::{Config, parse};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The smallest file.
const SMALLEST: &str = "[server]\nhostname = \"mail.example.org\"\n";

/// A table of the file.
struct Section {
    name: &'static str,
    about: &'static str,
    settings: &'static [Setting],
}

/// A setting.
struct Setting {
    key: &'static str,
    /// What holds where nothing is written.
    default: Default,
    /// A value that it may have, as it stands in the file.
    example: &'static str,
    about: &'static str,
}

enum Default {
    /// There is none: it must be written.
    Needed,
    /// In words: it may be left out, and that is no value of its own.
    Absent(&'static str),
    /// As it would stand in the file.
    Value(&'static str),
}

use Default::{Absent, Needed, Value};

const fn setting(key: &'static str, default: Default, example: &'static str, about: &'static str) -> Setting {
    Setting { key, default, example, about }
}

const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        about: "Who this server is and where its data lies.",
        settings: &[
            setting(
                "hostname",
                Needed,
                "\"mail.example.org\"",
                "The name that the world knows this machine by: in greetings, EHLO, Received lines and certificates.",
            ),
            setting(
                "data",
                Value("\"/var/lib/postamt\""),
                "\"/srv/mail\"",
                "The data directory: all mail, all accounts, the queue.",
            ),
            setting(
                "control",
                Absent("`control.sock` in the data directory"),
                "\"/run/postamt/control.sock\"",
                "The socket on which `postamt account …` and the other commands talk to the running server.",
            ),
            setting(
                "metrics",
                Absent("nowhere"),
                "\"127.0.0.1:9100\"",
                "Where `/metrics` answers; an address of this machine's loopback.",
            ),
            setting(
                "language",
                Absent("both, one below the other"),
                "\"de\"",
                "What letters to people are written in: `de` or `en`. A domain or an account may say otherwise \
                 (`postamt account set anna@example.org language=en`).",
            ),
            setting(
                "help",
                Absent("no page"),
                "\"https://mail.example.org/help\"",
                "The address of a page that helps people to set their programs up; letters name it.",
            ),
            setting(
                "notices",
                Value("true"),
                "false",
                "Whether people get letters of advice, such as the one about POP3 beside IMAP. A domain or an account may \
                 say otherwise (`notices=off`). A password that came in clear is always told of.",
            ),
        ],
    },
    Section {
        name: "listen",
        about: "Where each service listens: a list of `address:port` or, for a Unix socket, absolute paths. `[::]` is \
                every address, IPv4 too; an empty list switches the service off.",
        settings: &[
            setting("smtp", Value("[\"[::]:25\"]"), "[\"192.0.2.1:25\"]", "Mail from other servers (MX), STARTTLS."),
            setting("submission", Value("[\"[::]:587\"]"), "[]", "Mail from people's programs, STARTTLS."),
            setting("submissions", Value("[\"[::]:465\"]"), "[]", "Mail from people's programs, TLS."),
            setting("imap", Value("[\"[::]:143\"]"), "[]", "IMAP, STARTTLS."),
            setting("imaps", Value("[\"[::]:993\"]"), "[\"[::]:993\", \"[::]:9993\"]", "IMAP, TLS."),
            setting("pop3", Value("[\"[::]:110\"]"), "[]", "POP3, STLS."),
            setting("pop3s", Value("[\"[::]:995\"]"), "[]", "POP3, TLS."),
            setting(
                "lmtp",
                Value("[]"),
                "[\"/run/postamt/lmtp\"]",
                "Mail from another mail server or filter of this machine. It asks for no password and believes \
                 what it is told: give it loopback addresses and Unix sockets only.",
            ),
        ],
    },
    Section {
        name: "tls",
        about: "The certificates. Without one the server makes its own, which no mail program trusts unasked. All files are \
                read again when they change (looked at every minute), by `postamt reload` and on SIGHUP, and no connection \
                ends for it; where a new file cannot be used, what was read before stays in use, and the log and \
                `postamt status` say so. Spoken are TLS 1.3 and 1.2.",
        settings: &[
            setting(
                "certificate",
                Absent("a certificate made at the start"),
                "\"/etc/postamt/fullchain.pem\"",
                "PEM file with the certificate and what leads to its authority. Needs `key`.",
            ),
            setting(
                "key",
                Absent("the same"),
                "\"/etc/postamt/privkey.pem\"",
                "PEM file with its private key. Needs `certificate`.",
            ),
            setting(
                "certificates",
                Value("[]"),
                "[{ certificate = \"/etc/postamt/b.pem\", key = \"/etc/postamt/b.key\" }]",
                "More certificates, for other names. A program gets the first that is for the name it asks for (`*.example.org` \
                 stands for one label) and has not expired; if it asks for none, or for an unknown one, the first of all.",
            ),
            setting(
                "client-ca",
                Absent("nobody's"),
                "\"/etc/postamt/people.pem\"",
                "PEM file with the authorities of people's own certificates. Programs are then asked for one, and one that \
                 is bound to an account (`postamt account certificate add`) signs in without a password (EXTERNAL). Without \
                 this file they are asked only once a certificate is bound, and it may be of any authority. Needs a \
                 certificate of the server's own.",
            ),
        ],
    },
    Section {
        name: "outbound",
        about: "How mail for elsewhere leaves.",
        settings: &[
            setting("resolver", Absent("the system's"), "\"127.0.0.1:53\"", "The DNS server to ask."),
            setting("port", Value("25"), "2525", "The port of other servers."),
            setting(
                "relay",
                Absent("none: each domain's MX"),
                "\"smtp.example.net:587\"",
                "A server, `host:port`, that takes everything that has no route of its own.",
            ),
            setting(
                "relay-user",
                Absent("no sign-in"),
                "\"us@example.net\"",
                "The user name there. Needs `relay-password-file`.",
            ),
            setting(
                "relay-password-file",
                Absent("no sign-in"),
                "\"/etc/postamt/relay-password\"",
                "A file whose first line is the password there. Needs `relay-user`.",
            ),
            setting(
                "routes",
                Value("{}"),
                "{ \"partner.example\" = \"10.0.0.5:25\" }",
                "Domains whose mail goes to this `host:port` instead of their MX.",
            ),
            setting(
                "retry",
                Value("[\"5m\", \"10m\", \"20m\", \"40m\", \"1h\", \"2h\", \"4h\", \"8h\"]"),
                "[\"1m\", \"1h\"]",
                "The waits between attempts; the last is repeated until `give-up-after`.",
            ),
            setting("give-up-after", Value("\"5d\""), "\"2d\"", "When mail that could not be delivered goes back."),
            setting("concurrency", Value("50"), "10", "How many messages are on their way at once."),
        ],
    },
    Section {
        name: "limits",
        about: "What one peer may take.",
        settings: &[
            setting("message-size", Value("\"50 MB\""), "\"100 MB\"", "The largest message."),
            setting("connections", Value("20000"), "500", "Open connections in all."),
            setting(
                "connections-per-address",
                Value("200"),
                "50",
                "Connections from one address (or IPv6 /64) on which nobody has signed in.",
            ),
            setting("connections-per-account", Value("100"), "50", "Signed-in connections of one account."),
            setting("recipients", Value("1000"), "100", "Recipients of one message."),
            setting(
                "password-checks",
                Absent("as many as processors, 8 at most"),
                "4",
                "Passwords that are checked at once. Each check takes 19 MiB of memory for its time.",
            ),
            setting(
                "password-checks-waiting",
                Value("500"),
                "100",
                "Sign-ins that wait for a check. Past it they are put off; those of one address make room for others.",
            ),
        ],
    },
    Section {
        name: "bans",
        about: "Who may not connect (`postamt ban`). Never banned by failures are this machine, private networks and \
                networks (IPv4 /24, IPv6 /48) that somebody signed in from in the last 90 days: there guessing is slowed down only.",
        settings: &[
            setting("automatic", Value("true"), "false", "Whether failed sign-ins ban."),
            setting("after", Value("40"), "100", "An address (or IPv6 /64) is banned after more failures than this."),
            setting("forget", Value("\"5m\""), "\"1h\"", "How soon one of them is forgotten."),
            setting(
                "first",
                Value("\"10m\""),
                "\"1h\"",
                "How long the first ban is; each next one within a week is twice as long.",
            ),
            setting("longest", Value("\"1d\""), "\"7d\"", "How long such a ban is at most."),
        ],
    },
    Section {
        name: "mail",
        about: "How mail is kept.",
        settings: &[setting(
            "retention",
            Value("\"30d\""),
            "\"90d\"",
            "How long deleted mail can be had back (`postamt undelete`).",
        )],
    },
    Section {
        name: "passwords",
        about: "What becomes of passwords, where neither an account nor its domain says otherwise (`postamt account set`, \
                `postamt domain set`).",
        settings: &[
            setting(
                "on-cleartext",
                Value("\"grace\""),
                "\"burn\"",
                "What becomes of a main password that came in clear, so that whoever listened knows it: `burn` (locked at \
                 once), `grace` (locked after the time of `grace`, unless it was changed), `warn` (its owner is only told). \
                 App passwords are locked at once.",
            ),
            setting("grace", Value("\"3d\""), "\"12h\"", "How long it is still good with `grace`."),
        ],
    },
    Section {
        name: "imap",
        about: "What IMAP offers.",
        settings: &[
            setting(
                "unauthenticate",
                Value("true"),
                "false",
                "Whether a connection may sign out and serve another account (RFC 8437). Behind a proxy that judges \
                 sign-ins, say no.",
            ),
            setting(
                "message-limit",
                Absent("none"),
                "10000",
                "How many messages one command takes (MESSAGELIMIT, RFC 9738); what it names beyond that, a program must \
                 ask for again. Programs that do not know this see the newest messages only: think twice.",
            ),
            setting(
                "save-limit",
                Absent("none"),
                "10000",
                "The same for what one COPY or APPEND saves, and for nothing else (SAVELIMIT).",
            ),
        ],
    },
    Section {
        name: "pop3",
        about: "What POP3 does where neither an account nor its domain says otherwise (`postamt account set`, `postamt \
                domain set`).",
        settings: &[
            setting(
                "on-delete",
                Value("\"delete\""),
                "\"keep\"",
                "What becomes of mail that a program deletes: `delete` (gone for every device, can be had back for the \
                 retention time), `keep` (POP3 shows it no more, IMAP does), `trash` (moves to the mailbox for deleted \
                 mail), `off` (POP3 is not offered).",
            ),
            setting(
                "login-delay",
                Value("\"0s\""),
                "\"5m\"",
                "How long a program has to wait between two sign-ins; at most a day.",
            ),
        ],
    },
    Section {
        name: "log",
        about: "The log, on standard error.",
        settings: &[
            setting("form", Value("\"text\""), "\"json\"", "`text`: lines for people. `json`: one object a line."),
            setting(
                "level",
                Value("\"info\""),
                "\"warn,service_imap=debug\"",
                "What is logged: `error`, `warn`, `info`, `debug`, `trace`, for all or by part of the program.",
            ),
        ],
    },
];

const INTRODUCTION: &str = "\
# The configuration file

Written by `UPDATE_DOCS=1 cargo test -p postamt` from the rows beside the schema; do not edit.

`postamt serve` reads `/etc/postamt/postamt.toml`, or what `--config` names, once at its start, and never writes it. The file is
[TOML](https://toml.io). The smallest one is

    [server]
    hostname = \"mail.example.org\"

and [postamt.toml](postamt.toml) is one for a server in earnest. A setting that does not exist is an error that names its line:
`postamt config check` tells before the server does. Accounts, domains, aliases and passwords do not stand here: they are made
with `postamt domain`, `account`, `alias` and `password` while the server runs.

Sizes are written `\"50 MB\"` (kB, MB, GB; KiB, MiB, GiB for powers of 1024), durations `\"30s\"`, `\"5m\"`, `\"4h\"`, `\"5d\"`.
";

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    for Section { name, about, settings } in SECTIONS {
        let _ = writeln!(out, "\n## [{name}]\n{about}\n\n| setting | default | example | |\n|---|---|---|---|");
        for Setting { key, default, example, about } in *settings {
            let default = match default {
                Needed => "must be written".to_owned(),
                Absent(words) => (*words).to_owned(),
                Value(value) => format!("`{value}`"),
            };
            let _ = writeln!(out, "| `{key}` | {default} | `{example}` | {about} |");
        }
    }
    out
}

/// A file with one setting more than the smallest.
fn with(section: &str, key: &str, value: &str) -> String {
    match (section, key) {
        ("server", "hostname") => format!("[server]\nhostname = {value}\n"),
        ("server", _) => format!("{SMALLEST}{key} = {value}\n"),
        // They belong together.
        ("tls", "certificate") => format!("{SMALLEST}[tls]\n{key} = {value}\nkey = \"k.pem\"\n"),
        ("tls", "key") => format!("{SMALLEST}[tls]\n{key} = {value}\ncertificate = \"c.pem\"\n"),
        ("tls", "client-ca") => {
            format!(
                "{SMALLEST}[tls]\n{key} = {value}\ncertificates = [{{ certificate = \"c.pem\", key = \"k.pem\" }}]\n"
            )
        }
        ("outbound", "relay-user") => format!("{SMALLEST}[outbound]\n{key} = {value}\nrelay-password-file = \"p\"\n"),
        ("outbound", "relay-password-file") => format!("{SMALLEST}[outbound]\n{key} = {value}\nrelay-user = \"u\"\n"),
        _ => format!("{SMALLEST}[{section}]\n{key} = {value}\n"),
    }
}

fn read(text: &str) -> Config {
    parse(text, "p.toml").unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The names that the schema takes in a table (or, for none, as tables), by its own words.
fn taken(section: Option<&str>) -> Vec<String> {
    let text = match section {
        None => "no-such-thing = 1\n".to_owned(),
        Some("server") => format!("{SMALLEST}no-such-thing = 1\n"),
        Some(section) => format!("{SMALLEST}[{section}]\nno-such-thing = 1\n"),
    };
    let error = toml::from_str::<Config>(&text).unwrap_err();
    known_settings(error.message()).unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn every_setting_of_the_schema_has_its_row() {
    let sections: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
    assert_eq!(sections, taken(None));
    for section in SECTIONS {
        let keys: Vec<_> = section.settings.iter().map(|setting| setting.key).collect();
        assert_eq!(keys, taken(Some(section.name)), "[{}]", section.name);
    }
}

#[test]
fn every_default_is_the_schemas_and_every_example_is_taken() {
    let smallest = format!("{:?}", read(SMALLEST));
    for Section { name, settings, .. } in SECTIONS {
        for Setting { key, default, example, .. } in *settings {
            if let Value(value) = default {
                assert_eq!(format!("{:?}", read(&with(name, key, value))), smallest, "[{name}] {key} = {value}");
            }
            let changed = format!("{:?}", read(&with(name, key, example)));
            assert!(matches!(default, Needed) || changed != smallest, "[{name}] {key}: the example is the default");
        }
    }
}

#[test]
fn the_page_says_what_the_rows_say() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/configuration.md is old: UPDATE_DOCS=1 cargo test -p postamt");
}

#[test]
fn the_example_for_a_server_in_earnest_is_good() {
    let text = include_str!("../../../../docs/postamt.toml");
    let config = read(text);
    assert!(config.tls.certificate.is_some() && config.tls.key.is_some());
    // What is commented out there is good as well.
    let all: String = text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n").collect();
    assert!(all.lines().count() == text.lines().count() && all != text);
    read(&all);
}
