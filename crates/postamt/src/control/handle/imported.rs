//! Accounts with password hashes that another server made.

use super::super::protocol::Failure;
use super::failures::of_directory;
use super::{Answer, Handler, address};
use domain::{ImportError, Imported};
use serde_json::json;

fn parse(text: &str) -> Result<Imported, Failure> {
    Imported::parse(text).map_err(|error: ImportError| {
        let hint = "what is taken stands in docs/moving-in.md; or set a password: postamt password set ADDRESS";
        Failure::new("this hash is not taken", error.to_string(), hint)
    })
}

impl Handler {
    pub(super) async fn account_add_hashed(&self, text: &str, hash: &str) -> Answer {
        let (directory, address) = (&self.core.shared.directory, address(text)?);
        let (scheme, added) = match parse(hash)? {
            // Hashed by us at once.
            Imported::Password(password) => ("PLAIN", directory.account_add(&address, &password, None).await),
            Imported::Hash(hash) => (hash.name(), directory.account_add_hashed(&address, hash, None).await),
        };
        added.map_err(|e| of_directory(&format!("cannot add {text}"), &e))?;
        Ok(json!({"address": address.to_string(), "scheme": scheme}))
    }

    pub(super) async fn password_set_hash(&self, text: &str, hash: &str) -> Answer {
        let (directory, address) = (&self.core.shared.directory, address(text)?);
        let (scheme, set) = match parse(hash)? {
            Imported::Password(password) => ("PLAIN", directory.password_set(&address, &password).await),
            Imported::Hash(hash) => (hash.name(), directory.password_set_hash(&address, &hash).await),
        };
        set.map_err(|e| of_directory(&format!("cannot set the password of {text}"), &e))?;
        Ok(json!({"address": text, "password": "set", "scheme": scheme}))
    }
}
