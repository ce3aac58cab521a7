use crate::jeton::{Jeton, run};
use jeton_domain::ClientId;
use jeton_domain::delegation::{Client, ClientSecret, GrantType};
use jeton_persistence::delegation::clients::{self, KnownClient};
use jeton_proof_support::execute;
use serde_json::{Value, json};

const APP: &str = "client create app --redirect-uri http://127.0.0.1/cb --scope notes:read";
const SERVER: &str = "client create reports --confidential --scope notes:read --service-account robot \
    --grant client_credentials";

fn known(jeton: &Jeton, client_id: &Value) -> KnownClient {
    let id = ClientId(client_id.as_str().unwrap().parse().unwrap());
    clients::find_with_secret(&mut jeton.connect(), id)
        .unwrap()
        .unwrap()
}

fn find(jeton: &Jeton, name: &str) -> Option<Client> {
    clients::find_by_name(&mut jeton.connect(), name).unwrap()
}

fn with_robot() -> Jeton {
    let jeton = Jeton::new();
    jeton.run("user create robot --service --scope notes:read").ok();
    jeton
}

#[test]
fn create_makes_a_public_client() {
    let jeton = Jeton::new();
    let created = jeton.run(&format!("{APP} --json")).json();
    assert!(created.get("client_secret").is_none(), "{created}");
    let known = known(&jeton, &created["client_id"]);
    assert!(known.secret.is_none() && !known.client.confidential);
    assert_eq!(created["redirect_uris"], json!(["http://127.0.0.1/cb"]));
    assert_eq!(created["scopes"], json!(["notes:read"]));
    assert_eq!(
        created["grant_types"],
        json!(["authorization_code", "refresh_token", "device_code"])
    );
    assert_eq!(created["first_party"], false);
    assert_eq!(created["service_account"], Value::Null);
}

