//! The configuration of programs that several tests run, as their users write it, in a directory of their own.

use crate::{Account, Directory, Program};
use std::path::Path;

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
