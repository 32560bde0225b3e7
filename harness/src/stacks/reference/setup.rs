//! A run's configuration in the reference stack's terms.

use super::{cidr, route};
use crate::sut::{Medium, Refusal, Setup};
use stack::Config;
use stack::config::{
    AutoconfConfig, ForwardingConfig, InterfaceConfig, LinkConfig, Medium as StackMedium, Neighbour,
};
use stack::tcp::{
    self, CongestionAlgorithm, EcnMode, InitialWindow, LossRecovery, PrrBound, Reduction, SynCookies,
};
use stack::wire::MacAddress;

/// The configuration for `setup`, with `tcp` where it says nothing.
///
/// # Errors
/// [`Refusal::Unsupported`] names the first thing that the stack does not have.
pub(super) fn config(setup: &Setup, tcp: tcp::Config) -> Result<Config, Refusal> {
    let medium = |medium| match medium {
        Medium::Ethernet => StackMedium::Ethernet,
        Medium::Ip => StackMedium::Ip,
    };
    let interfaces = setup.interfaces.iter().map(|interface| InterfaceConfig {
        medium: medium(interface.medium),
        mtu: interface.mtu,
        mac: MacAddress(interface.mac.0),
        addresses: interface.addresses.iter().map(cidr).collect(),
    });
    let neighbours = setup.neighbours.iter().map(|neighbour| Neighbour {
        address: neighbour.address,
        mac: MacAddress(neighbour.mac.0),
        interface: neighbour.interface,
    });
    let mut config = Config {
        interfaces: interfaces.collect(),
        routes: setup.routes.iter().map(|r| route(&r.destination, r.gateway, r.interface)).collect(),
        neighbours: neighbours.collect(),
        forwarding: setup.forwarding.then(ForwardingConfig::default),
        seed: setup.seed,
        tcp,
        ..Config::default()
    };
    for (name, value) in &setup.settings {
        set(&mut config, name, value)?;
    }
    Ok(config)
}

/// A named setting, as `with:` in a case's head has it.
fn set(config: &mut Config, name: &str, value: &str) -> Result<(), Refusal> {
    match (name, value) {
        ("acd", "on") => config.arp.detect_conflicts = true,
        ("fcs", "on") => {
            let link = LinkConfig { fcs: true, ..LinkConfig::default() };
            config.links = vec![link; config.interfaces.len()];
        }
        // Done by `set(advertising, 1)`.
        ("advertise", "on") => {}
        ("autoconf", "on") => {
            (config.autoconf, config.report_own_groups) = (Some(AutoconfConfig::default()), true);
        }
        ("cc", "reno") => config.tcp.congestion = CongestionAlgorithm::NewReno,
        ("iw", "rfc5681") => config.tcp.initial_window = InitialWindow::Rfc5681,
        ("iw", "rfc6928") => config.tcp.initial_window = InitialWindow::Rfc6928,
        ("cc", "cubic") => config.tcp.congestion = CongestionAlgorithm::Cubic,
        ("recovery", "rfc6582") => config.tcp.recovery = LossRecovery::Rfc6582,
        // Its step 4.2 halves cwnd at once.
        ("recovery", "rfc6675") => {
            (config.tcp.recovery, config.tcp.reduction) = (LossRecovery::Rfc6675, Reduction::AtOnce);
        }
        ("recovery", "rack") => config.tcp.recovery = LossRecovery::Rack,
        ("reduction", "at-once") => config.tcp.reduction = Reduction::AtOnce,
        ("reduction", "prr-crb") => config.tcp.reduction = Reduction::Prr(PrrBound::Conservative),
        ("reduction", "prr-ssrb") => config.tcp.reduction = Reduction::Prr(PrrBound::SlowStart),
        ("syncookies", "always") => config.tcp.syn_cookies = SynCookies::Always,
        ("syncookies", "never") => config.tcp.syn_cookies = SynCookies::Never,
        // It always reports duplicates.
        ("dsack", "on") => {}
        ("uto", "on") => config.tcp.user_timeout_option = true,
        ("fastopen", "on") => {
            (config.tcp.fast_open.client, config.tcp.fast_open.server) = (true, true);
        }
        ("fastopen", "off") => {
            (config.tcp.fast_open.client, config.tcp.fast_open.server) = (false, false);
        }
        ("abc", "2") => config.tcp.slow_start_limit = 2,
        ("ecn", "off") => config.tcp.ecn = EcnMode::Off,
        ("ecn", "accept") => config.tcp.ecn = EcnMode::Accept,
        ("ecn", "on") => config.tcp.ecn = EcnMode::On,
        ("nameserver", servers) => {
            let parsed = servers.split(',').map(str::parse).collect::<Result<_, _>>();
            config.resolver.servers =
                parsed.map_err(|_| Refusal::Broken(format!("{servers} are not addresses")))?;
        }
        ("search", domains) => {
            config.resolver.search = domains.split(',').map(str::to_owned).collect();
        }
        ("dns_case", "strict") => config.resolver.case_must_match = true,
        _ => return unsupported(format!("{name}={value}")),
    }
    Ok(())
}

fn unsupported<T>(what: String) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what))
}
