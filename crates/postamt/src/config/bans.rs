//! `[bans]`: when failed sign-ins ban.

use super::units::Span;
use serde::Deserialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// Who may not connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Bans {
    /// Whether failed sign-ins ban.
    pub(crate) automatic: bool,
    /// After how many.
    pub(crate) after: NonZeroU32,
    /// How soon one of them is forgotten.
    pub(crate) forget: Span,
    /// How long the first ban is.
    pub(crate) first: Span,
    /// How long a ban is at most.
    pub(crate) longest: Span,
}

impl Default for Bans {
    fn default() -> Self {
        let after = NonZeroU32::MIN.saturating_add(39);
        let minutes = |m: u64| Span(Duration::from_mins(m));
        Self { automatic: true, after, forget: minutes(5), first: minutes(10), longest: minutes(24 * 60) }
    }
}
