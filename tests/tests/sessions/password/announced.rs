//! What a server says it takes.

use crate::client::Client;
use crate::server::Service;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    /// SASL mechanisms in order.
    pub(super) mechanisms: Vec<String>,
    /// LOGIN, or USER and PASS.
    pub(super) password_command: bool,
    pub(super) starttls: bool,
}

impl Announced {
    pub(super) async fn by(client: &mut Client, service: Service) -> Self {
        match service {
            Service::Imap => {
                client.send("c CAPABILITY\r\n").await;
                let lines = client.answer().await;
                let words: Vec<_> = lines[0].split(' ').collect();
                assert_eq!(words[..2], ["*", "CAPABILITY"]);
                Self {
                    mechanisms: words.iter().filter_map(|w| w.strip_prefix("AUTH=")).map(str::to_owned).collect(),
                    password_command: !words.contains(&"LOGINDISABLED"),
                    starttls: words.contains(&"STARTTLS"),
                }
            }
            Service::Pop3 => {
                assert!(client.ask("CAPA\r\n").await.starts_with("+OK"));
                let mut announced = Self::default();
                while let Some(line) = client.line().await.filter(|line| line != ".") {
                    let mut words = line.split(' ');
                    match words.next().unwrap_or_default() {
                        "SASL" => announced.mechanisms = words.map(str::to_owned).collect(),
                        "USER" => announced.password_command = true,
                        "STLS" => announced.starttls = true,
                        _ => {}
                    }
                }
                announced
            }
            Service::Submission | Service::Mx | Service::Lmtp => {
                client.send(super::hello_of(service).unwrap()).await;
                let mut announced = Self::default();
                for line in client.answer().await {
                    let mut words = line[4..].split(' ');
                    match words.next().unwrap_or_default() {
                        "AUTH" => announced.mechanisms = words.map(str::to_owned).collect(),
                        "STARTTLS" => announced.starttls = true,
                        _ => {}
                    }
                }
                announced
            }
        }
    }
}
