//! The harness of wireproof: it plays cases against TCP/IP stacks.

pub mod abi;
pub mod calls;
pub mod code;
pub mod engine;
pub mod lab;
pub mod lang;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod medium;
pub mod packet;
pub mod report;
pub mod run;
pub mod scenario;
pub mod services;
pub mod settings;
pub mod stacks;
pub mod suggest;
pub mod sut;

pub use stack::Instant;
