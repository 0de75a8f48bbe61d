//! How much is on its way at once: in all, and to one place, so that a slow server holds up nobody but its own mail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most connections to one place at once. Large providers turn more away.
pub(crate) const CONNECTIONS_MAX: usize = 5;
/// Most messages that wait for a connection to one place; more are put off, so that others have room to wait.
pub(crate) const WAITING_MAX: usize = 20;

/// All places where mail goes at present.
pub(crate) struct Destinations {
    total: Arc<Semaphore>,
    places: Mutex<HashMap<Box<str>, Weak<Place>>>,
}

struct Place {
    /// Those who are connected or wait for it.
    room: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

/// The right to one connection to a place; dropped, another has it.
pub(crate) struct Slot {
    _room: OwnedSemaphorePermit,
    _connection: OwnedSemaphorePermit,
    _total: OwnedSemaphorePermit,
    _place: Arc<Place>,
}

impl Destinations {
    /// At most `connections` in all.
    pub(crate) fn new(connections: usize) -> Self {
        Self { total: Arc::new(Semaphore::new(connections.max(1))), places: Mutex::default() }
    }

    /// Waits for a connection to a place; `None` if too many do so already.
    pub(crate) async fn enter(&self, name: &str) -> Option<Slot> {
        let place = self.place(name);
        let room = Arc::clone(&place.room).try_acquire_owned().ok()?;
        // The place first: who waits for it must not keep others from theirs. Nobody closes a semaphore here.
        let connection = Arc::clone(&place.connections).acquire_owned().await.ok()?;
        let total = Arc::clone(&self.total).acquire_owned().await.ok()?;
        Some(Slot { _room: room, _connection: connection, _total: total, _place: place })
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(name).and_then(Weak::upgrade) {
            return place;
        }
        // As bounded as the messages that are on their way: each entry but the dead ones stands for one.
        places.retain(|_, place| place.strong_count() > 0);
        let place = Arc::new(Place {
            room: Arc::new(Semaphore::new(CONNECTIONS_MAX + WAITING_MAX)),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        });
        places.insert(name.into(), Arc::downgrade(&place));
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn is_waiting(future: std::pin::Pin<&mut impl Future<Output = Option<Slot>>>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn a_place_has_so_many_connections_then_waiters_then_none() {
        let all = Destinations::new(100);
        let mut slots = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            slots.push(all.enter("a").await.unwrap());
        }
        let mut waiters: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(all.enter("a"))).collect();
        assert!(waiters.iter_mut().all(|waiter| is_waiting(waiter.as_mut())));
        assert!(all.enter("a").await.is_none(), "one too many");
        assert!(all.enter("b").await.is_some(), "elsewhere there is room");
        slots.pop();
        assert!(!is_waiting(waiters[0].as_mut()), "the first one's turn");
        drop((slots, waiters));
        assert!(all.enter("c").await.is_some());
        assert_eq!(all.places.lock().unwrap().len(), 1, "nothing is kept of places where nothing goes");
    }

    #[tokio::test]
    async fn there_are_so_many_connections_in_all() {
        let all = Destinations::new(1);
        let first = all.enter("a").await.unwrap();
        let mut second = pin!(all.enter("b"));
        assert!(is_waiting(second.as_mut()));
        drop(first);
        assert!(!is_waiting(second.as_mut()));
    }
}
