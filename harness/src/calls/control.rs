//! Control messages: what sendmsg carries, and what recvmsg must bring.

use super::arguments::Arguments;
use super::descriptors::Timing;
use super::number::Want;
use super::options::inet_addr;
use super::outcome::{Captures, accept_value, mismatch};
use crate::abi;
use crate::lang::Error;
use crate::lang::ast::Argument;
use crate::packet::Mismatch;
use std::net::Ipv4Addr;
use std::time::Duration;

const SOL_IP: i64 = 0;
/// struct cmsghdr on a machine of 64 bits.
const HEADER: usize = 16;
/// Three struct timespec.
const TIMESTAMPS: usize = 48;
/// struct sock_extended_err.
const EXTENDED_ERROR: usize = 16;
const SOCKADDR_IN: usize = 16;
const SOCKADDR_IN6: usize = 28;
/// struct in_pktinfo.
const PACKET_INFO: usize = 12;
/// struct nlattr.
const ATTRIBUTE_HEADER: usize = 4;

/// The width in bytes of each attribute of SCM_TIMESTAMPING_OPT_STATS, by type. `linux/tcp.h`.
const STATISTICS: [usize; 23] = [4, 8, 8, 8, 8, 8, 8, 8, 4, 4, 4, 1, 1, 4, 1, 4, 4, 4, 8, 8, 4, 4, 4];
/// Those of them that are times in microseconds: busy, rwnd_limited, sndbuf_limited.
const TIMES: std::ops::RangeInclusive<u16> = 1..=3;

/// What a control message must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantControl {
    level: i64,
    kind: i64,
    data: WantControlData,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WantControlData {
    /// An int.
    Int(Want),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The time of the first stamp in the script; zero is not compared.
    Timestamp(Duration),
    /// struct sock_extended_err: errno, origin, type, code, info, data. The address behind it is not compared.
    ExtendedError([Want; 6]),
    /// Attributes in order, by type.
    Statistics(Vec<(u16, Want)>),
    /// struct in_pktinfo: the interface, the own address, the one in the header.
    Packet { interface: Want, addresses: [Option<Ipv4Addr>; 2] },
}

impl WantControl {
    /// The length of its data.
    fn length(&self) -> usize {
        match &self.data {
            WantControlData::Int(_) => 4,
            WantControlData::Bytes(bytes) => bytes.len(),
            WantControlData::Timestamp(_) => TIMESTAMPS,
            WantControlData::ExtendedError(_) if self.level == SOL_IP => EXTENDED_ERROR + SOCKADDR_IN,
            WantControlData::ExtendedError(_) => EXTENDED_ERROR + SOCKADDR_IN6,
            WantControlData::Statistics(list) => list.iter().map(|(kind, _)| attribute_space(*kind)).sum(),
            WantControlData::Packet { .. } => PACKET_INFO,
        }
    }
}

fn width(kind: u16) -> usize {
    STATISTICS.get(usize::from(kind)).copied().unwrap_or(4)
}

/// What an attribute takes: its header and its value, aligned to 4.
fn attribute_space(kind: u16) -> usize {
    ATTRIBUTE_HEADER + width(kind).next_multiple_of(4)
}

/// The room that these control messages need, CMSG_SPACE of each.
pub(super) fn room(wanted: &[WantControl]) -> usize {
    wanted.iter().map(|w| HEADER + w.length().next_multiple_of(8)).sum()
}

/// The control messages of a script as recvmsg must bring them.
pub(super) fn wanted(a: &Arguments<'_>, control: &[Argument]) -> Result<Vec<WantControl>, Error> {
    control.iter().map(|c| want(a, c)).collect()
}

