//! Names of numbers in the system call interface, with the values of Linux on x86-64 whatever machine this runs on:
//! they are the ones that scripts were written for.

mod errno;
mod files;
mod internet;
mod sockets;

use errno::ERRNO;

/// Names and their numbers.
type Table = &'static [(&'static str, i64)];

/// Every table but that of errors. A reverse lookup takes the first name that fits.
const TABLES: &[Table] = &[
    sockets::ADDRESS_FAMILIES,
    sockets::SOCKET_TYPES,
    sockets::PROTOCOLS,
    sockets::LEVELS,
    sockets::SOCKET_OPTIONS,
    sockets::SHUTDOWN,
    sockets::MESSAGE_FLAGS,
    sockets::ERROR_ORIGINS,
    sockets::TIMESTAMPING,
    sockets::CONTROL_MESSAGES,
    internet::IP_OPTIONS,
    internet::IPV6_OPTIONS,
    internet::TCP_OPTIONS,
    internet::TCP_STATES,
    internet::UDP_OPTIONS,
    internet::ICMP_TYPES,
    internet::TCP_STATISTICS,
    internet::CONGESTION_STATES,
    internet::TCP_CONSTANTS,
    internet::LOOKUP_ERRORS,
    files::POLL,
    files::EPOLL,
    files::EPOLL_OPERATIONS,
    files::FCNTL,
    files::OPEN_FLAGS,
    files::IOCTL,
    files::SPLICE,
    files::CAPABILITIES,
    files::CAPABILITY_SETS,
];

/// The value of a name in a script: an option, a flag, a family, an error. `NULL` is 0.
pub fn symbol(name: &str) -> Option<i64> {
    if name == "NULL" {
        return Some(0);
    }
    let found = TABLES.iter().flat_map(|t| t.iter()).find(|(n, _)| *n == name);
    found.map(|(_, value)| *value).or_else(|| errno(name).map(i64::from))
}

/// The error number called `name`.
pub fn errno(name: &str) -> Option<i32> {
    ERRNO.iter().find(|(n, _, _)| *n == name).map(|(_, number, _)| *number)
}

/// The POSIX name of an error number.
pub fn errno_name(errno: i32) -> Option<&'static str> {
    ERRNO.iter().find(|(_, number, _)| *number == errno).map(|(name, _, _)| *name)
}

/// What an error number means, in the words of glibc's strerror.
pub fn strerror(errno: i32) -> Option<&'static str> {
    ERRNO.iter().find(|(_, number, _)| *number == errno).map(|(_, _, text)| *text)
}

/// The first name that begins with `prefix` and has this value: `name_of("AF_", 2)` is `AF_INET`.
pub fn name_of(prefix: &str, value: i64) -> Option<&'static str> {
    let mut all = TABLES.iter().flat_map(|t| t.iter());
    all.find(|(name, v)| *v == value && name.starts_with(prefix)).map(|(name, _)| *name)
}

/// A set of flags by their names: `flag_names("POLL", 5)` is `POLLIN|POLLOUT`; bits without a name are in hexadecimal.
pub fn flag_names(prefix: &str, value: i64) -> String {
    let mut rest = value & 0xffff_ffff;
    let mut names = Vec::new();
    for (name, bit) in TABLES.iter().flat_map(|t| t.iter()).filter(|(n, _)| n.starts_with(prefix)) {
        if *bit > 0 && bit.count_ones() == 1 && rest & bit != 0 {
            rest &= !bit;
            names.push((*name).to_string());
        }
    }
    if rest != 0 || names.is_empty() {
        names.push(if rest == 0 { "0".to_string() } else { format!("{rest:#x}") });
    }
    names.join("|")
}

/// Every name, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    let symbols = TABLES.iter().flat_map(|t| t.iter()).map(|(name, _)| *name);
    symbols.chain(ERRNO.iter().map(|(name, _, _)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suggest::nearest;
    use std::collections::BTreeMap;

    #[test]
    fn a_name_has_one_value() {
        let mut seen = BTreeMap::new();
        for name in names() {
            let value = symbol(name).unwrap_or_else(|| panic!("{name} is listed but not found"));
            let clash = seen.insert(name, value);
            assert!(clash.is_none(), "{name} is in two tables");
        }
        assert!(seen.len() > 600, "only {} names", seen.len());
    }

    #[test]
    fn values_are_those_of_linux() {
        let expected = [
            ("AF_INET6", 10),
            ("SOCK_STREAM", 1),
            ("SOL_SOCKET", 1),
            ("SO_REUSEADDR", 2),
            ("TCP_INFO", 11),
            ("MSG_ZEROCOPY", 0x400_0000),
            ("EPOLLET", 0x8000_0000),
            ("O_NONBLOCK", 0x800),
            ("FIONREAD", 0x541b),
            ("SIOCINQ", 0x541b),
            ("POLLRDHUP", 0x2000),
            ("TCP_CLOSE", 7),
            ("SO_EE_ORIGIN_ZEROCOPY", 5),
            ("ECONNRESET", 104),
            ("NULL", 0),
        ];
        for (name, value) in expected {
            assert_eq!(symbol(name), Some(value), "{name}");
        }
    }

    #[test]
    fn numbers_have_names_again() {
        assert_eq!(errno_name(11), Some("EAGAIN"));
        assert_eq!(errno_name(95), Some("EOPNOTSUPP"));
        assert_eq!(strerror(104), Some("Connection reset by peer"));
        assert_eq!(errno_name(4095), None);
        assert_eq!(name_of("AF_", 2), Some("AF_INET"));
        assert_eq!(flag_names("POLL", 0x8005), "POLLIN|POLLOUT|0x8000");
        assert_eq!(flag_names("MSG_", 0), "0");
    }

    #[test]
    fn a_slip_of_the_pen_has_a_suggestion() {
        assert_eq!(nearest("SOCK_STEAM", names()), Some("SOCK_STREAM"));
        assert_eq!(nearest("ECONREFUSED", names()), Some("ECONNREFUSED"));
        assert_eq!(nearest("XYZZY", names()), None);
    }
}
