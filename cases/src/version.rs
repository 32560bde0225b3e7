//! Versions and ranges of them: `>=5.14, <6.5` on kernel releases.

use std::fmt;

/// The numbers at the front of a version: `6.18.44-cloud` is 6, 18, 44. Missing numbers are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Vec<u64>);

impl Version {
    /// Reads the numbers at the front; `None` where there are none.
    pub fn parse(text: &str) -> Option<Version> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers: Option<Vec<u64>> =
            text[..end].trim_end_matches('.').split('.').map(|n| n.parse().ok()).collect();
        let mut numbers = numbers?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Version(numbers))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    // Trailing zeros are gone, so the order of the lists is that of the versions.
    fn cmp(&self, other: &Version) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    Above,
    AtMost,
    Below,
    Exactly,
}

/// Longer operators first, so that `>=` is not read as `>`.
const COMPARISONS: &[(&str, Comparison)] = &[
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
    ("=", Comparison::Exactly),
];

/// Conditions on a version that all hold: `>=5.14, <6.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    text: String,
    conditions: Vec<(Comparison, Version)>,
}

impl Range {
    /// Reads a range.
    ///
    /// # Errors
    /// Says which condition is none and what one looks like.
    pub fn parse(text: &str) -> Result<Range, String> {
        let conditions: Result<Vec<_>, String> = text.split(',').map(|c| condition(c.trim())).collect();
        Ok(Range { text: text.to_owned(), conditions: conditions? })
    }

    /// Whether `version` is in the range; a version without numbers is in none.
    pub fn contains(&self, version: &str) -> bool {
        let Some(version) = Version::parse(version) else { return false };
        self.conditions.iter().all(|(comparison, bound)| match comparison {
            Comparison::AtLeast => version >= *bound,
            Comparison::Above => version > *bound,
            Comparison::AtMost => version <= *bound,
            Comparison::Below => version < *bound,
            Comparison::Exactly => version == *bound,
        })
    }
}

fn condition(text: &str) -> Result<(Comparison, Version), String> {
    let advice = || format!("{text:?} is no condition on a version: write >=5.14, <6.5 or =6.12");
    let (operator, comparison) = COMPARISONS.iter().find(|(o, _)| text.starts_with(o)).ok_or_else(advice)?;
    let number = text[operator.len()..].trim();
    let is_plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let version = Version::parse(number).filter(|_| is_plain).ok_or_else(advice)?;
    Ok((*comparison, version))
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let range = Range::parse(range).expect("a range");
        for version in inside {
            assert!(range.contains(version), "{version} is in {range}");
        }
        for version in outside {
            assert!(!range.contains(version), "{version} is not in {range}");
        }
    }

    #[test]
    fn ranges_of_kernel_releases() {
        check(
            ">=5.14, <6.5",
            &["5.14", "5.14.0-427.el9", "6.4.99"],
            &["5.13.19", "6.5", "6.5.0-rc1", "6.12"],
        );
        check(">6.1", &["6.1.1", "6.2"], &["6.1", "6.1.0", "6.0.9"]);
        check("<=6.10", &["6.9", "6.10.0", "6.10"], &["6.10.1", "6.11"]);
        check("=6.12", &["6.12", "6.12.0-debian"], &["6.12.1", "6.1"]);
        check(">=5", &["5.0", "7.2"], &["4.19", "unknown", ""]);
    }

    #[test]
    fn what_is_no_range_is_said() {
        for bad in ["", "5.14", ">=", ">=six", ">=5.14,", "~5", ">=5.x", ">=5..1", ">=.5"] {
            let error = Range::parse(bad).expect_err(bad);
            assert!(error.contains("no condition on a version"), "{error}");
        }
    }
}
