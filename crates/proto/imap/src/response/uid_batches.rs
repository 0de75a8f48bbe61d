//! `* UIDBATCHES` (RFC 10022 §3.1.2).

use crate::codec::write::{write_number, write_string};
use bytes::BytesMut;
use types::Uid;

/// The answer in the making: the output can be sent on between the batches.
#[derive(Debug)]
#[must_use = "an answer must be ended"]
pub struct UidBatchesResponse {
    is_begun: bool,
}

impl UidBatchesResponse {
    /// Begins the answer to the command of this tag.
    pub fn begin(out: &mut BytesMut, tag: &str) -> Self {
        out.extend_from_slice(b"* UIDBATCHES (TAG ");
        write_string(out, tag.as_bytes());
        out.extend_from_slice(b")");
        Self { is_begun: false }
    }

    /// A batch from its highest UID to its lowest. Batches come from the highest to the lowest too.
    ///
    /// ```text
    /// uidbatches-response = "UIDBATCHES" search-correlator [SP uid-range *("," uid-range) ]
    /// uid-range           = (uniqueid ":" uniqueid)
    /// ```
    pub fn batch(&mut self, out: &mut BytesMut, highest: Uid, lowest: Uid) {
        out.extend_from_slice(if std::mem::replace(&mut self.is_begun, true) { b"," } else { b" " });
        write_number(out, u64::from(highest.get()));
        out.extend_from_slice(b":");
        write_number(out, u64::from(lowest.get()));
    }

    /// Ends the answer.
    pub fn end(self, out: &mut BytesMut) {
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_ranges_from_the_highest_down() {
        let written = |batches: &[(u32, u32)]| {
            let mut out = BytesMut::new();
            let mut response = UidBatchesResponse::begin(&mut out, "A143");
            for (highest, lowest) in batches {
                response.batch(&mut out, Uid::new(*highest).unwrap(), Uid::new(*lowest).unwrap());
            }
            response.end(&mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(written(&[]), "* UIDBATCHES (TAG \"A143\")\r\n");
        assert_eq!(written(&[(1, 1)]), "* UIDBATCHES (TAG \"A143\") 1:1\r\n");
        let two = "* UIDBATCHES (TAG \"A143\") 215295:99696,99695:1\r\n";
        assert_eq!(written(&[(215_295, 99_696), (99_695, 1)]), two);
    }
}
