//! The hashes of crypt(3), and Argon2's, which is written alike: `$id$…`.

use super::scheme::{BASE64, bounded_rounds, bounded_salt};
use super::{
    IMPORTED_BCRYPT_MAX, IMPORTED_FILL_MAX_KIB, IMPORTED_LANES_MAX, IMPORTED_MEMORY_MAX_KIB, ImportError, crypt64,
};
use argon2::{Algorithm, Version};
use base64::Engine as _;
use types::Secret;
use yescrypt::{Mode, Params};

/// Longest salt of SHA-crypt; more is cut off, as everywhere.
const SHA_CRYPT_SALT: usize = 16;
/// Longest salt of MD5-crypt.
const MD5_CRYPT_SALT: usize = 8;
/// Rounds of SHA-crypt that says none.
const SHA_CRYPT_ROUNDS: u32 = 5000;
/// Octets of a yescrypt hash.
const YESCRYPT_OCTETS: usize = 32;
/// Highest time parameter of yescrypt: each step about doubles the time.
const YESCRYPT_TIME_MAX: u32 = 2;
/// Shortest and longest Argon2 hash.
const ARGON2_OCTETS: std::ops::RangeInclusive<usize> = 16..=64;

/// A hash, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Crypt {
    Md5 { salt: Box<str>, hash: Secret<String> },
    Sha { is_512: bool, rounds: u32, salt: Box<str>, hash: Secret<String> },
    Bcrypt { cost: u32, salt: [u8; 16], hash: Secret<Vec<u8>> },
    Argon2 { algorithm: Algorithm, version: Version, cost: Argon2, salt: Box<[u8]>, hash: Secret<Vec<u8>> },
    Yescrypt { params: Params, memory_kib: u32, salt: Box<[u8]>, hash: Secret<Vec<u8>> },
}

/// What an Argon2 hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Argon2 {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Crypt {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Md5 { .. } => "MD5-CRYPT",
            Self::Sha { is_512: false, .. } => "SHA256-CRYPT",
            Self::Sha { is_512: true, .. } => "SHA512-CRYPT",
            Self::Bcrypt { .. } => "BLF-CRYPT",
            Self::Argon2 { algorithm: Algorithm::Argon2i, .. } => "ARGON2I",
            Self::Argon2 { .. } => "ARGON2ID",
            Self::Yescrypt { .. } => "YESCRYPT",
        }
    }

    pub(super) fn memory_kib(&self) -> u32 {
        match self {
            Self::Argon2 { cost, .. } => cost.memory_kib,
            Self::Yescrypt { memory_kib, .. } => *memory_kib,
            Self::Md5 { .. } | Self::Sha { .. } | Self::Bcrypt { .. } => 0,
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Crypt, ImportError> {
    let no_id = || match text.len() {
        // Two characters of salt and eleven of a hash that is guessed in hours.
        13 => ImportError::Refused { scheme: "DES-CRYPT".into(), why: "it is guessed in hours: set a password" },
        _ => ImportError::NoScheme,
    };
    let (id, rest) = text.strip_prefix('$').and_then(|text| text.split_once('$')).ok_or_else(no_id)?;
    match id {
        "1" => md5(rest),
        "5" => sha(rest, false),
        "6" => sha(rest, true),
        "2a" | "2b" | "2y" => bcrypt(rest),
        "argon2i" => argon2(Algorithm::Argon2i, rest),
        "argon2id" => argon2(Algorithm::Argon2id, rest),
        "y" => yescrypt(rest),
        // "2x" is bcrypt as a fault of 2011 computed it.
        other => Err(ImportError::Unknown(format!("${other}$").into())),
    }
}

fn of_crypt64(text: &str, chars: usize) -> Result<Secret<String>, ImportError> {
    let fits = text.len() == chars && text.bytes().all(|c| crypt64::value(c).is_some());
    fits.then(|| Secret::new(text.to_owned())).ok_or(ImportError::Form("the hash has another length"))
}

/// Cut off where crypt(3) does.
fn crypt_salt(salt: &str, octets: usize) -> Result<Box<str>, ImportError> {
    bounded_salt(salt.as_bytes())?;
    salt.get(..salt.len().min(octets)).map(Into::into).ok_or(ImportError::Form("the salt is not ASCII"))
}

fn md5(rest: &str) -> Result<Crypt, ImportError> {
    let (salt, hash) = rest.split_once('$').ok_or(ImportError::Form("it is $1$salt$hash"))?;
    Ok(Crypt::Md5 { salt: crypt_salt(salt, MD5_CRYPT_SALT)?, hash: of_crypt64(hash, 22)? })
}

fn sha(rest: &str, is_512: bool) -> Result<Crypt, ImportError> {
    const FORM: ImportError = ImportError::Form("it is $id$[rounds=n$]salt$hash");
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(FORM)?;
            (bounded_rounds(rounds)?.get(), rest)
        }
        None => (SHA_CRYPT_ROUNDS, rest),
    };
    if rounds < sha_crypt::Params::ROUNDS_MIN {
        return Err(ImportError::Form("it has too few rounds"));
    }
    let (salt, hash) = rest.split_once('$').ok_or(FORM)?;
    let hash = of_crypt64(hash, if is_512 { 86 } else { 43 })?;
    Ok(Crypt::Sha { is_512, rounds, salt: crypt_salt(salt, SHA_CRYPT_SALT)?, hash })
}

