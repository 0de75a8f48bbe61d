use super::super::Exchange;
use super::super::testing::{exchange, unbound};
use super::*;
use crate::limits::MESSAGE_MAX;
use aws_lc_rs::pbkdf2;
use std::num::NonZeroU32;
use std::sync::Arc;
use types::{ScramCandidate, Secret};

/// The client's side, as RFC 5802 §3 has it.
struct Client {
    hash: Hash,
    key: Vec<u8>,
    candidate: ScramCandidate,
}

const SALT: &[u8] = b"sixteen bytes...";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(64).unwrap();

impl Client {
    fn new(hash: ScramHash, password: &str, id: u32) -> Self {
        Self::with(hash, password, id, SALT, ITERATIONS)
    }

    fn with(hash: ScramHash, password: &str, id: u32, salt: &[u8], iterations: NonZeroU32) -> Self {
        let algorithm = match hash {
            ScramHash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            ScramHash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            ScramHash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let hash = Hash::of(hash);
        let mut salted = vec![0; hash.octets()];
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut salted);
        let client_key = hash.sign(&salted, "Client Key").as_ref().to_vec();
        let stored = digest::digest(hash.digest, &client_key).as_ref().to_vec();
        let server = hash.sign(&salted, "Server Key").as_ref().to_vec();
        let credential = CredentialRef { id: CredentialId(id), version: u64::from(id) + 100 };
        let candidate = ScramCandidate { credential, stored_key: Secret::new(stored), server_key: Secret::new(server) };
        Self { hash, key: client_key, candidate }
    }

    fn last(&self, binding_input: &[u8], first_bare: &str, server_first: &str) -> Vec<u8> {
        let nonce = server_first.split(',').next().unwrap();
        let without_proof = format!("c={},{nonce}", BASE64.encode(binding_input));
        let stored = self.candidate.stored_key.expose();
        let signature = self.hash.sign(stored, &format!("{first_bare},{server_first},{without_proof}"));
        let proof: Vec<u8> = self.key.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes()
    }
}

/// What the directory has of these passwords.
fn keys(clients: &[&Client]) -> ScramKeys {
    let candidates: Arc<[_]> = clients.iter().map(|client| client.candidate.clone()).collect();
    ScramKeys { salt: SALT.into(), iterations: ITERATIONS, candidates }
}

