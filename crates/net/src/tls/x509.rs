//! The few things that we read of a certificate ourselves: what it was signed with and until when it is valid. Trust is
//! not decided here; the TLS library does that with a parser of its own.

use aws_lc_rs::digest::{self, Algorithm};
use types::Timestamp;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed: the version of a certificate, the hash of RSASSA-PSS.
const CONTEXT_0: u8 = 0xA0;

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// When it becomes valid.
    pub(crate) not_before: Timestamp,
    /// The last moment at which it is valid.
    pub(crate) not_after: Timestamp,
}

impl Facts {
    /// Reads them; `None` of what is no certificate.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let mut fields = Der(Der(certificate).expect(SEQUENCE)?);
        let mut body = Der(fields.expect(SEQUENCE)?);
        // RFC 5280 §4.1: [0] version OPTIONAL, serialNumber, signature, issuer, validity.
        if body.0.first() == Some(&CONTEXT_0) {
            body.next()?;
        }
        for _ in 0..3 {
            body.next()?;
        }
        let mut validity = Der(body.expect(SEQUENCE)?);
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        Some(Self { not_before, not_after })
    }

    /// Whether it is valid at this time.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

/// The channel binding `tls-server-end-point` of a server with this certificate: its hash by the hash function of its
/// signature, SHA-256 in place of MD5 and SHA-1 (RFC 5929 §4.1). `None` where that is undefined: the signature has no
/// hash function of its own, as Ed25519, or one that we do not know.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = signature_hash(certificate)?;
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

fn signature_hash(certificate: &[u8]) -> Option<&'static Algorithm> {
    let mut fields = Der(Der(certificate).expect(SEQUENCE)?);
    fields.expect(SEQUENCE)?;
    let mut algorithm = Der(fields.expect(SEQUENCE)?);
    match algorithm.expect(OBJECT_IDENTIFIER)? {
        // 1.2.840.113549.1.1: RSA, with MD5, SHA-1, SHA-256, SHA-384, SHA-512, SHA-224.
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, kind] => match kind {
            4 | 5 | 11 => Some(&digest::SHA256),
            12 => Some(&digest::SHA384),
            13 => Some(&digest::SHA512),
            14 => Some(&digest::SHA224),
            10 => pss_hash(&mut algorithm),
            _ => None,
        },
        // 1.3.14.3.2.29: an old name of RSA with SHA-1. 1.2.840.10045.4.1: ECDSA with SHA-1.
        [0x2B, 14, 3, 2, 29] | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1] => Some(&digest::SHA256),
        // 1.2.840.10045.4.3: ECDSA.
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, kind] => match kind {
            1 => Some(&digest::SHA224),
            2 => Some(&digest::SHA256),
            3 => Some(&digest::SHA384),
            4 => Some(&digest::SHA512),
            _ => None,
        },
        _ => None,
    }
}

/// The hash of RSASSA-PSS stands among its parameters (RFC 4055 §3.1: `[0]`, SHA-1 where it is absent).
fn pss_hash(algorithm: &mut Der<'_>) -> Option<&'static Algorithm> {
    let mut parameters = Der(algorithm.expect(SEQUENCE)?);
    if parameters.0.first() != Some(&CONTEXT_0) {
        return Some(&digest::SHA256);
    }
    let mut hash = Der(Der(parameters.expect(CONTEXT_0)?).expect(SEQUENCE)?);
    match hash.expect(OBJECT_IDENTIFIER)? {
        [0x2B, 14, 3, 2, 26] => Some(&digest::SHA256),
        // 2.16.840.1.101.3.4.2.
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, kind] => match kind {
            1 => Some(&digest::SHA256),
            2 => Some(&digest::SHA384),
            3 => Some(&digest::SHA512),
            4 => Some(&digest::SHA224),
            _ => None,
        },
        _ => None,
    }
}

/// What is left of a DER text (ITU-T X.690): definite lengths only.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            // 1 to 3 octets of length: more than any certificate that fits into a handshake.
            0x81..=0x83 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next element's content if it is of this kind.
    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

