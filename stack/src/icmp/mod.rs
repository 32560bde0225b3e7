//! ICMP: errors out under the rules of RFC 1122 3.2.2 and RFC 4443 2.4, errors in for the transports, and echo.

pub(crate) mod echo_options;
mod input;
pub(crate) mod limit;
mod output;
pub(crate) mod report;

pub use report::{Report, Reported};