fn want(a: &Arguments<'_>, argument: &Argument) -> Result<WantControl, Error> {
    let Argument::CMsg { level, kind, data } = argument else {
        return Err(a.error("a control message is `{cmsg_level=…, cmsg_type=…, cmsg_data=…}`"));
    };
    let data = match data.as_ref() {
        Argument::ScmTimestamping { sec, nsec } => WantControlData::Timestamp(
            timestamp(*sec, *nsec).ok_or_else(|| a.error("a time is not negative"))?,
        ),
        Argument::SockExtendedErr { errno, origin, kind, code, info, data } => {
            let w = |argument| a.want(argument);
            WantControlData::ExtendedError([w(errno)?, w(origin)?, w(kind)?, w(code)?, w(info)?, w(data)?])
        }
        Argument::Braces(list) if matches!(list.first(), Some(Argument::Assign(name, _)) if name == "ipi_ifindex") => {
            packet_info(a, list)?
        }
        Argument::Array(list) | Argument::Braces(list) => {
            WantControlData::Statistics(list.iter().map(|e| attribute(a, e)).collect::<Result<_, _>>()?)
        }
        Argument::String(bytes) => WantControlData::Bytes(bytes.clone()),
        number => WantControlData::Int(a.want(number)?),
    };
    Ok(WantControl { level: a.value(level)?, kind: a.value(kind)?, data })
}

/// `{ipi_ifindex=*, ipi_spec_dst=inet_addr("LOCAL"), ipi_addr=inet_addr("LOCAL")}`; `...` is any address.
fn packet_info(a: &Arguments<'_>, list: &[Argument]) -> Result<WantControlData, Error> {
    let wrong = || a.error("a packet's information is `{ipi_ifindex=*, ipi_spec_dst=…, ipi_addr=…}`");
    let [
        Argument::Assign(_, interface),
        Argument::Assign(own, own_address),
        Argument::Assign(to, to_address),
    ] = list
    else {
        return Err(wrong());
    };
    if (own.as_str(), to.as_str()) != ("ipi_spec_dst", "ipi_addr") {
        return Err(wrong());
    }
    let address = |argument: &Argument| match argument {
        Argument::Ellipsis => Ok(None),
        Argument::InetAddr(text) => inet_addr(a, text).map(Some),
        _ => Err(wrong()),
    };
    let addresses = [address(own_address)?, address(to_address)?];
    Ok(WantControlData::Packet { interface: a.want(interface)?, addresses })
}

fn timestamp(sec: i64, nsec: i64) -> Option<Duration> {
    let (sec, nsec) = (u64::try_from(sec).ok()?, u64::try_from(nsec).ok()?);
    Duration::from_secs(sec).checked_add(Duration::from_nanos(nsec))
}

fn attribute(a: &Arguments<'_>, element: &Argument) -> Result<(u16, Want), Error> {
    let Argument::Assign(name, value) = element else {
        return Err(a.error("a statistic is `TCP_NLA_BUSY=1000`"));
    };
    let kind =
        abi::symbol(name).and_then(|v| u16::try_from(v).ok()).filter(|v| usize::from(*v) < STATISTICS.len());
    let kind = kind
        .ok_or_else(|| Error::new(&a.span_of(name), format!("`{name}` is no statistic, TCP_NLA_BUSY is")))?;
    Ok((kind, a.want(value)?))
}

/// The control messages of sendmsg as (cmsg_level, cmsg_type, cmsg_data).
pub(super) fn encode(a: &Arguments<'_>, control: &[Argument]) -> Result<Vec<(i32, i32, Vec<u8>)>, Error> {
    let encoded = |argument: &Argument| {
        let Argument::CMsg { level, kind, data } = argument else {
            return Err(a.error("a control message is `{cmsg_level=…, cmsg_type=…, cmsg_data=…}`"));
        };
        let data = match data.as_ref() {
            Argument::String(bytes) => bytes.clone(),
            number => a.fits_i32(a.value(number)?)?.to_le_bytes().to_vec(),
        };
        Ok((a.fits_i32(a.value(level)?)?, a.fits_i32(a.value(kind)?)?, data))
    };
    control.iter().map(encoded).collect()
}

/// Compares control messages in order; each is named by its position.
pub(super) fn compare(
    wanted: &[WantControl],
    found: &[(i32, i32, Vec<u8>)],
    timing: Timing,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    for (index, (want, (level, kind, data))) in wanted.iter().zip(found).enumerate() {
        let located = |m: Mismatch| Mismatch { field: format!("cmsg[{index}].{}", m.field), ..m };
        accept_value("cmsg_level", &Want::Is(want.level), i64::from(*level), captures).map_err(located)?;
        accept_value("cmsg_type", &Want::Is(want.kind), i64::from(*kind), captures).map_err(located)?;
        if want.length() != data.len() {
            return Err(located(mismatch("cmsg_len", want.length(), data.len())));
        }
        compare_data(&want.data, data, timing, captures).map_err(located)?;
    }
    if wanted.len() == found.len() {
        return Ok(());
    }
    Err(mismatch("msg_control", format!("{} messages", wanted.len()), format!("{} messages", found.len())))
}

