//! Starting the gateways, each with the configuration that the documentation hands out, word for word but for addresses.

use super::app;
use crate::support::Auth;
use jeton_proof_support::{RawRequest, RawResponse, ServiceProcess, find_program};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway, and what is to be known of its configuration.
pub(super) struct Gateway {
    pub(super) name: &'static str,
    /// Whether a `POST` needs another scope than a `GET`.
    pub(super) tells_methods_apart: bool,
    /// What a client is answered while the auth API is away, and its `Retry-After`.
    pub(super) away: (u16, Option<&'static str>),
    process: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gateway {
    pub(super) fn send(&self, request: &RawRequest) -> RawResponse {
        request.clone().header("Connection", "close").send(&self.address)
    }

    /// Until it asks the auth API.
    fn wait_until_it_works(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&self.address).is_err()
            || self.send(&RawRequest::new("GET", "/page.html")).status != 401
        {
            let name = self.name;
            assert!(self.process.try_wait().unwrap().is_none(), "{name} has ended");
            assert!(Instant::now() < deadline, "{name} does not ask");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Those that are installed: `nginx`, `traefik` and `envoy`.
pub(super) fn all(auth: &Auth<ServiceProcess>) -> Vec<Gateway> {
    [nginx, traefik, envoy]
        .into_iter()
        .filter_map(|start| start(auth))
        .collect()
}

pub(super) fn nginx(auth: &Auth<ServiceProcess>) -> Option<Gateway> {
    const CONFIGURATION: &str = include_str!("../../../../../docs/gateways/nginx.conf");
    start("nginx", "-v", |directory, command, front, app| {
        let changes = [
            (
                "server 127.0.0.1:8080;",
                format!("server {};", auth.service.address()),
            ),
            ("server 127.0.0.1:8000;", format!("server {app};")),
            ("listen 8088;", format!("listen {front};")),
            // What an operator says whose app takes uploads.
            ("location / {", "location / { client_max_body_size 8m;".to_owned()),
        ];
        copy(CONFIGURATION, &changes, &directory.join("jeton.conf"));
        std::fs::write(directory.join("nginx.conf"), around_nginx(directory)).unwrap();
        command.arg("-p").arg(directory).args(["-c", "nginx.conf"]);
        (true, (503, Some("1")))
    })
}

/// The rest of nginx's configuration. One process, which ends with the test.
fn around_nginx(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "daemon off; master_process off; pid {directory}/pid; error_log stderr crit;
        events {{ worker_connections 128; }}
        http {{
            access_log off;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
            fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
            include {directory}/jeton.conf;
        }}"
    )
}

fn traefik(auth: &Auth<ServiceProcess>) -> Option<Gateway> {
    const STATIC: &str = include_str!("../../../../../docs/gateways/traefik-static.yaml");
    const DYNAMIC: &str = include_str!("../../../../../docs/gateways/traefik.yaml");
    start("traefik", "version", |directory, command, front, app| {
        let changes = [
            ("http://127.0.0.1:8080", auth.service.base_url()),
            ("http://127.0.0.1:8000", format!("http://{app}")),
        ];
        copy(DYNAMIC, &changes, &directory.join("traefik.yaml"));
        let changes = [("\":8088\"", format!("\"{front}\""))];
        copy(STATIC, &changes, &directory.join("traefik-static.yaml"));
        command.arg("--configFile=traefik-static.yaml");
        (true, (500, None))
    })
}

fn envoy(auth: &Auth<ServiceProcess>) -> Option<Gateway> {
    const CONFIGURATION: &str = include_str!("../../../../../docs/gateways/envoy.yaml");
    start("envoy", "--version", |directory, command, front, app| {
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let changes = [8080, 8000, 8088].map(|port| format!("port_value: {port} "));
        let ports =
            [auth.service.address(), app, front].map(|address| format!("port_value: {} ", port(address)));
        let changes: Vec<(&str, String)> = changes.iter().map(String::as_str).zip(ports).collect();
        copy(CONFIGURATION, &changes, &directory.join("envoy.yaml"));
        // Several on one machine, and nobody takes over from another.
        command.args([
            "-c",
            "envoy.yaml",
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "-l",
            "critical",
        ]);
        (false, (503, None))
    })
}

/// What `configure` says of its gateway: see [`Gateway::tells_methods_apart`] and [`Gateway::away`].
type Traits = (bool, (u16, Option<&'static str>));

fn start(
    program: &'static str,
    version: &str,
    configure: impl FnOnce(&Path, &mut Command, &str, &str) -> Traits,
) -> Option<Gateway> {
    find_program(&[program], version)?;
    let directory = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let mut command = Command::new(program);
    let (tells_methods_apart, away) = configure(directory.path(), &mut command, &address, &app::start());
    let process = command
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut gateway = Gateway {
        name: program,
        tells_methods_apart,
        away,
        process,
        address,
        _directory: directory,
    };
    gateway.wait_until_it_works();
    Some(gateway)
}

fn copy(configuration: &str, changes: &[(&str, String)], to: &Path) {
    let mut copied = configuration.to_owned();
    for (from, to) in changes {
        assert!(copied.contains(from), "{from}");
        copied = copied.replace(from, to);
    }
    std::fs::write(to, copied).unwrap();
}
