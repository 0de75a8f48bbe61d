//! The commands' side of the control socket.

use super::protocol::{Failure, Reply, Request};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Asks the running server and waits for its answer.
pub(crate) fn ask(socket: &Path, request: &Request) -> Result<serde_json::Value, Failure> {
    let unreachable = |error: std::io::Error| {
        Failure::new(
            format!("no server answers at {}", socket.display()),
            error.to_string(),
            "start it: postamt serve --config postamt.toml    (or name its socket with --control)",
        )
    };
    let mut stream = UnixStream::connect(socket).map_err(unreachable)?;
    let mut line = serde_json::to_vec(request).map_err(|e| unreachable(e.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(unreachable)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(unreachable)?;
    match serde_json::from_str(&answer).map_err(|e| unreachable(e.into()))? {
        Reply::Ok(value) => Ok(value),
        Reply::Error(failure) => Err(failure),
    }
}
