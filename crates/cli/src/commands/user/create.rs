use crate::scopes::{self, ScopeArgs};
use crate::{database, output, password};
use anyhow::{anyhow, ensure};
use jeton_domain::{ADMIN, AuditContext, Email, NewUser, ScopeSet, UserId, Username};
use jeton_http_kit::{DatabaseSettings, DefaultScopesArgs, PasswordArgs};
use jeton_persistence::{DatabaseError, users};
use uuid::Uuid;

/// Create a user
///
/// The password is asked for on the terminal, or read from the first line of standard input where that is not a
/// terminal. It is never an argument: other users of the machine can see those.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the user signs in with: 3 to 64 letters, digits and . _ - @ +
    #[arg(value_parser = Username::parse)]
    name: Username,

    /// Where the user may be reached
    #[arg(long, value_parser = Email::parse)]
    email: Option<Email>,

    /// A user without a password, for a program: it cannot sign in, its tokens come from `jeton token create`
    #[arg(long)]
    service: bool,

    /// One who may do anything to anybody's account over HTTP: holds the scope `admin` besides
    #[arg(long)]
    admin: bool,

    #[command(flatten)]
    scopes: ScopeArgs,

    #[command(flatten)]
    default_scopes: DefaultScopesArgs,

    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let mut scopes = args
        .scopes
        .chosen()?
        .unwrap_or(args.default_scopes.default_scopes);
    if args.admin {
        scopes = ScopeSet::from_texts(scopes.iter().chain([ADMIN]))?;
    }
    let mut connection = database::open(&args.database)?;
    // Before anybody types a password for nothing; `create` decides.
    let taken = users::is_taken(&mut connection, args.name.key())?;
    ensure!(!taken, name_taken(&args.name));
    let password_hash = if args.service {
        None
    } else {
        let email = args.email.as_ref().map(Email::as_str);
        Some(password::ask(&args.password, args.name.as_str(), email)?)
    };

    let user = NewUser {
        id: UserId(Uuid::now_v7()),
        username: args.name,
        email: args.email,
        password_hash,
        service: args.service,
        scopes,
    };
    let created =
        users::create(&mut connection, &AuditContext::cli(), &user).map_err(|error| match error {
            DatabaseError::Conflict { constraint } if constraint == users::USERNAME_TAKEN => {
                anyhow!(name_taken(&user.username))
            }
            error => error.into(),
        })?;
    let what = if args.service { "service account" } else { "user" };
    output::line(&format!(
        "created {what} {} with id {} and scopes: {}",
        created.username,
        created.id,
        scopes::describe(&created.scopes)
    ))
}

fn name_taken(name: &Username) -> String {
    format!("the name \"{name}\" is taken")
}
