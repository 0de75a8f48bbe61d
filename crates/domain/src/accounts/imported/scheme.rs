//! What `{SCHEME}` is which hash, and the schemes of a digest with or without a salt.

use super::crypt::{self, Crypt};
use super::{IMPORTED_ROUNDS_MAX, IMPORTED_SALT_MAX, ImportError};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::num::NonZeroU32;
use types::{ScramHash, Secret};

/// The names of passwords that are no hash.
pub(super) const PLAIN: [&str; 3] = ["PLAIN", "CLEAR", "CLEARTEXT"];

/// Base64 as the sources write it: with padding or without.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A digest function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    pub(super) fn octets(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A hash, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    /// A digest of password and salt: one round.
    Digest { name: &'static str, function: Function, digest: Secret<Vec<u8>>, salt: Box<[u8]> },
    /// PBKDF2 with HMAC-SHA-1 (Dovecot's form).
    Pbkdf2 { rounds: NonZeroU32, salt: Box<[u8]>, derived: Secret<Vec<u8>> },
    /// The keys of a SCRAM exchange; the stored one is checked.
    Scram { hash: ScramHash, rounds: NonZeroU32, salt: Box<[u8]>, stored_key: Secret<Vec<u8>> },
    /// One of crypt(3)'s.
    Crypt(Crypt),
}

impl Scheme {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Digest { name, .. } => name,
            Self::Pbkdf2 { .. } => "PBKDF2",
            Self::Scram { hash: ScramHash::Sha1, .. } => "SCRAM-SHA-1",
            Self::Scram { .. } => "SCRAM-SHA-256",
            Self::Crypt(crypt) => crypt.name(),
        }
    }

    pub(super) fn memory_kib(&self) -> u32 {
        match self {
            Self::Crypt(crypt) => crypt.memory_kib(),
            Self::Digest { .. } | Self::Pbkdf2 { .. } | Self::Scram { .. } => 0,
        }
    }
}

/// How what follows the scheme is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As the scheme usually is.
    Usual,
    Base64,
    Hex,
}

/// `{name}rest`.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('{')?.split_once('}')
}

