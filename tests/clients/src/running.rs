//! A program that goes on while the test does something else: spoken to, listened to, ended.

use crate::program::{Finished, end_group, wait};
use crate::wire::patience;
use anyhow::{Context as _, bail};
use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at what it said.
const STEP: Duration = Duration::from_millis(5);

/// A program under way. It and whatever it started are killed when this is dropped.
pub struct Running {
    child: Child,
    name: String,
    stdin: Option<ChildStdin>,
    out: Heard,
    errors: Heard,
    /// How many bytes of its output were looked at.
    seen: usize,
}

type Heard = Arc<Mutex<Vec<u8>>>;

impl Running {
    pub(crate) fn new(mut child: Child, name: String) -> Self {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self { child, name, stdin, out: listen(stdout), errors: listen(stderr), seen: 0 }
    }

    /// Gives it this to read.
    pub fn say(&mut self, text: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let pipe = self.stdin.as_mut().context("its input is closed")?;
        pipe.write_all(text.as_ref())?;
        Ok(pipe.flush()?)
    }

    /// Waits until it has written this to standard output, behind what was waited for before; at most as long as an
    /// answer may take.
    pub fn wait_for(&mut self, word: &str) -> anyhow::Result<()> {
        let end = Instant::now() + patience();
        loop {
            let ended = self.child.try_wait()?;
            let out = heard(&self.out);
            let rest = out.get(self.seen..).unwrap_or_default();
            if let Some(place) = rest.windows(word.len()).position(|bytes| bytes == word.as_bytes()) {
                self.seen += place + word.len();
                return Ok(());
            }
            if let Some(status) = ended {
                bail!("ended with {status} before it said {word:?}: {}", self.story());
            }
            if Instant::now() >= end {
                bail!("does not say {word:?}: {}", self.story());
            }
            std::thread::sleep(STEP);
        }
    }

    /// Says this and waits for that.
    pub fn ask(&mut self, text: &str, word: &str) -> anyhow::Result<()> {
        self.say(text)?;
        self.wait_for(word).with_context(|| format!("after {text:?}"))
    }

    /// Closes its input and waits for its end.
    pub fn finish(mut self) -> anyhow::Result<Finished> {
        self.stdin = None;
        let Some(status) = wait(&mut self.child, patience())? else {
            bail!("does not end: {}", self.story());
        };
        let (stdout, stderr) = (heard(&self.out), heard(&self.errors));
        Ok(Finished { code: status.code().unwrap_or(-1), stdout, stderr, name: self.name.clone() })
    }

    fn story(&self) -> String {
        let text = |heard: Vec<u8>| String::from_utf8_lossy(&heard).into_owned();
        format!("{}\n--- out\n{}\n--- err\n{}", self.name, text(heard(&self.out)), text(heard(&self.errors)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            end_group(&mut self.child);
        }
    }
}

fn heard(kept: &Heard) -> Vec<u8> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn listen<R: Read + Send + 'static>(pipe: Option<R>) -> Heard {
    let kept = Heard::default();
    let ours = Arc::clone(&kept);
    std::thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            let read = chunk.get(..count).unwrap_or_default();
            ours.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
        }
    });
    kept
}