fn bcrypt(rest: &str) -> Result<Crypt, ImportError> {
    const FORM: ImportError = ImportError::Form("it is $2y$cost$ and 53 characters");
    let (cost, rest) = rest.split_once('$').ok_or(FORM)?;
    let cost = cost.parse::<u32>().ok().filter(|_| cost.len() == 2).ok_or(FORM)?;
    if cost < 4 {
        return Err(FORM);
    }
    if cost > IMPORTED_BCRYPT_MAX {
        return Err(ImportError::TooCostly { what: "the cost of bcrypt", max: IMPORTED_BCRYPT_MAX.into() });
    }
    let (salt, hash) = rest.split_at_checked(22).filter(|(_, hash)| hash.len() == 31).ok_or(FORM)?;
    let salt = crypt64::decode_bcrypt(salt).and_then(|salt| salt.try_into().ok()).ok_or(FORM)?;
    // The last of 24 octets was never written out.
    let hash = crypt64::decode_bcrypt(hash).filter(|hash| hash.len() == 23).ok_or(FORM)?;
    Ok(Crypt::Bcrypt { cost, salt, hash: Secret::new(hash) })
}

fn argon2(algorithm: Algorithm, rest: &str) -> Result<Crypt, ImportError> {
    const FORM: ImportError = ImportError::Form("it is $argon2id$v=19$m=n,t=n,p=n$salt$hash");
    let (version, rest) = match rest.strip_prefix("v=").map(|rest| rest.split_once('$').ok_or(FORM)) {
        // Before there was a version to be said it was this.
        None => (Version::V0x10, rest),
        Some(Ok(("16", rest))) => (Version::V0x10, rest),
        Some(Ok(("19", rest))) => (Version::V0x13, rest),
        Some(_) => return Err(FORM),
    };
    let mut parts = rest.split('$');
    let (Some(cost), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(FORM);
    };
    let cost = argon2_cost(cost)?;
    let decode = |text: &str| BASE64.decode(text).map_err(|_| FORM);
    let (salt, hash) = (bounded_salt(decode(salt)?)?, decode(hash)?);
    let params = argon2::Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(hash.len()));
    if salt.len() < argon2::MIN_SALT_LEN || !ARGON2_OCTETS.contains(&hash.len()) || params.is_err() {
        return Err(FORM);
    }
    Ok(Crypt::Argon2 { algorithm, version, cost, salt, hash: Secret::new(hash) })
}

fn argon2_cost(text: &str) -> Result<Argon2, ImportError> {
    const FORM: ImportError = ImportError::Form("its costs are m=n,t=n,p=n");
    let mut parts = text.split(',');
    let mut number = |key: &str| {
        let digits = parts.next().and_then(|part| part.strip_prefix(key)).ok_or(FORM)?;
        if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(FORM);
        }
        // What no number holds is above every limit.
        Ok(digits.parse::<u32>().unwrap_or(u32::MAX))
    };
    let cost = Argon2 { memory_kib: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
    if parts.next().is_some() {
        return Err(FORM);
    }
    bounded_memory(cost.memory_kib.into())?;
    if u64::from(cost.memory_kib) * u64::from(cost.passes) > IMPORTED_FILL_MAX_KIB {
        return Err(ImportError::TooCostly { what: "the memory in KiB times the passes", max: IMPORTED_FILL_MAX_KIB });
    }
    bounded_lanes(cost.lanes)?;
    Ok(cost)
}

fn bounded_memory(kib: u64) -> Result<u32, ImportError> {
    let fits = u32::try_from(kib).ok().filter(|kib| *kib <= IMPORTED_MEMORY_MAX_KIB);
    fits.ok_or(ImportError::TooCostly { what: "the memory in KiB", max: IMPORTED_MEMORY_MAX_KIB.into() })
}

fn bounded_lanes(lanes: u32) -> Result<(), ImportError> {
    if lanes > IMPORTED_LANES_MAX {
        return Err(ImportError::TooCostly { what: "the number of lanes", max: IMPORTED_LANES_MAX.into() });
    }
    Ok(())
}

/// `$y$params$salt$hash`. The parameters are written with one character each as long as they are small, and those that
/// are not small would cost too much: flavour, log2 N, r, and if there is more, what, p, t.
fn yescrypt(rest: &str) -> Result<Crypt, ImportError> {
    const FORM: ImportError = ImportError::Form("it is $y$params$salt$hash");
    /// From here on a parameter takes several characters.
    const LARGE: u8 = 48;
    let mut parts = rest.split('$');
    let (Some(params), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(FORM);
    };
    let mut chars = params.bytes();
    let mut number = |least: u32| match chars.next().and_then(crypt64::value) {
        None => Err(FORM),
        Some(value) if value >= LARGE => Err(ImportError::TooCostly { what: "a parameter of yescrypt", max: 48 }),
        Some(value) => Ok(u32::from(value) + least),
    };
    let (flavour, log_n, r) = (number(0)?, number(1)?, number(1)?);
    let more = number(1).unwrap_or(0);
    let p = if more & 1 == 0 { 1 } else { number(2)? };
    let t = if more & 2 == 0 { 0 } else { number(1)? };
    if more > 3 || chars.next().is_some() || flavour != Mode::Rw as u32 {
        return Err(ImportError::Form("yescrypt of this flavour is not taken"));
    }
    let memory_kib = bounded_memory((u64::from(r) << log_n) / 8)?.max(1);
    bounded_lanes(p)?;
    if t > YESCRYPT_TIME_MAX {
        return Err(ImportError::TooCostly { what: "the time parameter of yescrypt", max: YESCRYPT_TIME_MAX.into() });
    }
    let params = Params::new_with_all_params(Mode::Rw, 1 << log_n, r, p, t, 0).map_err(|_| FORM)?;
    let salt = bounded_salt(crypt64::decode(salt).ok_or(FORM)?)?;
    let hash = crypt64::decode(hash).filter(|hash| hash.len() == YESCRYPT_OCTETS).ok_or(FORM)?;
    Ok(Crypt::Yescrypt { params, memory_kib, salt, hash: Secret::new(hash) })
}
