//! Users: creating, finding and changing them. What a change revokes is revoked in the same transaction.

mod access;
mod changes;
mod passwords;

pub use access::{disable, enable, set_scopes};
pub use changes::{change, change_for_password};
pub use passwords::{change_password, set_password, upgrade_password_hash};

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::rows::{self, UserRow};
use crate::schema::users;
use crate::transaction;
use crate::{DatabaseResult, Pending, admins, rate_limit, tokens};
use diesel::dsl::{exists, select, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable};
use jeton_coherence::revocations::revoking;
use jeton_domain::{
    AuditAction, AuditContext, BcryptCost, NewToken, NewUser, PasswordHash, Token, User, UserId, UsernameKey,
};
use serde_json::json;

/// The constraint that a taken name conflicts with: see [`DatabaseError::Conflict`](crate::DatabaseError::Conflict).
pub const USERNAME_TAKEN: &str = "users_username_key_unique";

/// A user as a sign-in needs it.
#[derive(Debug, Clone)]
pub struct SignInUser {
    /// The user; may be disabled.
    pub user: User,
    /// `None` where there is no sign-in by password, as of service accounts.
    pub password_hash: Option<PasswordHash>,
}

/// Creates a user in somebody else's name: the operator's, say.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`USERNAME_TAKEN`]; else see
/// [`DatabaseError`](crate::DatabaseError).
pub fn create(connection: &mut PgConnection, by: &AuditContext, user: &NewUser) -> DatabaseResult<User> {
    transaction(connection, |connection| {
        let created = insert(connection, user)?;
        let event = NewAuditEvent::new(AuditAction::UserCreated).of(created.id);
        let detail = json!({
            "scopes": created.scopes.to_texts(),
            "service_account": user.service,
        });
        audit::record(connection, by, &event.detail(detail))?;
        Ok(created)
    })
}

fn insert(connection: &mut PgConnection, user: &NewUser) -> DatabaseResult<User> {
    let row: UserRow = diesel::insert_into(users::table)
        .values((
            users::id.eq(user.id.0),
            users::username.eq(user.username.as_str()),
            users::username_key.eq(user.username.key().as_str()),
            users::email.eq(user.email.as_ref().map(|email| email.as_str())),
            users::password_hash.eq(user.password_hash.as_ref().map(PasswordHash::expose_encoded)),
            users::scopes.eq(user.scopes.to_texts()),
            users::is_service_account.eq(user.service),
        ))
        .returning(UserRow::as_returning())
        .get_result(connection)?;
    Ok(row.into())
}

/// Creates a user together with a first token: both or neither.
///
/// # Errors
/// As [`create`].
pub fn sign_up(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: &NewUser,
    token: &NewToken,
) -> DatabaseResult<(User, Token)> {
    transaction(connection, |connection| {
        let user = insert(connection, user)?;
        let token = tokens::insert(connection, user.id, token)?;
        let event = NewAuditEvent::new(AuditAction::SignUp)
            .of(user.id)
            .token(token.id);
        let event = event.detail(tokens::described(&token));
        audit::record(connection, &by.as_user(user.id), &event)?;
        if by.address.is_some() {
            rate_limit::know(connection, by, user.id)?;
        }
        Ok((user, token))
    })
}

/// Whether a name is taken, in whatever case. The answer may be out of date when it arrives; [`create`] decides.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn is_taken(connection: &mut PgConnection, key: &UsernameKey) -> DatabaseResult<bool> {
    Ok(select(exists(users::table.filter(users::username_key.eq(key.as_str())))).get_result(connection)?)
}

/// Reads a user by id.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find(connection: &mut PgConnection, id: UserId) -> DatabaseResult<Option<User>> {
    let row: Option<UserRow> = users::table
        .find(id.0)
        .select(UserRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(User::from))
}

/// Reads a user by name, in whatever case.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_by_username(connection: &mut PgConnection, key: &UsernameKey) -> DatabaseResult<Option<User>> {
    Ok(find_for_sign_in(connection, key)?.map(|found| found.user))
}

/// Reads what a sign-in under this name is checked against.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_for_sign_in(
    connection: &mut PgConnection,
    key: &UsernameKey,
) -> DatabaseResult<Option<SignInUser>> {
    let row: Option<(UserRow, Option<String>)> = users::table
        .filter(users::username_key.eq(key.as_str()))
        .select((UserRow::as_select(), users::password_hash))
        .first(connection)
        .optional()?;
    Ok(row.map(|(user, hash)| SignInUser {
        user: user.into(),
        password_hash: hash.as_deref().map(PasswordHash::read),
    }))
}

