//! Questions to the ledger, asked as the command line asks them: each opens a connection of its own,
//! verifies what it hears, and gives the JSON that the verb prints.

use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{CommandFactory, Parser};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::Cli;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::verbs;
use touchstone_client::client::Client;

/// A question under way, on one thread.
type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

/// Questions under way at once; the others wait.
const AT_ONCE: usize = 4;

/// A place to ask at.
#[derive(Clone)]
pub struct Questions {
    settings: Settings,
    now_ms: fn() -> u64,
    turns: Arc<Semaphore>,
}

impl Questions {
    /// Asks where these settings say.
    pub fn new(settings: Settings, now_ms: fn() -> u64) -> Questions {
        Questions::at_once(settings, now_ms, AT_ONCE)
    }

    /// The same, so many at once.
    pub fn at_once(settings: Settings, now_ms: fn() -> u64, turns: usize) -> Questions {
        Questions {
            settings,
            now_ms,
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// Runs a verb that asks; gives what it prints. What was cut short is an answer, and says so.
    pub async fn ask(&self, words: Vec<String>) -> Result<Vec<Value>, Failure> {
        let program = std::iter::once("touchstone".to_owned());
        let cli = Cli::try_parse_from(program.chain(words)).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Failure::Usage(first.trim_start_matches("error: ").to_owned())
        })?;
        let (settings, now_ms) = (self.settings.apart(), self.now_ms);
        // The gateway is a verb too: what a verb is made of must not hold another one.
        let ask = move || -> Boxed<Vec<Value>> {
            Box::pin(async move {
                let lines = Lines::default();
                let results = Box::new(lines.clone());
                let mut output = Output::to(true, results, Box::new(std::io::sink()), now_ms);
                output.as_of = settings.as_of().clone();
                match verbs::run(&cli.verb, Cli::command, &settings, &mut output).await {
                    Ok(()) | Err(Failure::Reservations(_)) => Ok(lines.values()),
                    Err(failure) => Err(failure),
                }
            })
        };
        self.run(ask).await
    }

    /// Asks with a client of one's own.
    pub async fn with_client<T, F>(
        &self,
        question: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
    {
        let settings = self.settings.apart();
        let ask = move || -> Boxed<T> {
            Box::pin(async move { question(settings.client().await?).await })
        };
        self.run(ask).await
    }

    /// Verification takes its time, so that it has a thread of its own.
    async fn run<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Boxed<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.turns.clone().acquire_owned().await;
        let handle = Handle::current();
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            handle.block_on(question())
        });
        let failed = |_| Failure::Unreachable("the question was cut off".into());
        asked.await.map_err(failed)?
    }
}

/// What a verb prints.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn values(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = bytes.split(|b| *b == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
