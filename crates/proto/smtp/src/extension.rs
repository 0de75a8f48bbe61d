//! One row per extension: what EHLO says of it, which MAIL parameter it brings and how much longer that makes the line.

mod auth;
mod eight_bit_mime;
mod size;
mod smtputf8;
mod starttls;

use crate::{Limits, Mail, Policy, Reply};

/// What an EHLO line may depend on.
pub(crate) struct Context<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) limits: &'a Limits,
}

/// A parameter of MAIL.
struct MailParameter {
    keyword: &'static str,
    /// By how much MAIL may be longer, as the extension's RFC says.
    line_extra: usize,
    read: fn(Option<&str>, &mut Mail) -> Result<(), Reply>,
}

/// A row.
struct Extension {
    /// The EHLO line, if it is offered now.
    line: fn(&Context<'_>) -> Option<String>,
    mail: Option<MailParameter>,
}

/// An extension that is always there and says no more than its keyword.
macro_rules! plain {
    ($keyword:literal) => {
        Extension { line: |_| Some($keyword.into()), mail: None }
    };
}

static EXTENSIONS: [Extension; 8] = [
    plain!("PIPELINING"), // RFC 2920: the machine takes commands in groups as it takes them one by one
    Extension {
        line: size::line,
        mail: Some(MailParameter { keyword: "SIZE", line_extra: size::LINE_EXTRA, read: size::read }),
    },
    Extension {
        line: |_| Some("8BITMIME".into()),
        mail: Some(MailParameter {
            keyword: "BODY",
            line_extra: eight_bit_mime::LINE_EXTRA,
            read: eight_bit_mime::read,
        }),
    },
    Extension {
        line: |_| Some("SMTPUTF8".into()),
        mail: Some(MailParameter { keyword: "SMTPUTF8", line_extra: smtputf8::LINE_EXTRA, read: smtputf8::read }),
    },
    plain!("CHUNKING"),            // RFC 3030: BDAT, in command/bdat.rs
    plain!("ENHANCEDSTATUSCODES"), // RFC 2034: every reply has its code by construction
    Extension { line: starttls::line, mail: None },
    Extension {
        line: auth::line,
        mail: Some(MailParameter { keyword: "AUTH", line_extra: auth::LINE_EXTRA, read: auth::read }),
    },
];

/// The lines of EHLO behind the first.
pub(crate) fn ehlo_lines(context: &Context<'_>) -> Vec<String> {
    EXTENSIONS.iter().filter_map(|extension| (extension.line)(context)).collect()
}

/// Reads one parameter of MAIL into `mail`; one that no extension brings is 555 (RFC 5321 §4.1.1.11).
pub(crate) fn read_mail_parameter(keyword: &str, value: Option<&str>, mail: &mut Mail) -> Result<(), Reply> {
    let mut parameters = EXTENSIONS.iter().filter_map(|extension| extension.mail.as_ref());
    let known = parameters.find(|parameter| parameter.keyword.eq_ignore_ascii_case(keyword));
    known.map_or_else(
        || Err(Reply::new(555, 5, 4, "This parameter is not offered")),
        |parameter| (parameter.read)(value, mail),
    )
}

/// By how much the extensions lengthen MAIL.
pub(crate) fn mail_line_extra() -> usize {
    EXTENSIONS.iter().filter_map(|extension| extension.mail.as_ref()).map(|parameter| parameter.line_extra).sum()
}
