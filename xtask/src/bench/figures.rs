//! Figures and what they should be.

use serde::Serialize;
use std::fmt;

/// A target is met also where the figure is so much beyond it.
const ALLOWANCE: f64 = 0.03;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) measures: Vec<Measure>,
}

/// One figure and what it should be.
#[derive(Debug, Serialize)]
pub(super) struct Measure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// The same thing done by another program.
    pub(super) beside: Option<Beside>,
    /// The median of each round's value by what stands beside it.
    pub(super) ratio: Option<f64>,
    pub(super) target: Option<Target>,
    /// `None` where there is no target.
    pub(super) met: Option<bool>,
    /// How it was measured.
    pub(super) why: String,
}

/// The same thing done by another program, in the unit of the measure.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    pub(super) name: String,
    pub(super) value: f64,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Target {
    pub(super) of: Of,
    pub(super) op: &'static str,
    pub(super) is: f64,
}

/// Which figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Of {
    Value,
    Ratio,
}

impl Measure {
    /// A figure that should be `most` at most.
    pub(super) fn value(
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
        most: f64,
        why: String,
    ) -> Measure {
        let target = Target { of: Of::Value, op: "<=", is: most };
        Measure {
            name: name.into(),
            value,
            unit,
            beside: None,
            ratio: None,
            target: Some(target),
            met: Some(is_met(value, most)),
            why,
        }
    }

    /// A figure that should be `least` at least.
    pub(super) fn at_least(
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
        least: f64,
        why: String,
    ) -> Measure {
        Measure {
            target: Some(Target { of: Of::Value, op: ">=", is: least }),
            met: Some(value >= least * (1.0 - ALLOWANCE)),
            ..Measure::value(name, unit, value, least, why)
        }
    }

    /// Rounds of (ours, theirs), of whose ratio the median should be `most` at most.
    pub(super) fn ratio(
        name: impl Into<String>,
        unit: &'static str,
        rounds: &[(f64, f64)],
        (other, most): (&str, f64),
        why: String,
    ) -> Measure {
        let of = |f: fn(&(f64, f64)) -> f64| median(rounds.iter().map(f).collect());
        let ratio = of(|(ours, theirs)| ours / theirs);
        Measure {
            beside: Some(Beside { name: other.to_owned(), value: of(|(_, theirs)| *theirs) }),
            ratio: Some(ratio),
            target: Some(Target { of: Of::Ratio, op: "<=", is: most }),
            met: Some(is_met(ratio, most)),
            ..Measure::value(name, unit, of(|(ours, _)| *ours), most, why)
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.1} {}", self.name, self.value, self.unit)?;
        if let (Some(beside), Some(ratio)) = (&self.beside, self.ratio) {
            write!(f, ", {} {:.1} {}, ratio {ratio:.3}", beside.name, beside.value, self.unit)?;
        }
        if let Some(Target { op, is, .. }) = self.target {
            let met = if self.met == Some(true) { "met" } else { "missed" };
            write!(f, " (target {op} {is}: {met})")?;
        }
        write!(f, "\n    {}", self.why)
    }
}

fn is_met(value: f64, most: f64) -> bool {
    value <= most * (1.0 + ALLOWANCE)
}

/// The middle of some figures, the upper one of two; 0 where there are none.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_and_has_an_allowance() {
        let rounds = [(1.0, 10.0), (3.0, 10.0), (2.05, 10.0)];
        let measure = Measure::ratio("a", "ms", &rounds, ("b", 0.2), String::new());
        assert_eq!((measure.value, measure.ratio, measure.met), (2.05, Some(0.205), Some(true)));
        assert!(is_met(206.0, 200.0) && !is_met(206.1, 200.0));
        assert_eq!(median(vec![]), 0.0);
        let json = serde_json::to_value(&measure).expect("a measure is JSON");
        assert_eq!(json["target"], serde_json::json!({"of": "ratio", "op": "<=", "is": 0.2}));
        assert_eq!(json["beside"], serde_json::json!({"name": "b", "value": 10.0}));
        let alone = serde_json::to_value(Measure::value("a", "s", 1.0, 2.0, String::new())).expect("JSON");
        assert!(alone["beside"].is_null() && alone["ratio"].is_null() && alone["met"] == true);
    }
}