fn compare_data(
    want: &WantControlData,
    data: &[u8],
    timing: Timing,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    match want {
        WantControlData::Int(want) => {
            accept_value("cmsg_data", want, i64::from(number(data, 0, 4) as i32), captures)
        }
        WantControlData::Bytes(bytes) if bytes == data => Ok(()),
        WantControlData::Bytes(bytes) => {
            Err(mismatch("cmsg_data", format!("{bytes:02x?}"), format!("{data:02x?}")))
        }
        WantControlData::Timestamp(time) => compare_time(*time, data, timing),
        WantControlData::ExtendedError(fields) => {
            let layout = [("ee_errno", 0, 4), ("ee_origin", 4, 1), ("ee_type", 5, 1), ("ee_code", 6, 1)];
            let layout = layout.into_iter().chain([("ee_info", 8, 4), ("ee_data", 12, 4)]);
            for (want, (name, at, width)) in fields.iter().zip(layout) {
                accept_value(name, want, number(data, at, width) as i64, captures)?;
            }
            Ok(())
        }
        WantControlData::Statistics(list) => compare_statistics(list, data, timing, captures),
        WantControlData::Packet { interface, addresses } => {
            accept_value("ipi_ifindex", interface, number(data, 0, 4) as i64, captures)?;
            for ((want, name), bytes) in
                addresses.iter().zip(["ipi_spec_dst", "ipi_addr"]).zip(data[4..].chunks(4))
            {
                let found = <[u8; 4]>::try_from(bytes).map(Ipv4Addr::from).unwrap_or(Ipv4Addr::UNSPECIFIED);
                if want.is_some_and(|want| want != found) {
                    return Err(mismatch(name, want.unwrap_or(found), found));
                }
            }
            Ok(())
        }
    }
}

/// The little-endian number of `width` bytes at `at`; what is not there is zero.
fn number(data: &[u8], at: usize, width: usize) -> u64 {
    data.iter().skip(at).take(width).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The first of three time stamps; times of the stack's clock count from its own start.
fn compare_time(expected: Duration, data: &[u8], timing: Timing) -> Result<(), Mismatch> {
    if expected.is_zero() {
        return Ok(());
    }
    let found =
        Duration::from_secs(number(data, 0, 8)).saturating_add(Duration::from_nanos(number(data, 8, 8)));
    let found = found.saturating_sub(Duration::from_nanos(timing.start.as_nanos()));
    if found.abs_diff(expected) <= timing.tolerance {
        return Ok(());
    }
    Err(mismatch("cmsg_data.scm_timestamp", format!("{expected:?}"), format!("{found:?}")))
}

fn compare_statistics(
    list: &[(u16, Want)],
    data: &[u8],
    timing: Timing,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let mut at = 0;
    for (kind, want) in list {
        let name = abi::name_of("TCP_NLA_", i64::from(*kind)).unwrap_or("attribute");
        accept_value("nla_type", &Want::Is(i64::from(*kind)), number(data, at + 2, 2) as i64, captures)?;
        let length = (ATTRIBUTE_HEADER + width(*kind)) as i64;
        accept_value(name, &Want::Is(length), number(data, at, 2) as i64, captures)
            .map_err(|m| Mismatch { field: format!("{name}.nla_len"), ..m })?;
        let value = number(data, at + ATTRIBUTE_HEADER, width(*kind)) as i64;
        let tolerance = timing.tolerance.as_micros();
        // Times have a tolerance, but none is none.
        let near = |wanted: i64| wanted != 0 && u128::from(value.abs_diff(wanted)) <= tolerance;
        if !matches!(want, Want::Is(wanted) if TIMES.contains(kind) && near(*wanted)) {
            accept_value(name, want, value, captures)?;
        }
        at += attribute_space(*kind);
    }
    Ok(())
}
