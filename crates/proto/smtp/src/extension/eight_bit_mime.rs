//! 8BITMIME (RFC 6152).

use crate::{Body, Mail, Reply};

/// RFC 6152 §2: MAIL may be 17 octets longer.
pub(super) const LINE_EXTRA: usize = 17;

/// `body-value = "7BIT" / "8BITMIME"`
pub(super) fn read(value: Option<&str>, mail: &mut Mail) -> Result<(), Reply> {
    mail.body = match value {
        Some(value) if value.eq_ignore_ascii_case("7BIT") => Body::SevenBit,
        Some(value) if value.eq_ignore_ascii_case("8BITMIME") => Body::EightBitMime,
        _ => return Err(Reply::new(501, 5, 4, "BODY is 7BIT or 8BITMIME")),
    };
    Ok(())
}