/// Reads the user's password hash; `None` where there is no such user, or the user has no password.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_password_hash(connection: &mut PgConnection, id: UserId) -> DatabaseResult<Option<PasswordHash>> {
    let hash: Option<Option<String>> = users::table
        .find(id.0)
        .select(users::password_hash)
        .first(connection)
        .optional()?;
    Ok(hash.flatten().as_deref().map(PasswordHash::read))
}

/// The highest bcrypt cost that any password is stored with and may be, in base-2 logarithm of rounds. By an index on just
/// that: hashes of other schemes than that of new ones do not count, nor what cannot be one.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn highest_bcrypt_cost(connection: &mut PgConnection) -> DatabaseResult<Option<u32>> {
    // Two digits each: the order of texts is that of numbers.
    const COST: &str =
        r"substring(password_hash FROM '^bcrypt_sha256\$\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$')";
    let highest: Option<i32> = users::table
        .filter(sql::<Bool>(&format!("{COST} <= '{:02}'", BcryptCost::HIGHEST)))
        .select(sql::<Nullable<Integer>>(&format!("max({COST})::integer")))
        .get_result(connection)?;
    Ok(highest.and_then(|cost| u32::try_from(cost).ok()))
}

/// Which users are asked for: those that all of this is true of.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Whose name begins so, in whatever case.
    pub prefix: Option<UsernameKey>,
    /// Who is disabled, or is not.
    pub disabled: Option<bool>,
    /// What is a service account, or is not.
    pub service: Option<bool>,
}

/// Reads users, newest first, at most `limit` of those older than `after`.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: u32,
) -> DatabaseResult<Vec<User>> {
    let mut query = users::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(users::id.lt(after.0));
    }
    if let Some(prefix) = &filter.prefix {
        // Postgres cannot even be asked: no text of its own has that character.
        if prefix.as_str().contains('\0') {
            return Ok(Vec::new());
        }
        query = query.filter(users::username_key.like(begins_with(prefix.as_str())));
    }
    if let Some(disabled) = filter.disabled {
        query = query.filter(users::disabled_at.is_not_null().eq(disabled));
    }
    if let Some(service) = filter.service {
        query = query.filter(users::is_service_account.eq(service));
    }
    let rows = query
        .order(users::id.desc())
        .limit(i64::from(limit))
        .select(UserRow::as_select())
        .load::<UserRow>(connection)?;
    Ok(rows::all(rows))
}

/// A pattern for `LIKE`. Names may have underscores in them.
fn begins_with(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if matches!(character, '_' | '%' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "%"
}

/// Deletes the user whose password `verified` is the hash of, with all tokens. `false` when the password is
/// another by now or the user is gone.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`LAST_ADMIN`](crate::LAST_ADMIN); else see
/// [`DatabaseError`](crate::DatabaseError).
pub fn delete_for_password(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    verified: &PasswordHash,
) -> DatabaseResult<Pending<bool>> {
    delete_if(connection, by, id, Some(verified))
}

/// Deletes a user in the operator's name, with all tokens; says whether there was one.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`LAST_ADMIN`](crate::LAST_ADMIN); else see
/// [`DatabaseError`](crate::DatabaseError).
pub fn delete(connection: &mut PgConnection, by: &AuditContext, id: UserId) -> DatabaseResult<Pending<bool>> {
    delete_if(connection, by, id, None)
}

fn delete_if(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    verified: Option<&PasswordHash>,
) -> DatabaseResult<Pending<bool>> {
    revoking(connection, |connection| {
        admins::keep_one(connection, id)?;
        let mut target = diesel::delete(users::table.find(id.0)).into_boxed();
        if let Some(verified) = verified {
            target = target.filter(users::password_hash.eq(verified.expose_encoded()));
        }
        let deleted: Option<(String, String)> = target
            .returning((users::username, users::username_key))
            .get_result(connection)
            .optional()?;
        let Some((username, key)) = deleted else {
            return Ok(false);
        };
        rate_limit::forget(connection, &key)?;
        let event = NewAuditEvent::new(AuditAction::UserDeleted).of_gone(id, username);
        audit::record(connection, by, &event)?;
        Ok(true)
    })
}
