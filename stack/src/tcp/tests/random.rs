//! Random segments into every state: no panic, no flood, no endless life.
