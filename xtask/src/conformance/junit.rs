//! junit.xml: what build servers read. A run that ends as expected is a success, also where a failure is expected.

use super::play::Run;
use super::report::explanation;
use crate::results::StackInfo;
use cases::expectation::Standing;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;

/// Writes the file.
pub(super) fn write(path: &Path, stacks: &[StackInfo], runs: &[Run]) -> Result<(), String> {
    let mut report = Report::new("wireproof");
    for stack in stacks {
        let mut suite = TestSuite::new(stack.name.clone());
        suite.add_property(("version", stack.version.as_str()));
        suite.add_test_cases(runs.iter().filter(|r| r.result.stack == stack.name).map(test_case));
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(|e| format!("{}: {e}", path.display()))?;
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

fn test_case(run: &Run) -> TestCase {
    let result = &run.result;
    let found =
        result.first_difference.as_ref().map(|d| format!("{}: {}", d.field, d.found)).unwrap_or_default();
    let message = format!("{}, expected {}: {found}", result.verdict, result.expected);
    let mut status = match (run.judgement.standing, result.verdict.as_str()) {
        (Standing::Unexpected, "error") => TestCaseStatus::non_success(NonSuccessKind::Error),
        (Standing::Unexpected, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (Standing::AsExpected, "skip") => TestCaseStatus::skipped(),
        (Standing::AsExpected, _) => TestCaseStatus::success(),
        _ => TestCaseStatus::skipped(),
    };
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_message(message);
        let explained = result.first_difference.iter().map(explanation);
        let lines = run.words.iter().cloned().chain(explained).chain([result.replay.clone()]);
        status.set_description(lines.collect::<Vec<_>>().join("\n"));
    }
    let mut case = TestCase::new(format!("{} {}", result.case, result.family), status);
    case.set_classname(format!("{}.{}", result.stack, result.case.replace('/', ".")));
    case
}
