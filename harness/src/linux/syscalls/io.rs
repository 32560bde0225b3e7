//! Calls that move bytes.

use super::{LARGEST_BUFFER, buffer, outcome, plain};
use crate::linux::address::RawAddress;
use crate::sut::{Outcome, Output, SocketAddress};

fn long(returned: isize) -> i64 {
    i64::try_from(returned).unwrap_or(-1)
}

/// The first `count` bytes of a buffer that the kernel filled.
fn filled(mut buffer: Vec<u8>, count: usize) -> Vec<u8> {
    buffer.truncate(count);
    buffer
}

/// read(2).
pub(super) fn read(fd: i32, count: usize) -> Outcome {
    let mut bytes = buffer(count);
    // SAFETY: the pointer and the length describe `bytes`.
    let returned = unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) };
    outcome(long(returned), |count| Output::Data(filled(bytes, count)))
}

/// recv(2).
pub(super) fn recv(fd: i32, count: usize, flags: i32) -> Outcome {
    let mut bytes = buffer(count);
    // SAFETY: the pointer and the length describe `bytes`.
    let returned = unsafe { libc::recv(fd, bytes.as_mut_ptr().cast(), bytes.len(), flags) };
    // With MSG_TRUNC the value can be larger than the buffer, and truncate is then no change.
    outcome(long(returned), |count| Output::Data(filled(bytes, count)))
}

/// recvfrom(2).
pub(super) fn recvfrom(fd: i32, count: usize, flags: i32) -> Outcome {
    let mut bytes = buffer(count);
    let mut raw = RawAddress::room();
    let mut length = raw.length;
    // SAFETY: pointers and lengths describe `bytes` and `raw`, which outlive the call.
    let returned = unsafe {
        libc::recvfrom(fd, bytes.as_mut_ptr().cast(), bytes.len(), flags, raw.as_mut_ptr(), &raw mut length)
    };
    outcome(long(returned), |count| {
        raw.length = length;
        Output::Address(raw.to_ip(), filled(bytes, count))
    })
}

/// Vectors over buffers that the kernel reads or writes.
pub(super) fn vectors(buffers: &mut [Vec<u8>]) -> Vec<libc::iovec> {
    let vector = |b: &mut Vec<u8>| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() };
    buffers.iter_mut().map(vector).collect()
}

/// Vectors over buffers that the kernel only reads.
pub(super) fn const_vectors(buffers: &[Vec<u8>]) -> Vec<libc::iovec> {
    let vector = |b: &Vec<u8>| libc::iovec { iov_base: b.as_ptr().cast_mut().cast(), iov_len: b.len() };
    buffers.iter().map(vector).collect()
}

/// Cuts buffers to what the kernel has filled of them, in order.
pub(super) fn distribute(buffers: &mut [Vec<u8>], mut count: usize) {
    for bytes in buffers {
        bytes.truncate(count);
        count -= bytes.len();
    }
}

/// readv(2).
pub(super) fn readv(fd: i32, counts: &[usize]) -> Outcome {
    let mut left = LARGEST_BUFFER;
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    for count in counts {
        let count = (*count).min(left);
        left -= count;
        buffers.push(vec![0; count]);
    }
    let vectors = vectors(&mut buffers);
    let number = libc::c_int::try_from(vectors.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: each vector describes a buffer that is ours and outlives the call, and there are `number` of them.
    let returned = unsafe { libc::readv(fd, vectors.as_ptr(), number) };
    outcome(long(returned), |count| {
        distribute(&mut buffers, count);
        Output::Vectors(buffers)
    })
}

/// write(2).
pub(super) fn write(fd: i32, data: &[u8]) -> Outcome {
    // SAFETY: the pointer and the length describe `data`.
    plain(long(unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) }))
}

/// writev(2).
pub(super) fn writev(fd: i32, data: &[Vec<u8>]) -> Outcome {
    let vectors = const_vectors(data);
    let number = libc::c_int::try_from(vectors.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: each vector describes a buffer that outlives the call and that writev only reads; there are `number`.
    plain(long(unsafe { libc::writev(fd, vectors.as_ptr(), number) }))
}

/// send(2). SIGPIPE is ignored in a Rust process, so EPIPE is seen as a result.
pub(super) fn send(fd: i32, data: &[u8], flags: i32) -> Outcome {
    // SAFETY: the pointer and the length describe `data`.
    plain(long(unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) }))
}

/// sendto(2); a null address goes with length 0, as where there is none.
pub(super) fn sendto(fd: i32, data: &[u8], flags: i32, address: &SocketAddress) -> Outcome {
    let raw = RawAddress::from_argument(address, 0);
    // SAFETY: pointers and lengths describe `data` and `raw`, which outlive the call.
    plain(long(unsafe {
        libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, raw.as_ptr(), raw.length)
    }))
}

/// sendfile(2).
pub(super) fn sendfile(out_fd: i32, in_fd: i32, offset: Option<i64>, count: usize) -> Outcome {
    let mut offset = offset;
    let pointer = offset.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: the pointer is null or to an off_t (an i64 here) that outlives the call.
    plain(long(unsafe { libc::sendfile64(out_fd, in_fd, pointer, count) }))
}

/// splice(2); each end is a descriptor and an offset.
pub(super) fn splice(from: (i32, Option<i64>), to: (i32, Option<i64>), len: usize, flags: u32) -> Outcome {
    let (mut from_offset, mut to_offset) = (from.1, to.1);
    let from_pointer = from_offset.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let to_pointer = to_offset.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: both pointers are null or to a loff_t that outlives the call.
    plain(long(unsafe { libc::splice(from.0, from_pointer, to.0, to_pointer, len, flags) }))
}
