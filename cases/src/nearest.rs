//! The nearest thing that exists, for error messages.

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

/// Edits (insert, delete, replace a byte) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("tpc/rst", ["arp/reply", "tcp/rst", "tcp/reset"], 2), ["tcp/rst", "tcp/reset"]);
    }
}
