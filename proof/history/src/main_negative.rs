//! `jeton-history-negative`: the same program, built so that it can leave out a rule of the protocol.

use std::process::ExitCode;

fn main() -> ExitCode {
    jeton_history::main()
}