/// `name` or `name.encoding`.
pub(super) fn split_encoding(name: &str) -> Result<(&str, Encoding), ImportError> {
    let Some((scheme, encoding)) = name.split_once('.') else { return Ok((name, Encoding::Usual)) };
    match encoding.to_ascii_lowercase().as_str() {
        "b64" | "base64" => Ok((scheme, Encoding::Base64)),
        "hex" => Ok((scheme, Encoding::Hex)),
        _ => Err(ImportError::Unknown(name.into())),
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octet = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(octet).collect()
}

/// What is text in itself, as crypt(3)'s hashes and passwords are.
pub(super) fn decode_text(rest: &str, encoding: Encoding) -> Result<String, ImportError> {
    let bytes = match encoding {
        Encoding::Usual => return Ok(rest.to_owned()),
        Encoding::Base64 => BASE64.decode(rest).ok(),
        Encoding::Hex => decode_hex(rest),
    };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or(ImportError::Form("it is not text in its encoding"))
}

/// Bytes that hold a digest of a known length, and then perhaps a salt.
fn decode_bytes(rest: &str, encoding: Encoding, hex_octets: usize, usual: Encoding) -> Option<Vec<u8>> {
    let encoding = if encoding == Encoding::Usual { usual } else { encoding };
    match encoding {
        Encoding::Hex => decode_hex(rest),
        // A digest alone in hexadecimal has this length and only these characters.
        Encoding::Usual if rest.len() == 2 * hex_octets => decode_hex(rest).or_else(|| BASE64.decode(rest).ok()),
        Encoding::Usual | Encoding::Base64 => BASE64.decode(rest).ok(),
    }
}

struct DigestSpec {
    name: &'static str,
    function: Function,
    is_salted: bool,
    usual: Encoding,
}

const fn spec(name: &'static str, function: Function, is_salted: bool, usual: Encoding) -> DigestSpec {
    DigestSpec { name, function, is_salted, usual }
}

const DIGESTS: [DigestSpec; 10] = [
    spec("SHA", Function::Sha1, false, Encoding::Usual),
    spec("SHA1", Function::Sha1, false, Encoding::Usual),
    spec("SHA256", Function::Sha256, false, Encoding::Usual),
    spec("SHA512", Function::Sha512, false, Encoding::Usual),
    spec("SSHA", Function::Sha1, true, Encoding::Usual),
    spec("SSHA256", Function::Sha256, true, Encoding::Usual),
    spec("SSHA512", Function::Sha512, true, Encoding::Usual),
    spec("PLAIN-MD5", Function::Md5, false, Encoding::Hex),
    spec("LDAP-MD5", Function::Md5, false, Encoding::Usual),
    spec("SMD5", Function::Md5, true, Encoding::Usual),
];

/// Schemes of crypt(3) by a name of their own; each takes what its `$id$` says.
const CRYPTS: [&str; 9] =
    ["CRYPT", "MD5-CRYPT", "MD5", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "BCRYPT", "ARGON2I", "ARGON2ID"];

const ANOTHER_WAY: &str = "set a password (postamt password set), or import another hash of it";

/// Reads `{SCHEME}…`.
pub(super) fn parse(text: &str) -> Result<Scheme, ImportError> {
    let (full, rest) = split(text).ok_or(ImportError::NoScheme)?;
    let (name, encoding) = split_encoding(full)?;
    let name = name.to_ascii_uppercase();
    if let Some(spec) = DIGESTS.iter().find(|spec| spec.name == name) {
        return digest(spec, rest, encoding);
    }
    if CRYPTS.contains(&name.as_str()) || name == "YESCRYPT" {
        return crypt::parse(&decode_text(rest, encoding)?).map(Scheme::Crypt);
    }
    match name.as_str() {
        "PBKDF2" => pbkdf2(&decode_text(rest, encoding)?),
        "SCRAM-SHA-1" => scram(ScramHash::Sha1, &decode_text(rest, encoding)?),
        "SCRAM-SHA-256" => scram(ScramHash::Sha256, &decode_text(rest, encoding)?),
        "DES-CRYPT" | "PLAIN-TRUNC" | "PLAIN-MD4" | "NTLM" | "LANMAN" | "LM" | "OTP" | "SKEY" | "RPA" | "CRAM-MD5"
        | "HMAC-MD5" | "DIGEST-MD5" => Err(ImportError::Refused { scheme: name.into(), why: ANOTHER_WAY }),
        _ => Err(ImportError::Unknown(full.into())),
    }
}

fn digest(spec: &DigestSpec, rest: &str, encoding: Encoding) -> Result<Scheme, ImportError> {
    let octets = spec.function.octets();
    let hex_octets = if spec.is_salted { usize::MAX / 2 } else { octets };
    let bytes = decode_bytes(rest, encoding, hex_octets, spec.usual);
    let mut digest = bytes.ok_or(ImportError::Form("it cannot be decoded"))?;
    if digest.len() < octets || (!spec.is_salted && digest.len() > octets) {
        return Err(ImportError::Form("the digest has another length"));
    }
    let salt = digest.split_off(octets);
    if spec.is_salted && salt.is_empty() {
        return Err(ImportError::Form("it has no salt"));
    }
    let salt = bounded_salt(salt)?;
    Ok(Scheme::Digest { name: spec.name, function: spec.function, digest: Secret::new(digest), salt })
}

/// A salt that is not too long.
pub(super) fn bounded_salt(salt: impl Into<Box<[u8]>>) -> Result<Box<[u8]>, ImportError> {
    let salt = salt.into();
    if salt.len() > IMPORTED_SALT_MAX {
        return Err(ImportError::Form("the salt is too long"));
    }
    Ok(salt)
}

/// A number of rounds that is not too high.
pub(super) fn bounded_rounds(text: &str) -> Result<NonZeroU32, ImportError> {
    let is_digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !is_digits {
        return Err(ImportError::Form("its rounds are no number"));
    }
    match text.parse::<u32>() {
        Ok(rounds) if rounds <= IMPORTED_ROUNDS_MAX => {
            NonZeroU32::new(rounds).ok_or(ImportError::Form("it has no rounds"))
        }
        _ => Err(ImportError::TooCostly { what: "the number of rounds", max: IMPORTED_ROUNDS_MAX.into() }),
    }
}

/// `$1$salt$rounds$hex`: the salt is taken as it is written.
fn pbkdf2(text: &str) -> Result<Scheme, ImportError> {
    let mut parts = text.strip_prefix("$1$").ok_or(ImportError::Form("it begins with $1$"))?.split('$');
    let (Some(salt), Some(rounds), Some(derived), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ImportError::Form("it is $1$salt$rounds$hash"));
    };
    let derived = decode_hex(derived).filter(|derived| derived.len() == Function::Sha1.octets());
    let derived = Secret::new(derived.ok_or(ImportError::Form("the hash has another length"))?);
    Ok(Scheme::Pbkdf2 { rounds: bounded_rounds(rounds)?, salt: bounded_salt(salt.as_bytes())?, derived })
}

/// `rounds,salt,stored key,server key`.
fn scram(hash: ScramHash, text: &str) -> Result<Scheme, ImportError> {
    let mut parts = text.split(',');
    let (Some(rounds), Some(salt), Some(stored_key), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ImportError::Form("it is rounds,salt,stored key,server key"));
    };
    let decode = |text: &str| BASE64.decode(text).map_err(|_| ImportError::Form("it cannot be decoded"));
    let octets = if hash == ScramHash::Sha1 { Function::Sha1.octets() } else { Function::Sha256.octets() };
    let stored_key = Secret::new(decode(stored_key)?);
    if stored_key.expose().len() != octets {
        return Err(ImportError::Form("the stored key has another length"));
    }
    Ok(Scheme::Scram { hash, rounds: bounded_rounds(rounds)?, salt: bounded_salt(decode(salt)?)?, stored_key })
}
