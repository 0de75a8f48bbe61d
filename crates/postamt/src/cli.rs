//! The command line: nouns with the same verbs everywhere. What a command does lives in `command/`.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A complete mail server: SMTP, IMAP and POP3, encrypted throughout.
#[derive(Debug, Parser)]
#[command(name = "postamt", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command that talks to the running server takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The configuration file
    #[arg(long, global = true, default_value = "/etc/postamt/postamt.toml")]
    pub(crate) config: PathBuf,
    /// The running server's control socket, if not the one of the configuration
    #[arg(long, global = true)]
    pub(crate) control: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try it out on this computer: one command, no domain, nothing leaves the machine
    Trial(Trial),
    /// Run the server
    Serve,
    /// Show what the running server is doing
    Status,
    /// Read the certificates again; no connection ends for it
    Reload,
    /// Mailboxes of people
    #[command(subcommand)]
    Account(Account),
    /// Further addresses of a mailbox; `*@domain` catches all
    #[command(subcommand)]
    Alias(Alias),
    /// Domains that we receive mail for
    #[command(subcommand)]
    Domain(Domain),
    /// Passwords
    #[command(subcommand)]
    Password(Password),
    /// How much a mailbox may hold
    #[command(subcommand)]
    Quota(Quota),
    /// Mail on its way to other servers
    #[command(subcommand)]
    Queue(Queue),
    /// Deleted mail that can be had back
    #[command(subcommand)]
    Undelete(Undelete),
    /// Evidence, taken from the running server over its own listeners
    #[command(subcommand)]
    Prove(Prove),
    /// Who may not connect
    #[command(subcommand)]
    Ban(Ban),
    /// The data directory
    #[command(subcommand)]
    Store(Store),
    /// The configuration file
    #[command(subcommand)]
    Config(Config),
    /// What became of a message: its id, or as much of it as is unambiguous
    Trace {
        /// From the server's 250 answer, a Received line or the log
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// Keep the data directory when the trial ends
    #[arg(long)]
    pub(crate) keep: bool,
    /// Where it keeps its data
    #[arg(long, default_value = "postamt-trial")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// All mailboxes
    List,
    /// One mailbox
    Show { address: String },
    /// A new mailbox
    Add {
        address: String,
        #[command(flatten)]
        password: NewPassword,
        /// In place of a password, the hash that another server kept of it, such as {SSHA512}…; - reads it from standard input
        #[arg(long, value_name = "HASH", conflicts_with_all = ["password_stdin", "password_file"])]
        password_hash: Option<String>,
    },
    /// Makes mailboxes of a list from another server: a passwd-file of Dovecot, or lines with address and hash
    Import {
        file: PathBuf,
        /// What names without a domain get
        #[arg(long)]
        domain: Option<String>,
        /// What hashes are that do not say it
        #[arg(long, default_value = "CRYPT")]
        scheme: String,
        /// Only says what would be taken, by the form of each line
        #[arg(long)]
        dry_run: bool,
    },
    /// Removes a mailbox with all its mail
    Remove {
        address: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Certificates that sign in to a mailbox without a password (EXTERNAL)
    #[command(subcommand)]
    Certificate(Certificate),
    /// Sets how things are for one mailbox: `pop3.on-delete=keep language=de`; nothing behind `=` takes it back
    Set {
        address: String,
        /// key=value; without any, shows what is set
        settings: Vec<String>,
    },
    /// Says what a mailbox is besides: whose owner is an operator, which is shared by many
    Mark {
        address: String,
        /// Its owner is an operator: may set quotas and the server's annotations over IMAP
        #[arg(long, value_name = "on|off")]
        operator: Option<Switch>,
        /// It is nobody's in particular: others find it below Shared/ in place of Other Users/
        #[arg(long, value_name = "on|off")]
        shared: Option<Switch>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Certificate {
    /// Those of a mailbox
    List { address: String },
    /// Who shows this certificate in TLS may sign in to the mailbox
    Add {
        address: String,
        /// A PEM file, or sha256: and the certificate's SHA-256
        certificate: String,
        /// The device, to tell them apart
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Not any more; sessions that it opened end
    Remove {
        address: String,
        /// A PEM file, or sha256: and the certificate's SHA-256
        certificate: String,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Switch {
    /// From now on.
    On,
    /// Not any more.
    Off,
}

/// Where a new password comes from; never the command line, which others can read.
#[derive(Debug, Args)]
pub(crate) struct NewPassword {
    /// Read it from standard input (first line)
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Read it from a file (first line)
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Alias {
    /// All aliases
    List,
    /// A new alias
    Add {
        alias: String,
        /// Where its mail goes
        #[arg(long, required = true, value_delimiter = ',')]
        to: Vec<String>,
    },
    /// Removes an alias
    Remove { alias: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Domain {
    /// All domains
    List,
    /// A new domain
    Add { domain: String },
    /// Sets how things are for the mailboxes of a domain that say nothing themselves
    Set {
        domain: String,
        /// key=value; without any, shows what is set
        settings: Vec<String>,
    },
    /// Removes a domain without mailboxes
    Remove { domain: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Password {
    /// Sets a mailbox's main password; sessions that the old one opened end
    Set {
        address: String,
        #[command(flatten)]
        password: NewPassword,
        /// In place of a password, the hash that another server kept of it; - reads it from standard input
        #[arg(long, value_name = "HASH", conflicts_with_all = ["password_stdin", "password_file"])]
        hash: Option<String>,
    },
    /// Makes a password for one device or program; it is shown once
    Add {
        address: String,
        /// What it is for, such as "Anna's phone"
        #[arg(long)]
        name: String,
        /// What it signs in to: imap, pop3, smtp, with commas between them; otherwise all
        #[arg(long = "for", value_name = "PROTOCOLS")]
        scope: Option<String>,
        /// After which time it ends, such as 90d; otherwise never
        #[arg(long)]
        expires: Option<String>,
    },
    /// A mailbox's passwords, without the secrets
    List { address: String },
    /// Removes one for a device, by its name or number; sessions that it opened end
    Remove { address: String, password: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Quota {
    /// Sets the limit, such as "2 GB", or "none"
    Set { address: String, limit: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// All of it
    List,
    /// One message
    Show { id: String },
    /// Keep it until released
    Hold { id: String },
    /// Let it go on
    Release { id: String },
    /// Try now: one message, or everything
    Retry { id: Option<String> },
    /// Throw it away
    Drop { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Undelete {
    /// What could be had back, the oldest deletion first
    List {
        address: String,
        #[command(flatten)]
        which: WhichDeleted,
    },
    /// Put it back where it was, with its flags
    Restore {
        address: String,
        /// Messages, as `undelete list` names them; without any, all that the options choose
        ids: Vec<String>,
        #[command(flatten)]
        which: WhichDeleted,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
}

/// Which deleted mail is meant.
#[derive(Debug, Args)]
pub(crate) struct WhichDeleted {
    /// Only what was deleted since: 3d, 12h, 2026-11-20 or 2026-11-20T18:00
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Only what has this in its From: a part of a name or an address
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Only what was deleted this way: imap, pop3, rule or admin
    #[arg(long)]
    pub(crate) cause: Option<String>,
    /// Only what was deleted from this mailbox
    #[arg(long)]
    pub(crate) mailbox: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ban {
    /// All that is banned now
    List,
    /// Bans an address, or all that begin alike (192.0.2.0/24)
    Add {
        address: String,
        /// For how long, such as 1d or 12h; without it for ever
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
        /// Why, for whoever reads the list later
        #[arg(long, default_value = "")]
        reason: String,
        /// Also a private network, and where an operator signed in from last
        #[arg(long)]
        force: bool,
    },
    /// Takes a ban back; give it as `ban list` shows it
    Remove { address: String },
    /// Tells what is known of an address: its bans, now and before, and its failures
    Why { address: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Check every checksum and reference, while the server runs
    Verify,
    /// Figures of the store
    Stats,
    /// Return the space of deleted mail now
    Compact,
    /// Copy the store while the server runs
    Backup {
        /// A directory that does not exist yet
        target: PathBuf,
    },
    /// Make the index anew from the log; the server must be stopped
    Rebuild,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prove {
    /// That no password in clear is announced, asked for or accepted: every way to send one, with a made-up name
    NoCleartext,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Read the file and say what is wrong with it
    Check,
}
