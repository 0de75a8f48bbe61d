//! Checks that bytes are IMAP data as RFC 9051 §9 writes it: lists, NIL, numbers, quoted strings, literals.

/// Whether these bytes are one parenthesised list and nothing more.
pub(crate) fn is_one_list(wire: &[u8]) -> bool {
    let mut at = 0;
    let mut depth = 0usize;
    let mut item_start = true;
    while at < wire.len() {
        if at > 0 && depth == 0 {
            return false;
        }
        let was_start = std::mem::take(&mut item_start);
        match wire[at] {
            b'(' => {
                item_start = true;
                depth += 1;
                at += 1;
            }
            b')' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b' ' if !was_start && wire.get(at + 1).is_some_and(|b| !b" )".contains(b)) => {
                item_start = true;
                at += 1;
            }
            b'"' => match quoted(&wire[at..]) {
                Some(length) => at += length,
                None => return false,
            },
            b'{' => match literal(&wire[at..]) {
                Some(length) => at += length,
                None => return false,
            },
            b'N' if wire[at..].starts_with(b"NIL") => at += 3,
            b'0'..=b'9' => at += 1,
            _ => return false,
        }
    }
    depth == 0 && !wire.is_empty()
}

fn quoted(wire: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match *wire.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if matches!(wire.get(at + 1), Some(b'"' | b'\\')) => at += 2,
            b'\\' | 0 | b'\r' | b'\n' | 0x80.. => return None,
            _ => at += 1,
        }
    }
}

fn literal(wire: &[u8]) -> Option<usize> {
    let close = wire.iter().position(|b| *b == b'}')?;
    let length: usize = std::str::from_utf8(&wire[1..close]).ok()?.parse().ok()?;
    let content = wire.get(close + 1..)?.strip_prefix(b"\r\n")?.get(..length)?;
    (!content.contains(&0)).then_some(close + 3 + length)
}
