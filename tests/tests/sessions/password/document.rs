//! The table of the matrix as it stands in docs/passwords.md. `WRITE_PASSWORDS_MD=1` writes it anew; else it is compared.

use super::matrix::{Cell, Place};
use super::ways::Way;
use crate::server::Service;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Of each service, the lines in order, by title.
pub(super) type Table = BTreeMap<&'static str, Vec<(String, BTreeMap<Place, Cell>)>>;

const BEGIN: &str = "<!-- the table begins -->\n";
const END: &str = "<!-- the table ends -->";

fn title(service: Service) -> &'static str {
    match service {
        Service::Imap => "1. IMAP",
        Service::Pop3 => "2. POP3",
        Service::Submission => "3. SMTP of people's programs (465, 587)",
        Service::Mx => "4. SMTP of other servers (25)",
        Service::Lmtp => "5. LMTP",
    }
}

/// Enters a cell; ways that share a line must agree.
pub(super) fn enter(table: &mut Table, service: Service, way: &Way, place: Place, cell: Cell) {
    let lines = table.entry(title(service)).or_default();
    let name = way.title(service);
    let at = lines.iter().position(|(title, _)| *title == name).unwrap_or_else(|| {
        lines.push((name.clone(), BTreeMap::new()));
        lines.len() - 1
    });
    let before = lines[at].1.insert(place, cell);
    assert!(before.is_none_or(|before| before == cell), "{service:?} {place:?} {name}: {before:?} and {cell:?}");
}

fn render(table: &Table) -> String {
    let mut out = String::new();
    for (service, lines) in table {
        let _ = write!(out, "\n### {}\n\n", &service[3..]);
        out += "| | in clear | in clear, there is no TLS | STARTTLS in the same packet | behind STARTTLS in the same \
                packet | after STARTTLS | inside TLS |\n|---|---|---|---|---|---|---|\n";
        for (title, cells) in lines {
            let _ = write!(out, "| {title} |");
            for place in Place::ALL {
                let cell = match cells[&place] {
                    Cell::SignsIn => "**signs in**",
                    Cell::Refused => "refused",
                    Cell::Burnt => "refused, burnt",
                    Cell::ThrownAway => "not read",
                };
                let _ = write!(out, " {cell} |");
            }
            out.push('\n');
        }
    }
    out.push('\n');
    out
}

/// Compares the document with what came of the matrix.
pub(super) fn check(table: &Table) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/passwords.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let rendered = format!("{head}{BEGIN}{}{END}{tail}", render(table));
    if std::env::var_os("WRITE_PASSWORDS_MD").is_some() {
        std::fs::write(&path, rendered).unwrap();
        return;
    }
    let hint = "WRITE_PASSWORDS_MD=1 cargo test -p tests --test sessions password";
    assert!(text == rendered, "docs/passwords.md is not up to date: {hint}");
}
