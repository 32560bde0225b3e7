//! Socket options of the level IPPROTO_TCP.

use super::errno::Errno;
use super::options::Options;
use super::sockopt::{integer, within};
use super::tcp_info;
use crate::host::Host;
use crate::tcp::{Config, CongestionAlgorithm};
use crate::time::Instant;

const TCP_NODELAY: i32 = 1;
const TCP_MAXSEG: i32 = 2;
const TCP_CORK: i32 = 3;
const TCP_KEEPIDLE: i32 = 4;
const TCP_KEEPINTVL: i32 = 5;
const TCP_KEEPCNT: i32 = 6;
const TCP_SYNCNT: i32 = 7;
const TCP_DEFER_ACCEPT: i32 = 9;
const TCP_INFO: i32 = 11;
const TCP_QUICKACK: i32 = 12;
const TCP_CONGESTION: i32 = 13;
const TCP_USER_TIMEOUT: i32 = 18;
const TCP_FASTOPEN: i32 = 23;
const TCP_NOTSENT_LOWAT: i32 = 25;
const TCP_FASTOPEN_CONNECT: i32 = 30;
const TCP_FASTOPEN_KEY: i32 = 33;
const TCP_FASTOPEN_NO_COOKIE: i32 = 34;
const TCP_INQ: i32 = 36;

/// Bytes of a congestion control's name, padded with zeros, as Linux has it.
const NAME_LEN: usize = 16;

/// The MSS of a socket that has none yet (RFC 9293 3.7.1).
const DEFAULT_MSS: u32 = 536;

pub(super) fn set(options: &mut Options, name: i32, value: &[u8], config: &Config) -> Result<(), Errno> {
    match name {
        TCP_NODELAY => {
            options.nodelay = integer(value)? != 0;
            options.push_now |= options.nodelay;
        }
        TCP_CORK => {
            options.cork = integer(value)? != 0;
            options.push_now |= !options.cork;
        }
        // What is negative here is large for Linux, which reads it unsigned.
        TCP_NOTSENT_LOWAT => options.unsent_low = u32::from_ne_bytes(integer(value)?.to_ne_bytes()),
        TCP_DEFER_ACCEPT => options.defer_accept = u32::try_from(integer(value)?).unwrap_or(0),
        TCP_INQ => options.tell_left = within(value, 0..=1)? != 0,
        TCP_QUICKACK => options.quick_ack = integer(value)? != 0,
        // The bounds are Linux's.
        TCP_MAXSEG if integer(value)? == 0 => options.mss = None,
        TCP_MAXSEG => options.mss = u16::try_from(within(value, 88..=32_767)?).ok(),
        TCP_KEEPIDLE => options.keepalive_idle = Some(within(value, 1..=32_767)?),
        TCP_KEEPINTVL => options.keepalive_interval = Some(within(value, 1..=32_767)?),
        TCP_KEEPCNT => options.keepalive_probes = Some(within(value, 1..=127)?),
        TCP_CONGESTION => options.congestion = Some(algorithm(value)?),
        TCP_SYNCNT => options.syn_retries = Some(within(value, 1..=127)?),
        TCP_FASTOPEN => options.fast_open_queue = Some(within(value, 0..=i32::MAX)?),
        TCP_FASTOPEN_KEY => {
            options.fast_open_key = Some(value.try_into().map_err(|_| Errno::EINVAL)?);
        }
        TCP_FASTOPEN_CONNECT if !config.fast_open.client => return Err(Errno::EOPNOTSUPP),
        TCP_FASTOPEN_CONNECT => options.fast_open_connect = within(value, 0..=1)? != 0,
        TCP_FASTOPEN_NO_COOKIE => options.fast_open_without_cookie = within(value, 0..=1)? != 0,
        TCP_USER_TIMEOUT => options.user_timeout = within(value, 0..=i32::MAX)?,
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}

/// The algorithm of that name, which may end with a zero byte.
fn algorithm(value: &[u8]) -> Result<CongestionAlgorithm, Errno> {
    let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let all = [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic];
    all.into_iter().find(|own| algorithm_name(*own).as_bytes() == name).ok_or(match name {
        [] => Errno::EINVAL,
        _ => Errno::ENOENT,
    })
}

/// Linux's names.
fn algorithm_name(algorithm: CongestionAlgorithm) -> &'static str {
    match algorithm {
        CongestionAlgorithm::Cubic => "cubic",
        CongestionAlgorithm::NewReno => "reno",
    }
}

impl Host {
    pub(super) fn get_tcp_option(&self, now: Instant, fd: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let socket = self.sockets.table.get(fd)?;
        let (options, defaults) = (&socket.options, self.tcp.config.keepalive);
        let info = socket.connection().and_then(|id| self.tcp.info(now, id));
        let seconds = |own: Option<u32>, default: core::time::Duration| {
            own.unwrap_or(u32::try_from(default.as_secs()).unwrap_or(u32::MAX))
        };
        let number = match name {
            TCP_NODELAY => u32::from(options.nodelay),
            TCP_CORK => u32::from(options.cork),
            TCP_INQ => u32::from(options.tell_left),
            TCP_NOTSENT_LOWAT => options.unsent_low,
            TCP_DEFER_ACCEPT => options.defer_accept,
            TCP_QUICKACK => u32::from(options.quick_ack),
            TCP_MAXSEG => info.map_or(options.mss.map_or(DEFAULT_MSS, u32::from), |info| info.snd_mss),
            TCP_KEEPIDLE => seconds(options.keepalive_idle, defaults.idle),
            TCP_KEEPINTVL => seconds(options.keepalive_interval, defaults.interval),
            TCP_KEEPCNT => options.keepalive_probes.unwrap_or(defaults.probes),
            TCP_USER_TIMEOUT => options.user_timeout,
            TCP_SYNCNT => options.syn_retries.unwrap_or(0),
            TCP_FASTOPEN => options.fast_open_queue.unwrap_or(0),
            TCP_FASTOPEN_CONNECT => u32::from(options.fast_open_connect),
            TCP_FASTOPEN_NO_COOKIE => u32::from(options.fast_open_without_cookie),
            TCP_CONGESTION => {
                let own = options.congestion.unwrap_or(self.tcp.config.congestion);
                let mut name = algorithm_name(own).as_bytes().to_vec();
                name.resize(NAME_LEN, 0);
                return Ok(name);
            }
            TCP_INFO => return Ok(tcp_info::bytes(&socket.state, info.as_ref())),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(number.to_ne_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn congestion_controls_have_names() {
        let found = [&b"cubic"[..], b"reno\0garbage", b"vegas", b""].map(algorithm);
        let expected = [
            Ok(CongestionAlgorithm::Cubic),
            Ok(CongestionAlgorithm::NewReno),
            Err(Errno::ENOENT),
            Err(Errno::EINVAL),
        ];
        assert_eq!(found, expected);
    }
}
