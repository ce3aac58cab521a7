use crate::database;
use anyhow::Context;
use jeton_coherence::revocations;
use jeton_domain::ClientId;
use jeton_domain::delegation::Client;
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::clients;
use std::fmt;
use uuid::Uuid;

/// Which client is meant: by id, or by name. What reads as an id is one, and no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientArg {
    Id(ClientId),
    Name(String),
}

impl ClientArg {
    /// For clap.
    #[allow(clippy::unnecessary_wraps, reason = "what clap takes")]
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let id = Uuid::try_parse(text).map(|id| Self::Id(ClientId(id)));
        Ok(id.unwrap_or_else(|_| Self::Name(text.to_owned())))
    }

    /// Finds the client, which must be there.
    pub(crate) fn find(&self, connection: &mut PgConnection) -> anyhow::Result<Client> {
        self.look(connection)?.with_context(|| self.nobody())
    }

    /// Finds the client that is to go. Where there is none, that may be the work of an attempt before this one, whose end
    /// nobody has seen: that has to hold everywhere before it is said.
    pub(crate) fn find_to_revoke(&self, connection: &mut PgConnection) -> anyhow::Result<Client> {
        if let Some(client) = self.look(connection)? {
            return Ok(client);
        }
        let before = revocations::gone(connection, ())?;
        database::confirm(connection, before)?;
        anyhow::bail!(self.nobody())
    }

    fn look(&self, connection: &mut PgConnection) -> anyhow::Result<Option<Client>> {
        Ok(match self {
            Self::Id(id) => clients::find(connection, *id)?,
            Self::Name(name) => clients::find_by_name(connection, name)?,
        })
    }

    /// What is said where there is none.
    pub(crate) fn nobody(&self) -> String {
        match self {
            Self::Id(id) => format!("no client with the id {id}"),
            Self::Name(name) => format!("no client named \"{name}\""),
        }
    }
}

impl fmt::Display for ClientArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}
