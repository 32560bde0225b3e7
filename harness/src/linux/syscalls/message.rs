//! sendmsg and recvmsg with their control messages.

use super::io::{const_vectors, distribute, vectors};
use super::{LARGEST_BUFFER, outcome};
use crate::linux::address::RawAddress;
use crate::linux::clock::Clock;
use crate::sut::{Message, Outcome, Output};

/// The most room for control messages: several times what the kernel allows in one call (optmem_max).
const LARGEST_CONTROL: usize = 1 << 20;

/// A buffer for control messages, aligned as struct cmsghdr wants it.
struct Control {
    words: Vec<u64>,
    length: usize,
}

impl Control {
    fn room(length: usize) -> Control {
        let length = length.min(LARGEST_CONTROL);
        Control { words: vec![0; length.div_ceil(8)], length }
    }

    fn pointer(&mut self) -> *mut libc::c_void {
        if self.length == 0 { std::ptr::null_mut() } else { self.words.as_mut_ptr().cast() }
    }
}

fn space(data: &[u8]) -> usize {
    let length = libc::c_uint::try_from(data.len().min(LARGEST_CONTROL)).unwrap_or(0);
    // SAFETY: arithmetic alone; libc declares it unsafe like its siblings.
    unsafe { libc::CMSG_SPACE(length) as usize }
}

fn header(name: &mut RawAddress, iov: &mut [libc::iovec], control: &mut Control) -> libc::msghdr {
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = name.length;
    header.msg_iov = iov.as_mut_ptr();
    header.msg_iovlen = iov.len() as _;
    header.msg_control = control.pointer();
    header.msg_controllen = control.length as _;
    header
}

/// sendmsg(2).
pub(super) fn sendmsg(fd: i32, message: &Message, flags: i32) -> Outcome {
    let mut name = message.name.map_or_else(|| RawAddress::null(0), RawAddress::from_ip);
    let mut iov = const_vectors(&message.iov);
    let mut control = Control::room(message.control.iter().map(|(_, _, data)| space(data)).sum());
    let mut header = header(&mut name, &mut iov, &mut control);
    header.msg_flags = message.flags;
    // SAFETY: the header describes a zeroed buffer with room for all messages, so each CMSG_NXTHDR stays inside it or is
    // null; CMSG_DATA has room for `data`, since the buffer's size is the sum of their CMSG_SPACEs.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&raw const header);
        for (level, kind, data) in &message.control {
            if at.is_null() || data.len() > LARGEST_CONTROL {
                return Outcome::error(libc::ENOBUFS);
            }
            (*at).cmsg_level = *level;
            (*at).cmsg_type = *kind;
            (*at).cmsg_len = libc::CMSG_LEN(libc::c_uint::try_from(data.len()).unwrap_or(0)) as _;
            std::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(at), data.len());
            at = libc::CMSG_NXTHDR(&raw const header, at);
        }
    }
    // SAFETY: everything the header points to outlives the call, which only reads it.
    let returned = unsafe { libc::sendmsg(fd, &raw const header, flags) };
    super::plain(i64::try_from(returned).unwrap_or(-1))
}

/// recvmsg(2).
pub(super) fn recvmsg(fd: i32, message: &Message, flags: i32) -> Outcome {
    let mut left = LARGEST_BUFFER;
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    for room in &message.iov {
        let count = room.len().min(left);
        left -= count;
        buffers.push(vec![0; count]);
    }
    let mut iov = vectors(&mut buffers);
    let mut name = RawAddress::room();
    let mut control = Control::room(message.control_len);
    let mut header = header(&mut name, &mut iov, &mut control);
    // SAFETY: everything the header points to is ours, as long as the header says, and outlives the call.
    let returned = unsafe { libc::recvmsg(fd, &raw mut header, flags) };
    outcome(i64::try_from(returned).unwrap_or(-1), |count| {
        distribute(&mut buffers, count);
        name.length = header.msg_namelen;
        let received = Message {
            name: if header.msg_namelen == 0 { None } else { name.to_ip() },
            iov: buffers,
            control: received_control(&header),
            control_len: control_length(&header),
            flags: header.msg_flags,
        };
        Output::Message(received)
    })
}

/// `msg_controllen`, whose type depends on the C library.
fn control_length(header: &libc::msghdr) -> usize {
    header.msg_controllen as _
}

fn received_control(header: &libc::msghdr) -> Vec<(i32, i32, Vec<u8>)> {
    let mut messages = Vec::new();
    // SAFETY: the kernel has filled the control buffer and set its length; CMSG_NXTHDR stays inside, and the data's
    // length is bounded by what is left of the buffer behind it.
    unsafe {
        let end = header.msg_control.cast::<u8>().cast_const().wrapping_add(control_length(header));
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() && messages.len() < 1024 {
            let data = libc::CMSG_DATA(at).cast_const();
            let room = (end as usize).saturating_sub(data as usize);
            let length = ((*at).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize).min(room);
            let bytes = std::slice::from_raw_parts(data, length).to_vec();
            messages.push(((*at).cmsg_level, (*at).cmsg_type, bytes));
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
    messages
}

/// Makes the times in control messages, which the kernel gives in CLOCK_REALTIME, those of the run's clock. A time that is
/// not there is zero and stays so.
pub(in crate::linux) fn stamp_by(clock: Clock, outcome: &mut Outcome) {
    let Output::Message(message) = &mut outcome.output else { return };
    let stamps = |(level, kind, _): &&mut (i32, i32, Vec<u8>)| {
        *level == libc::SOL_SOCKET && *kind == libc::SCM_TIMESTAMPING
    };
    for (_, _, data) in message.control.iter_mut().filter(stamps) {
        for time in data.chunks_exact_mut(size_of::<libc::timespec>()) {
            let (seconds, nanos) = time.split_at_mut(8);
            let read = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
            let realtime = read(seconds).saturating_mul(1_000_000_000).saturating_add(read(nanos));
            if realtime > 0 {
                let at = clock.at_realtime(realtime).as_nanos();
                seconds.copy_from_slice(&(at / 1_000_000_000).to_ne_bytes());
                nanos.copy_from_slice(&(at % 1_000_000_000).to_ne_bytes());
            }
        }
    }
}
