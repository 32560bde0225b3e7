//! How long something runs, as people write it.

use std::time::Duration;

/// Reads `90s`, `10m`, `2h`; a number alone is seconds.
///
/// # Errors
/// Says how it is written.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let advice = || "a number with s, m or h: 90s, 10m, 2h".to_owned();
    let unit = text.chars().last().ok_or_else(advice)?;
    let (number, factor) = match unit {
        's' => (&text[..text.len() - 1], 1),
        'm' => (&text[..text.len() - 1], 60),
        'h' => (&text[..text.len() - 1], 3600),
        '0'..='9' => (text, 1),
        _ => return Err(advice()),
    };
    let seconds = number.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(advice)?;
    Ok(Duration::from_secs(u64::from(seconds) * factor))
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times() {
        for (text, seconds) in [("90s", Some(90)), ("10m", Some(600)), ("2h", Some(7200)), ("7", Some(7))] {
            assert_eq!(time(text).ok().map(|t| t.as_secs()), seconds, "{text}");
        }
        for bad in ["", "s", "0s", "-1s", "1d", "é", "99999999999s"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
