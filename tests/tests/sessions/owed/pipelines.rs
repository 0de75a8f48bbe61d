//! Whole conversations in one packet.

use crate::client::Client;
use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use store_kv::Memory;

const PIPE: usize = 64 << 10;

async fn all_at_once(server: &Server, service: Service, conversation: &str) -> Vec<String> {
    let (mut client, task) = server.connect(service, Listener::Implicit, PIPE);
    client.send(conversation).await;
    let heard = client.rest().await;
    drop(client);
    task.await.unwrap();
    assert_eq!(server.open(), 0);
    heard
}

/// What a line says without its text: tag and state, or code.
fn ends(lines: &[String]) -> Vec<&str> {
    let tagged = |line: &&String| !line.starts_with("* ");
    lines.iter().filter(tagged).map(|line| line.find(' ').map_or(line.as_str(), |at| &line[..at + 3])).collect()
}

#[tokio::test]
async fn imap_answers_every_pipelined_command_in_order() {
    let server = Server::start(Memory::new()).await;
    let text = "Subject: x\r\n\r\nbody\r\n";
    let append = format!("INBOX {{{}+}}\r\n{text}\r\n", text.len());
    let conversation = format!(
        "a LOGIN {ANNA} {PASSWORD}\r\nb SELECT INBOX\r\nc APPEND {append}d FETCH 1 BODY.PEEK[TEXT]\r\ne IDLE\r\nDONE\r\n\
         f APPEND Nowhere {{3+}}\r\nabc\r\ng FROB\r\nh APPEND {append}i STORE 1:2 FLAGS.SILENT (\\Deleted)\r\n\
         j EXPUNGE\r\nk AUTHENTICATE PLAIN\r\nl LOGOUT\r\nm NOOP\r\n"
    );
    let heard = all_at_once(&server, Service::Imap, &conversation).await;
    let wanted = [
        "a OK", "b OK", "c OK", "body", ")", "d OK", "+ id", "e OK", "f NO", "g BA", "h OK", "i OK", "j OK", "k BA",
        "l OK",
    ];
    assert_eq!(ends(&heard), wanted, "{heard:#?}");
}

#[tokio::test]
async fn pop3_answers_every_pipelined_command_in_order() {
    let server = Server::start(Memory::new()).await;
    let mail = "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\nA: b\r\n\r\n..x\r\n.\r\nQUIT\r\n";
    let heard = all_at_once(&server, Service::Lmtp, mail).await;
    assert!(heard.last().unwrap().starts_with("221 "), "{heard:#?}");
    let conversation =
        format!("USER {ANNA}\r\nPASS {PASSWORD}\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nRETR 1\r\nUIDL\r\nQUIT\r\nSTAT\r\n");
    let heard = all_at_once(&server, Service::Pop3, &conversation).await;
    let wanted =
        ["+OK Po", "+OK Pa", "+OK Th", "+OK 1 ", "+OK Th", "..x", ".", "+OK Ma", "-ERR T", "+OK Un", ".", "+OK De"];
    let heads = heard.iter().filter(|line| line.starts_with(['+', '-', '.'])).map(|line| &line[..line.len().min(6)]);
    assert_eq!(heads.collect::<Vec<_>>(), wanted, "{heard:#?}");
}

async fn submission(server: &Server) -> Client {
    let (mut client, _) = server.connect(Service::Submission, Listener::Implicit, PIPE);
    client.greeting().await;
    client.ask("EHLO client.example\r\n").await;
    client
}

#[tokio::test]
async fn a_refused_message_leaves_the_next_transaction_alone() {
    let server = Server::start(Memory::new()).await;
    let envelope = "MAIL FROM:<a@elsewhere.example>\r\nRCPT TO:<anna@example.test>\r\nRCPT TO:<ben@example.test>\r\n";
    let bad = format!("{envelope}DATA\r\nA: b\r\n\r\nbare\nline\r\n.\r\n");
    let bad_chunk = format!("{envelope}BDAT 9 LAST\r\nbare\nline");
    let reset = format!("{envelope}BDAT 4\r\nhalfRSET\r\n");
    let good = format!("{envelope}DATA\r\nA: b\r\n\r\ngood\r\n.\r\n");
    let conversation = format!("LHLO c\r\n{bad}{good}{bad_chunk}{good}{reset}{good}QUIT\r\n");
    let heard = all_at_once(&server, Service::Lmtp, &conversation).await;
    let codes: Vec<_> =
        heard.iter().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]).collect();
    let (begun, envelope) = (["220", "250"], ["250", "250", "250"]);
    let mut wanted = begun.to_vec();
    for (way, answers) in [("354", "550"), ("354", "250"), ("", "550"), ("354", "250")] {
        wanted.extend(envelope);
        wanted.extend([way].iter().filter(|way| !way.is_empty()));
        wanted.extend([answers; 2]);
    }
    wanted.extend(envelope);
    wanted.extend(["250", "250"]);
    wanted.extend(envelope);
    wanted.extend(["354", "250", "250", "221"]);
    assert_eq!(codes, wanted, "{heard:#?}");
    let (mut client, _) = server.connect(Service::Pop3, Listener::Implicit, PIPE);
    client.greeting().await;
    client.ask(&format!("USER {ANNA}\r\n")).await;
    client.ask(&format!("PASS {PASSWORD}\r\n")).await;
    assert!(client.ask("STAT\r\n").await.starts_with("+OK 3 "), "only what was accepted is there");
}

#[tokio::test]
async fn a_sign_in_lasts_over_ehlo_and_happens_once() {
    let server = Server::start(Memory::new()).await;
    let mut client = submission(&server).await;
    let auth = "AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AG1vb3MtbGFtcGUtZmpvcmQtMTc=\r\n";
    assert!(client.ask("MAIL FROM:<anna@example.test>\r\n").await.starts_with("530 5.7.0 "));
    assert!(client.ask(auth).await.starts_with("235 2.7.0 "));
    assert!(client.ask(auth).await.starts_with("503 5.5.1 "));
    assert!(client.ask("EHLO client.example\r\n").await.starts_with("250 "));
    assert!(client.ask("MAIL FROM:<ben@example.test>\r\n").await.starts_with("553 5.7.1 "), "not his address");
    assert!(client.ask("MAIL FROM:<anna@example.test>\r\n").await.starts_with("250 "));
    assert!(client.ask("RCPT TO:<x@elsewhere.example>\r\n").await.starts_with("250 "));
    assert!(client.ask("EHLO client.example\r\n").await.starts_with("250 "));
    assert!(client.ask("RCPT TO:<x@elsewhere.example>\r\n").await.starts_with("503 5.5.1 "), "EHLO resets");
    assert!(client.ask("MAIL FROM:<>\r\n").await.starts_with("250 "));
    assert!(client.ask("RSET\r\n").await.starts_with("250 "));
    assert!(client.ask("MAIL FROM:<anna@example.test>\r\n").await.starts_with("250 "), "still signed in");
}
