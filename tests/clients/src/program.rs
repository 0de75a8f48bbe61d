//! Running a program: what it reads is given, how long it may take is bounded, what it says is kept.

use crate::Running;
use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest that a program may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a program.
const STEP: Duration = Duration::from_millis(5);

/// A program with its arguments.
#[derive(Debug)]
pub struct Program {
    command: Command,
    name: String,
    input: Vec<u8>,
}

/// What became of a program.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; −1 when a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    pub(crate) name: String,
}

impl Program {
    /// A program by name or path, without arguments, in an environment that no person's settings reach.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name.as_ref());
        command.env("LC_ALL", "C.UTF-8").env("LANG", "C.UTF-8").env("TZ", "UTC").env("TERM", "xterm");
        Self { command, name: name.as_ref().to_string_lossy().into_owned(), input: Vec::new() }
    }

    /// One argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Its working directory, which is its home as well.
    #[must_use]
    pub fn home(mut self, path: &Path) -> Self {
        self.command.current_dir(path).env("HOME", path);
        self
    }

    /// What it reads from standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Starts it and lets it go on.
    pub fn start(self) -> anyhow::Result<Running> {
        let Self { mut command, name, input } = self;
        let mut running = Running::new(spawn(&mut command, &name)?, name);
        running.say(input)?;
        Ok(running)
    }

    /// Runs it to its end. After a minute and a half it and whatever it started are killed, and that is an error.
    pub fn run(self) -> anyhow::Result<Finished> {
        let Self { mut command, name, input } = self;
        let mut child = spawn(&mut command, &name)?;
        let stdout = gather(child.stdout.take());
        let stderr = gather(child.stderr.take());
        let stdin = child.stdin.take();
        let writer = std::thread::spawn(move || {
            // A program that does not want its input may close it.
            let _ = stdin.map(|mut pipe| pipe.write_all(&input));
        });
        let status = wait(&mut child, PATIENCE)?;
        if status.is_none() {
            end_group(&mut child);
        }
        let take = |thread: JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
        let (stdout, stderr) = (take(stdout), take(stderr));
        let _ = writer.join();
        let code = status.and_then(|s| s.code()).unwrap_or(-1);
        let finished = Finished { code, stdout, stderr, name };
        if status.is_none() {
            bail!("still running after {PATIENCE:?}: {}", finished.story());
        }
        Ok(finished)
    }

    /// Runs it; any end but 0 is an error that holds all it said.
    pub fn succeed(self) -> anyhow::Result<Finished> {
        let finished = self.run()?;
        ensure!(finished.code == 0, "{}", finished.story());
        Ok(finished)
    }
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// All of it, for a failed test.
    pub fn story(&self) -> String {
        format!("{} ended with {}\n--- out\n{}\n--- err\n{}", self.name, self.code, self.text(), self.errors())
    }
}

/// Starts a program as the head of a process group of its own, with pipes for all that it reads and writes.
fn spawn(command: &mut Command, name: &str) -> anyhow::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
        .spawn()
        .with_context(|| format!("cannot start {name}: ./test installs the Debian packages that the tests need"))
}

/// Waits for a child's end, at most so long; `None` is: still there.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> anyhow::Result<Option<std::process::ExitStatus>> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(STEP);
    }
}

/// The pid of a child that runs.
pub(crate) fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Kills a child and whatever it started.
pub(crate) fn end_group(child: &mut Child) {
    if let Some(pid) = pid(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let _ = child.wait();
}

/// Reads a pipe to its end beside everything else.
fn gather<R: Read + Send + 'static>(pipe: Option<R>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
