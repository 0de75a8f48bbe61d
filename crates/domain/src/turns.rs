//! Whose turn it is to put messages in order. SORT and THREAD hold something of every message at once, so only so many
//! run at a time in the whole server, and each has a budget; who waits holds nothing, and is forgotten when it is dropped.
//!
//! Two queues: whoever sorts a few thousand messages does not wait behind those who sort a million.

use crate::MailError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::Octets;

/// Up to how many messages an order is a small one.
pub const ORDER_SMALL_MAX: usize = 10_000;
/// How many small orders are made at once.
pub const ORDERS_SMALL_AT_ONCE: usize = 16;
/// How many large orders are made at once.
pub const ORDERS_LARGE_AT_ONCE: usize = 2;

/// What the keys of one small SORT may take.
pub(crate) const SORT_KEYS_SMALL_MAX: Octets = Octets::mib(8);
/// What the keys of one large SORT may take: those of 1,000,000 messages by subject, as subjects are. What does not fit
/// is read again where it decides.
pub const SORT_KEYS_MAX: Octets = Octets::mib(64);

/// How many nodes one small THREAD may have; one that has more waits for its turn among the large ones.
pub(crate) const THREAD_NODES_SMALL_MAX: usize = 100_000;
/// How many nodes one THREAD may have: messages, and those that are referred to and not there. Some 100 bytes each.
pub const THREAD_NODES_MAX: usize = 4_000_000;

/// How much is put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// At most [`ORDER_SMALL_MAX`] messages.
    Small,
    /// More.
    Large,
}

impl Scale {
    pub(crate) fn of(messages: usize) -> Self {
        if messages <= ORDER_SMALL_MAX { Self::Small } else { Self::Large }
    }

    /// See [`SORT_KEYS_MAX`].
    pub(crate) fn keys_max(self) -> usize {
        let max = if self == Self::Small { SORT_KEYS_SMALL_MAX } else { SORT_KEYS_MAX };
        usize::try_from(max.0).unwrap_or(usize::MAX)
    }

    /// See [`THREAD_NODES_MAX`].
    pub(crate) fn nodes_max(self) -> usize {
        if self == Self::Small { THREAD_NODES_SMALL_MAX } else { THREAD_NODES_MAX }
    }
}

/// Gives turns out, first come, first served.
#[derive(Debug)]
pub(crate) struct Turns {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A turn; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        let of = |count| Arc::new(Semaphore::new(count));
        Self { small: of(ORDERS_SMALL_AT_ONCE), large: of(ORDERS_LARGE_AT_ONCE) }
    }
}

impl Turns {
    /// Waits for a turn.
    pub(crate) async fn take(&self, scale: Scale) -> Result<Turn, MailError> {
        let turns = if scale == Scale::Small { &self.small } else { &self.large };
        let permit = Arc::clone(turns).acquire_owned().await;
        // Nobody closes it.
        permit.map(|permit| Turn { _permit: permit }).map_err(|_| MailError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_ready<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        matches!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
    }

    #[tokio::test]
    async fn so_many_have_their_turn_and_the_next_waits_unless_it_goes() {
        let turns = Turns::default();
        for (scale, most) in [(Scale::Small, ORDERS_SMALL_AT_ONCE), (Scale::Large, ORDERS_LARGE_AT_ONCE)] {
            let mut taken = Vec::new();
            for _ in 0..most {
                taken.push(turns.take(scale).await.unwrap());
            }
            {
                let mut gone = pin!(turns.take(scale));
                assert!(!is_ready(&mut gone), "one past the limit waits");
            }
            let mut next = pin!(turns.take(scale));
            assert!(!is_ready(&mut next));
            taken.pop();
            assert!(is_ready(&mut next), "who gave up waiting is not in the way");
        }
    }

    #[test]
    fn what_is_small_is_said_by_its_messages() {
        assert_eq!((Scale::of(ORDER_SMALL_MAX), Scale::of(ORDER_SMALL_MAX + 1)), (Scale::Small, Scale::Large));
    }
}
