use crate::provider::{Authentication, Provider, Registered, SCOPE};
use jeton_proof_support::{Process, RawRequest, find_program, without_settings};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;
use url::Url;

/// Nothing here takes that long; a device asks every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program has said of itself.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What it has done, in order.
    pub(crate) did: Vec<String>,
    /// What it was refused, or has refused: then it has ended with an error.
    pub(crate) refused: Option<String>,
    /// All else: its standard error.
    pub(crate) rest: String,
}

/// As [`run_at`], with what any token is accepted by.
pub(crate) fn run(
    provider: &Provider,
    client: &Registered,
    program: &str,
    flow: &str,
    user: impl Fn(&Provider, &Url) -> Url,
) -> Option<Said> {
    let service = format!("{}/v1/verify?scope={SCOPE}", provider.service.base_url());
    run_at(provider, client, &service, program, flow, user)
}

/// Runs a flow of a program that others' libraries are in, against this service. `user` decides as [`Provider::decide_at`] does.
/// `None`, and a word about it, where the program is not installed.
pub(crate) fn run_at(
    provider: &Provider,
    client: &Registered,
    service: &str,
    program: &str,
    flow: &str,
    user: impl Fn(&Provider, &Url) -> Url,
) -> Option<Said> {
    let mut command = without_settings(find_program(&[program], "--version")?);
    let base_url = provider.service.base_url();
    let authentication = match client.authentication {
        Authentication::None => "none",
        Authentication::Basic => "basic",
        Authentication::Post => "post",
    };
    command
        .arg(flow)
        .env("ISSUER", &base_url)
        .env("CLIENT_ID", client.id.to_string())
        .env("CLIENT_AUTH", authentication)
        .env("SCOPE", SCOPE)
        .env("SERVICE", service)
        .stderr(Stdio::piped());
    if let Some(secret) = &client.secret {
        command.env("CLIENT_SECRET", secret);
    }
    let (tell, told) = channel();
    let process = Process::start(&mut command, move |line| drop(tell.send(line))).unwrap();
    let mut said = Said::default();
    // Ends when the program has closed both of its outputs.
    while let Ok(line) = told.recv_timeout(PATIENCE) {
        match line.split_once(' ') {
            Some(("did", what)) => said.did.push(what.to_owned()),
            Some(("refused", what)) => said.refused = Some(what.to_owned()),
            Some(("open", url)) => visit(&user(provider, &Url::parse(url).unwrap())),
            Some(("enter", text)) => provider.decide_on(text.split(' ').next().unwrap(), "approve"),
            _ => said.rest += &format!("{line}\n"),
        }
    }
    let status = process.wait(PATIENCE);
    let ended_well = status.is_some_and(|status| status.success());
    assert_eq!(
        ended_well,
        said.refused.is_none(),
        "{program}: {status:?}, {said:?}"
    );
    Some(said)
}

/// Runs a flow to its end, approved.
pub(crate) fn runs(provider: &Provider, client: &Registered, program: &str, flow: &str, steps: &[&str]) {
    let approve = |provider: &Provider, url: &Url| provider.decide_at(url, "approve");
    if let Some(said) = run(provider, client, program, flow, approve) {
        assert_eq!(said.did, steps, "{program}: {said:?}");
    }
}

/// What a browser does with where it is sent.
fn visit(url: &Url) {
    let target = &url[url::Position::BeforePath..];
    let address = &url[url::Position::BeforeHost..url::Position::AfterPort];
    assert_eq!(
        RawRequest::new("GET", target).send(address).status,
        200,
        "{address}"
    );
}
