//! Conversations: a stack and a peer whose every segment the test writes down, and two stacks with a bad network
//! between them.

mod close;
mod congestion;
mod ecn;
mod open;
mod options;
mod pair;
mod peer;
mod profile;
mod random;
mod receiver;
mod retransmission;
mod sack;
mod security;
mod sender;
mod transitions;
