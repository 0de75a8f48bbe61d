//! The names in a store's directory.

use std::path::{Path, PathBuf};
use store_kv::BodyId;

/// Where everything of one store is.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) bodies: PathBuf,
    pub(crate) index: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), log: root.join("log"), bodies: root.join("body"), index: root.join("index") }
    }

    /// Held by the one process that has the store open.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Says what form the store has.
    pub(crate) fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    pub(crate) fn segment(&self, number: u32) -> PathBuf {
        self.log.join(format!("{number:010}.seg"))
    }

    /// The segment kept for when the disk is full.
    pub(crate) fn spare(&self) -> PathBuf {
        self.log.join("spare")
    }

    pub(crate) fn body(&self, id: BodyId) -> PathBuf {
        self.bodies.join(format!("{id}.body"))
    }
}

/// The number in a segment's file name.
pub(crate) fn parse_segment(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 10).then(|| digits.parse().ok()).flatten()
}

/// The body in a body's file name.
pub(crate) fn parse_body(name: &str) -> Option<BodyId> {
    let digits = name.strip_suffix(".body")?;
    (digits.len() == 32).then(|| u128::from_str_radix(digits, 16).ok().map(BodyId)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went_in() {
        let layout = Layout::new(Path::new("/x"));
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(parse_segment(&name(layout.segment(u32::MAX))), Some(u32::MAX));
        assert_eq!(parse_body(&name(layout.body(BodyId(77)))), Some(BodyId(77)));
        assert_eq!(parse_segment("spare"), None);
        assert_eq!(parse_body("x.body"), None);
    }
}
