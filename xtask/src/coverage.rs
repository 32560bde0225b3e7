//! `cargo xtask coverage`: which requirements have a case that can go red, and whether the catalogue is in order.

use crate::exit::{Exit, Outcome};
use crate::selftest;
use cases::catalogue::Catalogue;
use cases::coverage::{Figures, figures};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What `cargo xtask coverage` takes.
#[derive(clap::Subcommand, Clone, Debug)]
pub(crate) enum Options {
    /// Per RFC: requirements that can be seen and are in force, covered, explained; rows that repeat covered ones.
    Requirements {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check the catalogue of requirements.
    Catalogue,
}

/// Prints the figures, or checks the catalogue.
pub(crate) fn coverage(options: &Options) -> Outcome {
    let catalogue = Catalogue::load()?;
    match options {
        Options::Catalogue => Ok(check(&catalogue)),
        Options::Requirements { json } => {
            let findings = selftest::find(selftest::REFERENCE, &[])?;
            let (by_rfc, total) = figures(&catalogue, &findings.facts);
            if *json {
                print_json(&by_rfc, total)?;
            } else {
                print_table(&by_rfc, total);
            }
            Ok(Exit::AsExpected)
        }
    }
}

fn check(catalogue: &Catalogue) -> Exit {
    let errors = catalogue.check();
    for error in &errors {
        eprintln!("error: {error}");
    }
    let counting = catalogue.requirements().filter(|r| r.counts()).count();
    let rows = catalogue.requirements().count();
    println!("{} RFCs, {rows} requirements, {counting} to be covered", catalogue.rfcs.len());
    if errors.is_empty() { Exit::AsExpected } else { Exit::Unexpected }
}

fn print_table(by_rfc: &BTreeMap<u32, Figures>, total: Figures) {
    println!("{:<6} {:>6} {:>8} {:>10} {:>10}", "RFC", "rows", "covered", "explained", "elsewhere");
    let line = |name: &str, f: &Figures| {
        println!("{name:<6} {:>6} {:>8} {:>10} {:>10}", f.rows, f.covered, f.explained, f.elsewhere)
    };
    for (rfc, figures) in by_rfc {
        line(&rfc.to_string(), figures);
    }
    line("all", &total);
}

fn print_json(by_rfc: &BTreeMap<u32, Figures>, total: Figures) -> Result<(), String> {
    let member = |f: &Figures| json!({"rows": f.rows, "covered": f.covered, "explained": f.explained, "elsewhere": f.elsewhere});
    let mut all: Map<String, Value> =
        by_rfc.iter().map(|(rfc, f)| (format!("RFC{rfc}"), member(f))).collect();
    all.insert("total".to_owned(), member(&total));
    println!("{}", serde_json::to_string_pretty(&all).map_err(|e| e.to_string())?);
    Ok(())
}
