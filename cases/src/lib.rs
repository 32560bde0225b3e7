//! Finds the cases, the requirement catalogue and the ledgers.
