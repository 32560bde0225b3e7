//! Completes the checksums that a kernel with checksum offload leaves to the device.

/// virtio_net_hdr (virtio 1.2 §5.1.6), without the fields of later versions; native byte order as TUN wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct VnetHeader {
    /// VIRTIO_NET_HDR_F_NEEDS_CSUM and its like.
    pub(super) flags: u8,
    /// VIRTIO_NET_HDR_GSO_*.
    pub(super) gso_type: u8,
    /// The length of the headers.
    pub(super) hdr_len: u16,
    /// The size of the segments to make.
    pub(super) gso_size: u16,
    /// Where the checksum starts.
    pub(super) csum_start: u16,
    /// Where the checksum goes, from its start.
    pub(super) csum_offset: u16,
}

impl VnetHeader {
    /// Its length in bytes.
    pub(super) const LEN: usize = 10;
    /// The checksum is not complete.
    pub(super) const NEEDS_CSUM: u8 = 1;

    /// Reads the header in front of a frame.
    pub(super) fn from_bytes(b: &[u8; VnetHeader::LEN]) -> VnetHeader {
        VnetHeader {
            flags: b[0],
            gso_type: b[1],
            hdr_len: u16::from_ne_bytes([b[2], b[3]]),
            gso_size: u16::from_ne_bytes([b[4], b[5]]),
            csum_start: u16::from_ne_bytes([b[6], b[7]]),
            csum_offset: u16::from_ne_bytes([b[8], b[9]]),
        }
    }

    /// Fills in the checksum where the kernel left it to the device; the pseudo-header's part is already there.
    pub(super) fn complete(&self, frame: &mut [u8]) {
        let start = usize::from(self.csum_start);
        let at = start + usize::from(self.csum_offset);
        if self.flags & VnetHeader::NEEDS_CSUM == 0 || at + 2 > frame.len() {
            return;
        }
        let sum = !fold(&frame[start..]);
        // A UDP checksum of zero means none (RFC 768), and ones are the same number; TCP's csum_offset is 16.
        let sum = if sum == 0 && self.csum_offset == 6 { 0xffff } else { sum };
        frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The ones' complement sum (RFC 1071) of `bytes` as 16-bit words.
fn fold(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        sum += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_checksum_is_completed_from_its_start() {
        // The pseudo-header's sum, 0x0102, stands where the checksum goes.
        let header = VnetHeader { flags: 1, csum_start: 2, csum_offset: 2, ..VnetHeader::default() };
        let mut frame = [0xaa, 0xbb, 0x10, 0x20, 0x01, 0x02, 0x0f];
        header.complete(&mut frame);
        assert_eq!(frame, [0xaa, 0xbb, 0x10, 0x20, 0xdf, 0xdd, 0x0f]);
        assert_eq!(fold(&frame[2..]) + 0x0102, 0xffff, "with the pseudo-header it is all ones");
    }

    #[test]
    fn a_complete_or_impossible_one_is_left_alone() {
        for header in [
            VnetHeader { csum_start: 0, csum_offset: 0, ..VnetHeader::default() },
            VnetHeader { flags: 1, csum_start: 3, csum_offset: 0, ..VnetHeader::default() },
            VnetHeader { flags: 1, csum_start: 60000, csum_offset: 60000, ..VnetHeader::default() },
        ] {
            let mut frame = [1, 2, 3, 4];
            header.complete(&mut frame);
            assert_eq!(frame, [1, 2, 3, 4]);
        }
    }
}
