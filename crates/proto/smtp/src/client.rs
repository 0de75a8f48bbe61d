//! The sending side of one connection.
/// x
pub struct Client;
/// x
pub struct ClientOptions;
/// x
pub enum ClientEvent {}
