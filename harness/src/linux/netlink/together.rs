//! Several requests as one message: in a kernel whose system calls are dear.

use super::{Netlink, Request};
use std::io;
use std::os::fd::AsRawFd;

/// NLM_F_ACK
const ACKNOWLEDGE: u16 = 4;
/// Bytes of a netlink header.
const HEADER: usize = 16;

/// Requests that wait until they are sent with others.
#[derive(Default)]
pub(super) struct Waiting {
    bytes: Vec<u8>,
    /// Where the last of them begins.
    last: usize,
    /// Their kinds, in order.
    kinds: Vec<u16>,
}

impl Netlink {
    /// Keeps from now on the requests that only change something, until [`Netlink::send_together`].
    pub(in crate::linux) fn wait(&mut self) {
        self.waiting = Some(Waiting::default());
    }

    /// Keeps a request where requests are kept; else gives it back.
    pub(super) fn keep(&mut self, mut request: Request) -> Option<Request> {
        let Some(waiting) = &mut self.waiting else { return Some(request) };
        self.sequence = self.sequence.wrapping_add(1);
        request.finish(self.sequence);
        // Only what fails is answered.
        let flags = u16::from_ne_bytes([request.bytes[6], request.bytes[7]]) & !ACKNOWLEDGE;
        request.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        waiting.last = waiting.bytes.len();
        waiting.kinds.push(u16::from_ne_bytes([request.bytes[4], request.bytes[5]]));
        waiting.bytes.append(&mut request.bytes);
        None
    }

    /// Sends what was kept. An address that the kernel has made by itself, and a queueing discipline that it does not have, are
    /// no errors.
    ///
    /// # Errors
    /// What was refused first, and what it was.
    pub(in crate::linux) fn send_together(&mut self) -> Result<(), String> {
        let Some(mut waiting) = self.waiting.take() else { return Ok(()) };
        let Some(flags) = waiting.bytes.get_mut(waiting.last + 6..waiting.last + 8) else { return Ok(()) };
        let with_acknowledgement = u16::from_ne_bytes([flags[0], flags[1]]) | ACKNOWLEDGE;
        flags.copy_from_slice(&with_acknowledgement.to_ne_bytes());
        let bytes = &waiting.bytes;
        // SAFETY: the pointer and the length describe `bytes`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 {
            return Err(format!("netlink: {}", io::Error::last_os_error()));
        }
        let first = self.sequence.wrapping_sub(u32::try_from(waiting.kinds.len()).unwrap_or(0));
        loop {
            let datagram = self.read().map_err(|e| format!("netlink: {e}"))?;
            let Some((sequence, error)) = failure(&datagram) else { continue };
            let at = usize::try_from(sequence.wrapping_sub(first).wrapping_sub(1)).unwrap_or(usize::MAX);
            let Some(kind) = waiting.kinds.get(at).copied() else { continue };
            if error != 0 && !is_forgiven(kind, error) {
                let error = io::Error::from_raw_os_error(error);
                return Err(format!("netlink request {} of {kind}: {error}", at + 1));
            }
            if sequence == self.sequence {
                return Ok(());
            }
        }
    }
}

fn is_forgiven(kind: u16, error: i32) -> bool {
    (kind == libc::RTM_NEWADDR && error == libc::EEXIST) || kind == libc::RTM_NEWQDISC
}

/// The sequence number and the error number of NLMSG_ERROR.
fn failure(datagram: &[u8]) -> Option<(u32, i32)> {
    let field = |at: usize| -> Option<[u8; 4]> { datagram.get(at..at + 4)?.try_into().ok() };
    let [a, b, _, _] = field(4)?;
    let is_error = u16::from_ne_bytes([a, b]) == 2;
    let error = i32::from_ne_bytes(field(HEADER)?).wrapping_neg();
    is_error.then_some((u32::from_ne_bytes(field(8)?), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_of_several_is_acknowledged_and_each_is_counted() {
        let mut netlink = Netlink::open().expect("netlink needs no privileges");
        netlink.wait();
        for length in [0, 3, 4] {
            let request = Request::new(libc::RTM_GETLINK, 0, &[0; 16]).attribute(3, &vec![0; length]);
            assert!(netlink.keep(request).is_none());
        }
        let waiting = netlink.waiting.take().expect("requests");
        let (mut at, mut sequences) = (0, vec![]);
        while let Some(header) = waiting.bytes.get(at..at + HEADER) {
            let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
            assert_eq!(u16::from_ne_bytes([header[6], header[7]]), 1, "NLM_F_REQUEST alone");
            sequences.push(header[8]);
            assert!(length.is_multiple_of(4) && length >= HEADER);
            at += length;
        }
        assert_eq!((at, sequences), (waiting.bytes.len(), vec![1, 2, 3]));
        assert!(netlink.keep(Request::new(0, 0, &[])).is_some(), "nothing is kept any more");
    }
}
