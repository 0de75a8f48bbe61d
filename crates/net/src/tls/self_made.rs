//! An authority of our own and a certificate of it, for trials and tests.

use super::TlsError;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use std::time::Duration;
use types::{Secret, Timestamp};

/// A day.
const DAY: Duration = Duration::from_hours(24);
/// How long both are valid. Programs refuse server certificates of more than 398 days.
const VALID: Duration = Duration::from_hours(397 * 24);

/// What was made.
#[derive(Clone, Debug)]
pub struct SelfMade {
    /// The authority, which a mail program is told to trust.
    pub authority_pem: String,
    /// The server's certificate, followed by the authority.
    pub chain_pem: String,
    /// The server's private key. The authority's was thrown away: it signs nothing else, ever.
    pub key_pem: Secret<String>,
}

/// Makes an authority and a certificate of it for these names and addresses (P-256), valid from a day before `now` for
/// 397 days.
pub fn self_made(names: &[&str], now: Timestamp) -> Result<SelfMade, TlsError> {
    let since_1970 = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
    let begin = date_time_ymd(1970, 1, 1) + since_1970.saturating_sub(DAY);
    let end = begin + VALID;

    let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::Make)?;
    let mut authority = CertificateParams::new(Vec::new()).map_err(TlsError::Make)?;
    authority.distinguished_name = named("Postamt trial authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (authority.not_before, authority.not_after) = (begin, end);
    let authority_pem = authority.self_signed(&authority_key).map_err(TlsError::Make)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::Make)?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let common_name = names.first().cloned().unwrap_or_default();
    let mut leaf = CertificateParams::new(names).map_err(TlsError::Make)?;
    leaf.distinguished_name = named(&common_name);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (begin, end);
    let leaf = leaf.signed_by(&key, &issuer).map_err(TlsError::Make)?;
    let chain_pem = format!("{}{authority_pem}", leaf.pem());
    Ok(SelfMade { authority_pem, chain_pem, key_pem: Secret::new(key.serialize_pem()) })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
