use super::requests::Answer;
use crate::world::{Phase, World, this_program};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How long an operator waits before typing it again.
const TRY_AGAIN: Duration = Duration::from_millis(200);

impl World {
    /// Runs a command of `jeton`, which reads `input`, until it has succeeded, or has found nothing to work on.
    pub(super) async fn operate(&self, arguments: &[&str], input: &str) -> Answer {
        while self.phase() != Phase::GivingUp {
            match self.operate_once(arguments, input).await {
                Ok(Answer::Unsure) | Err(_) => {
                    self.records.stats().unsure += 1;
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Ok(answer) => return answer,
            }
        }
        Answer::Unsure
    }

    async fn operate_once(&self, arguments: &[&str], input: &str) -> anyhow::Result<Answer> {
        let mut child = Command::from(this_program()?)
            .arg("operate")
            .args(arguments)
            .env("DATABASE_URL", self.server.url())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends without reading it says why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let nothing = ["no user named", "no token with the id", "no client with the id"];
        Ok(match output.status.success() {
            true => Answer::Done(()),
            false if nothing.iter().any(|text| complaint.contains(text)) => Answer::Gone,
            false => Answer::Unsure,
        })
    }
}
