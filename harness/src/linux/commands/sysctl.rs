//! Settings below /proc/sys/net, which are the run's own.

use super::{Commands, Done, Netlink, Operands};
use crate::linux::baseline;
use std::io;

/// What real sysctl ends with where something was refused.
const FAILED: i64 = 255;

/// The values that settings had before they were changed, by path, oldest first.
#[derive(Default)]
pub(super) struct Before(Vec<(String, String)>);

impl Before {
    /// Sets `net.…` or the same with slashes.
    ///
    /// # Errors
    /// What the kernel refused; permission where the setting is not the namespace's.
    pub(super) fn write(&mut self, name: &str, value: &str) -> io::Result<()> {
        let path = path(name).ok_or(io::ErrorKind::PermissionDenied)?;
        let old = baseline::read(&path);
        baseline::write(&path, value)?;
        self.0.extend(old.ok().map(|old| (path, old)));
        Ok(())
    }

    /// Puts every value back.
    pub(super) fn restore(&mut self) -> Done {
        let mut values = std::mem::take(&mut self.0).into_iter().rev();
        let failed = values.any(|(path, value)| baseline::write(&path, &value).is_err());
        Done { status: i64::from(failed), said: Vec::new() }
    }
}

/// The path below /proc/sys/net of a setting's name.
fn path(name: &str) -> Option<String> {
    let name = name.strip_prefix("/proc/sys/").unwrap_or(name).replace('.', "/");
    let below = name.strip_prefix("net/")?;
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    below.split('/').all(is_plain).then(|| below.to_owned())
}

/// `sysctl [-q] [-e] [-w] [-n] NAME=VALUE | NAME`
pub(super) fn sysctl(commands: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let (options, settings): (Vec<&str>, Vec<&str>) =
        operands.words.iter().partition(|word| word.starts_with('-'));
    if settings.is_empty() || !options.iter().all(|o| o[1..].chars().all(|c| "qewn".contains(c))) {
        return None;
    }
    let has = |letter: char| options.iter().any(|option| option.contains(letter));
    let mut done = Done::default();
    for setting in settings {
        let (name, value) = setting.split_once('=').map_or((setting, None), |(n, v)| (n, Some(v)));
        let result = match value {
            Some(value) => commands.sysctls.write(name, value).map(|()| value.to_owned()),
            None => path(name).ok_or(io::ErrorKind::NotFound.into()).and_then(|path| baseline::read(&path)),
        };
        match result {
            Ok(_) if has('q') && value.is_some() => {}
            Ok(value) if has('n') => done.said.extend(format!("{value}\n").bytes()),
            Ok(value) => done.said.extend(format!("{} = {value}\n", name.replace('/', ".")).bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && has('e') => {}
            Err(_) => done.status = FAILED,
        }
    }
    Some(done)
}

/// Upstream's helper, which sets `/proc/sys/net/…=VALUE` and writes a script that undoes it.
pub(super) fn set_sysctls(commands: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    for word in operands.words {
        let (name, value) = word.split_once('=')?;
        if commands.sysctls.write(name, value).is_err() {
            return Done::status(1);
        }
    }
    Done::status(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_namespaces_has_a_path() {
        for (name, expected) in [
            ("net.ipv4.tcp_sack", Some("ipv4/tcp_sack")),
            ("net/ipv4/conf/eth0/forwarding", Some("ipv4/conf/eth0/forwarding")),
            ("/proc/sys/net/ipv4/tcp_sack", Some("ipv4/tcp_sack")),
            ("kernel.panic", None),
            ("net.ipv4..x", None),
            ("/etc/passwd", None),
            ("net.", None),
        ] {
            assert_eq!(path(name).as_deref(), expected, "{name}");
        }
    }
}
