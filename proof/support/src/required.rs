use std::process::{Command, Stdio};

/// What a test needs that is not on every machine: the names of programs, with spaces between them, or `all`.
const SETTING: &str = "JETON_TESTS_REQUIRE";

/// The first of these programs that is installed, which is to say: that can be run with this argument. `None`, and a word
/// about it, where none is: the test then does nothing.
///
/// # Panics
/// When none is, and `JETON_TESTS_REQUIRE` has the first one's name or is `all`: where all tests are to be run, none shall pass
/// by doing nothing.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
pub fn find_program<'a>(programs: &[&'a str], argument: &str) -> Option<&'a str> {
    let found = programs.iter().find(|program| runs(program, argument));
    if found.is_none() {
        let program = programs.first().copied().unwrap_or_default();
        let required = std::env::var(SETTING).unwrap_or_default();
        assert!(
            !is_required(program, &required),
            "{program} is not installed, and {SETTING} asks for it"
        );
        eprintln!("skipped: {program} is not installed");
    }
    found.copied()
}

fn runs(program: &str, argument: &str) -> bool {
    let status = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn is_required(program: &str, required: &str) -> bool {
    required
        .split_whitespace()
        .any(|name| name == program || name == "all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_program_finds_the_first_that_is_there() {
        assert_eq!(find_program(&["true"], "--version"), Some("true"));
        assert_eq!(find_program(&["/nowhere/true", "true"], "-v"), Some("true"));
        assert!(!runs("/nowhere/true", "-v") && !runs("false", "-v"));
    }

    #[test]
    fn required_programs_are_named_or_all() {
        for required in ["nginx", "envoy nginx", "all", " envoy\tall"] {
            assert!(is_required("nginx", required), "{required}");
        }
        for required in ["", "nginx-light", "envoy", "ALL"] {
            assert!(!is_required("nginx", required), "{required}");
        }
    }
}
