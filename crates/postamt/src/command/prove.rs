//! `postamt prove no-cleartext`

use crate::cli::Common;
use crate::config;
use crate::print::say;
use crate::prove::{self, MadeUp, Verdict};
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    holds: bool,
    listeners: &'a [Verdict],
}

/// Looks at the running server; the exit code is 1 if anything is not as it must be.
pub(super) fn no_cleartext(common: &Common) -> anyhow::Result<ExitCode> {
    let config = config::load(&common.config)?;
    let made_up = MadeUp::new(&config.server.hostname)?;
    let doors = prove::doors(&config.listen);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verdicts = runtime.block_on(prove::look(&doors, &made_up))?;
    let holds = holds(&verdicts);
    if common.json {
        say(&format!("{}\n", serde_json::to_string(&Report { holds, listeners: &verdicts })?));
    } else {
        say(&render(&verdicts));
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn holds(verdicts: &[Verdict]) -> bool {
    !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.findings.iter().all(|finding| finding.holds))
}

/// In plain words. What a server said is escaped: it may be anything.
fn render(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let (mut tried, mut failed) = (0, 0);
    for Verdict { listener, address, findings } in verdicts {
        let _ = writeln!(text, "{listener} on {address}");
        for finding in findings {
            tried += 1;
            failed += u32::from(!finding.holds);
            let mark = if finding.holds { "ok  " } else { "NO  " };
            let _ = writeln!(text, "  {mark}{}: {}", finding.tried, finding.heard.escape_debug());
        }
    }
    let conclusion = match (verdicts.len(), failed) {
        (0, _) => "There is no listener, so there is nothing to see.".to_owned(),
        (_, 0) => format!(
            "No password in clear is announced, asked for or accepted: {tried} ways tried on {} listeners, with a name \
             and a password that nobody has.",
            verdicts.len()
        ),
        (_, failed) => format!("{failed} of {tried} are not as they must be: see the lines that begin with NO."),
    };
    let _ = writeln!(text, "\n{conclusion}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::Finding;

    #[test]
    fn the_words_say_what_holds_and_what_does_not() {
        let finding = |holds| Finding { tried: "LOGIN".into(), heard: "a NO \u{1b}[31m".into(), holds };
        let verdict = |holds| Verdict { listener: "imap", address: "[::]:143".into(), findings: vec![finding(holds)] };
        let good = render(&[verdict(true)]);
        assert!(
            good.starts_with("imap on [::]:143\n  ok  LOGIN: a NO \\u{1b}[31m\n\nNo password in clear is "),
            "{good}"
        );
        let bad = render(&[verdict(true), verdict(false)]);
        assert!(bad.contains("  NO  LOGIN: ") && bad.contains("\n1 of 2 are not as they must be"), "{bad}");
        assert!(holds(&[verdict(true)]) && !holds(&[verdict(true), verdict(false)]) && !holds(&[]));
    }
}
