//! TOP (RFC 1939 §7).

use super::{ArgumentError, MessageNumber, Request, parse_message_number, parse_number};

/// The header of a message and the first lines of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Which message.
    pub message: MessageNumber,
    /// How many lines of the body.
    pub lines: u32,
}

/// `TOP msg n`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    let arguments = arguments.trim_ascii();
    let space = arguments.iter().position(|byte| *byte == b' ').ok_or(ArgumentError::LineCount)?;
    let (message, lines) = arguments.split_at_checked(space).ok_or(ArgumentError::LineCount)?;
    let message = parse_message_number(message)?;
    let lines = parse_number(lines.trim_ascii_start()).ok_or(ArgumentError::LineCount)?;
    Ok(Request::Top(Top { message, lines }))
}
