//! Network namespaces for the other ends of links, what is configured in them, and programs that run there.

use super::{Port, child};
use crate::linux::baseline;
use crate::linux::link::{Kind, PacketSocket, Tun};
use crate::linux::namespace::{self, Access, Way};
use crate::linux::netlink::{Netlink, index_of};
use crate::linux::offload;
use crate::linux::os::Doing;
use crate::sut::{Interface, MacAddress, Prefix};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command};

/// The right to make network namespaces.
pub struct Room {
    access: Access,
}

impl Room {
    /// Takes the right that `access` says. With [`Way::UserNamespace`] the process becomes root of a new user namespace for
    /// good, with an empty network; it must have no other thread then.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn enter(access: Access) -> Result<Room, String> {
        if access.way == Way::UserNamespace {
            namespace::enter_user_namespace()?;
            // The namespace that the process came from is not the new root's to come back to.
            namespace::unshare_network().doing("unshare(CLONE_NEWNET)")?;
        }
        Ok(Room { access })
    }

    /// How namespaces are made here.
    pub fn access(&self) -> Access {
        self.access
    }

    /// A new namespace in which only the loopback interface is up. The calling thread stays where it is.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn namespace(&self) -> Result<Namespace, String> {
        let here = namespace::current().doing("the thread's network namespace")?;
        namespace::unshare_network().doing("unshare(CLONE_NEWNET)")?;
        let handle = namespace::current().doing("the new network namespace");
        let prepared = baseline::apply(baseline::NAMESPACE, "")
            .and_then(|()| Netlink::open().doing("netlink socket"))
            .and_then(|mut netlink| netlink.set_up(1, true).doing("bringing lo up"));
        namespace::enter(&here).doing("going back to the first network namespace")?;
        prepared?;
        Ok(Namespace { handle: handle? })
    }
}

/// A TAP device as the namespace has it: the other end is the harness's.
#[derive(Clone, Debug)]
pub struct TapDevice {
    /// Its name.
    pub name: String,
    /// The namespace's hardware address.
    pub mac: MacAddress,
    /// The largest IP datagram.
    pub mtu: u16,
    /// The namespace's addresses.
    pub addresses: Vec<Prefix>,
}

/// A network namespace without a name. It lives as long as this handle and the programs in it do.
pub struct Namespace {
    handle: OwnedFd,
}

impl Namespace {
    /// Does something inside, and comes back.
    ///
    /// # Errors
    /// What `act` met, or that the thread cannot get in or back.
    pub fn within<T>(&self, act: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        let here = namespace::current().doing("the thread's network namespace")?;
        namespace::within(&self.handle, &here, act)
    }

    /// Starts a program inside. It ends with the calling thread, however that ends, and everything that it has started ends
    /// with it; its exit status is 128 and the signal's number where a signal killed it.
    ///
    /// # Errors
    /// Names the program that cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, String> {
        self.within(|| child::spawn(command))
    }

    /// Makes a TAP device inside and gives the harness's end.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn add_tap(&self, device: &TapDevice) -> Result<Port, String> {
        self.within(|| {
            let name = &device.name;
            let tun = Tun::open(name, Kind::Tap).doing("/dev/net/tun")?;
            let mut netlink = Netlink::open().doing("netlink socket")?;
            let index = index_of(name).doing(name)?;
            netlink.set_mac(index, device.mac).doing("setting the hardware address")?;
            netlink.set_mtu(index, device.mtu.into()).doing("setting the MTU")?;
            netlink.set_up(index, true).doing("bringing the device up")?;
            for prefix in &device.addresses {
                netlink.address(index, *prefix, true, false).doing(&format!("address {}", prefix.address))?;
            }
            Ok(Port(Box::new(tun)))
        })
    }

    /// Keeps the kernel from speaking inside: the namespace is one end of a link and nothing else.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(super) fn be_quiet(&self) -> Result<(), String> {
        self.within(|| baseline::apply(baseline::PEER, ""))
    }

    /// Makes the namespace a router, or a host.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn set_forwarding(&self, on: bool) -> Result<(), String> {
        self.within(|| baseline::set_forwarding(on))
    }

    /// Adds a route through a device that is inside.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn add_route(
        &self,
        device: &str,
        destination: Prefix,
        gateway: Option<IpAddr>,
    ) -> Result<(), String> {
        self.within(|| {
            let mut netlink = Netlink::open().doing("netlink socket")?;
            let index = index_of(device).doing(device)?;
            let what = format!("route to {}/{}", destination.address, destination.length);
            netlink.route(index, destination, gateway, true).doing(&what)
        })
    }
}

/// One end of a link between namespaces.
pub(super) struct Linking<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) interface: &'a Interface,
    /// Linux has the addresses; otherwise the frames are the harness's, and there is a [`Port`] for them.
    pub(super) is_configured: bool,
}

/// Joins two namespaces by a veth pair.
pub(super) fn join(ends: [Linking<'_>; 2]) -> Result<[Option<Port>; 2], String> {
    let [first, second] = &ends;
    // Both devices may have the same name only once they are apart.
    let there = second.namespace.handle.as_raw_fd();
    first.namespace.within(|| {
        let mut netlink = Netlink::open().doing("netlink socket")?;
        let (one, other) = (first.interface, second.interface);
        netlink.add_veth(&one.name, one.mac, &other.name, there).doing("veth pair")
    })?;
    for end in &ends {
        end.namespace.within(|| end.bring_up())?;
    }
    let [first, second] = &ends;
    Ok([first.finish()?, second.finish()?])
}

impl Linking<'_> {
    fn bring_up(&self) -> Result<(), String> {
        let Interface { name, mac, mtu, .. } = self.interface;
        offload::turn_off(name).doing("turning offload off")?;
        let mut netlink = Netlink::open().doing("netlink socket")?;
        let index = index_of(name).doing(name)?;
        netlink.set_mac(index, *mac).doing("setting the hardware address")?;
        netlink.set_mtu(index, (*mtu).into()).doing("setting the MTU")?;
        netlink.set_up(index, true).doing("bringing the link up")
    }

    /// What has to wait until both ends are up.
    fn finish(&self) -> Result<Option<Port>, String> {
        self.namespace.within(|| {
            let name = &self.interface.name;
            offload::settle_carrier(name).doing(name)?;
            let index = index_of(name).doing(name)?;
            if !self.is_configured {
                let socket = PacketSocket::open(index, false).doing("packet socket")?;
                return Ok(Some(Port(Box::new(socket))));
            }
            let mut netlink = Netlink::open().doing("netlink socket")?;
            for prefix in &self.interface.addresses {
                netlink.address(index, *prefix, true, false).doing(&format!("address {}", prefix.address))?;
            }
            Ok(None)
        })
    }
}
