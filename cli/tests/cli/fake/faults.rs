//! A bad line between the client and the fake: at steps that a test names, the node refuses, dies
//! before or after it did what was asked, is late, or says it twice. A step is one call, one
//! submission that a stream takes in, or one answer that it gives.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Status;

/// Longer than these tests' clients wait for an answer.
pub const TOO_LONG: Duration = Duration::from_millis(1300);
/// How long a node that died is away.
const AWAY: Duration = Duration::from_millis(150);

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The node says that it can't answer, and does nothing.
    Refuse,
    /// The node dies before it does what was asked.
    Kill,
    /// The node dies once it did.
    KillAfter,
    /// The answer comes when nobody waits for it any more.
    Delay,
    /// What was asked is done twice, or the answer comes twice.
    Repeat,
    /// The pool is full. Of an answer: it is never told.
    PoolFull,
}

impl Fault {
    pub const ALL: [Fault; 6] = [
        Fault::Refuse,
        Fault::Kill,
        Fault::KillAfter,
        Fault::Delay,
        Fault::Repeat,
        Fault::PoolFull,
    ];
}

/// Which steps go wrong.
pub struct Faults {
    planned: Mutex<BTreeMap<usize, Fault>>,
    steps: AtomicUsize,
    hits: AtomicUsize,
    /// Counts deaths; connections end with each.
    deaths: watch::Sender<usize>,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            planned: Mutex::default(),
            steps: AtomicUsize::new(0),
            hits: AtomicUsize::new(0),
            deaths: watch::channel(0).0,
        }
    }
}

pub fn away() -> Status {
    Status::unavailable("the node is away")
}

impl Faults {
    /// From now on, these steps go wrong, counted from 0.
    pub fn plan(&self, faults: &[(usize, Fault)]) {
        *self.planned.lock().unwrap() = faults.iter().copied().collect();
        self.steps.store(0, Ordering::SeqCst);
        self.hits.store(0, Ordering::SeqCst);
    }

    /// Steps since then, and how many of them went wrong.
    pub fn counts(&self) -> (usize, usize) {
        let (steps, hits) = (&self.steps, &self.hits);
        (steps.load(Ordering::SeqCst), hits.load(Ordering::SeqCst))
    }

    pub fn step(&self) -> Option<Fault> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let fault = self.planned.lock().unwrap().get(&step).copied();
        if fault.is_some() {
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
        fault
    }

    /// The node dies: every connection ends.
    pub fn kill(&self) -> Status {
        self.deaths.send_modify(|deaths| *deaths += 1);
        away()
    }

    /// From now on nothing goes wrong; a node that died is back when this returns.
    pub async fn calm(&self) {
        self.plan(&[]);
        tokio::time::sleep(AWAY * 2).await;
    }

    /// A way to the node that ends when it dies, and is closed while it is away; gives its address.
    pub async fn proxy(self: &Arc<Faults>, node: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut deaths = self.deaths.subscribe();
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    died = deaths.changed() => {
                        if died.is_err() {
                            return;
                        }
                        connections.abort_all();
                        let away = tokio::time::sleep(AWAY);
                        let refuse = async {
                            while let Ok((stream, _)) = listener.accept().await {
                                drop(stream);
                            }
                        };
                        tokio::select! { () = away => {} () = refuse => {} }
                    }
                    accepted = listener.accept() => {
                        let Ok((mut client, _)) = accepted else { return };
                        connections.spawn(async move {
                            if let Ok(mut node) = TcpStream::connect(node).await {
                                let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                            }
                        });
                    }
                }
            }
        });
        address
    }
}
