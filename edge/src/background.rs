//! Threads that work when nothing else wants their core: a port's large answers must hold up neither consensus nor
//! small ones.

/// How far such a thread stands behind others (`nice`): where all are busy, it has a tenth of what they have, so that a
/// lock which it holds is free again in time.
pub const RANK: i32 = 10;

/// Lets the calling thread, and those that it starts, work when nothing else wants their core.
pub fn give_way() {
    let behind = rank().map_or(RANK, |rank| RANK - rank);
    if behind > 0
        && let Err(error) = rustix::process::nice(behind)
    {
        // It works all the same, at the cost of others.
        tracing::debug!(%error, "a thread can't give way");
    }
}

/// How far the calling thread stands behind others; none where the system doesn't say.
pub fn rank() -> Option<i32> {
    // Linux counts for each thread.
    rustix::process::getpriority_process(None).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gives_way_once_and_alone() {
        let before = rank().unwrap();
        let thread = std::thread::spawn(|| {
            give_way();
            give_way();
            let started = std::thread::spawn(rank).join().unwrap();
            (rank().unwrap(), started.unwrap())
        });
        assert_eq!(thread.join().unwrap(), (RANK.max(before), RANK.max(before)));
        assert_eq!(rank(), Some(before));
    }
}
