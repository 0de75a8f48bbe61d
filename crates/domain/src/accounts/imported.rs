//! Password hashes that other servers made: read when they are imported, checked until the first sign-in that sends the
//! password, from which ours are made then.
//!
//! What a check costs is decided here and not by the hash: each cost that a hash names has a limit, above which it is
//! not taken, so that a mistyped or hostile one costs neither minutes nor gigabytes. Nothing that is read here panics or
//! allocates before its limit has spoken.

mod check;
mod crypt;
mod crypt64;
mod scheme;

use std::fmt;
use types::Secret;

/// Longest hash in bytes, its scheme included; also longest password given in clear.
pub const IMPORTED_MAX: usize = 2048;
/// Longest salt in bytes.
pub const IMPORTED_SALT_MAX: usize = 128;
/// Most memory in KiB that checking an imported hash may take.
pub const IMPORTED_MEMORY_MAX_KIB: u32 = 256 * 1024;
/// Most memory in KiB that checking an imported hash may fill, all passes together.
pub const IMPORTED_FILL_MAX_KIB: u64 = 1024 * 1024;
/// Most lanes of Argon2 and yescrypt.
pub const IMPORTED_LANES_MAX: u32 = 16;
/// Most rounds of SHA-crypt, PBKDF2 and SCRAM.
pub const IMPORTED_ROUNDS_MAX: u32 = 1_000_000;
/// Highest cost of bcrypt, the logarithm of its rounds.
pub const IMPORTED_BCRYPT_MAX: u32 = 14;
/// Longest password in bytes that is checked against an imported hash; longer ones are wrong. The time of SHA-crypt
/// grows with rounds and length.
pub const IMPORTED_PASSWORD_MAX: usize = 256;

/// Why a hash is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Longer than [`IMPORTED_MAX`].
    #[error("it is longer than {IMPORTED_MAX} bytes")]
    TooLong,
    /// A scheme, or an encoding, that is not known.
    #[error("the scheme {0} is not known")]
    Unknown(Box<str>),
    /// A scheme that is known and not taken.
    #[error("the scheme {scheme} is not taken: {why}")]
    Refused {
        /// Its name.
        scheme: Box<str>,
        /// The reason, and what to do.
        why: &'static str,
    },
    /// No scheme is said, and it looks like none.
    #[error("no scheme is said, neither as {{SCHEME}} nor as $id$")]
    NoScheme,
    /// It has not the form of its scheme.
    #[error("it has not the form of its scheme: {0}")]
    Form(&'static str),
    /// It costs more to check than one hash may.
    #[error("it would cost too much to check: {what} is at most {max}")]
    TooCostly {
        /// Which of its costs, with the unit.
        what: &'static str,
        /// The limit.
        max: u64,
    },
}

/// What stood where a password hash was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The password itself: hashed by us, and not kept.
    Password(Secret<String>),
    /// A hash of it.
    Hash(ImportedHash),
}

/// A password hash that another server made.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedHash {
    /// As it was given, with its scheme.
    text: Secret<String>,
    scheme: scheme::Scheme,
}

impl fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImportedHash").field(&self.name()).finish()
    }
}

impl Imported {
    /// Reads `{SCHEME}hash` or `{SCHEME.encoding}hash` as Dovecot writes it, or `$id$…` as crypt(3) does.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        if text.len() > IMPORTED_MAX {
            return Err(ImportError::TooLong);
        }
        if text.starts_with('$') {
            return ImportedHash::of(format!("{{CRYPT}}{text}")).map(Self::Hash);
        }
        let (name, rest) = scheme::split(text).ok_or(ImportError::NoScheme)?;
        let (name, encoding) = scheme::split_encoding(name)?;
        if scheme::PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) {
            let raw = scheme::decode_text(rest, encoding)?;
            return Ok(Self::Password(Secret::new(raw)));
        }
        ImportedHash::of(text.to_owned()).map(Self::Hash)
    }
}

impl ImportedHash {
    fn of(text: String) -> Result<Self, ImportError> {
        let text = Secret::new(text);
        let scheme = scheme::parse(text.expose())?;
        Ok(Self { text, scheme })
    }

    /// Reads what [`ImportedHash::text`] gave.
    pub(super) fn of_row(text: &str) -> Option<Self> {
        match Imported::parse(text).ok()? {
            Imported::Hash(hash) => Some(hash),
            Imported::Password(_) => None,
        }
    }

    /// The text that [`Imported::parse`] reads as this.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// The scheme, as it is shown.
    pub fn name(&self) -> &'static str {
        self.scheme.name()
    }

    /// The memory in KiB that a check takes.
    pub(super) fn memory_kib(&self) -> u32 {
        self.scheme.memory_kib()
    }

    /// Whether this is the password, as it was sent: the other server did not prepare it. Takes as long as the hash
    /// costs; to be called where that holds nobody up.
    pub(super) fn is_of(&self, password: &Secret<String>) -> bool {
        let password = password.expose().as_bytes();
        !password.is_empty() && password.len() <= IMPORTED_PASSWORD_MAX && check::is_of(&self.scheme, password)
    }
}

#[cfg(test)]
mod tests;
