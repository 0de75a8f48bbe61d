//! `* THREAD` (RFC 5256 §4): trees from a flat list, without recursion.

use crate::codec::write::write_number;
use bytes::BytesMut;

/// A node of a thread; each stands before its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadNode {
    /// Its number; `None` for a message that is not there, which has at least two children.
    pub number: Option<u32>,
    /// How many nodes are above it.
    pub depth: u32,
    /// How many nodes are directly below it.
    pub children: u32,
}

/// The answer in the making: the output can be sent on between the nodes.
#[derive(Debug)]
#[must_use = "an answer must be ended"]
pub struct ThreadResponse {
    /// The depths at which lists are open. A chain of any length is one list.
    open: Vec<u32>,
    previous: Option<ThreadNode>,
}

impl ThreadResponse {
    /// Begins the answer.
    pub fn begin(out: &mut BytesMut) -> Self {
        out.extend_from_slice(b"* THREAD");
        Self { open: Vec::new(), previous: None }
    }

    /// Writes the next node.
    ///
    /// ```text
    /// thread-data    = "THREAD" [SP 1*thread-list]
    /// thread-list    = "(" (thread-members / thread-nested) ")"
    /// thread-members = nz-number *(SP nz-number) [SP thread-nested]
    /// thread-nested  = 2*thread-list
    /// ```
    pub fn node(&mut self, out: &mut BytesMut, node: ThreadNode) {
        let parent = self.previous.filter(|previous| previous.depth < node.depth);
        match parent {
            Some(parent) if parent.children == 1 => out.extend_from_slice(b" "),
            _ => {
                self.close(out, node.depth);
                if self.previous.is_none() || parent.is_some_and(|parent| parent.number.is_some()) {
                    out.extend_from_slice(b" ");
                }
                out.extend_from_slice(b"(");
                self.open.push(node.depth);
            }
        }
        if let Some(number) = node.number {
            write_number(out, u64::from(number));
        }
        self.previous = Some(node);
    }

    fn close(&mut self, out: &mut BytesMut, depth: u32) {
        while self.open.pop_if(|open| *open >= depth).is_some() {
            out.extend_from_slice(b")");
        }
    }

    /// Ends the answer.
    pub fn end(mut self, out: &mut BytesMut) {
        self.close(out, 0);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(nodes: &[(u32, u32, u32)]) -> String {
        let mut out = BytesMut::new();
        let mut answer = ThreadResponse::begin(&mut out);
        for (number, depth, children) in nodes {
            let number = (*number > 0).then_some(*number);
            answer.node(&mut out, ThreadNode { number, depth: *depth, children: *children });
        }
        answer.end(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn threads_are_written_as_in_the_rfc() {
        assert_eq!(written(&[]), "* THREAD\r\n");
        // (2)(3 6 (4 23)(44 7 96))
        let nodes = [(2, 0, 0), (3, 0, 1), (6, 1, 2), (4, 2, 1), (23, 3, 0), (44, 2, 1), (7, 3, 1), (96, 4, 0)];
        assert_eq!(written(&nodes), "* THREAD (2)(3 6 (4 23)(44 7 96))\r\n");
        assert_eq!(written(&[(0, 0, 2), (3, 1, 0), (5, 1, 0)]), "* THREAD ((3)(5))\r\n");
        let nested = [(1, 0, 2), (2, 1, 2), (3, 2, 0), (4, 2, 0), (5, 1, 0), (6, 0, 0)];
        assert_eq!(written(&nested), "* THREAD (1 (2 (3)(4))(5))(6)\r\n");
    }

    #[test]
    fn a_long_chain_is_one_list() {
        let length = 100_000;
        let mut out = BytesMut::new();
        let mut answer = ThreadResponse::begin(&mut out);
        for depth in 0..length {
            let children = u32::from(depth + 1 < length);
            answer.node(&mut out, ThreadNode { number: Some(depth + 1), depth, children });
        }
        assert_eq!(answer.open.len(), 1);
        answer.end(&mut out);
        assert!(out.ends_with(b" 99999 100000)\r\n"));
    }
}
