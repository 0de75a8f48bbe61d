//! Who may check a password now: so many at once, so many waiting, in fair turns by where they come from.
//!
//! Those that wait stand in a queue per address prefix, and the queues are served in turn: a storm from one prefix waits
//! behind itself. When all places are taken, a newcomer takes the last place of the longest queue, if his own is
//! shorter; else he is turned away. Whoever stops waiting (his session ended) leaves his place at once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use types::AddressPrefix;

/// How long somebody waits for his turn at most: mail programs give up after about that.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// All places are taken, or the wait was too long: temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overloaded;

/// The turns.
pub(super) struct Turns {
    waiting_max: usize,
    wait_max: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Turns that nobody has.
    free: u32,
    running: u32,
    /// None of them is empty.
    queues: HashMap<Option<AddressPrefix>, VecDeque<Waiter>>,
    /// Each of the queues once, the next to be served first.
    order: VecDeque<Option<AddressPrefix>>,
    waiting: usize,
    next: u64,
    granted: u64,
    refused: u64,
}

struct Waiter {
    number: u64,
    need: u32,
    wake: oneshot::Sender<Turn>,
}

/// The right to check one password; dropped, the next one has it.
pub(super) struct Turn {
    turns: Option<Arc<Turns>>,
    size: u32,
}

/// A place in a queue.
struct Place<'a> {
    turns: &'a Arc<Turns>,
    peer: Option<AddressPrefix>,
    number: u64,
}

/// How busy it is, and was since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) running: u32,
    pub(super) waiting: usize,
    pub(super) granted: u64,
    pub(super) refused: u64,
}

impl Turns {
    /// So many at once, so many waiting.
    pub(super) fn new(concurrent: u32, waiting_max: usize) -> Arc<Self> {
        let state = State { free: concurrent.max(1), ..State::default() };
        Arc::new(Self { waiting_max, wait_max: WAIT_MAX, state: Mutex::new(state) })
    }

