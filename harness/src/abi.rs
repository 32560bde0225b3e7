//! Names of numbers in the system call interface, with Linux's values.

/// The POSIX name of an error number.
pub fn errno_name(_errno: i32) -> Option<&'static str> {
    unimplemented!()
}
