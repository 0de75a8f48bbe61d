//! A sign-in in clear whose literal was refused, and that comes all the same: its client did not wait to be asked. The
//! lines behind it are commands to whoever waited, so they are read as such and answered as such; but where they are none,
//! a password crossed in clear (design.md: nothing invites one, and what comes anyway is burnt).

use super::{Connection, LoginPolicy};
use crate::codec::{Cursor, LiteralAnnouncement};
use crate::command::{Betrayed, betrayed};
use crate::registry;
use bytes::BytesMut;
use zeroize::Zeroize;

impl Connection {
    /// Keeps the line that announced a refused literal, with those before it of the same sign-in.
    pub(super) fn keep_unasked(&mut self, line: &[u8], in_clear: bool, announced: LiteralAnnouncement) {
        if in_clear {
            // A new one.
            self.forget_unasked();
        } else if self.unasked.is_empty() {
            return;
        }
        let whole = self.unasked.len().saturating_add(line.len());
        if announced.synchronising && whole <= self.command_max() {
            self.unasked.extend_from_slice(line);
        } else {
            self.forget_unasked();
        }
    }

    /// Whether the literal that the line up to `end` announces is on its way and may belong to what is kept.
    pub(super) fn takes_unasked(&self, end: usize, announced: LiteralAnnouncement) -> bool {
        !self.unasked.is_empty() && !announced.synchronising && self.admit_argument(end, announced).is_ok()
    }

    /// What the kept sign-in has betrayed if `text` is the rest of it. It is not kept any longer.
    pub(super) fn take_unasked(&mut self, text: &[u8]) -> Option<Betrayed> {
        if self.unasked.is_empty() {
            return None;
        }
        self.unasked.extend_from_slice(text);
        let read = || {
            let mut cursor = Cursor::new(&self.unasked).with(self.enabled);
            cursor.tag().ok()?;
            let head = registry::parse_head(&cursor, self.state).ok()?;
            betrayed::read(head.spec.name, head.arguments.rest())
        };
        let read = if self.policy.login == LoginPolicy::Disabled { read() } else { None };
        self.forget_unasked();
        read
    }

    pub(super) fn forget_unasked(&mut self) {
        self.unasked.zeroize();
        self.unasked = BytesMut::new();
    }
}
