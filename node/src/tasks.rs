//! Tasks that run as long as the node: one that ends before it is stopped is a failure of the node.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};
use touchstone_core::Fault;

/// Running tasks, by name.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Starts a task.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.set.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits for the first task that ends, and says what happened. Safe to cancel.
    pub async fn ended(&mut self) -> Fault {
        let (id, how) = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => (Some(id), "ended"),
            Some(Err(error)) => (Some(error.id()), "panicked"),
            None => (None, "ended"),
        };
        let name = id.and_then(|id| self.names.get(&id)).unwrap_or(&"every");
        Fault::Invariant(format!("the task of {name} {how}"))
    }

    /// Stops all tasks and waits for their ends.
    pub async fn stop(&mut self) {
        self.set.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
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
        tasks.stop().await;
    }
}
