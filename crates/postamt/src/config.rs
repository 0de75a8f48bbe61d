//! The configuration file: read once at start, never written. Unknown keys are errors that name the line.
//!
//! [`schema`] is what may stand in the file; [`units`] reads sizes and durations; [`report`] turns a parser's error into
//! what / why / hint with file and line; `reference` is the page of all settings.

mod bans;
#[cfg(test)]
mod reference;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod units;

use anyhow::Context as _;
use std::path::Path;

pub(crate) use schema::Config;

/// Reads and checks a configuration file.
pub(crate) fn load(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, &path.display().to_string()).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Reads a configuration from text; `name` stands for the file in messages.
pub(crate) fn parse(text: &str, name: &str) -> Result<Config, report::ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| report::ConfigError::of_toml(&error, text, name))?;
    config.check().map_err(|(key, why)| report::ConfigError::of_value(key, &why, text, name))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_with_file_line_and_a_guess() {
        let error =
            parse("[server]\nhostname = \"mail.example.org\"\n\n[limits]\nmesage-size = \"1 MB\"\n", "postamt.toml")
                .unwrap_err()
                .to_string();
        assert_eq!(
            error,
            "postamt.toml:5: there is no setting `mesage-size` here\n  why   a misspelt setting would be silently ignored\n  hint  did you mean `message-size`?"
        );
    }

    #[test]
    fn a_bad_value_names_its_line() {
        let error = parse("[server]\nhostname = \"mail.example.org\"\n[limits]\nmessage-size = \"fifty\"\n", "p.toml")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("p.toml:4: "), "{error}");
    }

    #[test]
    fn the_smallest_file_is_a_host_name() {
        let config = parse("[server]\nhostname = \"mail.example.org\"\n", "p.toml").unwrap();
        assert_eq!(config.listen.imaps, ["[::]:993"]);
        assert_eq!(config.limits.message_size.0.0, 50_000_000);
    }
}
