//! Tasks that run as long as the node, under one cancellation: one that ends before it is cancelled is a failure of
//! the node.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use touchstone_core::Fault;

/// Running tasks, by name.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.set.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// What a task that finishes its work by itself waits for.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for the first task that ends, and says what happened. Safe to cancel.
    pub async fn ended(&mut self) -> Fault {
        let (id, how) = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => (Some(id), "ended"),
            Some(Err(error)) => (Some(error.id()), "panicked"),
            None => (None, "ended"),
        };
        let name = id.and_then(|id| self.names.remove(&id)).unwrap_or("every");
        Fault::Invariant(format!("the task of {name} {how}"))
    }

    /// Cancels all tasks, and gives those of these names so long to finish their work.
    pub async fn finish(&mut self, names: &[&str], patience: Duration) {
        self.stop.cancel();
        let finished = async {
            while self.names.values().any(|name| names.contains(name)) {
                match self.set.join_next_with_id().await {
                    Some(Ok((id, ()))) => self.names.remove(&id),
                    Some(Err(error)) => self.names.remove(&error.id()),
                    None => return,
                };
            }
        };
        if tokio::time::timeout(patience, finished).await.is_err() {
            tracing::debug!(?names, "tasks were cut off");
        }
    }

    /// Stops all tasks and waits for their ends.
    pub async fn abort(&mut self) {
        self.stop.cancel();
        self.set.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_or_panics_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("waiting", std::future::pending());
        tasks.spawn("short work", async {});
        let fault = tasks.ended().await;
        assert_eq!(
            fault,
            Fault::Invariant("the task of short work ended".into())
        );
        tasks.spawn("bad work", async { panic!("on purpose") });
        let fault = tasks.ended().await;
        assert_eq!(
            fault,
            Fault::Invariant("the task of bad work panicked".into())
        );
        tasks.abort().await;
    }

    #[tokio::test]
    async fn named_tasks_finish_their_work_and_the_others_are_cut_off() {
        let mut tasks = Tasks::default();
        let done = Arc::new(AtomicBool::new(false));
        let (stop, finished) = (tasks.stop_token(), done.clone());
        tasks.spawn("polite", async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            finished.store(true, Ordering::Relaxed);
        });
        tasks.spawn("endless", std::future::pending());
        tasks.finish(&["polite"], Duration::from_secs(60)).await;
        assert!(done.load(Ordering::Relaxed));
        tasks.abort().await;
    }
}
