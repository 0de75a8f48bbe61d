//! Sizes and durations as people write them: `50 MB`, `20 MiB`, `5m`, `4h`, `5d`.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;
use types::Octets;

/// A size in the file, such as `"50 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) Octets);

/// A duration in the file, such as `"5m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim()))
}

/// Reads a size; `None` if it is none. Without a unit it counts bytes.
pub(crate) fn parse_size(text: &str) -> Option<Octets> {
    let (number, unit) = split_unit(text)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1000,
        "kib" => 1 << 10,
        "mb" | "m" => 1_000_000,
        "mib" => 1 << 20,
        "gb" | "g" => 1_000_000_000,
        "gib" => 1 << 30,
        "tb" | "t" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor).map(Octets)
}

/// Reads a duration; `None` if it is none. A unit is needed.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds: u64 = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_size(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no size; write for example \"50 MB\"")))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_span(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is no duration; write for example \"30s\", \"5m\", \"4h\" or \"5d\""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_read_as_people_write_them() {
        assert_eq!(parse_size("50 MB"), Some(Octets(50_000_000)));
        assert_eq!(parse_size("4MiB"), Some(Octets(4 << 20)));
        assert_eq!(parse_size("17"), Some(Octets(17)));
        assert_eq!((parse_size("x"), parse_size("1 parsec"), parse_size("99999999999 TB")), (None, None, None));
        assert_eq!(parse_span("90 min"), Some(Duration::from_mins(90)));
        assert_eq!(parse_span("250ms"), Some(Duration::from_millis(250)));
        assert_eq!((parse_span("5"), parse_span(""), parse_span("-1s")), (None, None, None));
    }
}
