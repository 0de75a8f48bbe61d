//! STARTTLS (RFC 3207 §4): no parameters, or 501.

use super::{Request, parse_nothing};
use crate::Reply;

/// `STARTTLS`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    parse_nothing(arguments).map(|()| Request::Starttls)
}
