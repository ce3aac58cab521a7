//! `jeton-history`: see the library's documentation.

use std::process::ExitCode;

fn main() -> ExitCode {
    jeton_history::main()
}
