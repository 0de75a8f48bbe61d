//! What every session is handed.

use domain::{Directory, Mail, Standing};
use net::{Connection, Peer, ShutdownToken, Stream, Ticket, TlsServer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use types::{AccountId, Clock, CredentialRef, DomainName};

/// How often a session looks whether it may go on when nobody tells it to: the time of an app password ends without anybody
/// doing anything, and what another process of a cluster did may be told by nobody.
pub const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The server behind the sessions. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    /// The mail.
    pub mail: Arc<Mail>,
    /// Who may sign in.
    pub directory: Arc<Directory>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The name that we greet with.
    pub hostname: DomainName,
    /// What STARTTLS and STLS use; `None` where there is no TLS.
    pub tls: Option<Arc<TlsServer>>,
}

impl Shared {
    /// Whether a session that signed in with this password must end now, and what it is told. If that cannot be found
    /// out, it goes on: the next command will tell of the trouble.
    pub async fn ending(&self, account: AccountId, credential: CredentialRef) -> Option<Ending> {
        match self.directory.standing(account, credential).await {
            Ok(Standing::AccountRemoved) => Some(Ending::AccountRemoved),
            Ok(Standing::PasswordReplaced) => Some(Ending::PasswordReplaced),
            Ok(Standing::Good) | Err(_) => None,
        }
    }
}

/// Tells a session to look whether it may go on.
#[derive(Debug)]
pub struct Revocation {
    changes: watch::Receiver<u64>,
    look: Interval,
}

impl Revocation {
    /// For a session that has just signed in. Tells it to look once at its start too: something may have happened between.
    pub fn of(shared: &Shared, account: AccountId) -> Self {
        let mut changes = shared.directory.revocations(account);
        changes.mark_changed();
        let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { changes, look }
    }

    /// Waits until it is time to look: something was changed, or [`LOOK_EVERY`] is over. Can be dropped while it waits.
    pub async fn moved(&mut self) {
        let changed = async {
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = changed => {}
            _ = self.look.tick() => {}
        }
    }
}

/// Why a session that signed in must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its account is no more.
    AccountRemoved,
    /// Its password is none any more.
    PasswordReplaced,
}

/// A connection that a session is to serve.
pub struct Arrival<S> {
    /// Its bytes.
    pub stream: S,
    /// The other end.
    pub peer: Peer,
    /// Its place among the connections.
    pub ticket: Ticket,
    /// Tells when the server is about to stop.
    pub shutdown: ShutdownToken,
    /// Its number since the start, for the log.
    pub id: u64,
}

impl From<Connection> for Arrival<Stream> {
    fn from(connection: Connection) -> Self {
        let Connection { stream, peer, ticket, shutdown, id } = connection;
        Self { stream, peer, ticket, shutdown, id }
    }
}
