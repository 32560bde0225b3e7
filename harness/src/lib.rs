//! The harness of wireproof: it plays cases against TCP/IP stacks.

pub mod abi;
pub mod lang;
pub mod packet;
pub mod report;
pub mod run;
pub mod sut;

pub use stack::Instant;
