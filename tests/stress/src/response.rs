//! Reads the server's answers: no more than a client needs to believe something.

use anyhow::{Context as _, bail, ensure};
use std::time::Duration;
use tests_clients::Wire;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A bare word, `NIL` too.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// What stands in parentheses.
    List(Vec<Node>),
}

impl Node {
    pub(crate) fn atom(&self) -> Option<&str> {
        if let Self::Atom(word) = self { Some(word) } else { None }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        if let Self::List(nodes) = self { Some(nodes) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) => Some(bytes),
            Self::Atom(word) if word != "NIL" => Some(word.as_bytes()),
            _ => None,
        }
    }

    pub(crate) fn number<T: std::str::FromStr>(&self) -> Option<T> {
        self.atom()?.parse().ok()
    }
}

/// OK, NO, BAD, BYE or PREAUTH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) kind: String,
    /// What stands in brackets, taken apart.
    pub(crate) code: Vec<Node>,
    pub(crate) line: String,
}

impl Status {
    pub(crate) fn is_ok(&self) -> bool {
        self.kind == "OK"
    }

    pub(crate) fn has_code(&self, name: &str) -> bool {
        self.code.first().and_then(Node::atom) == Some(name)
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// `+`
    Continuation,
    /// With its tag, `*` if untagged.
    Status(String, Status),
    /// `* 12 NAME …`
    Numbered(u32, String, Vec<Node>),
    /// `* NAME …`
    Data(String, Vec<Node>),
}

/// Reads the next answer, its literals included.
pub(crate) fn read(wire: &mut Wire) -> anyhow::Result<Response> {
    let first = wire.raw_line()?;
    read_rest(wire, first)
}

/// As [`read`], or `None` if none begins within this time.
pub(crate) fn read_within(wire: &mut Wire, time: Duration) -> anyhow::Result<Option<Response>> {
    let Some(mut first) = wire.line_within(time)? else { return Ok(None) };
    first.extend_from_slice(b"\r\n");
    read_rest(wire, first).map(Some)
}

fn read_rest(wire: &mut Wire, mut bytes: Vec<u8>) -> anyhow::Result<Response> {
    while let Some(size) = literal_at_end(&bytes) {
        bytes.extend(wire.exactly(size)?);
        bytes.extend(wire.raw_line()?);
    }
    ensure!(bytes.ends_with(b"\r\n"), "a line that does not end in CR LF");
    bytes.truncate(bytes.len() - 2);
    parse(&bytes).with_context(|| format!("not understood: {}", shown(&bytes)))
}

/// An answer for people to read.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(300).collect::<String>().escape_debug().to_string()
}

fn literal_at_end(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let open = line.iter().rposition(|b| *b == b'{')?;
    std::str::from_utf8(line.get(open + 1..)?).ok()?.parse().ok()
}

fn parse(bytes: &[u8]) -> anyhow::Result<Response> {
    if bytes.starts_with(b"+") {
        return Ok(Response::Continuation);
    }
    let line = String::from_utf8_lossy(bytes);
    let (tag, rest) = line.split_once(' ').context("no space")?;
    let (word, _) = rest.split_once(' ').unwrap_or((rest, ""));
    if matches!(word, "OK" | "NO" | "BAD" | "BYE" | "PREAUTH") {
        let code = match rest.get(word.len() + 1..).and_then(|text| text.strip_prefix('[')) {
            Some(text) => parse_nodes(text.rsplit_once(']').map_or(text, |(code, _)| code).as_bytes())?,
            None => Vec::new(),
        };
        let status = Status { kind: word.to_owned(), code, line: line.clone().into_owned() };
        return Ok(Response::Status(tag.to_owned(), status));
    }
    ensure!(tag == "*", "neither a status nor untagged");
    let mut nodes = parse_nodes(bytes.get(2..).unwrap_or_default())?.into_iter();
    let first = nodes.next().context("nothing")?;
    let first = first.atom().context("no name")?.to_owned();
    match first.parse() {
        Ok(number) => {
            let name = nodes.next().context("a number alone")?;
            Ok(Response::Numbered(number, name.atom().context("no name")?.to_owned(), nodes.collect()))
        }
        Err(_) => Ok(Response::Data(first, nodes.collect())),
    }
}

