//! What the session answers. Each function asserts that the answer fits the command that waits for it.

use super::{CloseReason, Connection, Expire, LoginDelay, Sasl, State, Turn};
use crate::{Exposure, Language, MessageEncoder, MessageNumber, Progress, ResponseCode, reply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BufMut;
use types::Octets;

impl Connection {
    /// `+OK text`, to DELE, RSET and QUIT.
    pub fn ok(&mut self, text: &str) {
        self.say_ok(text);
        self.finish_command();
    }

    /// `-ERR text`, to any command but a sign-in. After QUIT the connection ends all the same.
    pub fn err(&mut self, code: Option<ResponseCode>, text: &str) {
        self.say_err(code, text);
        self.finish_command();
    }

    /// The sign-in succeeded and the maildrop is open.
    ///
    /// # Panics
    /// If the secret came in the clear: that is refused even when it is right.
    pub fn login_succeeded(&mut self, text: &str) {
        assert!(matches!(self.turn, Turn::Login(Exposure::Permitted, _)), "no sign-in that may succeed waits");
        self.say_ok(text);
        self.state = State::Transaction;
        self.turn = Turn::Command;
    }

    /// The sign-in failed. Wrong credentials have the code AUTH. What time mends is not counted: a trouble of ours
    /// (SYS/TEMP), and what only somebody with the right password is told (IN-USE, LOGIN-DELAY).
    pub fn login_failed(&mut self, code: ResponseCode, text: &str) {
        assert!(matches!(self.turn, Turn::Login(..)), "no sign-in waits for its answer");
        self.say_err(Some(code), text);
        self.turn = Turn::Command;
        if !matches!(code, ResponseCode::SysTemp | ResponseCode::InUse | ResponseCode::LoginDelay) {
            self.login_failures = self.login_failures.saturating_add(1);
            if self.login_failures >= self.options.limits.login_failures_max {
                self.closing = Some(CloseReason::TooManyLoginFailures);
            }
        }
    }

    /// The next challenge of a SASL exchange, not yet encoded; empty where the mechanism starts with the client.
    pub fn challenge(&mut self, challenge: &[u8]) {
        assert!(matches!(self.turn, Turn::Login(Exposure::Permitted, Sasl::Yes)), "no SASL exchange waits");
        self.output.put_slice(b"+ ");
        self.output.put_slice(STANDARD.encode(challenge).as_bytes());
        self.output.put_slice(b"\r\n");
        self.turn = Turn::Exchange;
    }

    /// How many messages there are and how large they are together: the answer to STAT.
    pub fn stat(&mut self, messages: u32, size: Octets) {
        self.output.put_slice(b"+OK ");
        reply::encode_number(u64::from(messages), &mut self.output);
        self.put_number(size.0);
        self.output.put_slice(b"\r\n");
        self.finish_command();
    }

    /// The answer to LIST of one message.
    pub fn list_one(&mut self, message: MessageNumber, size: Octets) {
        self.output.put_slice(b"+OK ");
        self.write_list_line(message, size);
        self.finish_command();
    }

    /// The answer to UIDL of one message; `unique_id` as for [`Connection::uidl_line`].
    pub fn uidl_one(&mut self, message: MessageNumber, unique_id: &str) {
        self.output.put_slice(b"+OK ");
        self.write_uidl_line(message, unique_id);
        self.finish_command();
    }

    /// Begins the answer to LIST or UIDL of all messages.
    pub fn begin_list(&mut self, text: &str) {
        assert!(matches!(self.turn, Turn::Answer), "no command waits for its answer");
        self.say_ok(text);
        self.turn = Turn::List;
    }

    /// A line of LIST. The session writes the output now and then, as it grows.
    pub fn list_line(&mut self, message: MessageNumber, size: Octets) {
        debug_assert!(matches!(self.turn, Turn::List), "begin_list comes first");
        self.write_list_line(message, size);
    }

    /// A line of UIDL; `unique_id` is 1 to 70 printable ASCII characters without a space (RFC 1939 §7).
    pub fn uidl_line(&mut self, message: MessageNumber, unique_id: &str) {
        debug_assert!(matches!(self.turn, Turn::List), "begin_list comes first");
        self.write_uidl_line(message, unique_id);
    }

    /// Ends a list.
    pub fn end_list(&mut self) {
        assert!(matches!(self.turn, Turn::List), "begin_list comes first");
        self.output.put_slice(b".\r\n");
        self.turn = Turn::Command;
    }

    /// Begins the answer to RETR or TOP.
    pub fn begin_message(&mut self, text: &str) {
        assert!(matches!(self.turn, Turn::Answer), "no command waits for its answer");
        self.say_ok(text);
        let encoder = self.top_lines.take().map_or_else(MessageEncoder::whole, MessageEncoder::top);
        self.turn = Turn::Message(encoder);
    }

    /// Writes the next chunk of the message; the session writes the output in between. Stop at [`Progress::Enough`].
    pub fn message_chunk(&mut self, chunk: &[u8]) -> Progress {
        match &mut self.turn {
            Turn::Message(encoder) => encoder.push(chunk, &mut self.output),
            _ => Progress::Enough,
        }
    }

    /// Ends the message. If the body broke off through a fault of ours, close the connection instead: a client must not
    /// take half a message for a whole one.
    pub fn end_message(&mut self) {
        let turn = std::mem::replace(&mut self.turn, Turn::Command);
        let Turn::Message(encoder) = turn else {
            self.turn = turn;
            return;
        };
        encoder.finish(&mut self.output);
    }

    /// What `LANG *` chooses from now on: the language of who signed in (RFC 6856 §3.2). Not before the sign-in: it would
    /// tell who exists (RFC 6856 §7).
    pub fn set_preferred_language(&mut self, language: Language) {
        self.preferred = language;
    }

    /// After the sign-in: what EXPIRE is for this account.
    pub fn set_expire(&mut self, expire: Option<Expire>) {
        self.expire = expire;
    }

    /// What LOGIN-DELAY is: before the sign-in the largest for anyone, after it that of the account.
    pub fn set_login_delay(&mut self, delay: Option<LoginDelay>) {
        self.login_delay = delay;
    }

    fn finish_command(&mut self) {
        assert!(matches!(self.turn, Turn::Answer | Turn::Quit), "no command waits for such an answer");
        if matches!(self.turn, Turn::Quit) {
            self.closing = Some(CloseReason::Quit);
        }
        self.top_lines = None;
        self.turn = Turn::Command;
    }

    fn write_list_line(&mut self, message: MessageNumber, size: Octets) {
        reply::encode_number(u64::from(message.0.get()), &mut self.output);
        self.put_number(size.0);
        self.output.put_slice(b"\r\n");
    }

    fn write_uidl_line(&mut self, message: MessageNumber, unique_id: &str) {
        reply::encode_number(u64::from(message.0.get()), &mut self.output);
        self.output.put_u8(b' ');
        if unique_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.output.put_slice(unique_id.as_bytes());
        } else {
            // Never let a stored id write lines of its own.
            self.output.extend(unique_id.bytes().map(|byte| if byte.is_ascii_graphic() { byte } else { b'?' }));
        }
        self.output.put_slice(b"\r\n");
    }

    fn put_number(&mut self, value: u64) {
        self.output.put_u8(b' ');
        reply::encode_number(value, &mut self.output);
    }
}
