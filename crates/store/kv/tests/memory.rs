//! The in-memory engine under the suite.

use std::sync::Arc;
use store_kv::conformance::Harness;
use store_kv::{Engine, Memory};

#[derive(Default)]
struct InMemory(Option<Arc<Memory>>);

impl InMemory {
    fn keep(&mut self, memory: Arc<Memory>) -> Arc<dyn Engine> {
        self.0 = Some(Arc::clone(&memory));
        memory
    }
}

impl Harness for InMemory {
    async fn open(&mut self) -> Arc<dyn Engine> {
        self.keep(Memory::new())
    }

    async fn reopen(&mut self) -> Arc<dyn Engine> {
        let next = self.0.as_ref().map_or_else(Memory::new, |memory| memory.reopen());
        self.keep(next)
    }

    async fn crash(&mut self) -> Option<Arc<dyn Engine>> {
        Some(self.reopen().await)
    }
}

store_kv::suite!(InMemory::default());

#[tokio::test]
async fn an_engine_that_was_reopened_is_closed() {
    let old = Memory::new();
    let _new = old.reopen();
    let answer = old.get(b"a\0\0\0\x01k").await;
    assert!(matches!(answer, Err(store_kv::StoreError::Unavailable(_))), "{answer:?}");
}
