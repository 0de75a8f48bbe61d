//! The words. Each is a constant with both languages; a test looks at all of them.
//!
//! Which word stands for what says the glossary of `docs/glossary.md` (words for people): a mailbox is a *Postfach*, never
//! an *Account*; a program is an *E-Mail-Programm*, never a *Client*.

/// Makes constants of texts, and the list of them that the test walks.
macro_rules! texts {
    ($($name:ident: $de:literal, $en:literal;)*) => {
        $(#[doc = $en] pub const $name: crate::Text = crate::Text { de: $de, en: $en };)*
        #[cfg(test)]
        pub(super) const ALL: &[(&str, crate::Text)] = &[$((stringify!($name), $name)),*];
    };
}

pub mod both_protocols;
pub mod exposed;
pub mod frame;
pub mod numbers;

#[cfg(test)]
mod tests;
