//! The configuration of programs that several tests run, as their users write it, in a directory of their own.

use crate::{Account, Directory, Program, Server};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A mailbox at a port of this machine.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Where the protocol answers.
    pub port: u16,
    /// Whose.
    pub account: &'a Account,
    /// The authority's certificate.
    pub ca: &'a Path,
}

/// Writes mbsync's configuration for a Maildir in this directory.
pub fn mbsync_configure(directory: &Directory, At { port, account, ca }: At<'_>) -> anyhow::Result<()> {
    let (path, ca) = (directory.path().display(), ca.display());
    let Account { address, password } = account;
    let rc = format!(
        "IMAPAccount account\nHost localhost\nPort {port}\nUser {address}\nPass {password}\nSSLType IMAPS\n\
         CertificateFile {ca}\n\nIMAPStore remote\nAccount account\n\n\
         MaildirStore local\nPath {path}/\nInbox {path}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :remote:\nNear :local:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
    );
    directory.write("mbsyncrc", rc).map(|_| ())
}

/// mbsync over all mailboxes.
pub fn mbsync(directory: &Directory) -> Program {
    Program::new("mbsync").args(["-q", "-c"]).arg(directory.join("mbsyncrc")).arg("-a").home(directory.path())
}

/// Writes getmail's configuration with this retriever and these lines of `[options]`. Mail goes into `mail`, one file
/// for each letter, through a program: into a Maildir getmail delivers nothing as root, and tests may run as root.
pub fn getmail_configure(
    directory: &Directory,
    retriever: &str,
    At { port, account, ca }: At<'_>,
    options: &str,
) -> anyhow::Result<()> {
    let take = taker(directory)?;
    let mailboxes = if retriever.contains("IMAP") { "mailboxes = (\"INBOX\",)\n" } else { "" };
    let Account { address, password } = account;
    let rc = format!(
        "[retriever]\ntype = {retriever}\nserver = localhost\nport = {port}\nusername = {address}\n\
         password = {password}\nca_certs = {}\n{mailboxes}\n\
         [destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"{take}\",)\nallow_root_commands = true\n\n\
         [options]\nverbose = 0\ndelivered_to = false\nreceived = false\n{options}\n",
        ca.display()
    );
    directory.write("getmailrc", rc).map(|_| ())
}

/// getmail, once.
pub fn getmail(directory: &Directory) -> Program {
    let path = directory.path();
    Program::new("getmail").arg("--getmaildir").arg(path).arg("--rcfile").arg("getmailrc").home(path)
}

/// Writes fetchmail's configuration: `poll` is what stands behind the server's name, `options` what stands behind the
/// password. Mail goes into `mail`, one file for each letter.
pub fn fetchmail_configure(
    directory: &Directory,
    poll: &str,
    At { port, account, ca }: At<'_>,
    options: &str,
) -> anyhow::Result<()> {
    let take = taker(directory)?;
    let Account { address, password } = account;
    let rc = format!(
        "set no bouncemail\nset invisible\npoll localhost {poll} service {port}\n  \
         user \"{address}\" password \"{password}\" {options}\n  \
         sslcertck sslcertfile \"{}\" no rewrite\n  mda \"/bin/sh {take}\"\n",
        ca.display()
    );
    directory.write("fetchmailrc", rc).map(|_| ())
}

/// fetchmail, once.
pub fn fetchmail(directory: &Directory) -> Program {
    let path = directory.path();
    let program = Program::new("fetchmail").arg("-f").arg(path.join("fetchmailrc")).arg("-i").arg(path.join("ids"));
    let program = program.arg("--pidfile").arg(path.join("pid")).args(["--nosyslog", "-v"]);
    program.env("FETCHMAILHOME", path).home(path)
}

/// A program that puts each letter that it is given into a file of its own.
fn taker(directory: &Directory) -> anyhow::Result<String> {
    std::fs::create_dir_all(directory.join("mail"))?;
    let mail = directory.join("mail");
    let path = directory.write("take", format!("#!/bin/sh\nexec cat > \"{}/$$\"\n", mail.display()))?;
    Ok(path.display().to_string())
}

/// What the scripts of `python/` and `node/` are told: JSON with the ports, the authority's file, user and password, and
/// whatever more.
fn settings(server: &Server, account: &Account, more: &[(&str, &str)]) -> Value {
    let ports = server.ports();
    let mut settings = json!({
        "ports": {
            "smtp": ports.smtp, "submission": ports.submission, "submissions": ports.submissions, "imap": ports.imap,
            "imaps": ports.imaps, "pop3": ports.pop3, "pop3s": ports.pop3s, "lmtp": ports.lmtp,
        },
        "ca": server.ca(), "user": account.address, "password": account.password,
    });
    if let Some(settings) = settings.as_object_mut() {
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    settings
}

/// A script of `python/`.
pub fn python(server: &Server, account: &Account, script: &str, more: &[(&str, &str)]) -> Program {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    Program::new("python3").args(["-B", "-u"]).arg(path).arg(settings(server, account, more).to_string())
}

/// A task of `node/imapflow.js`, with the packages that `./test` has put into the target directory.
pub fn imapflow(server: &Server, account: &Account, task: &str, subject: &str) -> anyhow::Result<Program> {
    // …/target/PROFILE/deps/TEST-HASH
    let test = std::env::current_exe()?;
    let modules: PathBuf =
        test.ancestors().nth(3).context("the test lies in no target directory")?.join("npm/node_modules");
    ensure!(modules.is_dir(), "no {}: ./test makes it, with tests/clients/node/install", modules.display());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/imapflow.js");
    let settings = settings(server, account, &[("task", task), ("subject", subject)]);
    Ok(Program::new("node").arg(path).arg(settings.to_string()).env("NODE_PATH", modules))
}

/// Writes offlineimap's configuration for a Maildir in this directory, with these lines for the remote side.
pub fn offlineimap_configure(directory: &Directory, at: At<'_>, more: &str) -> anyhow::Result<()> {
    let (path, At { port, account: Account { address, password }, ca }) = (directory.path().display(), at);
    let rc = format!(
        "[general]\naccounts = main\nmetadata = {path}/state\nui = basic\nsocktimeout = 30\n\n\
         [Account main]\nlocalrepository = here\nremoterepository = there\nautorefresh = 10\n\n\
         [Repository here]\ntype = Maildir\nlocalfolders = {path}/mail\n\n\
         [Repository there]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = {address}\n\
         remotepass = {password}\nssl = yes\nsslcacertfile = {}\n{more}",
        ca.display()
    );
    directory.write("offlineimaprc", rc).map(|_| ())
}

/// offlineimap: once over all mailboxes with `-o`.
pub fn offlineimap(directory: &Directory, options: &[&str]) -> Program {
    let program = Program::new("offlineimap").arg("-c").arg(directory.join("offlineimaprc"));
    program.args(options).home(directory.path())
}

/// A program on a terminal that `script` makes.
pub fn on_terminal(directory: &Directory, command: &str) -> Program {
    Program::new("script").args(["-qefc", command, "/dev/null"]).home(directory.path())
}