/// Takes words, strings and lists apart, without recursion.
fn parse_nodes(bytes: &[u8]) -> anyhow::Result<Vec<Node>> {
    let mut open: Vec<Vec<Node>> = vec![Vec::new()];
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let node = match first {
            b' ' => {
                rest = after;
                continue;
            }
            b'(' => {
                open.push(Vec::new());
                rest = after;
                continue;
            }
            b')' => {
                rest = after;
                Node::List(open.pop().filter(|_| !open.is_empty()).context("a parenthesis too many")?)
            }
            b'"' => quoted(&mut rest)?,
            b'{' => literal(&mut rest)?,
            _ => atom(&mut rest),
        };
        open.last_mut().context("a parenthesis too many")?.push(node);
    }
    ensure!(open.len() == 1, "a parenthesis is not closed");
    Ok(open.pop().unwrap_or_default())
}

fn quoted(rest: &mut &[u8]) -> anyhow::Result<Node> {
    let mut text = Vec::new();
    let mut bytes = rest.iter().enumerate().skip(1);
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'"' => {
                *rest = rest.get(place + 1..).unwrap_or_default();
                return Ok(Node::Text(text));
            }
            b'\\' => text.extend(bytes.next().map(|(_, b)| *b)),
            b => text.push(*b),
        }
    }
    bail!("a string is not closed")
}

fn literal(rest: &mut &[u8]) -> anyhow::Result<Node> {
    let end = rest.windows(3).position(|w| w == b"}\r\n").context("a literal without its size")?;
    let size: usize = std::str::from_utf8(rest.get(1..end).unwrap_or_default())?.parse()?;
    let from = end + 3;
    let text = rest.get(from..from + size).context("a literal is cut")?.to_vec();
    *rest = rest.get(from + size..).unwrap_or_default();
    Ok(Node::Text(text))
}

/// A word; what stands in brackets belongs to it, spaces and parentheses included (`BODY[HEADER.FIELDS (X)]<0>`).
fn atom(rest: &mut &[u8]) -> Node {
    let mut brackets = 0_u32;
    let end = rest.iter().position(|byte| {
        match byte {
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        brackets == 0 && matches!(byte, b' ' | b'(' | b')')
    });
    let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    Node::Atom(String::from_utf8_lossy(word).into_owned())
}

/// `1,3:5` as numbers.
pub(crate) fn set(text: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for range in text.split(',') {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        numbers.extend(first.min(last)..=first.max(last));
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(word: &str) -> Node {
        Node::Atom(word.to_owned())
    }

    #[test]
    fn answers_are_taken_apart() {
        let fetch =
            parse(b"* 3 FETCH (UID 7 FLAGS (\\Seen) BODY[HEADER.FIELDS (X)] {4}\r\na\r\nb X \"\\\"q\" Y NIL)").unwrap();
        let items = vec![
            atom("UID"),
            atom("7"),
            atom("FLAGS"),
            Node::List(vec![atom("\\Seen")]),
            atom("BODY[HEADER.FIELDS (X)]"),
            Node::Text(b"a\r\nb".to_vec()),
            atom("X"),
            Node::Text(b"\"q".to_vec()),
            atom("Y"),
            atom("NIL"),
        ];
        assert_eq!(fetch, Response::Numbered(3, "FETCH".to_owned(), vec![Node::List(items)]));
        let Response::Status(tag, status) = parse(b"a1 OK [COPYUID 1 2:3 4:5] Done").unwrap() else { panic!() };
        assert!(tag == "a1" && status.has_code("COPYUID") && status.code.len() == 4);
        assert_eq!(parse(b"* SEARCH").unwrap(), Response::Data("SEARCH".to_owned(), Vec::new()));
        assert!(parse(b"* 1 FETCH (").is_err());
        assert_eq!(set("3,5:4"), Some(vec![3, 4, 5]));
    }
}
