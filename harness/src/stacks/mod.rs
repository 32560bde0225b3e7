//! Stacks that live in this process, each behind [`crate::sut::StackUnderTest`].

pub mod descriptors;
pub mod reference;
pub mod replay;
pub mod smoltcp;
pub mod user_calls;
