//! The commands of IEEE 802.2 class I that every station answers (RFC 1042 "IEEE 802.2 Details").
//!
//! ```text
//! 0      DSAP
//! 1      SSAP; its lowest bit is set in responses
//! 2      control: 0xaf XID, 0xe3 TEST, each with 0x10 where an answer is polled for
//! 3..    XID: format, types, window; TEST: whatever is to come back
//! ```

use super::{Error, Result};

/// Bytes of the header.
pub const HEADER_LEN: usize = 3;

const XID: u8 = 0xaf;
const TEST: u8 = 0xe3;
const POLL: u8 = 0x10;
/// The bit of an SSAP by which responses are known.
const RESPONSE: u8 = 1;
/// What XID tells: the format of IEEE 802.2, class I, and no window.
const CLASS_I: [u8; 3] = [129, 1, 0];
/// The service access points that there are here: that of the station itself, and SNAP's.
const NULL: u8 = 0;
const SNAP: u8 = 0xaa;

/// The answer to the LLC header and data in `llc`, from its DSAP on.
///
/// # Errors
/// What is cut off, is for an access point that is not here, is a response, or is neither XID nor TEST.
pub fn answer(llc: &[u8]) -> Result<Vec<u8>> {
    let [dsap, ssap, control, data @ ..] = llc else { return Err(Error::truncated("llc", "control")) };
    if ![NULL, SNAP].contains(dsap) {
        return Err(Error::value("llc", "dsap"));
    }
    if ssap & RESPONSE != 0 {
        return Err(Error::value("llc", "ssap"));
    }
    let data = match control & !POLL {
        XID => &CLASS_I,
        TEST => data,
        _ => return Err(Error::value("llc", "control")),
    };
    Ok([&[*ssap, dsap | RESPONSE, *control], data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_answered_and_nothing_else() {
        assert_eq!(answer(&[0, 4, 0xbf, 129, 1, 0]), Ok(vec![4, 1, 0xbf, 129, 1, 0]));
        assert_eq!(answer(&[0xaa, 4, 0xaf]), Ok(vec![4, 0xab, 0xaf, 129, 1, 0]));
        assert_eq!(answer(&[0, 4, 0xf3, 7, 8]), Ok(vec![4, 1, 0xf3, 7, 8]));
        assert_eq!(answer(&[0, 4]), Err(Error::truncated("llc", "control")));
        assert_eq!(answer(&[6, 4, 0xf3]), Err(Error::value("llc", "dsap")));
        assert_eq!(answer(&[0, 5, 0xf3]), Err(Error::value("llc", "ssap")));
        assert_eq!(answer(&[0xaa, 0xaa, 3]), Err(Error::value("llc", "control")));
    }
}
