//! The frame check sequence of Ethernet: CRC-32 (IEEE 802.3 3.2.9).
//!
//! The register begins with ones, takes each byte's lowest bit first, and is sent inverted, its lowest byte first. The
//! register of a frame with its own sequence behind it is always the same.

/// Bytes of the sequence.
pub const FCS_LEN: usize = 4;

/// The polynomial with its bits in the order in which they are sent.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What each byte does to the register, found when this is compiled.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut register = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            register = if register & 1 == 1 { register >> 1 ^ POLYNOMIAL } else { register >> 1 };
            bit += 1;
        }
        table[byte] = register;
        byte += 1;
    }
    table
};

/// The sequence that belongs behind `frame`, in the order of transmission.
pub fn fcs(frame: &[u8]) -> [u8; FCS_LEN] {
    let step = |register: u32, byte: &u8| register >> 8 ^ TABLE[usize::from(register as u8 ^ byte)];
    (!frame.iter().fold(u32::MAX, step)).to_le_bytes()
}

/// The frame without its sequence; `None` where that does not fit.
pub fn checked(frame: &[u8]) -> Option<&[u8]> {
    let (frame, sequence) = frame.split_at_checked(frame.len().checked_sub(FCS_LEN)?)?;
    (fcs(frame) == sequence).then_some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_polynomial() {
        assert_eq!(u32::from_le_bytes(fcs(b"123456789")), 0xcbf4_3926);
        assert_eq!(fcs(b""), [0; 4]);
    }

    #[test]
    fn every_single_bit_is_noticed() {
        let frame: Vec<u8> = (0..60).collect();
        let mut sent = [&frame[..], &fcs(&frame)].concat();
        assert_eq!(checked(&sent), Some(&frame[..]));
        for bit in 0..sent.len() * 8 {
            sent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(checked(&sent), None, "bit {bit}");
            sent[bit / 8] ^= 1 << (bit % 8);
        }
        (0..FCS_LEN).for_each(|len| assert_eq!(checked(&sent[..len]), None));
    }
}
