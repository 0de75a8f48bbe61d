//! Which byte may stand where (RFC 3501 §9), as one table.

const ATOM: u8 = 1;
const ASTRING: u8 = 2;
const TAG: u8 = 4;
const LIST: u8 = 8;

const CLASSES: [u8; 256] = classes();

/// Whether the byte is one of `"(" / ")" / "{" / SP / CTL / "%" / "*" / DQUOTE / "\" / "]"`.
const fn atom_special(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7f || matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler, not on input"
)]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if !atom_special(b) {
            table[byte] |= ATOM;
        }
        if !atom_special(b) || b == b']' {
            table[byte] |= ASTRING | LIST;
            if b != b'+' {
                table[byte] |= TAG;
            }
        }
        if matches!(b, b'%' | b'*') {
            table[byte] |= LIST;
        }
        byte += 1;
    }
    table
}

fn has(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|c| c & class != 0)
}

/// `ATOM-CHAR`
pub fn is_atom_char(byte: u8) -> bool {
    has(byte, ATOM)
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
pub fn is_astring_char(byte: u8) -> bool {
    has(byte, ASTRING)
}

/// `<any ASTRING-CHAR except "+">`
pub fn is_tag_char(byte: u8) -> bool {
    has(byte, TAG)
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
pub fn is_list_char(byte: u8) -> bool {
    has(byte, LIST)
}
