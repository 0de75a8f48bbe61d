//! The client's side of SCRAM (RFC 5802 §3), as far as these tests go: the account is Anna's.

use crate::server::ANNA;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use service_session::Piped;
use std::num::NonZeroU32;

pub(super) struct Client {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
    is_bound: bool,
}

impl Client {
    /// For a mechanism by its name, if it is one of these.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is_bound = name.ends_with("-PLUS");
        let (digest, hmac, pbkdf2) = match name.trim_end_matches("-PLUS") {
            "SCRAM-SHA-1" => {
                (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pbkdf2::PBKDF2_HMAC_SHA1)
            }
            "SCRAM-SHA-256" => (&digest::SHA256, hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
            "SCRAM-SHA-512" => (&digest::SHA512, hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
            _ => return None,
        };
        Some(Self { digest, hmac, pbkdf2, is_bound })
    }

    fn header(&self) -> &'static str {
        if self.is_bound { "p=tls-exporter,," } else { "n,," }
    }

    fn first_bare() -> String {
        format!("n={ANNA},r=fyko+d2lbbFgONRv9qkxdawL")
    }

    /// client-first-message
    pub(super) fn first(&self) -> String {
        format!("{}{}", self.header(), Self::first_bare())
    }

    /// client-final-message
    pub(super) fn last(&self, password: &str, server_first: &str) -> String {
        let field = |name: &str| server_first.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let salt = BASE64.decode(field("s=")).unwrap();
        let rounds: NonZeroU32 = field("i=").parse().unwrap();
        let mut salted = vec![0; self.digest.output_len()];
        pbkdf2::derive(self.pbkdf2, rounds, &salt, password.as_bytes(), &mut salted);
        let client_key = self.sign(&salted, "Client Key");
        let stored = digest::digest(self.digest, client_key.as_ref());
        let value: &[u8] = if self.is_bound { &Piped::EXPORTER } else { &[] };
        let binding = BASE64.encode([self.header().as_bytes(), value].concat());
        let without_proof = format!("c={binding},r={}", field("r="));
        let transcript = format!("{},{server_first},{without_proof}", Self::first_bare());
        let signature = self.sign(stored.as_ref(), &transcript);
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        format!("{without_proof},p={}", BASE64.encode(proof))
    }

    fn sign(&self, key: &[u8], text: &str) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac, key), text.as_bytes())
    }
}