/// A time of a certificate (RFC 5280 §4.1.2.5): UTC, to the second, and two digits of a year below 50 are of this century.
fn time((tag, text): (u8, &[u8])) -> Option<Timestamp> {
    let (year_digits, text) = match tag {
        UTC_TIME => text.split_at_checked(2)?,
        GENERALIZED_TIME => text.split_at_checked(4)?,
        _ => return None,
    };
    let mut year = number(year_digits)?;
    if tag == UTC_TIME {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let (fields, zone) = text.split_at_checked(10)?;
    if zone != b"Z" {
        return None;
    }
    let field = |at: usize| fields.get(at..at + 2).and_then(number);
    let (month, day, hour, minute, second) = (field(0)?, field(2)?, field(4)?, field(6)?, field(8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    Some(Timestamp::from_unix_seconds(seconds))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// The days from 1970-01-01 to a date of the Gregorian calendar, years counted from March, so that the leap day is last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months_since_march = (month + 9) % 12;
    let days_since_march = (153 * months_since_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + days_since_march - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm, date_time_ymd};

    fn certificate(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["mail.example.org".into()]).unwrap();
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2051, 1, 1);
        params.self_signed(&KeyPair::generate_for(algorithm).unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_point_is_hashed_as_the_certificate_was_signed() {
        let sizes = [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(32)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(48)),
            (&rcgen::PKCS_ECDSA_P521_SHA512, Some(64)),
            (&rcgen::PKCS_ED25519, None),
        ];
        for (algorithm, size) in sizes {
            let certificate = certificate(algorithm);
            assert_eq!(server_end_point(&certificate).map(|hash| hash.len()), size, "{algorithm:?}");
        }
        let certificate = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
        let expected = digest::digest(&digest::SHA256, &certificate);
        assert_eq!(server_end_point(&certificate).as_deref(), Some(expected.as_ref()));
    }

    /// As much of a certificate as is read for its signature: an empty body and an algorithm.
    fn signed_with(algorithm: &[u8]) -> Vec<u8> {
        let length = |content: &[u8]| u8::try_from(content.len()).unwrap();
        let mut fields = vec![SEQUENCE, 0, SEQUENCE, length(algorithm)];
        fields.extend(algorithm);
        let mut certificate = vec![SEQUENCE, length(&fields)];
        certificate.extend(fields);
        certificate
    }

    #[test]
    fn weak_hashes_give_way_to_sha_256_and_unknown_ones_to_nothing() {
        let rsa = |kind| vec![OBJECT_IDENTIFIER, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, kind, 5, 0];
        let ecdsa_sha1 = vec![OBJECT_IDENTIFIER, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1];
        let sizes = [
            (rsa(2), None),
            (rsa(4), Some(32)),
            (rsa(5), Some(32)),
            (rsa(11), Some(32)),
            (rsa(12), Some(48)),
            (rsa(13), Some(64)),
            (rsa(14), Some(28)),
            (ecdsa_sha1, Some(32)),
        ];
        for (algorithm, size) in sizes {
            assert_eq!(server_end_point(&signed_with(&algorithm)).map(|hash| hash.len()), size, "{algorithm:?}");
        }
    }

    #[test]
    fn rsassa_pss_names_its_hash_among_its_parameters() {
        let pss = |parameters: &[u8]| {
            let mut algorithm = vec![OBJECT_IDENTIFIER, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10];
            algorithm.extend(parameters);
            server_end_point(&signed_with(&algorithm)).map(|hash| hash.len())
        };
        let sha2 = |kind| [SEQUENCE, 15, CONTEXT_0, 13, SEQUENCE, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, kind];
        assert_eq!(pss(&sha2(1)), Some(32));
        assert_eq!(pss(&sha2(2)), Some(48));
        assert_eq!(pss(&sha2(3)), Some(64));
        assert_eq!(pss(&sha2(9)), None);
        assert_eq!(pss(&[SEQUENCE, 0]), Some(32), "SHA-1 unless it says otherwise");
        assert_eq!(pss(&[]), None);
    }

    #[test]
    fn validity_is_read_in_both_forms_of_time() {
        let facts = Facts::of(&certificate(&rcgen::PKCS_ECDSA_P256_SHA256)).unwrap();
        // 2024-02-29 as UTCTime, 2051-01-01 as GeneralizedTime.
        assert_eq!(facts.not_before, Timestamp::from_unix_seconds(1_709_164_800));
        assert_eq!(facts.not_after, Timestamp::from_unix_seconds(2_556_144_000));
        assert!(facts.holds(facts.not_before) && facts.holds(facts.not_after));
        assert!(!facts.holds(Timestamp(facts.not_before.0 - 1)) && !facts.holds(Timestamp(facts.not_after.0 + 1)));
        assert_eq!(time((UTC_TIME, b"700101000000Z")), Some(Timestamp(0)));
        assert_eq!(time((UTC_TIME, b"491231235959Z")), Some(Timestamp::from_unix_seconds(2_524_607_999)));
        for broken in [&b"7001010000Z"[..], b"700101000000+0100", b"701301000000Z", b"7001010000000", b"\xFF", b""] {
            assert_eq!(time((UTC_TIME, broken)), None, "{broken:?}");
        }
    }

    #[test]
    fn no_part_of_a_certificate_and_no_broken_one_breaks_the_reader() {
        let whole = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
        for end in 0..whole.len() {
            let _ = (Facts::of(&whole[..end]), server_end_point(&whole[..end]));
        }
        for at in 0..whole.len() {
            for value in [0, 0x30, 0x7F, 0x80, 0x83, 0x84, 0xFF] {
                let mut broken = whole.clone();
                broken[at] = value;
                let _ = (Facts::of(&broken), server_end_point(&broken));
            }
        }
    }
}
