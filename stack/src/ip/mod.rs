//! IP: input checks, routes, source selection, forwarding, ports that stand for others, fragmentation and reassembly.

mod cidr;
mod codepoints;
pub(crate) mod forward4;
pub(crate) mod forward6;
mod holes;
pub(crate) mod input4;
pub(crate) mod input6;
pub(crate) mod nat;
pub(crate) mod option_writing;
pub(crate) mod output;
pub(crate) mod path_mtu;
pub(crate) mod reassembly4;
pub(crate) mod reassembly6;
pub(crate) mod redirects;
pub(crate) mod routes;
mod source;
pub(crate) mod table;
pub(crate) mod zone;

pub use cidr::Cidr;
pub(crate) use cidr::solicited_node;
