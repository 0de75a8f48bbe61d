//! What the trial prints when it is ready, for people and (`--json`) for programs.

use serde::Serialize;
use std::fmt::Write as _;

/// The ports that were bound.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ports {
    pub(crate) smtp: u16,
    pub(crate) submission: u16,
    pub(crate) submissions: u16,
    pub(crate) imap: u16,
    pub(crate) imaps: u16,
    pub(crate) pop3: u16,
    pub(crate) pop3s: u16,
    pub(crate) lmtp: u16,
}

/// One of the two mailboxes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    pub(crate) password: String,
}

/// Everything that the text names.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Facts {
    pub(crate) version: &'static str,
    /// This program as the person called it.
    pub(crate) program: String,
    pub(crate) host: &'static str,
    pub(crate) ports: Ports,
    pub(crate) people: [Person; 2],
    /// The trial's directory as the person can type it.
    pub(crate) directory: String,
    /// SHA-256 of the CA certificate, in pairs.
    pub(crate) ca_sha256: String,
    pub(crate) ca_pem: String,
    pub(crate) control: String,
    pub(crate) keep: bool,
    pub(crate) ready_ms: u128,
}

impl Facts {
    /// The text for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut out = String::with_capacity(4096);
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Self { version, ports, people: [anna, ben], directory: dir, .. } = self;
        let ca = format!("{dir}/ca.pem");
        let (anna_login, ben_login) =
            (format!("{}:{}", anna.address, anna.password), format!("{}:{}", ben.address, ben.password));
        writeln!(out, "postamt {version} – trial server. Only this computer can reach it. No mail leaves it.\n")?;
        writeln!(out, "  Mailboxes    {}    password  {}", anna.address, anna.password)?;
        writeln!(out, "               {}     password  {}\n", ben.address, ben.password)?;
        writeln!(
            out,
            "  Receive      IMAP  localhost  {}  TLS     several devices, mail stays on the server",
            ports.imaps
        )?;
        writeln!(
            out,
            "               POP3  localhost  {}  TLS     one computer fetches the mail (deleted mail: undelete, 30 days)",
            ports.pop3s
        )?;
        writeln!(out, "  Send         SMTP  localhost  {}  TLS     user name is the whole address", ports.submissions)?;
        writeln!(
            out,
            "               STARTTLS instead: {}, {}, {} – they refuse passwords before TLS",
            ports.imap, ports.pop3, ports.submission
        )?;
        writeln!(
            out,
            "  From outside SMTP  localhost  {}          as other servers deliver, no password\n",
            ports.smtp
        )?;
        writeln!(out, "  Certificate  signed by a CA made for this trial: {ca}")?;
        writeln!(out, "               SHA-256  {}\n", self.ca_sha256)?;
        writeln!(out, "  Try          mutt -n -F {dir}/anna.muttrc")?;
        writeln!(out, "               curl --cacert {ca} -u {anna_login} \\")?;
        writeln!(out, "                    imaps://localhost:{}/INBOX -X 'FETCH 1:* (FLAGS ENVELOPE)'", ports.imaps)?;
        writeln!(out, "               curl --cacert {ca} -u {anna_login} pop3s://localhost:{}", ports.pop3s)?;
        writeln!(out, "               curl --cacert {ca} -u {ben_login} smtps://localhost:{} \\", ports.submissions)?;
        writeln!(
            out,
            "                    --mail-from {} --mail-rcpt {} -T {dir}/hello.eml",
            ben.address, anna.address
        )?;
        writeln!(
            out,
            "  Thunderbird  trust the certificate: Settings, Privacy & Security, Certificates, Authorities, Import {ca}"
        )?;
        writeln!(
            out,
            "               new account, set up by hand: IMAP localhost {} SSL/TLS, SMTP localhost {} SSL/TLS,",
            ports.imaps, ports.submissions
        )?;
        writeln!(out, "               normal password, user name {}", anna.address)?;
        writeln!(out, "  Look inside  {} --control {} account list\n", self.program, self.control)?;
        let end = if self.keep {
            "Ctrl-C stops it and keeps its directory."
        } else {
            "Ctrl-C stops and deletes it; --keep keeps it."
        };
        writeln!(out, "Ready in {}.{} s. {end} Events follow.\n", self.ready_ms / 1000, self.ready_ms % 1000 / 100)
    }

    /// A mutt configuration for one of the people.
    pub(crate) fn muttrc(&self, person: &Person) -> String {
        let (Ports { imaps, submissions, .. }, dir) = (self.ports, &self.directory);
        let user = person.address.replace('@', "%40");
        let Person { name, address, password } = person;
        format!(
            "# mutt -n -F {dir}/{name}.muttrc\n\
             set from = \"{address}\"\n\
             set realname = \"{name}\"\n\
             set ssl_ca_certificates_file = \"{dir}/ca.pem\"\n\
             set certificate_file = \"{dir}/ca.pem\"\n\
             set ssl_force_tls = yes\n\
             set imap_user = \"{address}\"\n\
             set imap_pass = \"{password}\"\n\
             set folder = \"imaps://{user}@localhost:{imaps}/\"\n\
             set spoolfile = \"+INBOX\"\n\
             set record = \"+Sent\"\n\
             set postponed = \"+Drafts\"\n\
             set trash = \"+Trash\"\n\
             set imap_check_subscribed = yes\n\
             set smtp_url = \"smtps://{user}@localhost:{submissions}/\"\n\
             set smtp_pass = \"{password}\"\n\
             set header_cache = \"\"\n\
             set sort = reverse-date\n"
        )
    }
}
