//! LANG: which languages there are, and the choice of one (RFC 6856 §3).

use super::Connection;
use crate::{Language, reply};
use bytes::BufMut;

impl Connection {
    /// RFC 6856 §3.2. That a language is not there is no fault.
    pub(super) fn lang(&mut self, range: Option<&str>) {
        let Some(range) = range else {
            self.say_ok("Languages follow");
            for language in Language::ALL {
                self.output.put_slice(format!("{} {}\r\n", language.tag(), language.own_name()).as_bytes());
            }
            self.output.put_slice(b".\r\n");
            return;
        };
        let chosen = if range == "*" { Some(self.preferred) } else { Language::choose(range) };
        match chosen {
            Some(language) => {
                self.language = language;
                reply::encode_ok_behind(language, language.tag(), "From now on in this language", &mut self.output);
            }
            None => self.say_err(None, "There is no such language"),
        }
    }
}
