//! The limits of this crate.

/// Longest message of a client in bytes, decoded. A name, a name to act for and a password of the greatest length fit.
pub const MESSAGE_MAX: usize = 2048;

/// Longest message that carries a token in bytes, decoded. Issuers that put a person's groups into it need some KB.
pub const TOKEN_MESSAGE_MAX: usize = 8 << 10;

/// Longest name in bytes: a mail address of the greatest length.
pub const NAME_MAX: usize = 64 + 1 + 255;
