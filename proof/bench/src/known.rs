use crate::TokenSeries;
use anyhow::ensure;
use jeton_verifier::{DatabaseUrl, Verifier, VerifierSettings};
use std::cell::Cell;
use std::hint::black_box;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// How many look-ups are under way while the memory is filled.
const IN_FLIGHT: usize = 1024;
/// How often what is not known yet is checked once more.
const ATTEMPTS: usize = 3;
/// The characters of a token.
const LENGTH: usize = 42;

/// A verifier that knows tokens, because it has checked each of them before.
pub struct Known {
    verifier: Verifier,
    runtime: Runtime,
    texts: String,
    next: usize,
}

impl Known {
    /// A verifier that knows no token yet, with room for twice as many: its memory is in parts, more of them on more
    /// cores, and none may be full before the others. Room that is not used takes no memory.
    ///
    /// # Errors
    /// The database cannot be used.
    pub fn connect(url: &str, room: usize) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let settings = VerifierSettings {
            cache_tokens: 2 * room,
            // Filling a memory keeps a machine busy, and must not end with the lease lost and nothing known.
            lease: Duration::from_secs(60),
            ..VerifierSettings::new(DatabaseUrl::parse(url)?)
        };
        Ok(Self {
            verifier: runtime.block_on(Verifier::connect(settings))?,
            runtime,
            texts: String::new(),
            next: 0,
        })
    }

    /// Checks these tokens once.
    ///
    /// # Errors
    /// One of them is not valid, or cannot be checked.
    pub fn learn(&self, series: TokenSeries, numbers: Range<usize>) -> anyhow::Result<()> {
        let next = Rc::new(Cell::new(numbers.start));
        LocalSet::new().block_on(&self.runtime, async {
            let tasks: Vec<_> = (0..IN_FLIGHT)
                .map(|_| {
                    tokio::task::spawn_local(learn(self.verifier.clone(), series, next.clone(), numbers.end))
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    }

    /// How many tokens it knows.
    pub fn entries(&self) -> usize {
        self.verifier.status().entries
    }

    /// Makes the texts of the tokens to check. What a renewal of the lease came between is not remembered, hundreds at a time,
    /// and is checked once more.
    ///
    /// # Errors
    /// More than one in ten thousand is not known: the checks would be of something else.
    pub fn prepare(&mut self, series: TokenSeries, count: usize) -> anyhow::Result<()> {
        let enough = count - count / 10_000;
        for _ in 0..ATTEMPTS {
            if self.entries() < enough {
                self.learn(series, 0..count)?;
            }
        }
        ensure!(
            self.entries() >= enough,
            "{} tokens are known, not {count}",
            self.entries()
        );
        self.texts = (0..count).map(|number| series.text(number)).collect();
        Ok(())
    }

    /// Checks so many tokens, one after the other and around again, as a service does it: from the text to the caller.
    /// Their texts come one after the other, as if just received; where memory has the tokens is as good as random.
    ///
    /// # Errors
    /// One was refused.
    pub fn time(&mut self, checks: usize) -> anyhow::Result<Duration> {
        let (verifier, texts, count) = (&self.verifier, &self.texts, self.texts.len() / LENGTH);
        let mut next = self.next;
        let time = self.runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..checks {
                let text = &texts[next * LENGTH..][..LENGTH];
                next = if next + 1 == count { 0 } else { next + 1 };
                black_box(verifier.verify(black_box(text)).await?);
            }
            anyhow::Ok(start.elapsed())
        })?;
        self.next = next;
        Ok(time)
    }
}

async fn learn(
    verifier: Verifier,
    series: TokenSeries,
    next: Rc<Cell<usize>>,
    end: usize,
) -> anyhow::Result<()> {
    loop {
        let number = next.get();
        if number >= end {
            return Ok(());
        }
        next.set(number + 1);
        verifier.verify(&series.text(number)).await?;
    }
}
