//! Bytes in and out of one connection, holding no buffer while nothing moves.

use bytes::{Buf, BytesMut};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// Output is written out when this much waits.
pub const OUTPUT_HIGH: usize = 64 << 10;
/// An output buffer with more room than this is given back when it has been written.
const OUTPUT_KEEP: usize = 2 << 10;
/// How long a peer may take nothing of what is written to it.
pub const WRITE_STALL_MAX: Duration = Duration::from_mins(3);

/// How long the end of a connection may take.
pub const CLOSE_MAX: Duration = Duration::from_secs(2);
/// How much is heard, and thrown away, of a peer that goes on speaking at the end.
pub const CLOSE_HEARD_MAX: usize = 4 << 20;
/// How long a connection that broke off may take to close.
const ABANDON_MAX: Duration = Duration::from_secs(2);

/// A stream and what was read from it but not yet taken.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    leftover: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Around a stream.
    pub fn new(stream: S) -> Self {
        Self { stream, leftover: BytesMut::new() }
    }

    /// The stream; what was read and not taken is thrown away (RFC 3207 §4.2: nothing said before TLS counts in it).
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// The stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Waits for bytes and hands them to `take`, which says how many it took; what it leaves is offered first the next
    /// time. Yields how many bytes came, zero at the end. Can be dropped while it waits without losing anything.
    pub async fn receive(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> io::Result<usize> {
        if !self.leftover.is_empty() {
            let taken = take(&self.leftover);
            if taken > 0 {
                self.leftover.advance(taken.min(self.leftover.len()));
                if self.leftover.is_empty() {
                    self.leftover = BytesMut::new();
                }
                return Ok(taken);
            }
        }
        let leftover = &mut self.leftover;
        net::read_with(&mut self.stream, usize::MAX, |bytes| {
            let taken = if leftover.is_empty() { take(bytes) } else { 0 };
            leftover.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        })
        .await
    }

    /// Writes everything out. A peer that takes nothing for [`WRITE_STALL_MAX`] loses the connection.
    pub async fn send(&mut self, output: &mut BytesMut) -> io::Result<()> {
        while !output.is_empty() {
            let written = timeout(WRITE_STALL_MAX, self.stream.write_buf(output)).await.map_err(|_| stalled())??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        timeout(WRITE_STALL_MAX, self.stream.flush()).await.map_err(|_| stalled())??;
        if output.capacity() > OUTPUT_KEEP {
            *output = BytesMut::new();
        }
        Ok(())
    }

    /// Writes out if [`OUTPUT_HIGH`] or more waits; for answers that are longer than memory should hold.
    pub async fn send_when_high(&mut self, output: &mut BytesMut) -> io::Result<()> {
        while output.len() >= OUTPUT_HIGH {
            let written = timeout(WRITE_STALL_MAX, self.stream.write_buf(output)).await.map_err(|_| stalled())??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Says goodbye on the transport (`close_notify` in TLS), without waiting long, and then hears a peer out that is still
    /// speaking: closed with something unread, TCP throws away what it has not delivered, and with it our last answer.
    pub async fn close(mut self) {
        let _ = timeout(CLOSE_MAX, async {
            self.stream.shutdown().await?;
            let mut left = CLOSE_HEARD_MAX;
            while left > 0 {
                let heard = net::read_with(&mut self.stream, left, |_| ()).await?;
                if heard == 0 {
                    break;
                }
                left = left.saturating_sub(heard);
            }
            io::Result::Ok(())
        })
        .await;
    }

    /// Closes without waiting for anything, after the peer has gone or was lost.
    pub async fn abandon(mut self) {
        let _ = timeout(ABANDON_MAX, self.stream.shutdown()).await;
    }
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, duplex};

    #[tokio::test]
    async fn what_is_not_taken_is_offered_again_in_order() {
        let (mut peer, stream) = duplex(64);
        let mut wire = Wire::new(stream);
        peer.write_all(b"abcdef").await.unwrap();
        let mut seen: Vec<u8> = Vec::new();
        while seen.len() < 6 {
            wire.receive(|bytes| {
                seen.extend(bytes.iter().take(2));
                bytes.len().min(2)
            })
            .await
            .unwrap();
        }
        assert_eq!(seen, b"abcdef");
        drop(peer);
        assert_eq!(wire.receive(|_| 0).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn output_goes_out_whole_and_its_room_is_given_back() {
        let (mut peer, stream) = duplex(1000);
        let mut wire = Wire::new(stream);
        let mut output = BytesMut::from(&vec![7u8; 100_000][..]);
        let reader = tokio::spawn(async move {
            let mut all = vec![0; 100_000];
            peer.read_exact(&mut all).await.unwrap();
            all
        });
        wire.send_when_high(&mut output).await.unwrap();
        assert!(output.len() < OUTPUT_HIGH);
        wire.send(&mut output).await.unwrap();
        assert_eq!((output.len(), output.capacity()), (0, 0));
        assert!(reader.await.unwrap().iter().all(|b| *b == 7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_a_peer_that_still_speaks_but_not_for_ever() {
        const PIPE: usize = 4096;
        let began = tokio::time::Instant::now();
        let (mut peer, stream) = duplex(10);
        let closed = tokio::spawn(Wire::new(stream).close());
        peer.write_all(&[0; 1000]).await.unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        drop(peer);
        closed.await.unwrap();
        assert!(began.elapsed() < CLOSE_MAX, "it ends when the peer does");
        let (_peer, stream) = duplex(10);
        Wire::new(stream).close().await;
        assert_eq!(began.elapsed(), CLOSE_MAX);
        for (size, heard) in [(CLOSE_HEARD_MAX, true), (CLOSE_HEARD_MAX + PIPE + 1, false)] {
            let (mut peer, stream) = duplex(PIPE);
            let closed = tokio::spawn(Wire::new(stream).close());
            assert_eq!(peer.write_all(&vec![0; size]).await.is_ok(), heard);
            closed.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_loses_the_connection() {
        let (_peer, stream) = duplex(10);
        let mut output = BytesMut::from(&[0u8; 100][..]);
        let error = Wire::new(stream).send(&mut output).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
