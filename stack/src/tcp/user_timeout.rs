//! The User Timeout option (RFC 5482): the two ends tell each other for how long they wait for an acknowledgment.

use super::config::{Config, SocketOptions};
use core::time::Duration;

/// The variables of 3.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UserTimeout {
    /// ENABLED.
    enabled: bool,
    /// ADV_UTO.
    advertised: Duration,
    /// The application has not said a timeout of its own: CHANGEABLE.
    changeable: bool,
    /// REMOTE_UTO, and the timeout that follows from it (3.1).
    agreed: Option<Duration>,
    /// A segment without SYN is to tell it.
    due: bool,
}

impl UserTimeout {
    pub(crate) fn new(config: &Config, options: &SocketOptions) -> UserTimeout {
        UserTimeout {
            enabled: config.user_timeout_option,
            advertised: options.user_timeout.unwrap_or(config.user_timeout_advertised),
            changeable: options.user_timeout.is_none(),
            agreed: None,
            due: config.user_timeout_option,
        }
    }

    /// What a segment tells, in seconds: each SYN, and the next segment after it or after a change (3). Zero is not told
    /// (3.4).
    pub(crate) fn told(&mut self, syn: bool) -> Option<u32> {
        if !self.enabled {
            return None;
        }
        let seconds = u32::try_from(self.advertised.as_secs()).unwrap_or(u32::MAX);
        let tells = seconds > 0 && (syn || self.due);
        if tells && !syn {
            self.due = false;
        }
        tells.then_some(seconds)
    }

    /// The application has said another timeout.
    pub(crate) fn chosen(&mut self, timeout: Option<Duration>) {
        let Some(timeout) = timeout.filter(|timeout| self.changeable || *timeout != self.advertised) else {
            return;
        };
        (self.advertised, self.changeable, self.due) = (timeout, false, self.enabled);
    }

    /// The peer has told its timeout, in seconds.
    pub(crate) fn heard(&mut self, seconds: u32, config: &Config) {
        if !self.enabled || !self.changeable || seconds == 0 {
            return;
        }
        let remote = Duration::from_secs(seconds.into());
        let [least, most] = config.user_timeout_limits;
        self.agreed = Some(self.advertised.max(remote).max(least).min(most));
    }

    /// What the ends have agreed on.
    pub(crate) fn agreed(&self) -> Option<Duration> {
        self.agreed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    /// What two ends agree on, where the application says `own`.
    #[track_caller]
    fn check(own: Option<u64>, remote: u32, agreed: Option<u64>) {
        let config = Config { user_timeout_option: true, ..Config::default() };
        let options = SocketOptions { user_timeout: own.map(SECONDS), ..SocketOptions::default() };
        let mut timeout = UserTimeout::new(&config, &options);
        timeout.heard(remote, &config);
        assert_eq!(timeout.agreed(), agreed.map(SECONDS), "{own:?} {remote}");
    }

    #[test]
    fn the_longer_one_within_the_limits() {
        check(None, 600, Some(600));
        check(None, 1, Some(300));
        check(None, 32_767 * 60, Some(3600));
        check(None, 0, None);
        check(Some(30), 600, None);
        let hasty = Config { user_timeout_advertised: SECONDS(1), ..Config::default() };
        let mut timeout =
            UserTimeout { enabled: true, ..UserTimeout::new(&hasty, &SocketOptions::default()) };
        timeout.heard(2, &hasty);
        assert_eq!(timeout.agreed(), Some(SECONDS(100)));
    }
}
