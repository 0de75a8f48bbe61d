//! The server's side of the control socket. The socket file is readable by its owner and group only: whoever can open
//! it may administer.

use super::handle::Handler;
use super::protocol::{Failure, REQUEST_MAX, Reply, Request};
use anyhow::Context as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Binds the socket, taking the place of one that a dead server left.
fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Answers requests until the task is dropped.
pub(crate) fn serve(path: &Path, handler: Arc<Handler>) -> anyhow::Result<JoinHandle<()>> {
    let listener = bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    Ok(tokio::spawn(async move {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept control connections");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let handler = Arc::clone(&handler);
            tokio::spawn(async move {
                if let Err(error) = answer(stream, &handler).await {
                    tracing::debug!(%error, "a control connection broke");
                }
            });
        }
    }))
}

async fn answer(stream: UnixStream, handler: &Handler) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let Some(line) = request_line(read).await? else { return Ok(()) };
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => match handler.handle(request).await {
            Ok(value) => Reply::Ok(value),
            Err(failure) => Reply::Error(failure),
        },
        Err(error) => Reply::Error(Failure::new(
            "the request cannot be read",
            error.to_string(),
            "use a postamt command of the same version as the server",
        )),
    };
    let mut bytes = serde_json::to_vec(&reply)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await
}

/// The request's line, cut after [`REQUEST_MAX`] bytes, which makes it unreadable; `None` if nothing came.
async fn request_line(read: impl AsyncRead + Unpin) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let limit = u64::try_from(REQUEST_MAX).unwrap_or(u64::MAX);
    let length = BufReader::new(read.take(limit)).read_line(&mut line).await?;
    Ok((length > 0).then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_has_so_many_bytes_and_no_more() {
        for (length, reads) in [(REQUEST_MAX, true), (REQUEST_MAX + 1, false)] {
            let frame = r#"{"verb":"domain-add","domain":""}"#.len();
            let request = Request::DomainAdd { domain: "d".repeat(length - frame) };
            let text = serde_json::to_vec(&request).unwrap();
            assert_eq!(text.len(), length);
            let line = request_line(text.as_slice()).await.unwrap().unwrap();
            assert_eq!(serde_json::from_str::<Request>(&line).is_ok(), reads, "{length}");
        }
        assert_eq!(request_line(&b""[..]).await.unwrap(), None);
    }
}
