//! `cargo xtask VERB`: one thin command per verb.

fn main() {}
