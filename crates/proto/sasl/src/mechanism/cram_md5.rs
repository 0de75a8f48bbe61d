//! CRAM-MD5 (RFC 2195), for old devices that know nothing better than a digest. The server has to keep what the password
//! can be had back from, so it works for the accounts that the operator chose; everybody else's fails like a wrong one.

use super::{Begin, Failure, Server, Step, parse_name};
use std::fmt::Write as _;

/// Bytes of an MD5 hash.
const DIGEST_OCTETS: usize = 16;

pub(crate) fn server(begin: Begin<'_>) -> Box<dyn Server> {
    let mut challenge = String::from("<");
    for byte in begin.nonce {
        let _ = write!(challenge, "{byte:02x}");
    }
    // RFC 2195 §2: in the form of an RFC 822 msg-id. What matters is that it never comes twice.
    challenge.extend(["@", begin.hostname, ">"]);
    Box::new(CramMd5 { challenge: challenge.into_bytes() })
}

struct CramMd5 {
    challenge: Vec<u8>,
}

/// ```text
/// response = name SP 32(DIGIT / "a" / "b" / "c" / "d" / "e" / "f")
/// ```
/// The name may itself hold spaces.
fn parse(message: &[u8]) -> Option<(String, Vec<u8>)> {
    let space = message.iter().rposition(|byte| *byte == b' ')?;
    let (name, digest) = message.split_at_checked(space)?;
    let digest = decode_hex(digest.get(1..)?)?;
    (digest.len() == DIGEST_OCTETS).then_some((parse_name(name)?, digest))
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_chunks::<2>();
    let octets = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    octets.collect::<Option<_>>().filter(|_| rest.is_empty())
}

impl Server for CramMd5 {
    fn begins(&self) -> bool {
        true
    }

    fn first_challenge(&mut self) -> Option<Vec<u8>> {
        Some(self.challenge.clone())
    }

    fn receive(&mut self, message: &[u8]) -> Step {
        let Some((name, response)) = parse(message) else { return Step::Failed(Failure::Syntax) };
        Step::NeedDigest { name, challenge: std::mem::take(&mut self.challenge), response }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::unbound;
    use super::*;

    const CHALLENGE: &[u8] = b"<070707070707070707070707070707070707@mail.example.test>";

    #[test]
    fn the_answer_to_a_challenge_is_taken_apart() {
        let mut cram = unbound("CRAM-MD5");
        assert_eq!(cram.start(None), Step::Challenge(CHALLENGE.to_vec()));
        // The response of RFC 2195 §2, with a name in two words.
        let step = cram.step(b"tim t b913a602c7eda7a495b4e6e7334d3890");
        let response =
            vec![0xb9, 0x13, 0xa6, 0x02, 0xc7, 0xed, 0xa7, 0xa4, 0x95, 0xb4, 0xe6, 0xe7, 0x33, 0x4d, 0x38, 0x90];
        assert_eq!(step, Step::NeedDigest { name: "tim t".into(), challenge: CHALLENGE.to_vec(), response });
        assert_eq!(cram.step(b"tim b913a602c7eda7a495b4e6e7334d3890"), Step::Failed(Failure::Syntax), "it ends once");
    }

    #[test]
    fn nothing_may_come_before_the_challenge() {
        for initial in [&b""[..], b"tim b913a602c7eda7a495b4e6e7334d3890"] {
            let mut cram = unbound("CRAM-MD5");
            assert_eq!(cram.start(Some(initial)), Step::Failed(Failure::Syntax));
            assert_eq!(cram.step(b"tim b913a602c7eda7a495b4e6e7334d3890"), Step::Failed(Failure::Syntax));
        }
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for bad in [
            "",
            "tim",
            "tim ",
            " b913a602c7eda7a495b4e6e7334d3890",
            "tim b913a602c7eda7a495b4e6e7334d389",
            "tim b913a602c7eda7a495b4e6e7334d38900",
            "tim b913a602c7eda7a495b4e6e7334d389011",
            "tim B913A602C7EDA7A495B4E6E7334D3890",
            "tim b913a602c7eda7a495b4e6e7334d389g",
            "tim\tb913a602c7eda7a495b4e6e7334d3890",
        ] {
            let mut cram = unbound("CRAM-MD5");
            cram.start(None);
            assert_eq!(cram.step(bad.as_bytes()), Step::Failed(Failure::Syntax), "{bad}");
        }
    }
}
