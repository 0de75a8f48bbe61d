//! `postamt trial` as a person meets it: started, its text read, its commands copied, ended with Ctrl-C.

use crate::program::{pid, wait};
use crate::{Account, Directory, Program, postamt};
use anyhow::{Context as _, bail, ensure};
use rustix::process::{Signal, kill_process};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the start may take before the test gives up; how fast it must be, a test says.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the text.
const STEP: Duration = Duration::from_millis(10);

/// A trial in a working directory of its own. It is killed when this is dropped.
pub struct Trial {
    directory: Directory,
    child: Child,
    out: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    took: Duration,
}

impl Trial {
    /// Starts `postamt trial` with these arguments, and waits until its text ends with this word's line.
    pub fn start(arguments: &[&str], last: &str) -> anyhow::Result<Self> {
        Self::start_in(Directory::new()?, arguments, last)
    }

    /// Ends this one as [`Trial::interrupt`] does, and starts another in the same working directory.
    pub fn again(mut self, arguments: &[&str], last: &str) -> anyhow::Result<Self> {
        let status = self.interrupt()?;
        ensure!(status.success(), "Ctrl-C ended it with {status}");
        let directory = self.directory.hand_over();
        Self::start_in(directory, arguments, last)
    }

    fn start_in(directory: Directory, arguments: &[&str], last: &str) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let mut child = Command::new(postamt()?)
            .arg("trial")
            .args(arguments)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (out, errors) = (gather(child.stdout.take()), gather(child.stderr.take()));
        let mut trial = Self { directory, child, out, errors, took: Duration::ZERO };
        while !trial.text().lines().any(|line| line.contains(last)) || !trial.text().ends_with('\n') {
            if let Some(status) = trial.child.try_wait()? {
                bail!("the trial ended with {status}: {}{}", trial.text(), trial.complaints());
            }
            ensure!(begin.elapsed() < PATIENCE, "the trial does not say {last:?}: {}", trial.text());
            thread::sleep(STEP);
        }
        trial.took = begin.elapsed();
        Ok(trial)
    }

    /// All that it has printed.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// All that it has written to standard error.
    pub fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.errors.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// From the start of the process to the end of its text.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The working directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The directory that it made.
    pub fn data(&self) -> PathBuf {
        self.directory.join("postamt-trial")
    }

    /// The printed commands that begin with this word, each as it would be copied: with its continuation lines.
    pub fn commands(&self, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        let text = self.text();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(place) = line.find(&format!("{word} ")) else { continue };
            // Behind the heading, or where a heading would stand.
            if !line.get(..place).unwrap_or_default().chars().all(|c| c == ' ' || c.is_alphabetic()) {
                continue;
            }
            let mut command = line.get(place..).unwrap_or_default().to_owned();
            while command.ends_with('\\') {
                let Some(next) = lines.next() else { break };
                command.push('\n');
                command.push_str(next);
            }
            found.push(command);
        }
        found
    }

    /// Runs a command line in the trial's working directory, as a person's shell would.
    pub fn shell(&self, command: &str) -> Program {
        Program::new("sh").args(["-c", command]).home(self.path())
    }

    /// One of the mailboxes with the password that stands behind it.
    pub fn account(&self, name: &str) -> anyhow::Result<Account> {
        let (address, text) = (format!("{name}@example.test"), self.text());
        let line = text.lines().find(|line| line.contains(&address) && line.contains("password"));
        let password = line.and_then(|line| line.split_whitespace().last()).context("no password")?.to_owned();
        Ok(Account { address, password })
    }

    /// The number that the first match of this pattern has behind it: `IMAP  localhost  10993`.
    pub fn port(&self, before: &str) -> anyhow::Result<u16> {
        let text = self.text();
        let rest = text.split(before).nth(1).with_context(|| format!("no {before:?} in {text}"))?;
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        Ok(digits.parse()?)
    }

    /// The three ports that want STARTTLS first: IMAP, POP3, submission.
    pub fn starttls_ports(&self) -> anyhow::Result<[u16; 3]> {
        let text = self.text();
        let rest = text.split("STARTTLS instead: ").nth(1).context("no STARTTLS line")?;
        let list = rest.split('–').next().unwrap_or_default();
        let ports: Vec<u16> = list.split(',').map(|p| p.trim().parse()).collect::<Result<_, _>>()?;
        ports.try_into().map_err(|ports| anyhow::anyhow!("three ports, not {ports:?}"))
    }

    /// Ctrl-C, and how it ended.
    pub fn interrupt(&mut self) -> anyhow::Result<ExitStatus> {
        kill_process(pid(&self.child).context("no pid")?, Signal::INT)?;
        wait(&mut self.child, PATIENCE)?.with_context(|| format!("still there after Ctrl-C: {}", self.text()))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        eprintln!("--- the trial said\n{}\n--- and complained\n{}", self.text(), self.complaints());
    }
}

fn gather<R: std::io::Read + Send + 'static>(pipe: Option<R>) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let ours = Arc::clone(&kept);
    thread::spawn(move || {
        let Some(pipe) = pipe else { return };
        let mut reader = std::io::BufReader::new(pipe);
        let mut chunk = [0; 4096];
        while let Ok(count) = reader.read(&mut chunk) {
            if count == 0 {
                return;
            }
            let read = chunk.get(..count).unwrap_or_default();
            ours.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
        }
    });
    kept
}
