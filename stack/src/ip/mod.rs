//! IP: input checks, routes, source selection, fragmentation and reassembly.

mod cidr;
mod holes;
pub(crate) mod input4;
pub(crate) mod input6;
pub(crate) mod output;
pub(crate) mod path_mtu;
pub(crate) mod reassembly4;
pub(crate) mod reassembly6;
pub(crate) mod redirects;
pub(crate) mod routes;
mod source;

pub use cidr::Cidr;
pub(crate) use cidr::solicited_node;
