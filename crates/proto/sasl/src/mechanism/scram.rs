//! SCRAM (RFC 5802) with SHA-1, SHA-256 (RFC 7677) and SHA-512, and the same bound to the TLS connection (`-PLUS`).
//!
//! The directory hands out made-up keys for names that do not exist, so that this exchange looks and lasts the same for
//! them; it then fails at the proof, like one with a wrong password. All passwords of an account share a salt, and which
//! of them the client has, its proof tells: each is tried, always all of them.

use super::{Begin, Failure, NONCE_OCTETS, Nonce, Server, Step, decode_saslname, may_act_as};
use crate::binding::ChannelBindings;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use types::{CredentialId, CredentialRef, ScramHash, ScramKeys};

/// Longest nonce of a client in bytes.
const CLIENT_NONCE_MAX: usize = 256;

/// The mechanism that is bound to the connection: `-PLUS`.
pub(crate) fn bound(hash: ScramHash, begin: Begin<'_>) -> Box<dyn Server> {
    let binding = Binding::Required(begin.bindings.clone());
    Box::new(Scram { hash: Hash::of(hash), nonce: begin.nonce, binding, state: State::First })
}

/// The mechanism that is not.
pub(crate) fn unbound(hash: ScramHash, begin: Begin<'_>) -> Box<dyn Server> {
    let binding = if begin.plus_offered { Binding::Possible } else { Binding::Impossible };
    Box::new(Scram { hash: Hash::of(hash), nonce: begin.nonce, binding, state: State::First })
}

/// A hash function in its two uses.
#[derive(Clone, Copy)]
struct Hash {
    name: ScramHash,
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
}

impl Hash {
    fn of(name: ScramHash) -> Self {
        let (digest, hmac) = match name {
            ScramHash::Sha1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            ScramHash::Sha256 => (&digest::SHA256, hmac::HMAC_SHA256),
            ScramHash::Sha512 => (&digest::SHA512, hmac::HMAC_SHA512),
        };
        Self { name, digest, hmac }
    }

    fn octets(self) -> usize {
        self.digest.output_len()
    }

    fn sign(self, key: &[u8], text: &str) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac, key), text.as_bytes())
    }
}

/// Whether the exchange is bound to the connection.
enum Binding {
    /// The client chose the mechanism that is, with one of these.
    Required(ChannelBindings),
    /// It chose the other one, though it was offered this.
    Possible,
    /// It was not offered this.
    Impossible,
}

impl Binding {
    /// Checks what the client says of it (RFC 5802 §6), and gives what its last message has to repeat behind the header.
    /// ```text
    /// gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
    /// ```
    fn check(&self, flag: &str) -> Result<&[u8], Failure> {
        if !matches!(flag, "n" | "y") && !flag.starts_with("p=") {
            return Err(Failure::Syntax);
        }
        match (self, flag.strip_prefix("p=")) {
            (Self::Required(bindings), Some(name)) => bindings.value(name).ok_or(Failure::Binding),
            // "y": the client could bind and saw nothing to bind with. Where we offered it, somebody took it out.
            (Self::Possible, None) if flag == "y" => Err(Failure::Binding),
            (Self::Possible | Self::Impossible, None) => Ok(&[]),
            (Self::Required(_), None) | (Self::Possible | Self::Impossible, Some(_)) => Err(Failure::Binding),
        }
    }
}

struct Scram {
    hash: Hash,
    nonce: Nonce,
    binding: Binding,
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
    /// What the last message has to repeat: `gs2-header [ cbind-data ]`.
    binding_input: Vec<u8>,
    bare: String,
    name: String,
    client_nonce: String,
}

