//! The program, and what is left when it ends in ways it did not choose.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use jeton_local_postgres::process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_jeton-local-postgres");
/// Until its standard input ends.
const TELL: &str = "echo $DATABASE_URL; exec cat";

fn run(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs the program with a shell that tells its DATABASE_URL and then waits.
fn waiting(args: &[&str], shell: &str, script: &str, env: &[(&str, &Path)]) -> (Child, String) {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .args(["--", shell, "-c", script])
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut url)
        .unwrap();
    (child, url.trim().to_owned())
}

fn address(url: &str) -> SocketAddr {
    let after = url.split('@').nth(1).unwrap();
    after.split('/').next().unwrap().parse().unwrap()
}

/// Looks again and again, for half a minute at most.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1500 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within half a minute");
}

fn open_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
    directory
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn the_exit_status_is_the_commands() {
    let output = run(&["sh", "-c", "echo $DATABASE_URL; exit 7"]);
    assert_eq!(output.status.code(), Some(7));
    let url = String::from_utf8(output.stdout).unwrap();
    assert!(url.starts_with("postgres://jeton:"), "{url}");
    assert!(TcpStream::connect(address(&url)).is_err());

    assert_eq!(run(&["sh", "-c", "kill -9 $$"]).status.code(), Some(128 + 9));
    let output = run(&["/nonexistent"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(stderr(&output).contains("cannot run /nonexistent"));
}

#[test]
fn a_missing_postgres_is_one_line_that_tells_what_to_install() {
    let output = Command::new(PROGRAM)
        .args(["true"])
        .env("JETON_POSTGRES_BINDIR", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
    let message = stderr(&output);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        message.contains("/nonexistent") && message.contains("apt-get install"),
        "{message}"
    );
}

#[test]
fn a_killed_owner_leaves_neither_server_nor_directory() {
    let tmp = open_directory();
    let (mut child, url) = waiting(&[], "sh", TELL, &[("TMPDIR", tmp.path())]);
    assert!(TcpStream::connect(address(&url)).is_ok());
    assert_eq!(entries(tmp.path()).len(), 1);

    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the port refuses", || TcpStream::connect(address(&url)).is_err());
    eventually("the directory is gone", || entries(tmp.path()).is_empty());
}

#[test]
fn a_durable_server_can_be_started_right_after_its_owner_was_killed() {
    let parent = open_directory();
    let data = parent.path().join("postgres");
    let args = ["--data", data.to_str().unwrap()];
    let (mut child, url) = waiting(&args, "sh", TELL, &[]);
    child.kill().unwrap();
    child.wait().unwrap();

    let output = run(&[&args[..], &["sh", "-c", "echo $DATABASE_URL"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), url);
}

#[test]
fn the_command_ends_before_its_database_does() {
    // On SIGTERM the command looks whether the port still takes connections.
    let script = r#"
        port=${DATABASE_URL##*:} port=${port%/*}
        trap 'kill $!; (exec 3<>"/dev/tcp/127.0.0.1/$port") && exit 42; exit 43' TERM
        echo "$DATABASE_URL"
        sleep 600 & wait"#;
    let (mut child, url) = waiting(&[], "bash", script, &[]);

    process::signal("INT", &[child.id()]).unwrap(); // the terminal's to tell, not ours
    process::signal("TERM", &[child.id()]).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(42));
    assert!(TcpStream::connect(address(&url)).is_err());
}

#[test]
fn the_env_file_lives_as_long_as_the_server() {
    let parent = open_directory();
    let file = parent.path().join("env");
    std::fs::write(&file, "left over").unwrap();
    let args = ["--env-file", file.to_str().unwrap()];
    let script = "cat $0; stat -c %a $0 2>/dev/null || stat -f %Lp $0";
    let output = run(&[&args[..], &["--", "sh", "-c", script, args[1]]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("export DATABASE_URL='postgres://jeton:"),
        "{text}"
    );
    assert!(text.ends_with("'\n600\n"), "{text}");
    assert!(!file.exists());
}

/// The program where an ordinary account can run it, and that account's way to run it. `None` if we are not root.
fn as_nobody(directory: &Path) -> Option<Command> {
    if directory.metadata().unwrap().uid() != 0 {
        return None;
    }
    let program = directory.join("jeton-local-postgres");
    // By another process: a file that any thread of this one has open for writing cannot be executed.
    assert!(
        Command::new("cp")
            .arg(PROGRAM)
            .arg(&program)
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .current_dir(directory)
        .env("HOME", directory)
        .env("TMPDIR", directory);
    Some(command)
}

#[test]
fn an_ordinary_account_can_use_it() {
    let directory = open_directory();
    let Some(mut command) = as_nobody(directory.path()) else {
        return; // all the other tests are of this kind then
    };
    let output = command
        .args(["--data", "mine", "--", "sh", "-c", "id -u"])
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "65534");
    assert_eq!(
        directory.path().join("mine/data").metadata().unwrap().uid(),
        65534
    );

    // Root goes on with it, as the account it belongs to.
    let data = directory.path().join("mine");
    let output = run(&["--data", data.to_str().unwrap(), "--", "true"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(data.join("data").metadata().unwrap().uid(), 65534);
}

#[test]
fn an_account_is_told_that_the_data_is_not_its_own() {
    let directory = open_directory();
    let Some(mut command) = as_nobody(directory.path()) else {
        return;
    };
    let data = directory.path().join("postgres");
    let data = data.to_str().unwrap();
    assert!(run(&["--data", data, "--", "true"]).status.success());
    let output = command.args(["--data", data, "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(
        stderr(&output).contains("belongs to another account"),
        "{}",
        stderr(&output)
    );
}