    /// Waits for so many turns at once, of those that there are; they count as one check.
    pub(super) async fn turn(self: &Arc<Self>, peer: Option<AddressPrefix>, need: u32) -> Result<Turn, Overloaded> {
        let (wake, woken) = oneshot::channel();
        let place = {
            let mut state = self.lock();
            if state.waiting == 0 && state.free >= need {
                state.take(need);
                return Ok(Turn { turns: Some(Arc::clone(self)), size: need });
            }
            if state.waiting >= self.waiting_max && !state.make_room(peer) {
                state.refused += 1;
                return Err(Overloaded);
            }
            let number = state.enqueue(peer, need, wake);
            Place { turns: self, peer, number }
        };
        let turn = tokio::time::timeout(self.wait_max, woken).await;
        drop(place);
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            self.lock().refused += 1;
            Overloaded
        })
    }

    pub(super) fn figures(&self) -> Figures {
        let state = self.lock();
        Figures { running: state.running, waiting: state.waiting, granted: state.granted, refused: state.refused }
    }

    /// Gives what is free to those who wait, in order; who needs more than there is holds up the others.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.lock();
                let Some(next) = state.dequeue() else { return };
                state.take(next.need);
                next
            };
            let turn = Turn { turns: Some(Arc::clone(self)), size: next.need };
            if let Err(mut turn) = next.wake.send(turn) {
                // He stopped waiting just now.
                turn.turns = None;
                self.lock().give_back(turn.size);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, size: u32) {
        self.free = self.free.saturating_sub(size);
        self.running += size;
        self.granted += 1;
    }

    fn give_back(&mut self, size: u32) {
        self.free += size;
        self.running = self.running.saturating_sub(size);
    }

    fn enqueue(&mut self, peer: Option<AddressPrefix>, need: u32, wake: oneshot::Sender<Turn>) -> u64 {
        let number = self.next;
        self.next += 1;
        let queue = self.queues.entry(peer).or_default();
        if queue.is_empty() {
            self.order.push_back(peer);
        }
        queue.push_back(Waiter { number, need, wake });
        self.waiting += 1;
        number
    }

    /// The next, if there is enough for him.
    fn dequeue(&mut self) -> Option<Waiter> {
        let first = self.queues.get(self.order.front()?)?.front()?;
        if first.need > self.free {
            return None;
        }
        let peer = self.order.pop_front()?;
        let queue = self.queues.get_mut(&peer)?;
        let waiter = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&peer);
        } else {
            self.order.push_back(peer);
        }
        self.waiting -= usize::from(waiter.is_some());
        waiter
    }

    /// Sends the last of the longest queue away, if this peer's is shorter.
    fn make_room(&mut self, peer: Option<AddressPrefix>) -> bool {
        let own = self.queues.get(&peer).map_or(0, VecDeque::len);
        let longest = self.queues.iter().max_by_key(|(_, queue)| queue.len());
        let Some((longest, length)) = longest.map(|(peer, queue)| (*peer, queue.len())) else { return false };
        if length <= own + 1 {
            return false;
        }
        // His sender is dropped: he hears of it.
        let last = self.queues.get(&longest).and_then(|queue| queue.back()).map(|waiter| waiter.number);
        last.is_some_and(|last| self.leave(longest, last))
    }

    fn leave(&mut self, peer: Option<AddressPrefix>, number: u64) -> bool {
        let Some(queue) = self.queues.get_mut(&peer) else { return false };
        // Numbers ascend within a queue.
        let Ok(at) = queue.binary_search_by_key(&number, |waiter| waiter.number) else { return false };
        queue.remove(at);
        if queue.is_empty() {
            self.queues.remove(&peer);
            self.order.retain(|other| *other != peer);
        }
        self.waiting -= 1;
        true
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.lock().give_back(self.size);
            turns.pass_on();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // He may have held up others by needing more than them.
        if self.turns.lock().leave(self.peer, self.number) {
            self.turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    fn peer(last: u8) -> AddressPrefix {
        AddressPrefix::of([192, 0, 2, last].into())
    }

    type Wait = Pin<Box<dyn Future<Output = Result<Turn, Overloaded>>>>;

    fn wait(turns: &Arc<Turns>, last: u8) -> Wait {
        let turns = Arc::clone(turns);
        let mut wait: Wait = Box::pin(async move { turns.turn(Some(peer(last)), 1).await });
        assert!(poll(&mut wait).is_pending());
        wait
    }

    fn poll<T: Future + Unpin>(future: &mut T) -> Poll<T::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn queues_are_served_in_turn() {
        let turns = Turns::new(1, 10);
        let held = turns.turn(Some(peer(1)), 1).await.unwrap();
        let mut storm: Vec<_> = (0..5).map(|_| wait(&turns, 1)).collect();
        let mut owner = wait(&turns, 2);
        drop(held);
        let Poll::Ready(Ok(first)) = poll(&mut storm[0]) else { panic!("the first of the storm is the next") };
        assert!(poll(&mut owner).is_pending());
        drop(first);
        let Poll::Ready(Ok(owners)) = poll(&mut owner) else { panic!("the owner does not wait behind the storm") };
        assert_eq!(turns.figures(), Figures { running: 1, waiting: 4, granted: 3, refused: 0 });
        drop(storm);
        drop(owners);
        assert_eq!(turns.figures(), Figures { running: 0, waiting: 0, granted: 3, refused: 0 });
        let _one = turns.turn(None, 1).await.unwrap();
        assert_eq!(turns.lock().free, 0);
    }

    #[tokio::test]
    async fn so_many_wait_and_no_more_and_the_longest_queue_makes_room() {
        let turns = Turns::new(1, 3);
        let _held = turns.turn(Some(peer(1)), 1).await.unwrap();
        let mut storm: Vec<_> = (0..3).map(|_| wait(&turns, 1)).collect();
        assert_eq!(turns.turn(Some(peer(1)), 1).await.map(|_| ()), Err(Overloaded));
        let mut owner = wait(&turns, 2);
        assert_eq!(turns.figures().waiting, 3);
        assert!(matches!(poll(&mut storm[2]), Poll::Ready(Err(Overloaded))), "the last of the storm went");
        assert!(poll(&mut storm[1]).is_pending() && poll(&mut owner).is_pending());
        assert_eq!(
            turns.turn(Some(peer(2)), 1).await.map(|_| ()),
            Err(Overloaded),
            "his queue is as long as the longest"
        );
        assert_eq!(turns.figures().refused, 3);
    }

    #[tokio::test]
    async fn who_hangs_up_gives_his_place_back() {
        let turns = Turns::new(1, 2);
        let held = turns.turn(Some(peer(1)), 1).await.unwrap();
        let (gone, mut stays) = (wait(&turns, 1), wait(&turns, 1));
        drop(gone);
        assert_eq!(turns.figures().waiting, 1);
        drop(held);
        assert!(matches!(poll(&mut stays), Poll::Ready(Ok(_))));
        // Whoever goes after he was called, and before he knew, leaves the turn to the next.
        drop(stays);
        let held = turns.turn(Some(peer(1)), 1).await.unwrap();
        let called = wait(&turns, 2);
        drop(held);
        drop(called);
        assert_eq!(turns.figures().running, 0);
    }

    #[tokio::test]
    async fn who_needs_more_waits_for_it_and_holds_up_others_only_while_he_waits() {
        let turns = Turns::new(2, 5);
        let held = turns.turn(None, 1).await.unwrap();
        let mut large = Box::pin(turns.turn(None, 2));
        assert!(poll(&mut large).is_pending());
        let mut small = wait(&turns, 1);
        drop(large);
        assert!(matches!(poll(&mut small), Poll::Ready(Ok(_))));
        drop((small, held));
        let _both = turns.turn(None, 2).await.unwrap();
        assert_eq!((turns.figures().running, turns.lock().free), (2, 0));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let mut turns = Turns::new(1, 1);
        Arc::get_mut(&mut turns).unwrap().wait_max = Duration::ZERO;
        let _held = turns.turn(None, 1).await.unwrap();
        assert_eq!(turns.turn(Some(peer(1)), 1).await.map(|_| ()), Err(Overloaded));
        assert_eq!(turns.figures(), Figures { running: 1, waiting: 0, granted: 1, refused: 1 });
    }
}
