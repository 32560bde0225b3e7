//! Clients: DHCP (RFC 2131), which configures an interface, and the stub resolver (RFC 1035, RFC 1123 6.1).
//!
//! Both are state machines without sockets or clock of their own, which say what is to be sent; [`crate::Host`] sends it.

mod answer;
mod cache;
mod configure;
mod dhcp;
mod dhcp_messages;
mod lease;
mod lookups;
mod probe;
mod resolver;

pub use answer::{Found, LookupError};
pub(crate) use configure::Clients;
pub use configure::DhcpCall;
pub(crate) use lookups::Lookups;
