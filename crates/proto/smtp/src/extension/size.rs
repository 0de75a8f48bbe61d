//! SIZE (RFC 1870).

use super::Context;
use crate::{Mail, Reply};
use types::Octets;

/// RFC 1870 §3: MAIL may be 26 octets longer.
pub(super) const LINE_EXTRA: usize = 26;

#[expect(clippy::unnecessary_wraps, reason = "the signature of every row")]
pub(super) fn line(context: &Context<'_>) -> Option<String> {
    Some(format!("SIZE {}", context.limits.message_max))
}

/// `size-value = 1*20DIGIT`; more than 64 bits hold is above every limit. The server compares it with its own.
pub(super) fn read(value: Option<&str>, mail: &mut Mail) -> Result<(), Reply> {
    let digits = value.filter(|v| (1..=20).contains(&v.len()) && v.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.ok_or_else(|| Reply::new(501, 5, 4, "SIZE needs a number"))?;
    mail.size = Some(Octets(digits.parse().unwrap_or(u64::MAX)));
    Ok(())
}
