//! The one place that writes to standard output.

use std::io::Write as _;

/// Writes text to standard output at once. Whoever closed the other end does not want it: no error.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
