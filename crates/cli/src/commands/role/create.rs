use crate::{database, output, password};
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::roles::{self, CONNECTION_LIMIT, Made, RoleOptions};

/// Create a role of the database's for a service to sign in as
///
/// A service that signs in as this role can check tokens, and do nothing else: read no password, issue and revoke
/// nothing; with --auth, it can do what the auth service does. The password is asked for on the terminal, or read from
/// the first line of standard input where that is not a terminal. Where the role is there, it is given this password. The
/// server is not sent the password, but what it can check it by, which its log may hold.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The role's name, as shop_api
    #[arg(value_parser = role_name)]
    name: String,

    /// Let the service be the auth service: issue and revoke, and add to the audit log
    #[arg(long)]
    auth: bool,

    /// How many connections all that sign in as this role may have at once, together; 3 for each process that checks tokens,
    /// 18 for each of the auth API, and those of the service's own pool
    #[arg(long, value_name = "CONNECTIONS", default_value_t = CONNECTION_LIMIT, value_parser = clap::value_parser!(u32).range(1..=262_143))]
    connection_limit: u32,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let password = password::ask_for_role(&args.name)?;
    let options = RoleOptions {
        auth: args.auth,
        connection_limit: args.connection_limit,
    };
    let made = roles::create(
        &mut connection,
        &AuditContext::cli(),
        &args.name,
        &password,
        options,
    )?;
    database::warn_of_open_schema(&mut connection)?;
    let what = match made {
        Made::Created => "created the role",
        Made::Changed => "set a new password for the role",
    };
    output::line(&format!(
        "{what} {}, a member of {}, with {} connections at the most",
        args.name,
        options.roles().join(" and "),
        options.connection_limit
    ))
}

/// One that needs quoting nowhere: in SQL, in an address, in a shell.
fn role_name(text: &str) -> Result<String, String> {
    let fits = text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !fits || text.starts_with("pg_") {
        return Err("say up to 63 of a to z, 0 to 9 and _, as shop_api".to_owned());
    }
    if [roles::VERIFIER, roles::AUTH].contains(&text) {
        return Err("is what services are members of; say another name".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::role_name;

    #[test]
    fn a_role_has_a_name_that_needs_no_quotes() {
        for good in ["shop", "shop_api_2", &"x".repeat(63)] {
            assert_eq!(role_name(good).as_deref(), Ok(good));
        }
        let long = "x".repeat(64);
        for bad in [
            "",
            "_shop",
            "2shop",
            "Shop",
            "shop-api",
            "shop api",
            "shöp",
            "a\"b",
            "pg_shop",
            "jeton_verifier",
            "jeton_auth",
            &long,
        ] {
            assert!(role_name(bad).is_err(), "{bad}");
        }
    }
}
