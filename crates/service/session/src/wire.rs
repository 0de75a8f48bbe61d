//! Bytes in and out of one connection, holding no buffer while nothing moves.

use crate::deflate::{Deflate, Piece};
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

/// How much is compressed before it is written.
const DEFLATE_CHUNK: usize = 16 << 10;
/// After this time without a word the buffers of a compressed connection are given back.
const DEFLATE_QUIET: Duration = Duration::from_secs(2);

/// How long the end of a connection may take.
pub const CLOSE_MAX: Duration = Duration::from_secs(2);
/// How much is heard, and thrown away, of a peer that goes on speaking at the end.
pub const CLOSE_HEARD_MAX: usize = 4 << 20;
/// How long a connection that broke off may take to close.
const ABANDON_MAX: Duration = Duration::from_secs(2);

/// A stream and what was read from it but not yet taken.
pub struct Wire<S> {
    stream: S,
    leftover: BytesMut,
    // Boxed: few connections are compressed.
    deflate: Option<Box<Deflate>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Around a stream.
    pub fn new(stream: S) -> Self {
        Self { stream, leftover: BytesMut::new(), deflate: None }
    }

    /// The stream; what was read and not taken is thrown away (RFC 3207 §4.2: nothing said before TLS counts in it).
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// The stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Compresses from here on: what is sent, and what is received, beginning with these bytes that were read already
    /// (RFC 4978 §3).
    pub fn start_deflate(&mut self, read: &[u8]) {
        let mut deflate = Box::<Deflate>::default();
        deflate.inflater.receive(read);
        deflate.inflater.receive(&std::mem::take(&mut self.leftover));
        self.deflate = Some(deflate);
    }

    /// Ends that behind a command that was received whole; all that was sent must have been flushed. What follows the
    /// flush of that command counts as it is (RFC 8437 §3).
    pub fn stop_deflate(&mut self) {
        if let Some(deflate) = self.deflate.take() {
            self.leftover.extend_from_slice(&deflate.inflater.into_rest());
        }
    }

    /// Whether it is compressed.
    pub fn is_deflated(&self) -> bool {
        self.deflate.is_some()
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
        if self.deflate.is_some() {
            // Boxed, so that other connections need not have room for it.
            return Box::pin(self.receive_deflated(take)).await;
        }
        let leftover = &mut self.leftover;
        net::read_with(&mut self.stream, usize::MAX, |bytes| {
            let taken = if leftover.is_empty() { take(bytes) } else { 0 };
            leftover.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        })
        .await
    }

