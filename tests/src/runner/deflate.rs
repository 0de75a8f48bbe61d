//! The client's side of COMPRESS=DEFLATE (RFC 4978).

use crate::backend::Stream;
use anyhow::{Context as _, bail};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::stream::InflateState;
use miniz_oxide::{DataFormat, MZError, MZFlush};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

/// Room of the pipe, and of a buffer.
const ROOM: usize = 64 << 10;

/// The plain end of a stream that is compressed from here on.
pub(super) fn compressed(stream: Box<dyn Stream>) -> Box<dyn Stream> {
    let (plain, inner) = duplex(ROOM);
    // What goes wrong ends the pipe, and with it the transcript.
    tokio::spawn(carry(stream, inner));
    Box::new(plain)
}

async fn carry(stream: Box<dyn Stream>, plain: DuplexStream) -> anyhow::Result<()> {
    let (mut heard, mut said) = tokio::io::split(stream);
    let (mut from_client, mut to_client) = tokio::io::split(plain);
    let inflate = async {
        let mut state = InflateState::new_boxed(DataFormat::Raw);
        let (mut input, mut output) = (vec![0; ROOM], vec![0; ROOM]);
        loop {
            let count = heard.read(&mut input).await?;
            if count == 0 {
                return to_client.shutdown().await.context("the client is gone");
            }
            let mut rest = input.get(..count).unwrap_or_default();
            loop {
                let step = miniz_oxide::inflate::stream::inflate(&mut state, rest, &mut output, MZFlush::None);
                match step.status {
                    Ok(_) | Err(MZError::Buf) => {}
                    Err(error) => bail!("the server's stream is broken: {error:?}"),
                }
                to_client.write_all(output.get(..step.bytes_written).unwrap_or_default()).await?;
                rest = rest.get(step.bytes_consumed..).unwrap_or_default();
                if rest.is_empty() && step.bytes_written < output.len() {
                    break;
                }
            }
        }
    };
    let deflate = async {
        let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(6, 0, 0));
        let (mut input, mut output) = (vec![0; ROOM], vec![0; 2 * ROOM]);
        loop {
            let count = from_client.read(&mut input).await?;
            if count == 0 {
                return said.shutdown().await.context("the server is gone");
            }
            let text = input.get(..count).unwrap_or_default();
            let step = miniz_oxide::deflate::stream::deflate(&mut compressor, text, &mut output, MZFlush::Sync);
            said.write_all(output.get(..step.bytes_written).unwrap_or_default()).await?;
        }
    };
    let (inflated, deflated) = tokio::join!(inflate, deflate);
    inflated.and(deflated)
}
