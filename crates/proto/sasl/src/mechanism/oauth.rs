//! OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner, which Google and Microsoft made known and nobody standardised: a
//! token instead of a password. A refusal says first which token would do; the client answers that, and hears no.

use super::{Failure, Server, Step, TokenRefusal, decode_saslname, may_act_as, parse_name};
use crate::limits::TOKEN_MESSAGE_MAX;
use std::fmt::Write as _;
use types::Secret;

/// What stands between two pairs, and at the end.
const SEPARATOR: char = '\u{1}';

pub(crate) fn bearer() -> Box<dyn Server> {
    Box::new(Oauth { dialect: Dialect::Bearer, state: State::Start })
}

pub(crate) fn xoauth2() -> Box<dyn Server> {
    Box::new(Oauth { dialect: Dialect::Xoauth2, state: State::Start })
}

#[derive(Clone, Copy)]
enum Dialect {
    Bearer,
    Xoauth2,
}

enum State {
    /// The token is awaited.
    Start,
    /// The directory is asked.
    Asked,
    /// The refusal is told; the client's dummy response is awaited.
    Told,
    Over,
}

struct Oauth {
    dialect: Dialect,
    state: State,
}

impl Server for Oauth {
    fn message_max(&self) -> usize {
        TOKEN_MESSAGE_MAX
    }

    fn receive(&mut self, message: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Start => {
                let parsed =
                    std::str::from_utf8(message).map_err(|_| Failure::Syntax).and_then(|text| match self.dialect {
                        Dialect::Bearer => parse_bearer(text),
                        Dialect::Xoauth2 => parse_xoauth2(text),
                    });
                match parsed {
                    Ok((name, token)) => {
                        self.state = State::Asked;
                        Step::NeedToken { name, token }
                    }
                    Err(failure) => Step::Failed(failure),
                }
            }
            // Whatever it is: RFC 7628 §3.2.3 has %x01, XOAUTH2 nothing, and the end is the same.
            State::Told => Step::Failed(Failure::Denied),
            State::Asked | State::Over => Step::Failed(Failure::Syntax),
        }
    }

    fn token_refused(&mut self, why: TokenRefusal<'_>) -> Step {
        if !matches!(self.state, State::Asked) {
            self.state = State::Over;
            return Step::Failed(Failure::Denied);
        }
        self.state = State::Told;
        let mut json = match self.dialect {
            Dialect::Bearer => String::from(r#"{"status":"invalid_token""#),
            Dialect::Xoauth2 => String::from(r#"{"status":"401","schemes":"bearer""#),
        };
        for (key, value) in [("scope", why.scope), ("openid-configuration", why.openid_configuration)] {
            let Some(value) = value else { continue };
            json.extend([",\"", key, "\":\""]);
            push_escaped(&mut json, value);
            json.push('"');
        }
        json.push('}');
        Step::Challenge(json.into_bytes())
    }
}

/// RFC 8259 §7.
fn push_escaped(json: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if u32::from(control) < 0x20 => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
}

type Shown = (Option<String>, Secret<String>);

/// ```text
/// client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep
/// gs2-header  = gs2-cb-flag "," [gs2-authzid] ","
/// ```
/// A lone `kvsep` is the dummy response, which nothing begins with. There is no `-PLUS` to bind with `p=`.
fn parse_bearer(text: &str) -> Result<Shown, Failure> {
    let (header, pairs) = text.split_once(SEPARATOR).ok_or(Failure::Syntax)?;
    let mut parts = header.split(',');
    let (Some(flag), Some(authorization), Some(""), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::Syntax);
    };
    match flag {
        "n" | "y" => {}
        _ if flag.starts_with("p=") => return Err(Failure::Binding),
        _ => return Err(Failure::Syntax),
    }
    let name = match authorization.strip_prefix("a=") {
        Some(raw) => Some(decode_saslname(raw).ok_or(Failure::Syntax)?),
        None if authorization.is_empty() => None,
        None => return Err(Failure::Syntax),
    };
    let found = parse_pairs(pairs)?;
    let token = parse_authorization(found.auth.ok_or(Failure::Syntax)?)?;
    match found.user {
        // Some programs that speak both put XOAUTH2's key here as well: it must not name somebody else.
        Some(user) if name.as_deref().is_some_and(|name| !may_act_as(user, name)) => Err(Failure::Denied),
        _ => Ok((name, token)),
    }
}

/// ```text
/// message = "user=" name kvsep "auth=Bearer " token kvsep kvsep
/// ```
fn parse_xoauth2(text: &str) -> Result<Shown, Failure> {
    let found = parse_pairs(text)?;
    let name = parse_name(found.user.unwrap_or_default().as_bytes()).ok_or(Failure::Syntax)?;
    Ok((Some(name), parse_authorization(found.auth.ok_or(Failure::Syntax)?)?))
}

#[derive(Default)]
struct Pairs<'a> {
    auth: Option<&'a str>,
    user: Option<&'a str>,
}

/// ```text
/// kvpair = key "=" value kvsep
/// key    = 1*(ALPHA)
/// value  = *(VCHAR / SP / HTAB / CR / LF )
/// ```
/// What is unknown is skipped (RFC 7628 §3.1), as are host and port, which only schemes with a signature need.
fn parse_pairs(text: &str) -> Result<Pairs<'_>, Failure> {
    let mut rest = text;
    let mut found = Pairs::default();
    while rest != "\u{1}" {
        let (pair, behind) = rest.split_once(SEPARATOR).ok_or(Failure::Syntax)?;
        let (key, value) = pair.split_once('=').ok_or(Failure::Syntax)?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Failure::Syntax);
        }
        let place = match key.to_ascii_lowercase().as_str() {
            "auth" => Some(&mut found.auth),
            "user" => Some(&mut found.user),
            _ => None,
        };
        if place.is_some_and(|place| place.replace(value).is_some()) {
            return Err(Failure::Syntax);
        }
        rest = behind;
    }
    Ok(found)
}

/// ```text
/// credentials = "Bearer" 1*SP b64token                               RFC 6750 §2.1
/// b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
/// ```
/// Nothing at all asks which token it should be (RFC 7628 §4.3).
fn parse_authorization(value: &str) -> Result<Secret<String>, Failure> {
    if value.is_empty() {
        return Ok(Secret::new(String::new()));
    }
    let (scheme, token) = value.split_once(' ').ok_or(Failure::Syntax)?;
    let token = token.trim_matches(' ');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let body = token.trim_end_matches('=');
    if !scheme.eq_ignore_ascii_case("Bearer") || body.is_empty() || !body.bytes().all(is_token) {
        return Err(Failure::Syntax);
    }
    Ok(Secret::new(token.to_owned()))
}

#[cfg(test)]
#[path = "oauth/tests.rs"]
mod tests;
