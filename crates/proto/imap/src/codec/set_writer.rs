//! Writes numbers as a `sequence-set`, ranges where they follow each other, without holding them.

use super::write::write_number;
use bytes::BytesMut;
use std::ops::RangeInclusive;

/// A set in the making. Numbers are written in the order in which they come; only ascending neighbours become ranges, so
/// that the order of a sorted result stays (RFC 5267 §3.2).
#[derive(Clone, Debug, Default)]
pub struct SetWriter {
    /// What is not written yet, for it may go on.
    pending: Option<RangeInclusive<u32>>,
    is_begun: bool,
}

impl SetWriter {
    /// Adds a number.
    pub fn push(&mut self, out: &mut BytesMut, number: u32) {
        self.push_range(out, number..=number);
    }

    /// Adds an ascending range.
    pub fn push_range(&mut self, out: &mut BytesMut, range: RangeInclusive<u32>) {
        match &mut self.pending {
            Some(pending) if pending.end().checked_add(1) == Some(*range.start()) => {
                *pending = *pending.start()..=*range.end();
            }
            pending => {
                let before = pending.replace(range);
                self.write(out, before);
            }
        }
    }

    /// Writes the rest; false if the set is empty.
    pub fn end(mut self, out: &mut BytesMut) -> bool {
        let pending = self.pending.take();
        self.write(out, pending);
        self.is_begun
    }

    fn write(&mut self, out: &mut BytesMut, range: Option<RangeInclusive<u32>>) {
        let Some(range) = range else { return };
        if std::mem::replace(&mut self.is_begun, true) {
            out.extend_from_slice(b",");
        }
        write_number(out, u64::from(*range.start()));
        if range.start() < range.end() {
            out.extend_from_slice(b":");
            write_number(out, u64::from(*range.end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(numbers: &[u32]) -> String {
        let (mut out, mut set) = (BytesMut::new(), SetWriter::default());
        for number in numbers {
            set.push(&mut out, *number);
        }
        assert_eq!(set.end(&mut out), !numbers.is_empty());
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn neighbours_become_ranges_and_the_order_stays() {
        assert_eq!(written(&[]), "");
        assert_eq!(written(&[7]), "7");
        assert_eq!(written(&[2, 10, 11, 12, 20, 21]), "2,10:12,20:21");
        assert_eq!(written(&[23765, 23764, 23763, 23761]), "23765,23764,23763,23761");
        assert_eq!(written(&[5, 6, 4, u32::MAX - 1, u32::MAX]), "5:6,4,4294967294:4294967295");
    }
}
