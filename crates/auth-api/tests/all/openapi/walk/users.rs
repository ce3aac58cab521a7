//! What users and administrators do.

use super::*;

pub(super) fn account(walk: &Walk<'_>) {
    let (token, _) = walk.sign_up("ada");
    walk.call("POST", "/v1/users", &[], "", &credentials("ada"));
    let second = walk.log_in("ada");
    let wrong = json!({ "username": "ada", "password": "wrong" });
    walk.call("POST", "/v1/login", &[], "", &wrong);
    let too_much = json!({ "username": "ada", "password": PASSWORD, "scopes": "admin" });
    walk.call("POST", "/v1/login", &[], "", &too_much);
    walk.call("GET", "/v1/tokens", &[], &token, &Value::Null);
    let requested = |scope: &str| json!({ "name": "nightly", "scopes": [scope], "expires_in": 60 });
    let made = walk.call("POST", "/v1/tokens", &[], &token, &requested("notes:read"));
    walk.call("POST", "/v1/tokens", &[], &token, &requested("admin"));
    let id = text(&made["token_id"]);
    let weekly = json!({ "name": "weekly" });
    walk.call("PATCH", "/v1/tokens/{id}", &[&id], &token, &weekly);
    walk.call("DELETE", "/v1/tokens/{id}", &[&id], &token, &Value::Null);
    let (other, _) = walk.sign_up("bea");
    walk.form("/v1/revoke", &token, &other);
    walk.form("/v1/revoke", &token, &second);
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different phrase" });
    walk.call("PUT", "/v1/me/password", &[], &token, &change);
    let wrong = json!({ "current_password": "wrong", "new_password": "wrong as well, and long" });
    walk.call("PUT", "/v1/me/password", &[], &token, &wrong);
    let rename = |name: &str, password: &str| json!({ "password": password, "username": name });
    walk.call("PATCH", "/v1/me", &[], &other, &rename("beatrice", PASSWORD));
    walk.call("PATCH", "/v1/me", &[], &other, &rename("ADA", PASSWORD));
    walk.call("PATCH", "/v1/me", &[], &other, &rename("bea", "wrong"));
    walk.call("DELETE", "/v1/me", &[], &other, &json!({ "password": "wrong" }));
    walk.call("DELETE", "/v1/me", &[], &other, &json!({ "password": PASSWORD }));
    walk.call("POST", "/v1/logout", &[], &token, &Value::Null);
    let (everywhere, _) = walk.sign_up("cleo");
    walk.call("POST", "/v1/logout-all", &[], &everywhere, &Value::Null);
}

