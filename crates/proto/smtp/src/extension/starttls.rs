//! STARTTLS (RFC 3207): not announced inside TLS.

use super::Context;
use crate::Tls;

pub(super) fn line(context: &Context<'_>) -> Option<String> {
    (context.policy.tls == Tls::Offered).then(|| "STARTTLS".into())
}
