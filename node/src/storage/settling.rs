//! Committed blocks become durable on a thread of their own, while the thread that committed them goes on. The thread
//! notes up to which height they are.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use touchstone_core::Fault;

use super::commit_block;
use super::database::Database;
use super::settled_height::SettledHeight;

/// The thread, and what it still owes.
pub struct Settling {
    /// None once it is to end.
    wanted: Option<Sender<u64>>,
    done: Receiver<Result<(), Fault>>,
    /// Blocks that no answer has come for.
    open: usize,
    thread: Option<JoinHandle<()>>,
}

impl Settling {
    /// Starts the thread for the database in this folder.
    pub fn start(db: Arc<Database>, folder: &Path) -> Result<Settling, Fault> {
        let noted = SettledHeight::open(folder)?;
        let (wanted, wishes) = channel::<u64>();
        let (answers, done) = channel();
        let thread = std::thread::Builder::new()
            .name("settling".into())
            .spawn(move || {
                while let Ok(first) = wishes.recv() {
                    // One sync does for all blocks that are there by now.
                    let more: Vec<u64> = wishes.try_iter().collect();
                    let last = more.last().copied().unwrap_or(first);
                    let settled = commit_block::sync(&db).and_then(|()| noted.note(last));
                    for _ in 0..=more.len() {
                        if answers.send(settled.clone()).is_err() {
                            return;
                        }
                    }
                }
            })
            .map_err(|e| Fault::Storage(format!("a thread can't be started: {e}")))?;
        Ok(Settling {
            wanted: Some(wanted),
            done,
            open: 0,
            thread: Some(thread),
        })
    }

    /// The block of this height was written. Tells of syncs that have failed meanwhile.
    pub fn wish(&mut self, height: u64) -> Result<(), Fault> {
        while let Ok(settled) = self.done.try_recv() {
            self.open = self.open.saturating_sub(1);
            settled?;
        }
        let sent = self.wanted.as_ref().map(|wanted| wanted.send(height));
        if !matches!(sent, Some(Ok(()))) {
            return Err(ended());
        }
        self.open += 1;
        Ok(())
    }

    /// Waits until all blocks are durable.
    pub fn wait(&mut self) -> Result<(), Fault> {
        while self.open > 0 {
            self.done.recv().map_err(|_| ended())??;
            self.open -= 1;
        }
        Ok(())
    }
}

fn ended() -> Fault {
    Fault::Storage("the thread that syncs the database has ended".into())
}

/// Ends the thread once all that was written is durable; the database is closed after that.
impl Drop for Settling {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // It panics only where RocksDB does.
            let _ = thread.join();
        }
    }
}
