use super::requests::Answer;
use crate::world::{Phase, World, this_program};
use std::process::Stdio;
use std::time::Duration;

/// How long an operator waits before typing it again.
const TRY_AGAIN: Duration = Duration::from_millis(200);

impl World {
    /// Runs a command of `jeton` until it has succeeded, or has found nothing to work on.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Answer {
        while self.phase() != Phase::GivingUp {
            match self.operate_once(arguments).await {
                Ok(Answer::Unsure) | Err(_) => {
                    self.records.stats().unsure += 1;
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Ok(answer) => return answer,
            }
        }
        Answer::Unsure
    }

    async fn operate_once(&self, arguments: &[&str]) -> anyhow::Result<Answer> {
        let output = this_program()?
            .arg("operate")
            .args(arguments)
            .env("DATABASE_URL", self.server.url())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let nothing = ["no user named", "no token with the id"];
        Ok(match output.status.success() {
            true => Answer::Done(()),
            false if nothing.iter().any(|text| complaint.contains(text)) => Answer::Gone,
            false => Answer::Unsure,
        })
    }
}
