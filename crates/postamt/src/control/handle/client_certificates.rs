//! Certificates that people's programs sign in with.

use super::failures::of_directory;
use super::{Answer, Handler, address};
use crate::control::protocol::Failure;
use domain::{CertificateInfo, Fingerprint};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The marks of a fingerprint as people write it.
const PREFIX: &str = "sha256:";

fn shown(info: &CertificateInfo) -> Value {
    let bound = domain_time(info.bound);
    json!({"certificate": written(info.fingerprint), "name": &*info.name, "bound": bound})
}

fn domain_time(at: types::Timestamp) -> i64 {
    at.unix_seconds()
}

fn written(fingerprint: Fingerprint) -> String {
    let mut out = PREFIX.to_owned();
    for byte in fingerprint.0 {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Reads 64 digits, in pairs with colons or without.
fn fingerprint(text: &str) -> Result<Fingerprint, Failure> {
    let wrong = || {
        Failure::new(
            format!("`{text}` is no certificate"),
            "it is neither a PEM file nor the SHA-256 of one",
            "name the file, or sha256: and 64 digits: openssl x509 -noout -fingerprint -sha256 -in FILE",
        )
    };
    let digits: Vec<char> = text.strip_prefix(PREFIX).unwrap_or(text).chars().filter(|c| *c != ':').collect();
    let mut out = [0; 32];
    if digits.len() != 2 * out.len() {
        return Err(wrong());
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        let pair: String = pair.iter().collect();
        *byte = u8::from_str_radix(&pair, 16).map_err(|_| wrong())?;
    }
    Ok(Fingerprint(out))
}

impl Handler {
    pub(super) async fn certificate_list(&self, text: &str) -> Answer {
        let list = self.core.shared.directory.certificate_list(&address(text)?).await;
        let list = list.map_err(|e| of_directory(&format!("cannot list the certificates of {text}"), &e))?;
        Ok(list.iter().map(shown).collect())
    }

    pub(super) async fn certificate_add(&self, text: &str, certificate: &str, name: &str) -> Answer {
        let (address, fingerprint) = (address(text)?, fingerprint(certificate)?);
        let added = self.core.shared.directory.certificate_add(&address, fingerprint, name).await;
        added.map_err(|e| of_directory(&format!("cannot bind the certificate to {text}"), &e))?;
        self.core.certificates.set_any_bound(true);
        Ok(json!({"address": address.to_string(), "certificate": written(fingerprint)}))
    }

    pub(super) async fn certificate_remove(&self, text: &str, certificate: &str) -> Answer {
        let (address, fingerprint) = (address(text)?, fingerprint(certificate)?);
        let directory = &self.core.shared.directory;
        let failed = |e| of_directory(&format!("cannot take the certificate from {text}"), &e);
        directory.certificate_remove(&address, fingerprint).await.map_err(failed)?;
        self.core.certificates.set_any_bound(directory.has_certificates().await.map_err(failed)?);
        Ok(json!({"removed": written(fingerprint)}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_programs_print_them() {
        let digits = "0aff".repeat(16);
        let pairs: Vec<_> = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        let read = fingerprint(&digits).unwrap();
        assert_eq!((read.0[0], read.0[1]), (0x0A, 0xFF));
        for same in [format!("sha256:{digits}"), pairs.join(":").to_uppercase(), written(read)] {
            assert_eq!(fingerprint(&same).unwrap(), read, "{same}");
        }
        for bad in ["", "sha256:", &digits[1..], &format!("{digits}00"), &digits.replace('f', "g"), "cert.pem"] {
            assert!(fingerprint(bad).is_err(), "{bad}");
        }
    }
}
