//! Measures what an idle TLS connection costs the server in memory: `cargo run -p net --example idle [connections]`.
//! A child process holds the other ends.

use net::{
    Admission, Certificates, Connection, ConnectionLimits, Endpoint, Listener, Server, Service, SystemClock, TlsClient,
    TlsOptions, TlsServer, connect, read_with, self_made,
};
use rustls_pki_types::ServerName;
use std::error::Error;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::Clock;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a page of memory, as Linux counts them here.
const PAGE: usize = 4096;
/// How many connections shake hands at once.
const AT_ONCE: usize = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(2000), |count| count.parse())?;
    match arguments.next() {
        Some(address) => hold(address.parse()?, count).await,
        None => serve(count).await,
    }
}

async fn serve(count: usize) -> Result<()> {
    let made = self_made(&["localhost"], SystemClock.now())?;
    let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose())?;
    let tls = TlsServer::for_servers(certificates, TlsOptions::default());
    let limits = ConnectionLimits { per_address: count + AT_ONCE, ..ConnectionLimits::default() };
    let server = Server::new(Admission::new(limits));
    let listener = Listener::bind(&Endpoint::Tcp("127.0.0.1:0".parse()?))?;
    let address = listener.local_addr().ok_or("no address")?;
    let service = Service { name: "idle", implicit_tls: Some(tls), refusal: b"" };
    server.serve(listener, service, |mut connection: Connection| async move {
        while read_with(&mut connection.stream, 4096, |_| {}).await.is_ok_and(|n| n > 0) {
            if connection.stream.write_all(b"* OK\r\n").await.is_err() || connection.stream.flush().await.is_err() {
                return;
            }
        }
    });
    let run = |count: usize| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([count.to_string(), address.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    };
    // Some connections first, so that what is set up once is not counted.
    let mut warm = run(AT_ONCE)?;
    wait_for_a_byte(&mut warm)?;
    let before = resident()?;
    let mut child = run(count)?;
    wait_for_a_byte(&mut child)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let per_connection = resident()?.saturating_sub(before) / count.max(1);
    eprintln!("{count} idle TLS connections: {per_connection} bytes of resident memory each");
    for child in [&mut warm, &mut child] {
        drop(child.stdin.take());
        child.wait()?;
    }
    Ok(())
}

fn wait_for_a_byte(child: &mut std::process::Child) -> Result<()> {
    let mut byte = [0];
    Ok(child.stdout.as_mut().ok_or("no pipe")?.read_exact(&mut byte)?)
}

async fn hold(address: SocketAddr, count: usize) -> Result<()> {
    let client = TlsClient::opportunistic()?;
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let mut dialling = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE.min(count - held.len()) {
            let client = client.clone();
            dialling.spawn(async move {
                let (stream, _) = connect(address, None, Duration::from_mins(1)).await.ok()?;
                let mut stream = stream.connect_tls(&client, ServerName::try_from("localhost").ok()?).await.ok()?;
                stream.write_all(b"a NOOP\r\n").await.ok()?;
                stream.flush().await.ok()?;
                stream.read_u8().await.ok()?;
                Some(stream)
            });
        }
        while let Some(stream) = dialling.join_next().await {
            held.push(stream?.ok_or("a connection failed")?);
        }
    }
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    // Until the parent closes the pipe. Nothing else has to run here meanwhile.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(pages * PAGE)
}
