//! Whole hosts: frames and calls go in, frames and results come out.

mod common;
mod echo;
mod frames;
mod sockets;
mod two_ends;
