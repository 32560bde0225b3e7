//! The harness of wireproof: it plays cases against TCP/IP stacks.

pub mod abi;
pub mod lang;
pub mod packet;
pub mod run;
pub mod stacks;
pub mod sut;

pub use stack::Instant;
