//! Gets rid of the TCP connections that a run leaves behind.
//!
//! A connection that was closed but not yet finished goes on sending its FIN for minutes, and keeps its network namespace
//! alive for as long; thousands of runs would pile up. packetdrill sends each such connection a RST; here the kernel is
//! asked to abort them (SOCK_DESTROY, which needs CONFIG_INET_DIAG_DESTROY), which works whatever their state and
//! whether or not the link is up.

use super::baseline;
use super::os::owned;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::OnceLock;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const HEADER: usize = 16;
/// struct inet_diag_sockid: ports, addresses, interface, cookie.
const ID: usize = 48;
/// Reads at most, each of up to 32 KiB.
const MOST_READS: usize = 256;

/// Aborts every TCP connection in the calling thread's namespace, as far as the kernel can.
pub(super) fn abort_all() {
    // For kernels that cannot: an orphan dies at its next retransmission. Failing that, it dies in minutes.
    let _ = baseline::write("ipv4/tcp_orphan_retries", "1");
    if !aborts_orphans() {
        return;
    }
    // A kernel without the function answers with an error, and there is nothing more to be done.
    let _ = open().and_then(|fd| {
        [libc::AF_INET, libc::AF_INET6].iter().try_for_each(|family| abort_family(&fd, *family))
    });
}

/// Whether SOCK_DESTROY ends orphans: before Linux 6.11 it took away their timers instead, and they stayed for ever.
fn aborts_orphans() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| baseline::release() >= Some((6, 11)))
}

/// struct inet_diag_req_v2 behind a netlink header.
fn request(kind: u16, flags: u16, family: u8, id: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(HEADER + 8 + ID).unwrap_or(0).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&[family, 6, 0, 0]);
    // Connections in any state.
    bytes.extend_from_slice(&u32::MAX.to_ne_bytes());
    bytes.extend_from_slice(id);
    bytes
}

fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    owned(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) })
}

fn abort_family(fd: &OwnedFd, family: i32) -> io::Result<()> {
    let family = u8::try_from(family).unwrap_or(0);
    send(fd, &request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, &[0; ID]))?;
    for id in connections(fd)? {
        // Answers come only to what fails; they are read with the next dump and say nothing there.
        send(fd, &request(SOCK_DESTROY, 0, family, &id))?;
    }
    Ok(())
}

/// The ids in the answer to a dump.
fn connections(fd: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut ids = Vec::new();
    let mut buffer = vec![0u8; 32 << 10];
    for _ in 0..MOST_READS {
        // SAFETY: the pointer and the length describe `buffer`.
        let got = unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        if !messages(&buffer[..got], &mut ids) {
            break;
        }
    }
    Ok(ids)
}

/// Collects the ids of a datagram's messages; false where the dump is at its end.
fn messages(mut rest: &[u8], ids: &mut Vec<Vec<u8>>) -> bool {
    while rest.len() >= HEADER {
        let length = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let kind = u16::from_ne_bytes([rest[4], rest[5]]);
        if kind != SOCK_DIAG_BY_FAMILY || length < HEADER + 4 + ID || length > rest.len() {
            return false;
        }
        // struct inet_diag_msg: four bytes, then the id.
        ids.push(rest[HEADER + 4..HEADER + 4 + ID].to_vec());
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    true
}

fn send(fd: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `bytes`.
    let sent = unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_that_is_cut_short_or_wrong_is_read_as_far_as_it_goes() {
        let mut whole = request(SOCK_DIAG_BY_FAMILY, 0, 2, &[7; ID]);
        let length = u32::try_from(whole.len()).expect("short");
        whole[..4].copy_from_slice(&length.to_ne_bytes());
        // The request has eight bytes in front of its id where the answer has four.
        whole.drain(HEADER..HEADER + 4);
        whole.extend([0; 4]);
        let mut ids = Vec::new();
        assert!(messages(&whole, &mut ids));
        assert_eq!(ids, [vec![7; ID]]);
        assert!(messages(&whole[..10], &mut ids), "less than a header ends the datagram");
        assert!(!messages(&whole[..60], &mut ids), "a message longer than its datagram ends the dump");
        whole[4] = 3;
        assert!(!messages(&whole, &mut ids), "NLMSG_DONE ends the dump");
        assert_eq!(ids.len(), 1);
    }
}
