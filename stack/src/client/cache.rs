//! What a resolver has learned: answers, that there is none, and that nobody could say (RFC 1035 7.4, RFC 1123 6.1.3.3).

use super::answer::{Found, LookupError};
use crate::time::Instant;
use crate::wire::dns::Name;
use core::time::Duration;
use std::collections::BTreeMap;

/// RFC 1035 7.3: nothing is kept longer than a week, whatever its time to live.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Names and types that are remembered.
const ENTRIES: usize = 1024;

/// What is known of a name and a type until when.
type Entry = (Instant, Result<Found, LookupError>);

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<(Name, u16), Entry>,
}

impl Cache {
    /// What is known of the records of a name.
    pub(super) fn get(&self, now: Instant, name: &Name, kind: u16) -> Option<Result<Found, LookupError>> {
        let (until, value) = self.entries.get(&(name.clone(), kind))?;
        (now < *until).then(|| value.clone())
    }

    /// Remembers; a time of zero is of use to the present lookup alone (RFC 1123 6.1.2.1).
    pub(super) fn put(
        &mut self,
        now: Instant,
        (name, kind): (&Name, u16),
        value: Result<Found, LookupError>,
        time: Duration,
    ) {
        if time.is_zero() {
            return;
        }
        if self.entries.len() >= ENTRIES {
            self.entries.retain(|_, (until, _)| now < *until);
        }
        if self.entries.len() >= ENTRIES {
            self.entries.pop_first();
        }
        self.entries.insert((name.clone(), kind), (now + time.min(LONGEST), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_and_are_bounded() {
        let mut cache = Cache::default();
        let name = |i: usize| Name::from_text(&format!("n{i}.example")).unwrap();
        let at = Instant::from_secs;
        let failure = Err(LookupError::NoName);
        cache.put(at(0), (&name(0), 1), failure.clone(), Duration::from_secs(60));
        assert_eq!(cache.get(at(59), &name(0), 1), Some(failure.clone()));
        assert_eq!((cache.get(at(60), &name(0), 1), cache.get(at(0), &name(0), 28)), (None, None));
        cache.put(at(0), (&name(1), 1), failure.clone(), Duration::ZERO);
        assert_eq!(cache.get(at(0), &name(1), 1), None);
        for i in 0..2 * ENTRIES {
            cache.put(at(0), (&name(i), 1), failure.clone(), Duration::MAX);
        }
        assert_eq!(cache.entries.len(), ENTRIES);
        let last = name(2 * ENTRIES - 1);
        assert_eq!(cache.get(at(7 * 24 * 3600 - 1), &last, 1), Some(failure));
        assert_eq!(cache.get(at(7 * 24 * 3600), &last, 1), None);
    }
}
