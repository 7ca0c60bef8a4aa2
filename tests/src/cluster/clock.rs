//! Waiting to the tenth of a millisecond. Tokio's timers count whole milliseconds, are rounded up twice, and so are a
//! millisecond late at the mean: four times that is what a decision over links of 50 ms would seem to take longer.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use tokio::sync::oneshot;

/// When to wake whom.
type Alarm = (Instant, oneshot::Sender<()>);

/// Waits until then.
pub async fn sleep_until(at: Instant) {
    if at <= Instant::now() {
        return;
    }
    let (wake, woken) = oneshot::channel();
    alarms().send((at, wake)).expect("the clock runs");
    woken.await.expect("the clock rings each alarm");
}

/// The clock's ear. It runs on a thread of its own, for as long as the process lives.
fn alarms() -> &'static Sender<Alarm> {
    static ALARMS: OnceLock<Sender<Alarm>> = OnceLock::new();
    ALARMS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("clock".into());
        thread
            .spawn(move || run(&receiver))
            .expect("a thread starts");
        sender
    })
}

fn run(alarms: &Receiver<Alarm>) {
    let mut waiting = BTreeMap::new();
    let mut number: u64 = 0;
    loop {
        let next = match waiting.first_key_value() {
            None => alarms.recv().map_err(RecvTimeoutError::from),
            Some(((at, _), _)) => {
                let at: &Instant = at;
                alarms.recv_timeout(at.saturating_duration_since(Instant::now()))
            }
        };
        match next {
            Ok((at, wake)) => {
                // Two may be due at once.
                number += 1;
                waiting.insert((at, number), wake);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while let Some(first) = waiting.first_entry()
            && first.key().0 <= now
        {
            // Who has gone needn't be woken.
            let _ = first.remove().send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_alarm_rings_and_none_early() {
        let start = Instant::now();
        let alarms = [30, 0, 10, 20, 10].map(|ms| {
            tokio::spawn(async move {
                let at = start + Duration::from_millis(ms);
                sleep_until(at).await;
                let is_early = Instant::now() < at;
                assert!(!is_early, "{ms}");
            })
        });
        for alarm in alarms {
            alarm.await.expect("it rang in time");
        }
    }
}