pub(super) fn administration(walk: &Walk<'_>, admin: &str, admins_id: &str) {
    let nothing = Value::Null;
    let users = "/v1/admin/users";
    let user = |rest: &str| format!("{users}/{{id}}{rest}");
    let person = walk.call("POST", users, &[], admin, &credentials("dora"));
    let service = json!({ "username": "backup", "service": true, "scopes": ["notes:read"] });
    let program = walk.call("POST", users, &[], admin, &service);
    walk.call("POST", users, &[], admin, &service);
    let (person, program) = (text(&person["id"]), text(&program["id"]));
    walk.call("GET", users, &[], admin, &nothing);
    walk.call("GET", &user(""), &[&person], admin, &nothing);
    let rename = |name: &str| json!({ "username": name, "email": null });
    walk.call("PATCH", &user(""), &[&person], admin, &rename("Dora"));
    walk.call("PATCH", &user(""), &[&person], admin, &rename("backup"));
    let scopes = json!({ "scopes": ["notes:read"] });
    walk.call("PUT", &user("/scopes"), &[&person], admin, &scopes);
    walk.call("PUT", &user("/scopes"), &[admins_id], admin, &scopes);
    let password = json!({ "password": "a wholly different phrase" });
    walk.call("PUT", &user("/password"), &[&person], admin, &password);
    walk.call("PUT", &user("/password"), &[&program], admin, &password);
    let wish = |scope: &str| json!({ "name": "backup-1", "scopes": [scope] });
    let tokens = user("/tokens");
    let made = walk.call("POST", &tokens, &[&program], admin, &wish("notes:read"));
    walk.call("POST", &tokens, &[&program], admin, &wish("notes:write"));
    walk.call("POST", &tokens, &[&person], admin, &wish("notes:read"));
    walk.call("GET", &tokens, &[&program], admin, &nothing);
    let renew = "/v1/token/renew";
    walk.call("POST", renew, &[], &text(&made["token"]), &json!({}));
    walk.call("POST", renew, &[], admin, &json!({ "old_expires_in": 86_401 }));
    walk.call("POST", renew, &[], admin, &json!({}));
    let ids = [program.as_str(), &text(&made["token_id"])];
    walk.call("DELETE", &user("/tokens/{token}"), &ids, admin, &nothing);
    walk.call("DELETE", &tokens, &[&program], admin, &nothing);
    for who in [program.as_str(), admins_id] {
        walk.call("POST", &user("/disable"), &[who], admin, &nothing);
    }
    walk.call("POST", &tokens, &[&program], admin, &wish("notes:read"));
    walk.call("POST", &user("/enable"), &[&program], admin, &nothing);
    walk.call("POST", &user("/unblock"), &[&person], admin, &nothing);
    clients(walk, admin, &program);
    walk.call("GET", "/v1/admin/networks", &[], admin, &nothing);
    let address = json!({ "address": "203.0.113.9" });
    walk.call("POST", "/v1/admin/networks/unblock", &[], admin, &address);
    walk.call("DELETE", &user(""), &[&person], admin, &nothing);
    walk.call("DELETE", &user(""), &[admins_id], admin, &nothing);
    walk.call("DELETE", "/v1/me", &[], admin, &json!({ "password": PASSWORD }));
    walk.call("GET", "/v1/admin/audit-events", &[], admin, &nothing);
}

fn clients(walk: &Walk<'_>, admin: &str, account: &str) {
    let nothing = Value::Null;
    let clients = "/v1/admin/clients";
    let client = |rest: &str| format!("{clients}/{{id}}{rest}");
    let scope = json!({ "name": "notes:read", "title": "Read your notes" });
    let catalogue = "/v1/admin/delegable-scopes";
    walk.call("PUT", catalogue, &[], admin, &scope);
    walk.call("GET", catalogue, &[], admin, &nothing);
    for _ in 0..2 {
        let delete = RawRequest::new("DELETE", &format!("{catalogue}?name=notes:read"))
            .header("Authorization", format!("Bearer {admin}"));
        walk.ask("DELETE", catalogue, &delete);
    }
    let app = json!({ "name": "App", "redirect_uris": ["http://localhost/cb"], "scopes": "notes:read" });
    let app = walk.call("POST", clients, &[], admin, &app);
    let reports =
        json!({ "name": "Reports", "confidential": true, "service_account": account, "scopes": [] });
    let reports = walk.call("POST", clients, &[], admin, &reports);
    walk.call(
        "POST",
        clients,
        &[],
        admin,
        &json!({ "name": "App", "scopes": [] }),
    );
    walk.call("GET", clients, &[], admin, &nothing);
    let (app, reports) = (text(&app["client_id"]), text(&reports["client_id"]));
    walk.call("GET", &client(""), &[&app], admin, &nothing);
    let scopes = json!({ "scopes": [] });
    walk.call("PUT", &client("/scopes"), &[&app], admin, &scopes);
    let uris = json!({ "redirect_uris": ["https://app.example/cb"] });
    walk.call("PUT", &client("/redirect-uris"), &[&app], admin, &uris);
    for id in [&app, &reports] {
        walk.call("POST", &client("/rotate-secret"), &[id], admin, &nothing);
    }
    walk.call("POST", &client("/disable"), &[&app], admin, &nothing);
    walk.call("POST", &client("/enable"), &[&app], admin, &nothing);
    walk.call("DELETE", &client(""), &[&app], admin, &nothing);
}
