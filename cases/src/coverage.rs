//! Which requirements have a case that can go red.

use crate::catalogue::Catalogue;
use std::collections::{BTreeMap, BTreeSet};

/// That a case passes on `reference` and that its twin for this requirement goes red, as the self-test found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// The case's id.
    pub case: String,
    /// The requirement's id.
    pub requirement: String,
}

/// Figures for one RFC, or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requirements that can be seen, are in force and repeat no other.
    pub rows: usize,
    /// Those of them with a case that goes red.
    pub covered: usize,
    /// Those of them that have none, and a reason in explained.toml.
    pub explained: usize,
    /// Further rows, which repeat a covered requirement or were replaced by one.
    pub elsewhere: usize,
}

/// The figures of each RFC by number, and their sum.
pub fn figures(catalogue: &Catalogue, facts: &BTreeSet<Fact>) -> (BTreeMap<u32, Figures>, Figures) {
    // What repeats another requirement credits that one.
    let covered: BTreeSet<&str> = facts.iter().map(|f| catalogue.resolve(&f.requirement)).collect();
    let explained: BTreeSet<&str> = catalogue.explained.iter().map(|e| e.requirement.as_str()).collect();
    let mut by_rfc = BTreeMap::new();
    let mut total = Figures::default();
    for rfc in &catalogue.rfcs {
        let figures: &mut Figures = by_rfc.entry(rfc.number).or_default();
        for row in rfc.requirements.iter().filter(|r| r.counts()) {
            let is_covered = covered.contains(row.id.as_str());
            figures.rows += 1;
            figures.covered += usize::from(is_covered);
            figures.explained += usize::from(!is_covered && explained.contains(row.id.as_str()));
        }
        let others = rfc.requirements.iter().filter(|r| !r.counts());
        let told = others.filter_map(|r| r.superseded_by.as_deref().or(r.same_as.as_deref()));
        figures.elsewhere += told.filter(|id| covered.contains(catalogue.resolve(id))).count();
        total.elsewhere += figures.elsewhere;
        total.rows += figures.rows;
        total.covered += figures.covered;
        total.explained += figures.explained;
    }
    (by_rfc, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Explained;

    #[test]
    fn a_repetition_credits_the_row_that_it_repeats() {
        let mut catalogue = Catalogue::load().expect("the catalogue is readable");
        catalogue.explained.clear();
        let repeated =
            catalogue.requirements().find(|r| r.same_as.is_some()).expect("some row repeats another");
        let (id, target) = (repeated.id.clone(), catalogue.resolve(&repeated.id).to_owned());
        let fact = |requirement: &str| Fact { case: "tcp/a".into(), requirement: requirement.to_owned() };
        let (_, total) = figures(&catalogue, &BTreeSet::from([fact(&id), fact(&target)]));
        let elsewhere = catalogue.requirements().filter(|r| r.same_as.as_ref() == Some(&target)).count();
        assert_eq!(total, Figures { rows: 1297, covered: 1, explained: 0, elsewhere });
        catalogue.explained.push(Explained { requirement: target.clone(), reason: "r".into() });
        let (_, total) = figures(&catalogue, &BTreeSet::new());
        assert_eq!(total, Figures { rows: 1297, covered: 0, explained: 1, elsewhere: 0 });
        let (_, total) = figures(&catalogue, &BTreeSet::from([fact(&target)]));
        assert_eq!(total, Figures { rows: 1297, covered: 1, explained: 0, elsewhere });
    }
}
