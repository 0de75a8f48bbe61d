//! Wake-ups: hints that an account changed.

use crate::account_of;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;
use types::AccountId;

/// Wakes when something may have changed.
#[derive(Clone, Debug)]
pub struct Watch(watch::Receiver<u64>);

impl Watch {
    /// Waits for a change since the last call (or since the watch was made). Never returns if the engine is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// For engines: who waits for which account.
#[derive(Debug, Default)]
pub struct WatchHub(Mutex<HashMap<AccountId, watch::Sender<u64>>>);

impl WatchHub {
    /// A watch on the account that `prefix` names; one that never wakes if it names none.
    pub fn watch(&self, prefix: &[u8]) -> Watch {
        let Some(account) = account_of(prefix) else { return Watch(watch::channel(0).1) };
        let mut hub = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Watch(hub.entry(account).or_insert_with(|| watch::channel(0).0).subscribe())
    }

    /// Wakes those who wait for the account; forgets it if nobody does any more.
    pub fn wake(&self, account: AccountId) {
        let mut hub = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = hub.get(&account) {
            if sender.receiver_count() == 0 {
                hub.remove(&account);
            } else {
                sender.send_modify(|n| *n = n.wrapping_add(1));
            }
        }
    }
}
