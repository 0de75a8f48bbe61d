//! New passwords come from a prompt, standard input or a file; never from the command line.

use crate::cli::NewPassword;
use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, isatty, tcgetattr, tcsetattr};
use std::io::{BufRead as _, Write as _, stderr, stdin};

/// The password as the options say.
pub(super) fn read(options: &NewPassword) -> anyhow::Result<String> {
    let password = if let Some(path) = &options.password_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        text.lines().next().unwrap_or_default().to_owned()
    } else if options.password_stdin || !isatty(stdin()) {
        line()?
    } else {
        let first = prompt("New password: ")?;
        if prompt("Once more: ")? != first {
            bail!("the two passwords differ; nothing was changed");
        }
        first
    };
    if password.is_empty() {
        bail!("an empty password is none; nothing was changed");
    }
    Ok(password)
}

/// A hash as the option says.
pub(super) fn hash(option: String) -> anyhow::Result<String> {
    if option == "-" { line() } else { Ok(option) }
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    stdin().lock().read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks without showing what is typed.
fn prompt(question: &str) -> anyhow::Result<String> {
    write!(stderr(), "{question}")?;
    let shown = tcgetattr(stdin())?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Now, &hidden)?;
    let answer = line();
    tcsetattr(stdin(), OptionalActions::Now, &shown)?;
    writeln!(stderr())?;
    answer
}
