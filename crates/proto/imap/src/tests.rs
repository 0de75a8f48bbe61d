//! Tests that look at the whole crate from outside.

mod oracle;
