//! Whether a password is that of a hash: the hash is made again and compared without telling where it differs.

use super::crypt::{Argon2, Crypt};
use super::crypt64;
use super::scheme::{Function, Scheme};
use crate::accounts::credential::ScramSalt;
use crate::accounts::hasher;
use aws_lc_rs::{digest, pbkdf2};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq;
use types::Secret;

/// How much of a password bcrypt looks at, with the zero octet behind it.
const BCRYPT_PASSWORD: usize = 72;
/// Rounds of MD5-crypt.
const MD5_CRYPT_ROUNDS: usize = 1000;

pub(super) fn is_of(scheme: &Scheme, password: &[u8]) -> bool {
    match scheme {
        Scheme::Digest { function, digest, salt, .. } => is_same(&digest_of(*function, &[password, salt]), digest),
        Scheme::Pbkdf2 { rounds, salt, derived } => {
            pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA1, *rounds, salt, password, derived.expose()).is_ok()
        }
        Scheme::Scram { hash, rounds, salt, stored_key } => {
            let Ok(password) = String::from_utf8(password.to_vec()) else { return false };
            let salt = ScramSalt { salt: salt.clone(), iterations: *rounds };
            is_same(hasher::derive_keys(*hash, &Secret::new(password), &salt).stored_key.expose(), stored_key)
        }
        Scheme::Crypt(crypt) => is_of_crypt(crypt, password),
    }
}

fn is_same(made: &[u8], stored: &Secret<Vec<u8>>) -> bool {
    made.ct_eq(stored.expose()).into()
}

fn is_same_text(made: &str, stored: &Secret<String>) -> bool {
    made.as_bytes().ct_eq(stored.expose().as_bytes()).into()
}

fn digest_of(function: Function, parts: &[&[u8]]) -> Vec<u8> {
    let algorithm = match function {
        Function::Md5 => return md5_of(parts).to_vec(),
        Function::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Function::Sha256 => &digest::SHA256,
        Function::Sha512 => &digest::SHA512,
    };
    let mut context = digest::Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

fn md5_of(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = Md5::new();
    for part in parts {
        context.update(part);
    }
    context.finalize().into()
}

fn is_of_crypt(crypt: &Crypt, password: &[u8]) -> bool {
    match crypt {
        Crypt::Md5 { salt, hash } => is_same_text(&md5_crypt(password, salt.as_bytes()), hash),
        Crypt::Sha { is_512, rounds, salt, hash } => {
            let Ok(params) = sha_crypt::Params::new(*rounds) else { return false };
            let made = if *is_512 {
                sha_512_text(&sha_crypt::sha512_crypt(password, salt.as_bytes(), params))
            } else {
                sha_256_text(&sha_crypt::sha256_crypt(password, salt.as_bytes(), params))
            };
            is_same_text(&made, hash)
        }
        Crypt::Bcrypt { cost, salt, hash } => {
            let key = Secret::new(password.iter().copied().chain([0]).take(BCRYPT_PASSWORD).collect::<Vec<u8>>());
            let made = bcrypt::bcrypt(*cost, *salt, key.expose());
            is_same(made.get(..hash.expose().len()).unwrap_or_default(), hash)
        }
        Crypt::Argon2 { algorithm, version, cost, salt, hash } => {
            let Argon2 { memory_kib, passes, lanes } = *cost;
            let mut made = vec![0; hash.expose().len()];
            let Ok(params) = argon2::Params::new(memory_kib, passes, lanes, Some(made.len())) else { return false };
            let argon2 = argon2::Argon2::new(*algorithm, *version, params);
            argon2.hash_password_into(password, salt, &mut made).is_ok() && is_same(&made, hash)
        }
        Crypt::Yescrypt { params, salt, hash, .. } => {
            let mut made = vec![0; hash.expose().len()];
            yescrypt::yescrypt(password, salt, params, &mut made).is_ok() && is_same(&made, hash)
        }
    }
}

/// Octets by their places, in crypt(3)'s characters.
fn text_of(digest: &[u8], groups: impl Iterator<Item = [usize; 3]>) -> String {
    let mut text = String::with_capacity(90);
    let octet = |place: usize| digest.get(place).copied().unwrap_or(0);
    for [high, middle, low] in groups {
        crypt64::encode_group(&mut text, [octet(low), octet(middle), octet(high)], 4);
    }
    text
}

fn sha_256_text(digest: &[u8; 32]) -> String {
    let groups = std::iter::successors(Some([0, 10, 20]), |[a, b, c]| Some([c + 1, a + 1, b + 1]));
    let mut text = text_of(digest, groups.take(10));
    let [.., before, last] = digest;
    crypt64::encode_group(&mut text, [*before, *last, 0], 3);
    text
}

fn sha_512_text(digest: &[u8; 64]) -> String {
    let groups = std::iter::successors(Some([0, 21, 42]), |[a, b, c]| Some([b + 1, c + 1, a + 1]));
    let mut text = text_of(digest, groups.take(21));
    let [.., last] = digest;
    crypt64::encode_group(&mut text, [*last, 0, 0], 2);
    text
}

/// MD5-crypt, as FreeBSD brought it in 1994.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let inner = md5_of(&[password, salt, password]);
    let mut context = Md5::new();
    context.update(password);
    context.update(b"$1$");
    context.update(salt);
    for at in (0..password.len()).step_by(inner.len()) {
        context.update(inner.get(..(password.len() - at).min(inner.len())).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits > 0 {
        context.update(if bits & 1 == 1 { &[0] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut digest: [u8; 16] = context.finalize().into();
    for round in 0..MD5_CRYPT_ROUNDS {
        let (first, last): (&[u8], &[u8]) = if round & 1 == 1 { (password, &digest) } else { (&digest, password) };
        let salt = if round % 3 == 0 { &[] } else { salt };
        let again = if round % 7 == 0 { &[] } else { password };
        digest = md5_of(&[first, salt, again, last]);
    }
    let groups = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = text_of(&digest, groups.into_iter());
    let [.., last, _, _, _, _] = digest;
    crypt64::encode_group(&mut text, [last, 0, 0], 2);
    text
}