/// What is needed to check the proof.
struct Pending {
    hash: Hash,
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
            State::First => match parse_first(message, &self.binding) {
                Ok(first) => {
                    let name = first.name.clone();
                    self.state = State::Keys(first);
                    Step::NeedScramKeys { name, hash: self.hash.name }
                }
                Err(failure) => Step::Failed(failure),
            },
            State::Final(pending) => match pending.check(message) {
                Ok((credential, server_final)) => {
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
        let pending = Pending { hash: self.hash, first, server_first, nonce, keys: keys.clone() };
        self.state = State::Final(Box::new(pending));
        Step::Challenge(challenge)
    }
}

fn encode_nonce(nonce: &[u8; NONCE_OCTETS]) -> String {
    BASE64.encode(nonce)
}

/// ```text
/// client-first-message      = gs2-header client-first-message-bare
/// gs2-header                = gs2-cbind-flag "," [ authzid ] ","
/// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
/// ```
/// Extensions that one may skip are skipped; `m=` must not be (RFC 5802 §5.1).
fn parse_first(message: &str, binding: &Binding) -> Result<First, Failure> {
    let mut parts = message.splitn(3, ',');
    let (Some(flag), Some(authorization), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Failure::Syntax);
    };
    let data = binding.check(flag)?;
    let mut attributes = bare.split(',');
    let raw_name = attributes.next().and_then(|a| a.strip_prefix("n=")).ok_or(Failure::Syntax)?;
    let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Failure::Syntax)?;
    let name = decode_saslname(raw_name).ok_or(Failure::Syntax)?;
    let printable = nonce.bytes().all(|byte| byte.is_ascii_graphic());
    if nonce.is_empty() || nonce.len() > CLIENT_NONCE_MAX || !printable || !attributes.all(is_extension) {
        return Err(Failure::Syntax);
    }
    let acts_for = match authorization.strip_prefix("a=") {
        Some(raw) => decode_saslname(raw).ok_or(Failure::Syntax)?,
        None if authorization.is_empty() => String::new(),
        None => return Err(Failure::Syntax),
    };
    if !may_act_as(&acts_for, &name) {
        return Err(Failure::Denied);
    }
    let binding_input = [flag.as_bytes(), b",", authorization.as_bytes(), b",", data].concat();
    Ok(First { binding_input, bare: bare.to_owned(), name, client_nonce: nonce.to_owned() })
}

/// An extension that may be skipped:
/// ```text
/// attr-val   = ALPHA "=" value
/// ```
fn is_extension(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() && b != b'm')
        && bytes.next() == Some(b'=')
        && bytes.next().is_some()
        && !text.contains('\0')
}

impl Pending {
    /// Checks client-final-message, finds out whose proof it is, and makes server-final-message:
    /// ```text
    /// client-final-message = channel-binding "," nonce ["," extensions] "," proof
    /// ```
    fn check(&self, message: &str) -> Result<(CredentialRef, Vec<u8>), Failure> {
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Failure::Syntax)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(Failure::Syntax)?;
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Failure::Syntax)?;
        let binding = BASE64.decode(binding).map_err(|_| Failure::Syntax)?;
        let proof = BASE64.decode(proof).map_err(|_| Failure::Syntax)?;
        if proof.len() != self.hash.octets() || !attributes.all(is_extension) {
            return Err(Failure::Syntax);
        }
        if nonce != self.nonce {
            return Err(Failure::Denied);
        }
        if binding != self.first.binding_input {
            return Err(Failure::Binding);
        }
        let transcript = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        self.prove(&proof, &transcript).ok_or(Failure::Denied)
    }

    /// Tries the proof with every candidate, at the same cost whichever it fits.
    fn prove(&self, proof: &[u8], transcript: &str) -> Option<(CredentialRef, Vec<u8>)> {
        let mut found = Choice::from(0);
        let (mut id, mut version) = (0, 0);
        let mut verifier = vec![0; self.hash.octets()];
        for candidate in self.keys.walk() {
            let stored_key = candidate.stored_key.expose();
            let signature = self.hash.sign(stored_key, transcript);
            let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
            let fits = digest::digest(self.hash.digest, &client_key).as_ref().ct_eq(stored_key);
            let own = self.hash.sign(candidate.server_key.expose(), transcript);
            for (octet, ours) in verifier.iter_mut().zip(own.as_ref()) {
                octet.conditional_assign(ours, fits);
            }
            id.conditional_assign(&candidate.credential.id.0, fits);
            version.conditional_assign(&candidate.credential.version, fits);
            found |= fits;
        }
        let server_final = format!("v={}", BASE64.encode(verifier)).into_bytes();
        bool::from(found).then_some((CredentialRef { id: CredentialId(id), version }, server_final))
    }
}

#[cfg(test)]
#[path = "scram/tests.rs"]
mod tests;
