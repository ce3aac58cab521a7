//! Writes the manual pages of all programs into `man1` and `man8` of the directory that it is told.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use jeton_http_kit::describe_settings;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("tell me a directory"));
    };
    let directory = Path::new(&directory);
    write_commands(&directory.join("man1"), jeton_cli::command())?;
    for service in [
        jeton_auth_api::Settings::command(),
        jeton_resource_api::Settings::command(),
    ] {
        write_service(&directory.join("man8"), service)?;
    }
    Ok(())
}

fn write_commands(directory: &Path, program: Command) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(describe_settings(program), directory)
}

fn write_service(directory: &Path, program: Command) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    Man::new(describe_settings(program))
        .section("8")
        .generate_to(directory)?;
    Ok(())
}
