use crate::listing::{self, ListArgs, Listed};
use crate::{database, parse, scopes};
use jeton_api_types::ClientInfo;
use jeton_domain::ClientId;
use jeton_domain::delegation::Client;
use jeton_http_kit::wire;
use jeton_persistence::delegation::clients;
use uuid::Uuid;

/// List clients, the newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    listing::write_all(args.list.json, |after, limit| {
        clients::list(&mut connection, after.map(ClientId), limit)
    })
}

impl Listed<6> for Client {
    const NAME: &'static str = "clients";
    const HEADINGS: [&'static str; 6] = ["CLIENT_ID", "NAME", "KIND", "STATE", "SCOPES", "CREATED"];
    type Wire = ClientInfo;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn row(&self) -> [String; 6] {
        [
            self.id.to_string(),
            self.name.clone(),
            super::kind(self).to_owned(),
            super::state(self).to_owned(),
            scopes::describe(&self.scopes),
            parse::rfc3339(self.created_at),
        ]
    }

    fn wire(self) -> ClientInfo {
        wire::client(self)
    }
}
