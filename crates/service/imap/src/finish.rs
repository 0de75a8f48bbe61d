//! The end of a command: its answer, which may be long.

use crate::session::Session;
use proto_imap::Status;
use proto_imap::connection::Tag;
use proto_imap::response::StatusPlace;
use service_session::{OUTPUT_HIGH, Transport};
use std::io;

impl<S: Transport> Session<S> {
    /// Answers the command that runs. COPYUID and MODIFIED may name as many messages as there are: what is written is
    /// sent on before all of it is.
    pub(crate) async fn finish(&mut self, tag: &Tag, status: &Status) -> io::Result<()> {
        let mut from = Some(StatusPlace::default());
        while let Some(place) = from {
            from = self.machine.finish_some(tag, status, place, OUTPUT_HIGH);
            self.send_when_high().await?;
        }
        Ok(())
    }

    /// Sends a status that is not the command's answer.
    pub(crate) async fn say(&mut self, status: &Status) -> io::Result<()> {
        let mut from = Some(StatusPlace::default());
        while let Some(place) = from {
            from = self.machine.send_some(status, place, OUTPUT_HIGH);
            self.send_when_high().await?;
        }
        Ok(())
    }
}
