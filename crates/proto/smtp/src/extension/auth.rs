//! AUTH (RFC 4954): its EHLO line and its parameter of MAIL.

use super::Context;
use crate::{Mail, Reply, Rule};

/// RFC 4954 §3: MAIL may be 500 octets longer.
pub(super) const LINE_EXTRA: usize = 500;

pub(super) fn line(context: &Context<'_>) -> Option<String> {
    let offered = context.policy.mechanisms.iter().filter(|mechanism| mechanism.rule == Rule::Offered);
    let line = offered.fold(String::from("AUTH"), |line, mechanism| line + " " + &mechanism.name);
    (line.len() > "AUTH".len()).then_some(line)
}

/// `AUTH=xtext`, which must be well formed and is otherwise treated as `AUTH=<>`: no client is trusted to vouch for
/// somebody else (RFC 4954 §5).
pub(super) fn read(value: Option<&str>, _mail: &mut Mail) -> Result<(), Reply> {
    let mut rest = value.unwrap_or_default().as_bytes();
    let mut fits = !rest.is_empty();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte == b'+' {
            // xtext: "+" and two hexadecimal digits in capitals (RFC 3461 §4).
            let (hex, tail) = rest.split_at_checked(2).unwrap_or((b"??", &[]));
            fits = fits && hex.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
            rest = tail;
        }
    }
    if fits { Ok(()) } else { Err(Reply::new(501, 5, 4, "AUTH needs an address or <>")) }
}
