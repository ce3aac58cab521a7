use crate::listing::{self, ListArgs, Listed};
use crate::{database, parse};
use jeton_api_types::VerifierInfo;
use jeton_http_kit::wire;
use jeton_persistence::verifiers::{self, Registration};
use uuid::Uuid;

/// List the services that may check tokens from memory, the newest first
///
/// A revocation waits for each of them. `jeton doctor` tells which of them keep it waiting.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    listing::write_all(args.list.json, |after, limit| {
        verifiers::list(&mut connection, after, limit)
    })
}

impl Listed<5> for Registration {
    const NAME: &'static str = "verifiers";
    const HEADINGS: [&'static str; 5] = ["ID", "NAME", "ROLE", "LEASE", "REGISTERED"];
    type Wire = VerifierInfo;

    fn id(&self) -> Uuid {
        self.id
    }

    fn row(&self) -> [String; 5] {
        [
            self.id.to_string(),
            self.name.clone(),
            self.role.clone(),
            format!("{}ms", self.lease().as_millis()),
            parse::rfc3339(self.registered_at),
        ]
    }

    fn wire(self) -> VerifierInfo {
        wire::verifier(self)
    }
}
