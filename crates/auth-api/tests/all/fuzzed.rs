//! The inputs that fuzzing starts from, those that it has found something with among them: of each, the parsers keep
//! what they promise. `proof/fuzz/README.md` tells the rest.

use std::fs;
use std::path::{Path, PathBuf};

#[allow(
    unreachable_pub,
    reason = "in the package that it belongs to, all of it can be reached"
)]
#[path = "../../../../proof/fuzz/src/lib.rs"]
mod parsers;

/// What is in a directory, of which there must be something.
fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{}", directory.display());
    paths
}

#[test]
fn parsers_keep_their_promises_of_every_seed() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proof/fuzz/seeds");
    assert_eq!(listed(&seeds).len(), parsers::TARGETS.len());
    for (name, check) in parsers::TARGETS {
        for seed in listed(&seeds.join(name)) {
            // Shown, should it fail.
            println!("{}", seed.display());
            check(&fs::read(seed).unwrap());
        }
    }
}
