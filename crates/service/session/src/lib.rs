//! What the sessions of all protocols share: the way bytes go in and out, the transport they run over, and the sign-in
//! that joins a SASL exchange to the directory. Knows no protocol.

mod deflate;
mod failure;
mod happening;
mod overheard;
mod shared;
mod sign_in;
mod transport;
mod wire;

pub use deflate::BrokenDeflate;
pub use failure::AUTH_TARGET;
pub use happening::{Happening, TARGET, happened};
pub use overheard::{Overheard, overhear_password};
pub use shared::{Arrival, Ending, LOOK_EVERY, Revocation, Shared};
pub use sign_in::{Attempt, Caller, Outcome, Refused, begin_use, policy, sign_in_with_password};
pub use transport::{Piped, Transport};
pub use wire::{CLOSE_HEARD_MAX, CLOSE_MAX, OUTPUT_HIGH, WRITE_STALL_MAX, Wire};

/// What time it is on the clock that sessions reckon their deadlines by, which tests can stop.
pub fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