fn challenge(step: Step) -> String {
    match step {
        Step::Challenge(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

const BARE: &str = "n=ann,r=abc";

/// Runs an exchange up to client-final-message, whose answer it returns.
fn run(scram: &mut Exchange, client: &Client, stored: &ScramKeys, header: &str, data: &[u8]) -> Step {
    assert_eq!(scram.start(None), Step::Challenge(vec![]));
    let asked = scram.step(format!("{header}{BARE}").as_bytes());
    assert_eq!(asked, Step::NeedScramKeys { name: "ann".into(), hash: client.hash.name });
    let server_first = challenge(scram.keys(stored));
    scram.step(&client.last(&[header.as_bytes(), data].concat(), BARE, &server_first))
}

fn bindings() -> ChannelBindings {
    ChannelBindings { exporter: Some([9; 32]), server_end_point: Some(vec![5; 48]) }
}

const HASHES: [(ScramHash, &str, &str); 3] = [
    (ScramHash::Sha1, "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"),
    (ScramHash::Sha256, "scram-sha-256", "scram-sha-256-plus"),
    (ScramHash::Sha512, "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"),
];

/// A nonce that another server made cannot be put into an [`Exchange`], so the state is put together by hand.
fn answer_to(hash: ScramHash, salt: &str, first: &str, binding: &Binding, server_nonce: &str, last: &str) -> String {
    let salt_octets = BASE64.decode(salt).unwrap();
    let iterations = NonZeroU32::new(4096).unwrap();
    let candidate = Client::with(hash, "pencil", 3, &salt_octets, iterations).candidate;
    let first = parse_first(first, binding).unwrap();
    let nonce = format!("{}{server_nonce}", first.client_nonce);
    let server_first = format!("r={nonce},s={salt},i=4096");
    let keys = ScramKeys { salt: salt_octets.into(), iterations, candidates: Arc::new([candidate]) };
    let pending = Pending { hash: Hash::of(hash), first, server_first, nonce, keys };
    let (credential, server_final) = pending.check(last).unwrap();
    assert_eq!(credential, CredentialRef { id: CredentialId(3), version: 103 });
    String::from_utf8(server_final).unwrap()
}

#[test]
fn the_example_of_rfc_5802_is_answered_byte_for_byte() {
    // RFC 5802 §5
    let last = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
    let first = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
    let answer =
        answer_to(ScramHash::Sha1, "QSXCR+Q6sek8bf92", first, &Binding::Impossible, "3rfcNHYJY1ZVvWVs7j", last);
    assert_eq!(answer, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT_OF_7677: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

#[test]
fn the_example_of_rfc_7677_is_answered_byte_for_byte() {
    // RFC 7677 §3
    let last =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let answer = answer_to(ScramHash::Sha256, SALT_OF_7677, FIRST, &Binding::Impossible, SERVER_NONCE, last);
    assert_eq!(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn examples_made_with_another_implementation_are_answered_byte_for_byte() {
    // The words of RFC 7677 §3 with SHA-512, and with the exporter 00 01 … 1F; by Python's hashlib and hmac.
    let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==";
    let answer = answer_to(ScramHash::Sha512, SALT_OF_7677, FIRST, &Binding::Impossible, SERVER_NONCE, last);
    assert_eq!(answer, "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==");
    let exporter: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let binding = Binding::Required(ChannelBindings { exporter: Some(exporter), server_end_point: None });
    let first = "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    let last = "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=QC6CS20quADQRb3mT99YUH+n3VJxUvzuK0K0E1Vrs2M=";
    let answer = answer_to(ScramHash::Sha256, SALT_OF_7677, first, &binding, SERVER_NONCE, last);
    assert_eq!(answer, "v=2GiAgapEppLVlUXbxUDksL3VgYHzuqiK5tR4mhJGgvs=");
}

#[test]
fn a_right_proof_signs_in_once_the_client_has_seen_ours() {
    for (hash, name, _) in HASHES {
        let client = Client::new(hash, "pencil", 0);
        for header in ["n,,", "y,,", "n,a=Ann,"] {
            let mut scram = unbound(name);
            let step = run(&mut scram, &client, &keys(&[&client]), header, b"");
            assert!(challenge(step).starts_with("v="));
            let credential = client.candidate.credential;
            assert_eq!(scram.step(b""), Step::Done { name: "ann".into(), credential });
            assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
        }
    }
}

#[test]
fn the_proof_tells_which_of_the_passwords_it_is() {
    let passwords = ["one", "two", "three", "four"];
    let clients = [0, 1, 2, 3].map(|id| Client::new(ScramHash::Sha256, passwords[id], u32::try_from(id).unwrap() * 7));
    let stored = keys(&clients.each_ref()[..3]);
    for (place, client) in clients.iter().enumerate() {
        let mut scram = unbound("SCRAM-SHA-256");
        let step = run(&mut scram, client, &stored, "n,,", b"");
        if place == 3 {
            assert_eq!(step, Step::Failed(Failure::Denied));
            continue;
        }
        let nonce = format!("abc{}", BASE64.encode([7; NONCE_OCTETS]));
        let first = format!("r={nonce},s={},i=64", BASE64.encode(SALT));
        let transcript = format!("{BARE},{first},c=biws,r={nonce}");
        let own = client.hash.sign(client.candidate.server_key.expose(), &transcript);
        assert_eq!(challenge(step), format!("v={}", BASE64.encode(own)), "its own server key");
        let credential = client.candidate.credential;
        assert_eq!(scram.step(b""), Step::Done { name: "ann".into(), credential });
    }
}

#[test]
fn a_wrong_password_does_not_sign_in() {
    for (hash, name, _) in HASHES {
        let (client, stored) = (Client::new(hash, "wrong", 0), Client::new(hash, "pencil", 0));
        let mut scram = unbound(name);
        assert_eq!(run(&mut scram, &client, &keys(&[&stored]), "n,,", b""), Step::Failed(Failure::Denied));
        assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
    }
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    let step = run(&mut unbound("SCRAM-SHA-256"), &client, &keys(&[]), "n,,", b"");
    assert_eq!(step, Step::Failed(Failure::Denied), "there is no password");
}

#[test]
fn each_kind_of_binding_signs_in_with_its_own_value() {
    let values: [(&str, &[u8]); 2] = [("tls-exporter", &[9; 32]), ("tls-server-end-point", &[5; 48])];
    for (hash, _, name) in HASHES {
        let client = Client::new(hash, "pencil", 2);
        for (kind, value) in values {
            for header in [format!("p={kind},,"), format!("p={kind},a=ann,")] {
                let mut scram = exchange(name, &bindings());
                assert!(challenge(run(&mut scram, &client, &keys(&[&client]), &header, value)).starts_with("v="));
                let credential = client.candidate.credential;
                assert_eq!(scram.step(b""), Step::Done { name: "ann".into(), credential });
            }
        }
    }
}

#[test]
fn an_exchange_that_is_bound_to_another_connection_fails() {
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    let (exporter, end_point) = ([9; 32], [5; 48]);
    let cases: [(&str, &[u8]); 5] = [
        ("p=tls-exporter,,", &[8; 32]),
        ("p=tls-exporter,,", &exporter[1..]),
        ("p=tls-exporter,,", b""),
        ("p=tls-exporter,,", &end_point),
        ("p=tls-server-end-point,,", &exporter),
    ];
    for (header, value) in cases {
        let mut scram = exchange("SCRAM-SHA-256-PLUS", &bindings());
        let step = run(&mut scram, &client, &keys(&[&client]), header, value);
        assert_eq!(step, Step::Failed(Failure::Binding), "{header}");
        assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
    }
}

#[test]
fn a_binding_of_another_kind_or_none_is_refused_at_once() {
    let only_end_point = ChannelBindings { exporter: None, server_end_point: Some(vec![5; 48]) };
    for (bindings, flag) in [
        (bindings(), "p=tls-unique"),
        (bindings(), "p=tls-Exporter"),
        (bindings(), "p="),
        (bindings(), "n"),
        (bindings(), "y"),
        (only_end_point, "p=tls-exporter"),
    ] {
        let message = format!("{flag},,{BARE}");
        let step = exchange("SCRAM-SHA-256-PLUS", &bindings).start(Some(message.as_bytes()));
        assert_eq!(step, Step::Failed(Failure::Binding), "{flag}");
    }
}

#[test]
fn a_client_that_was_told_we_cannot_bind_is_not_let_in() {
    // RFC 5802 §6: "y" where -PLUS was offered means that somebody took it out of the list.
    let first = |flag: &str, bindings: &ChannelBindings| {
        exchange("SCRAM-SHA-256", bindings).start(Some(format!("{flag},,{BARE}").as_bytes()))
    };
    let (with, without) = (bindings(), ChannelBindings::default());
    assert_eq!(first("y", &with), Step::Failed(Failure::Binding));
    assert!(matches!(first("y", &without), Step::NeedScramKeys { .. }));
    assert!(matches!(first("n", &with), Step::NeedScramKeys { .. }));
    for bindings in [with, without] {
        assert_eq!(first("p=tls-exporter", &bindings), Step::Failed(Failure::Binding), "not in this mechanism");
    }
    // One who takes -PLUS away and turns "y" into "n" changes what the client signed.
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    let mut scram = exchange("SCRAM-SHA-256", &bindings());
    scram.start(Some(format!("n,,{BARE}").as_bytes()));
    let server_first = challenge(scram.keys(&keys(&[&client])));
    assert_eq!(scram.step(&client.last(b"y,,", BARE, &server_first)), Step::Failed(Failure::Binding));
}

#[test]
fn what_was_heard_once_cannot_be_said_again() {
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    let stored = keys(&[&client]);
    let heard = {
        let mut scram = unbound("SCRAM-SHA-256");
        scram.start(Some(format!("n,,{BARE}").as_bytes()));
        let server_first = challenge(scram.keys(&stored));
        let last = client.last(b"n,,", BARE, &server_first);
        assert!(matches!(scram.step(&last), Step::Challenge(_)));
        last
    };
    let begin = super::super::Begin {
        nonce: [8; NONCE_OCTETS],
        hostname: "",
        bindings: &ChannelBindings::default(),
        plus_offered: false,
    };
    let mut scram = Exchange::new(crate::registry::find("SCRAM-SHA-256").unwrap(), begin);
    scram.start(Some(format!("n,,{BARE}").as_bytes()));
    scram.keys(&stored);
    assert_eq!(scram.step(&heard), Step::Failed(Failure::Denied));
}

#[test]
fn names_are_unescaped_and_extensions_skipped() {
    let first = parse_first("n,,n=a=2Cb=3D@x,r=abc,x=1", &Binding::Impossible).unwrap();
    assert_eq!((first.name.as_str(), first.client_nonce.as_str()), ("a,b=@x", "abc"));
}

#[test]
fn what_is_no_first_message_is_refused() {
    let exchange = || unbound("SCRAM-SHA-256");
    for bad in [
        "",
        "n",
        "n,,",
        "n,,n=ann",
        "n,,r=abc,n=ann",
        "n,,n=,r=abc",
        "n,,n=ann,r=",
        "n,,n=a=2c,r=abc",
        "n,,n=a=,r=abc",
        "n,,n=a=é,r=abc",
        "n,,m=1,n=ann,r=abc",
        "n,,n=ann,r=abc,m=1",
        "n,,n=ann,r=a b",
        "n,,n=ann,r=abc,",
        "n,,n=ann,r=abc,x",
        "n,,n=ann,r=abc,x=",
        "n,,n=ann,r=abc,1=x",
        "n,x,n=ann,r=abc",
        "n,a=,n=ann,r=abc",
        "q,,n=ann,r=abc",
        ",,n=ann,r=abc",
        "nn,,n=ann,r=abc",
    ] {
        assert_eq!(exchange().start(Some(bad.as_bytes())), Step::Failed(Failure::Syntax), "{bad:?}");
    }
    assert_eq!(exchange().start(Some(&[0xff])), Step::Failed(Failure::Syntax));
    assert_eq!(exchange().start(Some(&[b'n'; MESSAGE_MAX + 1])), Step::Failed(Failure::Syntax));
    assert_eq!(exchange().start(Some(b"n,a=bob,n=ann,r=abc")), Step::Failed(Failure::Denied));
    let nonce = |len: usize| exchange().start(Some(format!("n,,n=ann,r={}", "r".repeat(len)).as_bytes()));
    assert!(matches!(nonce(CLIENT_NONCE_MAX), Step::NeedScramKeys { .. }));
    assert_eq!(nonce(CLIENT_NONCE_MAX + 1), Step::Failed(Failure::Syntax));
}

#[test]
fn a_changed_binding_nonce_or_proof_is_refused() {
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    let stored = keys(&[&client]);
    let good = |scram: &mut Exchange| {
        scram.start(Some(b"n,,n=ann,r=abc"));
        let server_first = challenge(scram.keys(&stored));
        String::from_utf8(client.last(b"n,,", BARE, &server_first)).unwrap()
    };
    let cases: [(&str, &str, Failure); 8] = [
        ("c=biws", "c=eSws", Failure::Binding),
        ("c=biws", "c=", Failure::Binding),
        ("c=biws", "c=biw", Failure::Syntax),
        ("r=abc", "r=abd", Failure::Denied),
        (",p=", ",q=", Failure::Syntax),
        (",p=", ",p=AAAA", Failure::Syntax),
        (",p=", ",x,p=", Failure::Syntax),
        (",p=", ",m=1,p=", Failure::Syntax),
    ];
    for (from, to, failure) in cases {
        let mut scram = unbound("SCRAM-SHA-256");
        let message = good(&mut scram).replacen(from, to, 1);
        assert_eq!(scram.step(message.as_bytes()), Step::Failed(failure), "{message}");
    }
    // An extension is signed with the rest, so one that was slipped in is a wrong proof.
    let mut scram = unbound("SCRAM-SHA-256");
    let message = good(&mut scram).replacen(",p=", ",x=1,p=", 1);
    assert_eq!(scram.step(message.as_bytes()), Step::Failed(Failure::Denied));
    let mut scram = unbound("SCRAM-SHA-256");
    let message = good(&mut scram);
    assert!(matches!(scram.step(message.as_bytes()), Step::Challenge(_)));
    assert_eq!(scram.step(b"more"), Step::Failed(Failure::Syntax), "only an empty answer ends it");
}

#[test]
fn no_step_can_be_skipped() {
    let client = Client::new(ScramHash::Sha256, "pencil", 0);
    assert_eq!(unbound("SCRAM-SHA-256").keys(&keys(&[&client])), Step::Failed(Failure::Denied));
    for early in [&b""[..], b"c=biws,r=abc,p=AAAA"] {
        let mut scram = unbound("SCRAM-SHA-256");
        scram.start(Some(b"n,,n=ann,r=abc"));
        assert_eq!(scram.step(early), Step::Failed(Failure::Syntax));
        assert_eq!(scram.keys(&keys(&[&client])), Step::Failed(Failure::Denied));
    }
}
