//! SMTPUTF8 (RFC 6531).

use crate::{Mail, Reply};

/// RFC 6531 §3.1: MAIL may be 10 octets longer.
pub(super) const LINE_EXTRA: usize = 10;

/// The parameter has no value (RFC 6531 §3.4).
pub(super) fn read(value: Option<&str>, mail: &mut Mail) -> Result<(), Reply> {
    if value.is_some() {
        return Err(Reply::new(501, 5, 4, "SMTPUTF8 has no value"));
    }
    mail.utf8 = true;
    Ok(())
}
