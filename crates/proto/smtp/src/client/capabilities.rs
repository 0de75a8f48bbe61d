//! What the peer's EHLO says.

use types::Octets;

/// Most mechanisms of AUTH that are remembered.
const MECHANISMS_MAX: usize = 32;

/// What the peer offers (RFC 5321 §4.1.1.1). What is not here is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line of EHLO, independent of the others")]
pub struct Capabilities {
    /// PIPELINING.
    pub pipelining: bool,
    /// STARTTLS.
    pub starttls: bool,
    /// 8BITMIME.
    pub eight_bit_mime: bool,
    /// SMTPUTF8.
    pub smtputf8: bool,
    /// SIZE.
    pub size: bool,
    /// The argument of SIZE, if it is one and not zero, which means no fixed limit (RFC 1870 §3).
    pub size_max: Option<Octets>,
    /// AUTH and its mechanisms in capitals, at most 32.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads the text of the reply: the lines behind the first.
    pub(super) fn parse(text: &str) -> Self {
        let mut capabilities = Self::default();
        for line in text.split('\n').skip(1) {
            // "AUTH=PLAIN" is what very old servers say.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty()).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => capabilities.pipelining = true,
                Some("STARTTLS") => capabilities.starttls = true,
                Some("8BITMIME") => capabilities.eight_bit_mime = true,
                Some("SMTPUTF8") => capabilities.smtputf8 = true,
                Some("SIZE") => {
                    capabilities.size = true;
                    let size = words.next().and_then(|size| size.parse().ok());
                    capabilities.size_max = size.filter(|size| *size > 0).map(Octets);
                }
                Some("AUTH") => {
                    let room = MECHANISMS_MAX.saturating_sub(capabilities.auth.len());
                    capabilities.auth.extend(words.take(room));
                }
                _ => {}
            }
        }
        capabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ehlo_lines_are_read_in_any_case() {
        let text = "mx.example\npipelining\nSIZE 1000\n8bitmime\nSTARTTLS\nAUTH PLAIN login\nAUTH=OTHER\nX-UNKNOWN 1";
        let capabilities = Capabilities::parse(text);
        let expected = Capabilities {
            pipelining: true,
            starttls: true,
            eight_bit_mime: true,
            smtputf8: false,
            size: true,
            size_max: Some(Octets(1000)),
            auth: vec!["PLAIN".into(), "LOGIN".into(), "OTHER".into()],
        };
        assert_eq!(capabilities, expected);
        assert_eq!(Capabilities::parse("PIPELINING"), Capabilities::default(), "the first line is a name");
        assert_eq!(Capabilities::parse("x\nSIZE 0").size_max, None);
        assert_eq!(Capabilities::parse("x\nSIZE").size_max, None);
        assert_eq!(Capabilities::parse(&format!("x\nAUTH{}", " A".repeat(100))).auth.len(), MECHANISMS_MAX);
    }
}
