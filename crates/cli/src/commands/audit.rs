use crate::listing::ListArgs;
use crate::table::Table;
use crate::user_arg::{UserArg, ambiguous};
use crate::{database, output, parse};
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use jeton_api_types::AuditEventList;
use jeton_domain::{AuditAction, UserId};
use jeton_http_kit::wire;
use jeton_persistence::PgConnection;
use jeton_persistence::audit::{self, AuditCursor, AuditEvent, AuditFilter};
use std::net::IpAddr;

/// List what happened, the newest first: who did what to whom, and from where
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What happened to this user: a name or an id, of a deleted user as well
    #[arg(long, value_parser = UserArg::parse)]
    user: Option<UserArg>,

    /// What this user did: a name or an id, of a deleted user as well
    #[arg(long, value_parser = UserArg::parse)]
    by: Option<UserArg>,

    /// What happened, as sign-in or token-revoked
    #[arg(long, value_parser = action)]
    action: Option<AuditAction>,

    /// From this time on: 2026-11-24T09:00:00Z, or a time ago as 7d or 90m
    #[arg(long, value_parser = parse::moment)]
    since: Option<DateTime<Utc>>,

    /// Before this time
    #[arg(long, value_parser = parse::moment)]
    until: Option<DateTime<Utc>>,

    /// At most so many events
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Go on where the page before ended: its "next"
    #[arg(long)]
    after: Option<AuditCursor>,

    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    let mut find = |user: &Option<UserArg>| {
        let user = user.as_ref();
        user.map(|user| find_user(&mut connection, user)).transpose()
    };
    let filter = AuditFilter {
        subject: find(&args.user)?,
        actor: find(&args.by)?,
        action: args.action,
        since: args.since,
        until: args.until,
    };
    let mut events = audit::list(&mut connection, &filter, args.after, args.limit + 1)?;
    let more = events.len() > args.limit as usize;
    events.truncate(args.limit as usize);
    let next = events
        .last()
        .filter(|_| more)
        .map(|event| event.cursor().to_string());
    if args.list.json {
        let events = events.into_iter().map(wire::audit_event).collect();
        return output::json(&AuditEventList { events, next });
    }
    let rows: Vec<_> = events.iter().map(row).collect();
    let mut table = Table::new(["AT", "ACTION", "BY", "USER", "ADDRESS", "TOKEN", "DETAIL"]);
    output::write(&table.page(&rows))?;
    if let Some(next) = next {
        output::note(&format!("there are more: --after {next}"));
    }
    Ok(())
}

fn action(text: &str) -> Result<AuditAction, String> {
    text.parse().map_err(|_| {
        let all: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("say one of {}", all.join(", "))
    })
}

/// A user's id, who is or has been there.
fn find_user(connection: &mut PgConnection, user: &UserArg) -> anyhow::Result<UserId> {
    let found = user.look(connection)?.map(|user| user.id);
    match (found, user.said()) {
        // Somebody is called by the id of one who is gone.
        (Some(found), (Some(id), _)) if found != id && happened(connection, id)? => {
            bail!(ambiguous(id, "a user who is gone", found))
        }
        (Some(found), _) => Ok(found),
        // Of one who is gone, or never was: nothing happened to the latter.
        (None, (Some(id), _)) => Ok(id),
        (None, (None, Some(name))) => audit::find_deleted(connection, name)?.with_context(|| user.nobody()),
        (None, (None, None)) => bail!(user.nobody()),
    }
}

/// Whether anything is written down of this user.
fn happened(connection: &mut PgConnection, id: UserId) -> anyhow::Result<bool> {
    let to = AuditFilter {
        subject: Some(id),
        ..AuditFilter::default()
    };
    let by = AuditFilter {
        actor: Some(id),
        ..AuditFilter::default()
    };
    for filter in [to, by] {
        if !audit::list(connection, &filter, None, 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn row(event: &AuditEvent) -> [String; 7] {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let actor = event.actor_username.as_deref().or(event.actor_label.as_deref());
    // Somebody who is gone, and may be the one to whom it happened.
    let actor = actor.or(event
        .subject_username
        .as_deref()
        .filter(|_| event.actor_id == event.subject_id));
    [
        parse::rfc3339(event.at),
        event.action.clone(),
        actor.map_or_else(
            || event.actor_id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            str::to_owned,
        ),
        or_dash(event.subject_username.as_deref()),
        event
            .address
            .map_or_else(|| "-".to_owned(), |address: IpAddr| address.to_string()),
        event.token_id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
        event.detail.to_string(),
    ]
}
