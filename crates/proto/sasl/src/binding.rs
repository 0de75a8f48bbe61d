//! What ties an exchange to the TLS connection that carries it (RFC 5056), so that nobody between the two ends can pass
//! it on.

/// The values of one connection, by their kinds. Without TLS there are none.
///
/// Deviation: tls-unique, which RFC 5802 §6.1 makes the default, is not here. TLS 1.3 has none (RFC 9266 §3), and below it
/// it binds nothing without the extended master secret, where tls-exporter does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelBindings {
    /// `tls-exporter` (RFC 9266 §2): 32 bytes under the label `EXPORTER-Channel-Binding`.
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 §4): the hash of our certificate.
    pub server_end_point: Option<Vec<u8>>,
}

impl ChannelBindings {
    /// Whether there is nothing to bind to, so that no mechanism ending in `-PLUS` works.
    pub fn is_empty(&self) -> bool {
        self.exporter.is_none() && self.server_end_point.is_none()
    }

    /// The value of a kind by its registered name (RFC 5056 §7), exactly as registered.
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_ref().map(<[u8; 32]>::as_slice),
            "tls-server-end-point" => self.server_end_point.as_deref(),
            _ => None,
        }
    }
}
