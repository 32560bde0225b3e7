//! Options, device controls and capabilities: calls whose arguments are raw structures.

use super::{outcome, plain};
use crate::sut::{Outcome, Output};

/// No option is larger than this.
const LARGEST_OPTION: usize = 1 << 20;

/// Room for the structure of any ioctl: `_IOC_SIZEBITS` is 14.
const LARGEST_IOCTL: usize = 1 << 14;

fn room(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).min(LARGEST_OPTION)
}

/// getsockopt(2), with the length as the caller says it.
pub(super) fn getsockopt(fd: i32, level: i32, name: i32, length: u32) -> Outcome {
    let mut bytes = vec![0u8; LARGEST_OPTION.min(room(length).max(4096))];
    let mut returned_length = length;
    // SAFETY: the buffer has `length` bytes, or more than any option of the kernel has: it writes the smaller of the two.
    let returned =
        unsafe { libc::getsockopt(fd, level, name, bytes.as_mut_ptr().cast(), &raw mut returned_length) };
    outcome(i64::from(returned), |_| {
        bytes.truncate(room(returned_length));
        Output::Option(bytes)
    })
}

/// setsockopt(2), with the length as the caller says it; what it says beyond the value is zeros.
pub(super) fn setsockopt(fd: i32, level: i32, name: i32, value: Option<&[u8]>, length: u32) -> Outcome {
    let bytes = value.map(|value| {
        let mut bytes = value.to_vec();
        bytes.resize(bytes.len().max(room(length)), 0);
        bytes
    });
    let pointer = bytes.as_ref().map_or(std::ptr::null(), |b| b.as_ptr());
    // SAFETY: the pointer is null, which the kernel answers with EFAULT, or to at least `length` bytes (a megabyte
    // where it says more, which no option reads).
    plain(i64::from(unsafe { libc::setsockopt(fd, level, name, pointer.cast(), length) }))
}

/// ioctl(2) on an integer, given and taken as the C `int` that SIOCINQ and its like use.
pub(super) fn ioctl(fd: i32, request: u64, argument: Option<i64>) -> Outcome {
    let mut words = vec![0u64; LARGEST_IOCTL / 8];
    // As C converts to int.
    let number = (argument.unwrap_or(0) as i32).to_ne_bytes();
    let mut first = [0; 8];
    first[..4].copy_from_slice(&number);
    words[0] = u64::from_ne_bytes(first);
    // SAFETY: the buffer is as large as any structure that an ioctl's number can name; pointers inside it are null, or a
    // small number where the argument is one, which the kernel answers with EFAULT.
    let returned = unsafe { libc::ioctl(fd, request as libc::Ioctl, words.as_mut_ptr()) };
    outcome(i64::from(returned), |_| {
        let [a, b, c, d, ..] = words[0].to_ne_bytes();
        Output::Integer(i64::from(i32::from_ne_bytes([a, b, c, d])))
    })
}

/// struct __user_cap_header_struct.
#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

/// struct __user_cap_data_struct.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// capset(2) for the calling thread, in version 3 of its interface: 64-bit sets as two halves.
pub(super) fn capset(effective: u64, permitted: u64, inheritable: u64) -> Outcome {
    let header = CapHeader { version: 0x2008_0522, pid: 0 };
    let half = |set: u64, shift: u32| u32::try_from((set >> shift) & 0xffff_ffff).unwrap_or(0);
    let data = [0, 32].map(|shift| CapData {
        effective: half(effective, shift),
        permitted: half(permitted, shift),
        inheritable: half(inheritable, shift),
    });
    // SAFETY: version 3 reads one header and two data structures, which outlive the call.
    plain(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })
}
