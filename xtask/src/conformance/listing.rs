//! `--list`, and what is wrong with scripts.

use super::plan::Plan;
use crate::exit::Exit;

/// One case id a line and nothing else; what does not parse goes to standard error.
pub(super) fn print(plan: &Plan) -> Exit {
    let ids: String = plan.suite.cases.iter().map(|case| format!("{}\n", case.id)).collect();
    // A reader that has seen enough (`head`) closes the pipe, which is no error.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), ids.as_bytes());
    print_errors(plan)
}

/// Shows what is wrong with scripts.
pub(super) fn print_errors(plan: &Plan) -> Exit {
    for error in &plan.suite.errors {
        eprintln!("{error}\n");
    }
    if plan.suite.errors.is_empty() { Exit::AsExpected } else { Exit::Broken }
}