    /// The same from a compressed stream.
    async fn receive_deflated(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> io::Result<usize> {
        let Self { stream, leftover, deflate: Some(deflate) } = self else { return Ok(0) };
        loop {
            match deflate.inflater.next()? {
                Piece::Bytes(bytes) => {
                    let taken = if leftover.is_empty() { take(bytes) } else { 0 };
                    leftover.extend_from_slice(bytes.get(taken..).unwrap_or_default());
                    return Ok(bytes.len());
                }
                Piece::Ended => return Ok(0),
                Piece::NeedsInput => {}
            }
            let read = {
                let is_resting = deflate.is_resting();
                let inflater = &mut deflate.inflater;
                let read = net::read_with(stream, usize::MAX, |bytes| inflater.receive(bytes));
                // One that cannot rest is asked again later.
                if is_resting { Ok(read.await) } else { timeout(DEFLATE_QUIET, read).await }
            };
            let Ok(read) = read else {
                deflate.rest();
                continue;
            };
            let read = read?;
            if read == 0 {
                return Ok(0);
            }
        }
    }

    /// Writes everything out. A peer that takes nothing for [`WRITE_STALL_MAX`] loses the connection.
    pub async fn send(&mut self, output: &mut BytesMut) -> io::Result<()> {
        if self.deflate.is_some() {
            Box::pin(self.send_deflated(output, Flush::Yes)).await?;
        }
        self.write_down_to(output, 0).await?;
        timeout(WRITE_STALL_MAX, self.stream.flush()).await.map_err(|_| stalled())??;
        if output.capacity() > OUTPUT_KEEP {
            *output = BytesMut::new();
        }
        Ok(())
    }

    /// Writes out if [`OUTPUT_HIGH`] or more waits; for answers that are longer than memory should hold.
    pub async fn send_when_high(&mut self, output: &mut BytesMut) -> io::Result<()> {
        if output.len() >= OUTPUT_HIGH && self.deflate.is_some() {
            return Box::pin(self.send_deflated(output, Flush::No)).await;
        }
        self.write_down_to(output, OUTPUT_HIGH - 1).await
    }

    /// Writes until no more than `rest` waits.
    async fn write_down_to(&mut self, output: &mut BytesMut, rest: usize) -> io::Result<()> {
        while output.len() > rest {
            let written = timeout(WRITE_STALL_MAX, self.stream.write_buf(output)).await.map_err(|_| stalled())??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Compresses everything and writes it out.
    async fn send_deflated(&mut self, output: &mut BytesMut, flush: Flush) -> io::Result<()> {
        let mut compressed = BytesMut::new();
        while !output.is_empty() {
            let chunk = output.split_to(output.len().min(DEFLATE_CHUNK));
            if let Some(deflate) = &mut self.deflate {
                deflate.deflater.compress(&chunk, &mut compressed);
            }
            self.write_down_to(&mut compressed, DEFLATE_CHUNK).await?;
        }
        if let (Some(deflate), Flush::Yes) = (&mut self.deflate, flush) {
            deflate.deflater.flush(&mut compressed);
        }
        self.write_down_to(&mut compressed, 0).await
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

/// Whether the peer has to see all of it now.
#[derive(Clone, Copy)]
enum Flush {
    Yes,
    No,
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BrokenDeflate;
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
    async fn a_compressed_connection_gives_its_buffers_back_when_it_is_quiet_and_goes_on() {
        let (near, far) = duplex(100);
        let (mut ours, mut theirs) = (Wire::new(near), Wire::new(far));
        ours.start_deflate(b"");
        theirs.start_deflate(b"");
        let text = "a line that is much like the next one\r\n".repeat(9000);
        for (quiet, said) in [(false, &text[..]), (true, "short"), (true, &text)] {
            let (mut output, mut heard) = (BytesMut::from(said), Vec::new());
            let send = async {
                ours.send_when_high(&mut output).await.unwrap();
                ours.send(&mut output).await.unwrap();
                if quiet {
                    let _ = timeout(DEFLATE_QUIET * 2, ours.receive(|_| 0)).await;
                }
            };
            let receive = async {
                while heard.len() < said.len() {
                    theirs
                        .receive(|bytes| {
                            heard.extend_from_slice(bytes);
                            bytes.len()
                        })
                        .await
                        .unwrap();
                }
                if quiet {
                    let _ = timeout(DEFLATE_QUIET * 2, theirs.receive(|_| 0)).await;
                }
            };
            tokio::join!(send, receive);
            assert_eq!(heard, said.as_bytes());
            assert_eq!(ours.deflate.as_ref().unwrap().is_resting(), quiet);
            assert_eq!(theirs.deflate.as_ref().unwrap().is_resting(), quiet);
        }
    }

    #[tokio::test]
    async fn what_was_read_before_compression_begins_and_after_it_ends_is_not_lost() {
        let (mut peer, stream) = duplex(1000);
        let mut wire = Wire::new(stream);
        let compressed = {
            let (mut deflate, mut out) = (Deflate::default(), BytesMut::new());
            deflate.deflater.compress(b"first", &mut out);
            deflate.deflater.flush(&mut out);
            out
        };
        let (begin, rest) = compressed.split_at(3);
        wire.start_deflate(begin);
        peer.write_all(rest).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < 5 {
            wire.receive(|bytes| {
                heard.extend_from_slice(bytes);
                bytes.len()
            })
            .await
            .unwrap();
        }
        wire.stop_deflate();
        peer.write_all(b"second").await.unwrap();
        wire.receive(|bytes| {
            heard.extend_from_slice(bytes);
            bytes.len()
        })
        .await
        .unwrap();
        assert_eq!(heard, b"firstsecond");
        wire.start_deflate(&[0b111]);
        assert!(BrokenDeflate::is_cause_of(&wire.receive(<[u8]>::len).await.unwrap_err()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_loses_the_connection() {
        let (_peer, stream) = duplex(10);
        let mut output = BytesMut::from(&[0u8; 100][..]);
        let error = Wire::new(stream).send(&mut output).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
