//! The nearest thing that exists, for error messages.

use harness::suggest::distance;

/// The `count` names of `existing` with the fewest edits from `name`, nearest first.
pub fn nearest<'a>(name: &str, existing: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = existing.into_iter().map(|e| (distance(name, e), e)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(count).map(|(_, e)| e).collect()
}

/// A sentence end that names what is near: `; nearest: a, b`, empty where nothing exists.
pub fn advice<'a>(name: &str, existing: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(name, existing, 3);
    if near.is_empty() { String::new() } else { format!("nearest: {}", near.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_counts_edits() {
        assert_eq!(nearest("tpc/rst", ["arp/reply", "tcp/rst", "tcp/reset"], 2), ["tcp/rst", "tcp/reset"]);
    }
}
