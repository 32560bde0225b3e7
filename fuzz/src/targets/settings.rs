//! Shell commands of upstream scripts, as far as they set things.

use harness::settings::parse_command;

/// `data` is a command line, where it is UTF-8.
///
/// # Panics
/// At a finding.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_command(text) {
        Ok(settings) => {
            assert!(settings.iter().all(|setting| !setting.name.is_empty()), "a setting without name");
        }
        // What a user reads is a piece of what stands there.
        Err(unknown) => assert!(text.contains(&unknown.command), "{unknown}"),
    }
}
