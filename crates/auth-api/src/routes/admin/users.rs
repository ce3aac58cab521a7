use crate::audit_context::By;
use crate::endpoint::{Access, Created, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{CreateUserRequest, UserInfo, UserList, UserQuery};
use jeton_domain::{ADMIN, Email, NewUser, Password, UserId, Username, UsernameKey};
use jeton_http_kit::{Json, Page};
use jeton_persistence::users::{self, UserFilter};
use uuid::Uuid;

const PATH: &str = "/v1/admin/users";

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), list)
            .named(Tag::Administration, "listUsers", "List users")
            .about("Newest first. What is said of a user must all be true.")
            .answers("A page of them."),
        Endpoint::new(Method::POST, PATH, Access::Scope(ADMIN), create)
            .named(Tag::Administration, "createUser", "Create a user")
            .about("A user with a password, or a service account without one. No token comes with it.")
            .answers("The user.")
            .problems([ApiError::UsernameTaken]),
    ]
}

async fn list(state: Data<State>, query: Query<UserQuery>, page: Query<Page>) -> ApiResult<Json<UserList>> {
    let Query(query) = query;
    let filter = UserFilter {
        prefix: query.prefix.as_deref().map(UsernameKey::of_prefix),
        disabled: query.disabled,
        service: query.service,
    };
    let (after, limit) = (page.after.map(UserId), page.limit.get());
    let found = state
        .database
        .run(move |connection| users::list(connection, &filter, after, limit + 1))
        .await?;
    let (users, next) = page.cut(found.into_iter().map(wire::user).collect(), |user| user.id);
    Ok(Json(UserList { users, next }))
}

/// With no token: whoever it is signs in, and a service account's tokens are made for it.
async fn create(state: Data<State>, by: By, body: Json<CreateUserRequest>) -> ApiResult<Created<UserInfo>> {
    let Json(body) = body;
    let mut refusals = Refusals::default();
    let username = refusals.take("/username", Username::parse(&body.username));
    let email = refusals.take("/email", body.email.as_deref().map(Email::parse).transpose());
    let scopes = body.scopes.as_deref().map(validation::scopes).transpose();
    let scopes = refusals.take("/scopes", scopes);
    let password = refusals.take("/password", password(&body));
    let (Some(username), Some(email), Some(scopes), Some(password)) = (username, email, scopes, password)
    else {
        return Err(refusals.into());
    };
    let key = username.key().clone();
    let is_taken = move |connection: &mut _| users::is_taken(connection, &key);
    if state.database.run(is_taken).await? {
        return Err(ApiError::UsernameTaken);
    }
    let user = NewUser {
        id: UserId(Uuid::now_v7()),
        service: body.service,
        password_hash: match password {
            Some(password) => Some(
                state
                    .choose_password(
                        &by.0,
                        "/password",
                        password,
                        username.as_str(),
                        email.as_ref().map(Email::as_str),
                    )
                    .await?,
            ),
            None => None,
        },
        username,
        email,
        scopes: scopes.unwrap_or_else(|| state.default_scopes.clone()),
    };
    let created = state
        .database
        .run(move |connection| users::create(connection, &by.0, &user))
        .await?;
    Ok(Created(wire::user(created)))
}

/// A password for whoever can sign in, and for nobody else.
fn password(body: &CreateUserRequest) -> Result<Option<Password>, &'static str> {
    match (&body.password, body.service) {
        (Some(password), false) => Ok(Some(wire::password(password))),
        (None, true) => Ok(None),
        (None, false) => Err("is missing"),
        (Some(_), true) => Err("must be left out for a service account"),
    }
}
