//! Administrative calls: what a person at the stack's console would do.

use super::arguments::Arguments;
use super::describe;
use super::outcome::Expect;
use super::signatures::Planned;
use crate::lang::Error;
use crate::lang::ast::Argument;
use crate::suggest;
use crate::sut::{Call, DhcpCommand, InterfaceId, Prefix};

pub(super) fn link(a: &Arguments<'_>) -> Planned {
    let interface = interface(a, 0)?;
    let up = match a.word(1, "up or down")? {
        "up" => true,
        "down" => false,
        _ => return Err(a.wrong(1, "up or down")),
    };
    Ok((Call::Link { interface, up }, Expect::Number))
}

pub(super) fn address(a: &Arguments<'_>) -> Planned {
    let (interface, add) = (interface(a, 0)?, adds(a, 1)?);
    Ok((Call::Address { interface, prefix: prefix(a, 2)?, add }, Expect::Number))
}

/// The gateway is an address, a host's name, or `NULL` where the destinations are on the link; without an interface
/// it is that of the host, else the first one.
pub(super) fn route(a: &Arguments<'_>) -> Planned {
    let (add, destination) = (adds(a, 0)?, prefix(a, 1)?);
    let via = a.word(2, "the next hop's address or NULL")?;
    let gateway = match via {
        "NULL" => None,
        _ => Some(a.world.address(via).ok_or_else(|| unknown_address(a, via))?),
    };
    let interface = match gateway.and_then(|g| a.world.host_of(g)) {
        _ if a.count() == 4 => interface(a, 3)?,
        Some(host) => InterfaceId(host.interface),
        None => InterfaceId(0),
    };
    Ok((Call::Route { destination, gateway, interface, add }, Expect::Number))
}

pub(super) fn group(a: &Arguments<'_>) -> Planned {
    let interface = interface(a, 0)?;
    let join = match a.word(1, "join or leave")? {
        "join" => true,
        "leave" => false,
        _ => return Err(a.wrong(1, "join or leave")),
    };
    let text = a.word(2, "a group's address, \"239.1.1.1\"")?;
    let group = a.world.address(text).ok_or_else(|| unknown_address(a, text))?;
    Ok((Call::Group { interface, group, join }, Expect::Number))
}

pub(super) fn set(a: &Arguments<'_>) -> Planned {
    let name = a.word(0, "a setting's name")?.to_string();
    let value = match a.at(1) {
        Argument::Word(word) => word.clone(),
        Argument::String(_) => a.word(1, "a setting's value")?.to_string(),
        other => a.value(other)?.to_string(),
    };
    Ok((Call::Set { name, value }, Expect::Number))
}

pub(super) fn dhcp(a: &Arguments<'_>) -> Planned {
    let words = "start, stop, release, renew or inform";
    let (interface, word) = (interface(a, 0)?, a.word(1, words)?);
    let command = DhcpCommand::ALL.iter().find(|(_, name)| *name == word);
    let (command, _) = command.ok_or_else(|| a.wrong(1, words))?;
    Ok((Call::Dhcp { interface, command: *command }, Expect::Number))
}

pub(super) fn getaddrinfo(a: &Arguments<'_>) -> Planned {
    let name = a.word(0, "a name in double quotes")?.to_string();
    let family = a.int(1)?;
    let addresses = found(a, 2, |text| a.world.address(text).ok_or_else(|| unknown_address(a, text)))?;
    Ok((Call::Getaddrinfo { name, family }, Expect::Addresses(addresses)))
}

pub(super) fn getnameinfo(a: &Arguments<'_>) -> Planned {
    let text = a.word(0, "an address in double quotes")?;
    let address = a.world.address(text).ok_or_else(|| unknown_address(a, text))?;
    let name = found(a, 1, |text| Ok(text.to_string()))?.and_then(|names| names.into_iter().next());
    Ok((Call::Getnameinfo { address }, Expect::Name(name)))
}

pub(super) fn reboot(_: &Arguments<'_>) -> Planned {
    Ok((Call::Reboot, Expect::Number))
}

/// `["text", …]`, each made something of; nothing where `...` stands.
fn found<T>(
    a: &Arguments<'_>,
    index: usize,
    make: impl Fn(&str) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    let what = "`...` or texts in brackets";
    match a.at(index) {
        Argument::Ellipsis => Ok(None),
        Argument::Array(elements) => {
            let text = |element: &Argument| match element {
                Argument::String(bytes) => {
                    make(std::str::from_utf8(bytes).map_err(|_| a.wrong(index, what))?)
                }
                _ => Err(a.wrong(index, what)),
            };
            elements.iter().map(text).collect::<Result<Vec<T>, Error>>().map(Some)
        }
        _ => Err(a.wrong(index, what)),
    }
}

fn interface(a: &Arguments<'_>, index: usize) -> Result<InterfaceId, Error> {
    interface_called(a, a.word(index, "an interface's name")?)
}

/// The interface that is called `name`.
pub(super) fn interface_called(a: &Arguments<'_>, name: &str) -> Result<InterfaceId, Error> {
    let names: Vec<&str> = a.world.setup.interfaces.iter().map(|i| i.name.as_str()).collect();
    if let Some(position) = names.iter().position(|n| *n == name) {
        return Ok(InterfaceId(position));
    }
    let error = Error::new(&a.span_of(name), format!("no interface is called `{name}`"));
    Err(match suggest::nearest(name, names.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("there are {}", names.join(", "))),
    })
}

fn adds(a: &Arguments<'_>, index: usize) -> Result<bool, Error> {
    match a.word(index, "add or remove")? {
        "add" => Ok(true),
        "remove" => Ok(false),
        _ => Err(a.wrong(index, "add or remove")),
    }
}

/// `"192.0.2.7/24"`; without a length, all bits.
fn prefix(a: &Arguments<'_>, index: usize) -> Result<Prefix, Error> {
    let text = a.word(index, "an address with a prefix length, \"192.0.2.7/24\"")?;
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address = a.world.address(address).ok_or_else(|| unknown_address(a, address))?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length.map(str::parse::<u8>) {
        None => longest,
        Some(Ok(length)) if length <= longest => length,
        Some(_) => return Err(a.error(format!("the prefix length of `{text}` is not 0 to {longest}"))),
    };
    Ok(Prefix { address, length })
}

fn unknown_address(a: &Arguments<'_>, text: &str) -> Error {
    let hosts = a.world.hosts.iter().map(|h| h.name.as_str());
    let known: Vec<&str> = ["LOCAL", "REMOTE"].into_iter().chain(hosts).collect();
    let error = Error::new(&a.span_of(text), format!("`{}` is not an address", describe::shortened(text)));
    error.help(format!("names are {}", known.join(", ")))
}
