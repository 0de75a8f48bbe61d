//! The commands as values; each file parses the arguments of one.

pub mod auth;
pub mod bdat;
pub mod data;
pub mod expn;
pub mod hello;
pub mod help;
pub mod mail;
pub mod noop;
pub mod quit;
pub mod rcpt;
pub mod rset;
pub mod starttls;
pub mod vrfy;

pub use auth::AuthStart;
pub use hello::{Hello, HelloVerb};
pub use mail::{Body, Mail};
pub use rcpt::Recipient;

use crate::Reply;

/// What a line says, before the machine decides who answers it.
#[derive(Debug)]
pub(crate) enum Request {
    Hello(Hello),
    Auth(auth::Arguments),
    Mail(Mail),
    Rcpt(Recipient),
    Data,
    Bdat(bdat::Chunk),
    Starttls,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
}

/// `no arguments`; spaces at the end are overlooked (RFC 5321 §4.1.1: tolerate trailing white space).
pub(crate) fn parse_nothing(arguments: &[u8]) -> Result<(), Reply> {
    if arguments.trim_ascii().is_empty() {
        return Ok(());
    }
    Err(Reply::new(501, 5, 4, "This command takes no argument"))
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`, parted by spaces (RFC 5321 §4.1.2).
pub(crate) fn parse_parameters(rest: &[u8]) -> Result<Vec<(&str, Option<&str>)>, Reply> {
    let fault = || Reply::new(501, 5, 4, "The parameters are malformed");
    if rest.first().is_some_and(|byte| *byte != b' ') {
        return Err(fault());
    }
    let text = std::str::from_utf8(rest).map_err(|_| fault())?;
    let mut parameters: Vec<(&str, Option<&str>)> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = word.split_once('=').map_or((word, None), |(keyword, value)| (keyword, Some(value)));
        let keyword_fits = keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && keyword.starts_with(|c: char| c.is_ascii_alphanumeric());
        let value_fits = value.is_none_or(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_graphic() && b != b'='));
        if !keyword_fits || !value_fits {
            return Err(fault());
        }
        if parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(keyword)) {
            return Err(Reply::new(501, 5, 4, "A parameter stands there twice"));
        }
        parameters.push((keyword, value));
    }
    Ok(parameters)
}
