#![doc = include_str!("../README.md")]

mod api;
mod settings;

use std::io;
use std::path::Path;

/// A file of the repository that is generated.
#[derive(Debug, Clone, Copy)]
pub struct Generated {
    /// Where it stands, from the root of the repository.
    pub path: &'static str,
    /// What is to stand in it.
    pub text: fn() -> String,
}

/// All of them.
pub const FILES: &[Generated] = &[
    Generated {
        path: "docs/API.md",
        text: api::page,
    },
    Generated {
        path: "docs/SETTINGS.md",
        text: settings::page,
    },
    Generated {
        path: "crates/http-kit/src/known_settings.txt",
        text: settings::known_names,
    },
];

impl Generated {
    /// What stands in it now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> io::Result<String> {
        std::fs::read_to_string(root().join(self.path))
    }

    /// Writes it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> io::Result<()> {
        std::fs::write(root().join(self.path), (self.text)())
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
