use super::super::Exchange;
use super::*;
use crate::limits::MESSAGE_MAX;
use crate::registry;
use aws_lc_rs::pbkdf2;
use std::num::NonZeroU32;
use types::{CredentialId, Secret};

const MAIN: CredentialRef = CredentialRef { id: CredentialId::MAIN, version: 1 };

/// The client's side, as RFC 5802 §3 has it.
struct Client {
    client_key: Vec<u8>,
    keys: ScramKeys,
}

impl Client {
    fn new(password: &str, salt: &[u8], iterations: u32) -> Self {
        let iterations = NonZeroU32::new(iterations).unwrap();
        let mut salted = [0; HASH_OCTETS];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, password.as_bytes(), &mut salted);
        let client_key = sign(&salted, "Client Key").as_ref().to_vec();
        let stored = digest::digest(&digest::SHA256, &client_key).as_ref().to_vec();
        let server = sign(&salted, "Server Key").as_ref().to_vec();
        let (stored_key, server_key) = (Secret::new(stored), Secret::new(server));
        let candidates = [ScramCandidate { credential: MAIN, stored_key, server_key }].into();
        Self { client_key, keys: ScramKeys { salt: salt.into(), iterations, candidates } }
    }

    fn last(&self, header: &str, first_bare: &str, server_first: &str) -> Vec<u8> {
        let nonce = server_first.split(',').next().unwrap();
        let without_proof = format!("c={},{nonce}", BASE64.encode(header));
        let signature =
            sign(self.keys.candidates[0].stored_key.expose(), &format!("{first_bare},{server_first},{without_proof}"));
        let proof: Vec<u8> = self.client_key.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes()
    }
}

fn exchange() -> Exchange {
    Exchange::new(registry::find("scram-sha-256").unwrap(), [7; NONCE_OCTETS])
}

fn challenge(step: Step) -> String {
    match step {
        Step::Challenge(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Runs an exchange up to client-final-message, whose answer it returns.
fn run(client: &Client, stored: &ScramKeys, header: &str, bare: &str) -> (Exchange, Step) {
    let mut scram = exchange();
    assert_eq!(scram.start(None), Step::Challenge(vec![]));
    let asked = scram.step(format!("{header}{bare}").as_bytes());
    assert!(matches!(asked, Step::NeedScramKeys { hash: ScramHash::Sha256, .. }), "{asked:?}");
    let server_first = challenge(scram.keys(stored));
    let step = scram.step(&client.last(header, bare, &server_first));
    (scram, step)
}

#[test]
fn the_example_of_the_rfc_is_answered_byte_for_byte() {
    // RFC 7677 §3. Its server nonce is 24 characters that 18 bytes encode to only after a substitution, so the state is
    // put together by hand here.
    let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = Client::new("pencil", &salt, 4096).keys;
    let first = parse_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
    let server_first = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    let pending = Pending { first, server_first, nonce, keys };
    let last =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert_eq!(pending.check(last), Ok((b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec(), MAIN)));
}

#[test]
fn a_right_proof_signs_in_once_the_client_has_seen_ours() {
    let client = Client::new("pencil", b"sixteen bytes...", 64);
    for header in ["n,,", "y,,", "n,a=Ann,"] {
        let (mut scram, step) = run(&client, &client.keys, header, "n=ann,r=abc");
        assert!(challenge(step).starts_with("v="));
        assert_eq!(scram.step(b""), Step::Done { name: "ann".into(), credential: MAIN });
        assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
    }
}

#[test]
fn a_wrong_password_does_not_sign_in() {
    let (client, stored) = (Client::new("wrong", b"salt", 64), Client::new("pencil", b"salt", 64));
    let (mut scram, step) = run(&client, &stored.keys, "n,,", "n=ann,r=abc");
    assert_eq!(step, Step::Failed(Failure::Denied));
    assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
}

#[test]
fn names_are_unescaped_and_extensions_skipped() {
    let first = parse_first("n,,n=a=2Cb=3D@x,r=abc,x=1").unwrap();
    assert_eq!((first.name.as_str(), first.client_nonce.as_str()), ("a,b=@x", "abc"));
}

#[test]
fn what_is_no_first_message_is_refused() {
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
        "n,,n=ann,r=a b",
        "n,,n=ann,r=abc,",
        "n,x,n=ann,r=abc",
        "n,a=,n=ann,r=abc",
        "p=tls-exporter,,n=ann,r=abc",
        "q,,n=ann,r=abc",
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
    let client = Client::new("pencil", b"salt", 64);
    let good = |scram: &mut Exchange| {
        scram.start(Some(b"n,,n=ann,r=abc"));
        let server_first = challenge(scram.keys(&client.keys));
        String::from_utf8(client.last("n,,", "n=ann,r=abc", &server_first)).unwrap()
    };
    let cases: [(&str, &str, Failure); 5] = [
        ("c=biws", "c=eSws", Failure::Denied),
        ("r=abc", "r=abd", Failure::Denied),
        (",p=", ",q=", Failure::Syntax),
        (",p=", ",p=AAAA", Failure::Syntax),
        (",p=", ",x,p=", Failure::Syntax),
    ];
    for (from, to, failure) in cases {
        let mut scram = exchange();
        let message = good(&mut scram).replacen(from, to, 1);
        assert_eq!(scram.step(message.as_bytes()), Step::Failed(failure), "{message}");
    }
    let mut scram = exchange();
    let message = good(&mut scram);
    assert!(matches!(scram.step(message.as_bytes()), Step::Challenge(_)));
    assert_eq!(scram.step(b"more"), Step::Failed(Failure::Syntax), "only an empty answer ends it");
}

#[test]
fn no_step_can_be_skipped() {
    let client = Client::new("pencil", b"salt", 64);
    assert_eq!(exchange().keys(&client.keys), Step::Failed(Failure::Denied));
    assert_eq!(exchange().outcome(Some(MAIN)), Step::Failed(Failure::Denied));
    let mut scram = exchange();
    scram.start(Some(b"n,,n=ann,r=abc"));
    assert_eq!(scram.outcome(Some(MAIN)), Step::Failed(Failure::Denied));
    let mut scram = exchange();
    scram.start(Some(b"n,,n=ann,r=abc"));
    assert_eq!(scram.step(b""), Step::Failed(Failure::Syntax));
}
