//! Renders docs/support.md, the table that people read, from the ledger.

use super::ledger::{Extension, Ledger, Status};
use std::fmt::Write;

const HEADER: &str = "\
# What Postamt speaks

Written by `cargo xtask rfc --write` from docs/rfc.toml; do not edit. *whole*: announced to every client, and every rule
of the RFC is kept. *planned*: neither announced nor accepted. There is nothing in between.
";

pub(super) fn render(ledger: &Ledger) -> String {
    let mut out = String::from(HEADER);
    for (key, protocol) in &ledger.protocol {
        // Writing to a string does not fail.
        let _ = writeln!(out, "\n## {}\n\nCommands: {}.\n", protocol.title, protocol.commands.join(", "));
        out.push_str("| extension | RFC | announced as | status |\n|---|---|---|---|\n");
        let mut rows: Vec<&Extension> = ledger.extension.iter().filter(|row| row.protocol == *key).collect();
        rows.sort_by_key(|row| (row.status == Status::Planned, row.name.clone()));
        for row in rows {
            let rfcs: Vec<String> = row.rfc.iter().map(ToString::to_string).collect();
            let announced = if row.capability.is_empty() { "–".to_owned() } else { format!("`{}`", row.capability) };
            let status = match row.status {
                Status::Whole => "whole",
                Status::Planned => "planned",
            };
            let _ = writeln!(out, "| {} | {} | {announced} | {status} |", row.name, rfcs.join(", "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_rows_come_first() {
        let ledger = Ledger::parse(
            "unread = []\n[protocol.pop3]\ntitle = \"POP3\"\nannounced_in = []\ncommands = [\"STAT\"]\nwords = []\n\
             [[extension]]\nprotocol = \"pop3\"\nname = \"LANG\"\nrfc = [6856]\ncapability = \"LANG\"\nstatus = \"planned\"\n\
             [[extension]]\nprotocol = \"pop3\"\nname = \"UIDL\"\nrfc = [1939, 2449]\ncapability = \"UIDL\"\nstatus = \"whole\"\n",
        );
        let text = render(&ledger.unwrap());
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(
            rows,
            [
                "| extension | RFC | announced as | status |",
                "| UIDL | 1939, 2449 | `UIDL` | whole |",
                "| LANG | 6856 | `LANG` | planned |",
            ]
        );
    }
}
