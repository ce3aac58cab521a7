use crate::support::Services;
use jeton_proof_support::{TestDatabase, example, run};
use std::process::Command;

#[test]
fn the_notes_example_goes_from_sign_up_to_refusal() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    let outcome = run(Command::new(example("notes")).envs(services.env()), "");
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let lines: Vec<_> = outcome.stdout.lines().collect();
    for (line, begins) in lines.iter().zip([
        "signed up as ",
        "wrote note ",
        "read: Hello: ",
        "logged out, and refused: ",
    ]) {
        assert!(line.starts_with(begins), "{outcome:?}");
    }
    assert_eq!(lines.len(), 4);
}