/// However they are put: by an option each, all after one, or as OAuth writes scopes.
#[test]
fn create_takes_several_redirect_uris_and_scopes() {
    let jeton = Jeton::new();
    let uris = ["http://127.0.0.1/cb", "https://app.example/cb"];
    for (number, (uri_args, scope_args)) in [
        (
            &["--redirect-uri", uris[0], "--redirect-uri", uris[1]][..],
            &["--scope", "notes:read", "--scope", "notes:write"][..],
        ),
        (
            &["--redirect-uri", uris[0], uris[1]],
            &["--scope", "notes:read", "notes:write"],
        ),
        (
            &["--redirect-uri", uris[0], uris[1]],
            &["--scope", "notes:read notes:write"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        for (order, rest) in [[uri_args, scope_args], [scope_args, uri_args]]
            .into_iter()
            .enumerate()
        {
            let mut command = jeton.command("client create");
            command.arg(format!("App {number} {order}"));
            command.args(rest.concat()).args(["--confidential", "--json"]);
            let created = run(command, "").json();
            assert_eq!(created["redirect_uris"], json!(uris), "{rest:?}");
            assert_eq!(
                created["scopes"],
                json!(["notes:read", "notes:write"]),
                "{rest:?}"
            );
        }
    }
}

#[test]
fn create_prints_the_secret_of_a_confidential_client_once() {
    let jeton = Jeton::new();
    let outcome = jeton.run(&format!("{APP} --confidential --first-party --json"));
    let created: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let secret = created["client_secret"].as_str().unwrap();
    let known = known(&jeton, &created["client_id"]);
    assert_eq!(Some(ClientSecret::parse(secret).unwrap().digest()), known.secret);
    assert!(known.client.first_party);
    assert!(!known.client.may_use(GrantType::DeviceCode), "unless it is named");
    assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    for args in [
        "client show app --json",
        "client list --json",
        "client show app",
        "client list",
        "audit",
    ] {
        assert!(!jeton.run(args).ok().contains("jts_"), "{args}");
    }

    let text =
        jeton.run("client create other --redirect-uri https://a.example/cb --no-scopes --confidential");
    let lines: Vec<_> = text.stdout.lines().collect();
    let [id, secret] = lines[..] else {
        panic!("{text:?}")
    };
    assert_eq!(id, format!("client_id {}", find(&jeton, "other").unwrap().id));
    assert!(ClientSecret::parse(secret.strip_prefix("client_secret ").unwrap()).is_ok());
}

#[test]
fn create_binds_a_client_to_a_service_account() {
    let jeton = with_robot().with_user("ada");
    let created = jeton.run(&format!("{SERVER} --json")).json();
    let robot = jeton.find_user("robot").unwrap().user.id;
    assert_eq!(created["service_account"], robot.to_string());
    assert_eq!(created["grant_types"], json!(["client_credentials"]));

    let error = jeton
        .run(&SERVER.replace("robot", "ada").replace("reports", "hers"))
        .error();
    assert_eq!(error, r#""ada" is no service account"#);
    let public = jeton.run(&SERVER.replace("--confidential", "").replace("reports", "public"));
    assert!(
        public
            .error()
            .starts_with("client_credentials takes a confidential client")
    );
    let alone = "client create alone --confidential --no-scopes --grant client_credentials";
    assert!(jeton.run(alone).error().starts_with("client_credentials takes"));
    for name in ["hers", "public", "alone"] {
        assert!(find(&jeton, name).is_none(), "{name}");
    }
}

#[test]
fn create_refuses_what_no_client_can_be() {
    let jeton = Jeton::new();
    jeton.run(APP).ok();
    assert_eq!(jeton.run(APP).error(), r#"the name "app" is taken"#);
    let error = jeton.run("client create greedy --scope admin").error();
    assert!(error.contains("never delegated"), "{error}");
    for args in [
        "client create silent",
        "client create a --no-scopes --redirect-uri http://a.example/cb",
        "client create a --no-scopes --redirect-uri javascript:alert(1)",
        "client create a --no-scopes --grant password",
    ] {
        assert_eq!(jeton.run(args).status, 2, "{args}");
    }
}

#[test]
fn a_scope_that_nobody_is_asked_for_is_warned_of() {
    let jeton = Jeton::new();
    let warned = jeton.run(APP);
    assert!(
        warned.stderr.contains("users are not asked for notes:read yet"),
        "{warned:?}"
    );
    jeton.run("scope set notes:read --title Read").ok();
    let told = jeton.run(&APP.replace(" app ", " other "));
    assert!(told.status == 0 && !told.stderr.contains("warning"), "{told:?}");
}

#[test]
fn clients_are_listed_and_shown_by_name_and_by_id() {
    let jeton = with_robot();
    jeton.run(APP).ok();
    jeton.run(SERVER).ok();
    let listed = jeton.run("client list --json").json();
    let names: Vec<_> = listed["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["reports", "app"]);
    let table = jeton.run("client list").ok();
    assert!(
        table.starts_with("CLIENT_ID ") && table.lines().count() == 3,
        "{table}"
    );

    let id = listed["clients"][1]["client_id"].as_str().unwrap();
    assert_eq!(
        jeton.run(&format!("client show {id} --json")).json(),
        listed["clients"][1]
    );
    let shown = jeton.run("client show app").ok();
    assert!(
        shown.contains("grants     authorization_code refresh_token device_code\n"),
        "{shown}"
    );
    assert_eq!(
        jeton.run("client show nobody").error(),
        r#"no client named "nobody""#
    );
    let nil = uuid_nil();
    assert_eq!(
        jeton.run(&format!("client show {nil}")).error(),
        format!("no client with the id {nil}")
    );
}

fn uuid_nil() -> String {
    "00000000-0000-0000-0000-000000000000".to_owned()
}

#[test]
fn a_client_is_disabled_enabled_and_deleted() {
    let jeton = Jeton::new();
    jeton.run(APP).ok();
    assert_eq!(jeton.run("client disable app").ok(), "disabled app\n");
    jeton.run("client disable app").ok();
    assert!(find(&jeton, "app").unwrap().disabled_at.is_some());
    let enabled = jeton.run("client enable app --json").json();
    assert_eq!(enabled["disabled_at"], Value::Null);
    let unasked = jeton.run("client delete app");
    assert_eq!((unasked.status, find(&jeton, "app").is_some()), (2, true));
    assert_eq!(jeton.run("client delete app --yes").ok(), "deleted app\n");
    assert!(find(&jeton, "app").is_none());
    assert_eq!(
        jeton.run("client delete app --yes").error(),
        r#"no client named "app""#
    );
}

#[test]
fn a_secret_is_replaced() {
    let jeton = Jeton::new();
    let created = jeton.run(&format!("{APP} --confidential --json")).json();
    let rotated = jeton.run("client rotate-secret app --json").json();
    assert_ne!(created["client_secret"], rotated["client_secret"]);
    let secret = ClientSecret::parse(rotated["client_secret"].as_str().unwrap()).unwrap();
    assert_eq!(known(&jeton, &created["client_id"]).secret, Some(secret.digest()));
    jeton.run("client create public --no-scopes").ok();
    assert_eq!(
        jeton.run("client rotate-secret public").error(),
        r#""public" is a public client, and has no secret"#
    );
}

#[test]
fn scopes_and_redirect_uris_are_set() {
    let jeton = Jeton::new();
    jeton.run(APP).ok();
    assert_eq!(
        jeton.run("client set-scopes app notes:write notes:read").ok(),
        "app now has the scopes: notes:read notes:write\n"
    );
    jeton.run("client set-scopes app tokens:revoke").error();
    jeton.run("client set-scopes app --no-scopes").ok();
    assert!(find(&jeton, "app").unwrap().scopes.is_empty());

    let uris = "https://a.example/cb http://localhost/cb";
    assert_eq!(
        jeton.run(&format!("client set-redirect-uris app {uris}")).ok(),
        format!("app now has the redirect URIs: {uris}\n")
    );
    let error = jeton.run("client set-redirect-uris app --none").error();
    assert_eq!(error, "authorization_code takes a redirect URI");
    assert_eq!(find(&jeton, "app").unwrap().redirect_uris.len(), 2);
    let log = jeton.run("audit --json").ok();
    assert!(log.contains("client-redirect-uris-changed"), "{log}");
}

#[test]
fn the_catalogue_is_set_listed_and_deleted_from() {
    let jeton = Jeton::new();
    let set = "scope set notes:read --title Read --description All --resource https://notes.example/ --json";
    let told = jeton.run(set).json();
    let scope = json!({ "name": "notes:read", "title": "Read", "description": "All",
        "resource": "https://notes.example/" });
    assert_eq!(told, scope);
    assert_eq!(
        jeton.run("scope list --json").json(),
        json!({ "scopes": [scope] })
    );
    assert_eq!(
        jeton.run("scope set notes:read --title See").ok(),
        "set notes:read: See\n"
    );
    let table = jeton.run("scope list").ok();
    assert!(table.ends_with("notes:read  See    -         -\n"), "{table}");
    assert_eq!(jeton.run("scope delete notes:read").ok(), "deleted notes:read\n");
    assert_eq!(
        jeton.run("scope delete notes:read").error(),
        "users may not give notes:read"
    );
    execute(
        &mut jeton.connect(),
        "INSERT INTO delegable_scopes VALUES (E'two\\nwords', ' ', '', 'notes')",
    );
    let table = jeton.run("scope list").ok();
    assert!(table.contains("two\\u000awords"), "{table}");
    let mut delete = jeton.command("scope delete");
    delete.arg("two\nwords");
    assert_eq!(run(delete, "").ok(), "deleted two\\u000awords\n");
    jeton.run("scope set notes:read --title See").ok();
    let deleted = jeton.run("scope delete notes:read --yes --json").json();
    assert_eq!(
        (&deleted["name"], &deleted["title"]),
        (&json!("notes:read"), &json!("See"))
    );
    assert_eq!(jeton.run("scope list --json").json(), json!({ "scopes": [] }));
    assert!(
        jeton
            .run("scope set admin --title All")
            .error()
            .contains("never delegated")
    );
    for args in [
        "scope set notes:read",
        "scope set notes:read --title Read --resource notes",
    ] {
        assert_eq!(jeton.run(args).status, 2, "{args}");
    }
}
