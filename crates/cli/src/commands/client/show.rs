use super::{Args, describe};
use crate::{database, output};
use jeton_domain::printable::escape;
use jeton_http_kit::wire;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let client = args.client.find(&mut connection)?;
    if args.answer.json {
        return output::json(&wire::client(client));
    }
    for line in describe(&client).lines() {
        output::line(&escape(line))?;
    }
    Ok(())
}
