//! Settings of a case below TCP, by the names that every stack has for them.

use stack::config::{AutoconfConfig, ForwardingConfig, PortForward, RateLimit};
use stack::wire::protocol;
use stack::{Host, Instant};
use std::time::Duration;

/// Sets `name`, or `INTERFACE.name` for one interface; `None` where it is none of these settings, false where it has no
/// such value.
pub(super) fn set(
    host: &mut Host,
    now: Instant,
    interfaces: &[String],
    name: &str,
    value: &str,
) -> Option<bool> {
    let on = match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    };
    if let Some(outside) = name.strip_prefix("forward.") {
        return Some(set_port_forward(host, outside, value).is_some());
    }
    let (interface, name) =
        name.split_once('.').map_or((None, name), |(interface, name)| (Some(interface), name));
    let index = interface.map(|interface| interfaces.iter().position(|i| i == interface));
    match (index, name) {
        (None, "forwarding") => {
            Some(on.map(|on| host.set_forwarding(on.then(ForwardingConfig::default))).is_some())
        }
        (None, "directed_broadcasts" | "source_filter") => {
            let (Some(on), Some(mut config)) = (on, host.forwarding()) else { return Some(false) };
            match name {
                "source_filter" => config.source_filter = on,
                _ => config.directed_broadcasts = on,
            }
            host.set_forwarding(Some(config));
            Some(true)
        }
        (None, "dad_transmits") => {
            Some(value.parse().is_ok_and(|count| change(host, |c| c.dad_transmits = count)))
        }
        (None, "form_addresses") => Some(on.is_some_and(|on| change(host, |c| c.form_addresses = on))),
        (None, "advertising") => Some(on.map(|on| host.set_advertising(now, on)).is_some()),
        (None, "unreachables") => Some(on.map(|on| host.set_unreachables(on)).is_some()),
        (None, "error_interval") => Some(value.parse().is_ok_and(|ms| {
            host.set_error_limit(error_limit(ms));
            true
        })),
        (None, "arp_timeout") => {
            Some(value.parse().map(|secs| host.set_arp_timeout(Duration::from_secs(secs))).is_ok())
        }
        (None, "ttl") => Some(value.parse().is_ok_and(|ttl| host.set_ttl(ttl))),
        (Some(Some(index)), "forwarding") => Some(on.is_some_and(|on| host.set_forwards(index, on))),
        _ => None,
    }
}

/// One error in so many milliseconds, after a few at once; 0: no limit.
fn error_limit(interval: u32) -> Option<RateLimit> {
    const BURST: u32 = 6;
    let per_second = 1000_u32.checked_div(interval)?;
    Some(RateLimit { per_second: per_second.max(1), burst: BURST })
}

/// `forward.udp.192.0.2.1:8080` is what others speak to, the value the host behind: `203.0.113.9:80`, or `none`.
fn set_port_forward(host: &mut Host, outside: &str, inside: &str) -> Option<()> {
    let (protocol, outside) = outside.split_once('.')?;
    let protocol = match protocol {
        "tcp" => protocol::TCP,
        "udp" => protocol::UDP,
        _ => return None,
    };
    let outside = outside.parse().ok()?;
    let inside = if inside == "none" { None } else { Some(inside.parse().ok()?) };
    host.port_forwards().retain(|known| (known.protocol, known.outside) != (protocol, outside));
    host.port_forwards().extend(inside.map(|inside| PortForward { protocol, outside, inside }));
    Some(())
}

/// Changes autoconfiguration, where that is configured.
fn change(host: &mut Host, apply: impl FnOnce(&mut AutoconfConfig)) -> bool {
    host.autoconf().as_mut().map(apply).is_some()
}
