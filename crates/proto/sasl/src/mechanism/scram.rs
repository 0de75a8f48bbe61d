//! SCRAM (RFC 5802) with SHA-256 (RFC 7677). Without channel binding: there is no -PLUS yet.
//!
//! The directory hands out made-up keys for names that do not exist, so that this exchange looks and lasts the same for
//! them; it then fails at the proof, like one with a wrong password.

use super::{Failure, NONCE_OCTETS, Nonce, Server, Step, may_act_as, parse_name};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use subtle::ConstantTimeEq;
use types::{CredentialRef, ScramCandidate, ScramHash, ScramKeys};

/// Longest nonce of a client in bytes.
const CLIENT_NONCE_MAX: usize = 256;
/// Bytes of a SHA-256 hash.
const HASH_OCTETS: usize = digest::SHA256_OUTPUT_LEN;

pub(crate) fn sha_256(nonce: Nonce) -> Box<dyn Server> {
    Box::new(Scram { nonce, state: State::First })
}

struct Scram {
    nonce: Nonce,
    state: State,
}

enum State {
    /// client-first-message is awaited.
    First,
    /// The directory is asked for the keys.
    Keys(First),
    /// client-final-message is awaited.
    Final(Box<Pending>),
    /// server-final-message is out, the client's empty answer is awaited (RFC 4422 §5 item 3).
    Proved(String, CredentialRef),
    Over,
}

/// A client-first-message, taken apart.
struct First {
    gs2_header: String,
    bare: String,
    name: String,
    client_nonce: String,
}

/// What is needed to check the proof.
struct Pending {
    first: First,
    server_first: String,
    nonce: String,
    keys: ScramKeys,
}

impl Server for Scram {
    fn receive(&mut self, message: &[u8]) -> Step {
        let state = std::mem::replace(&mut self.state, State::Over);
        let Ok(message) = std::str::from_utf8(message) else { return Step::Failed(Failure::Syntax) };
        match state {
            State::First => match parse_first(message) {
                Ok(first) => {
                    let name = first.name.clone();
                    self.state = State::Keys(first);
                    Step::NeedScramKeys { name, hash: ScramHash::Sha256 }
                }
                Err(failure) => Step::Failed(failure),
            },
            State::Final(pending) => match pending.check(message) {
                Ok((server_final, credential)) => {
                    self.state = State::Proved(pending.first.name, credential);
                    Step::Challenge(server_final)
                }
                Err(failure) => Step::Failed(failure),
            },
            State::Proved(name, credential) if message.is_empty() => Step::Done { name, credential },
            State::Proved(..) | State::Keys(_) | State::Over => Step::Failed(Failure::Syntax),
        }
    }

    fn keys(&mut self, keys: &ScramKeys) -> Step {
        let State::Keys(first) = std::mem::replace(&mut self.state, State::Over) else {
            return Step::Failed(Failure::Denied);
        };
        let nonce = format!("{}{}", first.client_nonce, encode_nonce(&self.nonce));
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&keys.salt), keys.iterations);
        let challenge = server_first.clone().into_bytes();
        self.state = State::Final(Box::new(Pending { first, server_first, nonce, keys: keys.clone() }));
        Step::Challenge(challenge)
    }
}

fn encode_nonce(nonce: &[u8; NONCE_OCTETS]) -> String {
    BASE64.encode(nonce)
}

/// ```text
/// client-first-message      = gs2-header client-first-message-bare
/// gs2-header                = gs2-cbind-flag "," [ authzid ] ","
/// gs2-cbind-flag            = ("p=" cb-name) / "n" / "y"
/// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
/// ```
/// Extensions that one may skip are skipped; `m=` must not be (RFC 5802 §5.1).
fn parse_first(message: &str) -> Result<First, Failure> {
    let mut parts = message.splitn(3, ',');
    let (Some(binding), Some(authorization), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Failure::Syntax);
    };
    // "y": the client could bind and saw that we announce no -PLUS, which is so (RFC 5802 §6).
    if !matches!(binding, "n" | "y") {
        return Err(Failure::Syntax);
    }
    let mut attributes = bare.split(',');
    let raw_name = attributes.next().and_then(|a| a.strip_prefix("n=")).ok_or(Failure::Syntax)?;
    let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Failure::Syntax)?;
    let name = decode_name(raw_name).ok_or(Failure::Syntax)?;
    let printable = nonce.bytes().all(|byte| byte.is_ascii_graphic());
    if nonce.is_empty() || nonce.len() > CLIENT_NONCE_MAX || !printable || !attributes.all(is_attribute) {
        return Err(Failure::Syntax);
    }
    let acts_for = match authorization.strip_prefix("a=") {
        Some(raw) => decode_name(raw).ok_or(Failure::Syntax)?,
        None if authorization.is_empty() => String::new(),
        None => return Err(Failure::Syntax),
    };
    if !may_act_as(&acts_for, &name) {
        return Err(Failure::Denied);
    }
    let gs2_header = format!("{binding},{authorization},");
    Ok(First { gs2_header, bare: bare.to_owned(), name, client_nonce: nonce.to_owned() })
}

/// ```text
/// saslname   = 1*(value-safe-char / "=2C" / "=3D")
/// ```
fn decode_name(raw: &str) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    let mut pieces = raw.split('=');
    name.push_str(pieces.next()?);
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        name.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        name.push_str(rest);
    }
    parse_name(name.as_bytes())
}

/// ```text
/// attr-val   = ALPHA "=" value
/// ```
fn is_attribute(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.next() == Some(b'=')
        && bytes.next().is_some()
        && !text.contains('\0')
}

impl Pending {
    /// Checks client-final-message and makes server-final-message:
    /// ```text
    /// client-final-message = channel-binding "," nonce ["," extensions] "," proof
    /// ```
    fn check(&self, message: &str) -> Result<(Vec<u8>, CredentialRef), Failure> {
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Failure::Syntax)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(Failure::Syntax)?;
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Failure::Syntax)?;
        let proof = BASE64.decode(proof).map_err(|_| Failure::Syntax)?;
        if proof.len() != HASH_OCTETS || !attributes.all(is_attribute) {
            return Err(Failure::Syntax);
        }
        if binding != BASE64.encode(&self.first.gs2_header) || nonce != self.nonce {
            return Err(Failure::Denied);
        }
        let transcript = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        // Each of them, also behind the right one: how long it takes tells nothing.
        let mut proved = None;
        for candidate in self.keys.walk() {
            if proves(candidate, &transcript, &proof) {
                proved = Some(candidate);
            }
        }
        let proved = proved.ok_or(Failure::Denied)?;
        let verifier = sign(proved.server_key.expose(), &transcript);
        Ok((format!("v={}", BASE64.encode(verifier)).into_bytes(), proved.credential))
    }
}

/// Whether a proof is one of this password (RFC 5802 §3).
fn proves(candidate: &ScramCandidate, transcript: &str, proof: &[u8]) -> bool {
    let stored_key = candidate.stored_key.expose();
    let signature = sign(stored_key, transcript);
    let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    digest::digest(&digest::SHA256, &client_key).as_ref().ct_eq(stored_key).into()
}

fn sign(key: &[u8], transcript: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), transcript.as_bytes())
}

#[cfg(test)]
#[path = "scram/tests.rs"]
mod tests;
