//! Strangers at a node's ports: connections that say nothing or speak slowly, answers that nobody reads, streams
//! without a word. Bounded in number, for nodes of this machine only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::{GetBlockRequest, SubmitRequest};

/// Descriptors that an attack may need.
const DESCRIPTORS: u64 = 8000;
/// How long a stranger that was shut out waits before it comes again.
const PAUSE: Duration = Duration::from_secs(1);
/// Calls on one connection whose answers aren't read.
const CALLS: usize = 50;

/// A question with a large answer. Whoever stands at a port peeks at the first byte of it, and reads nothing.
const PAGE: &[u8] = b"GET /events?perPage=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// What strangers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Connections that say nothing.
    Silent,
    /// Connections that begin to speak and don't go on.
    Slow,
    /// Calls of `GetBlock` on connections whose windows stay shut.
    Unread,
    /// Pages of events over HTTP/1.1 that nobody reads.
    Pages,
    /// Streams of submissions without a message.
    Streams,
}

impl Attack {
    /// All of them, with their names.
    const ALL: [(&str, Attack); 5] = [
        ("silent", Attack::Silent),
        ("slow", Attack::Slow),
        ("unread", Attack::Unread),
        ("pages", Attack::Pages),
        ("streams", Attack::Streams),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Attack::ALL.iter().find(|(_, attack)| *attack == self);
        named.map_or("", |(name, _)| name)
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Attack> {
        let named = Attack::ALL.iter().find(|(known, _)| *known == name);
        named.map(|(_, attack)| *attack)
    }
}

/// What strangers did so far.
#[derive(Debug, Default)]
pub struct Visits {
    opened: AtomicU64,
    shut_out: AtomicU64,
}

impl Visits {
    /// Connections that they opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Those of them that ended, which only the port does.
    pub fn shut_out(&self) -> u64 {
        self.shut_out.load(Ordering::Relaxed)
    }

    fn open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    fn shut(&self) {
        self.shut_out.fetch_add(1, Ordering::Relaxed);
    }
}

/// Strangers at work, until it is dropped.
pub struct Flood {
    tasks: JoinSet<()>,
    visits: Arc<Visits>,
}

impl Flood {
    /// Lets `count` strangers come to a port of this machine. Those that are shut out come again.
    ///
    /// # Panics
    /// If the address is another machine's, or this process may not open enough files.
    pub fn start(attack: Attack, port: SocketAddr, count: usize) -> Flood {
        assert!(port.ip().is_loopback(), "{port} is no port of this machine");
        touchstone_edge::descriptors::reserve(DESCRIPTORS).expect("enough files may be opened");
        let mut tasks = JoinSet::new();
        let visits = Arc::<Visits>::default();
        match attack {
            Attack::Silent => {
                for _ in 0..count {
                    tasks.spawn(stand(port, b"", visits.clone()));
                }
            }
            Attack::Slow => {
                for number in 0..count {
                    let text: &[u8] = match number % 3 {
                        0 => b"PRI * HTTP/2.0\r\n\r\nSM",
                        1 => b"GET / HTTP/1.1\r\nhost: ",
                        _ => b"POST /capture HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n",
                    };
                    tasks.spawn(stand(port, text, visits.clone()));
                }
            }
            Attack::Unread => {
                for _ in 0..count.div_ceil(CALLS) {
                    tasks.spawn(leave_unread(port, visits.clone()));
                }
            }
            Attack::Pages => {
                for _ in 0..count {
                    tasks.spawn(stand(port, PAGE, visits.clone()));
                }
            }
            Attack::Streams => {
                for _ in 0..count {
                    tasks.spawn(say_nothing(port, visits.clone()));
                }
            }
        }
        Flood { tasks, visits }
    }

    /// What they did so far.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    /// Strangers that are still at work.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether all have given up.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

/// Connects, says so much, and stands there; comes again when it is shut out.
async fn stand(port: SocketAddr, text: &'static [u8], visits: Arc<Visits>) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(port).await {
            visits.open();
            // It may be shut out at any moment.
            let _ = stream.write_all(text).await;
            let mut byte = [0; 1];
            loop {
                match stream.peek(&mut byte).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                }
            }
            visits.shut();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A client whose windows are as small as HTTP/2 lets them be.
async fn shut_client(port: SocketAddr) -> Option<LedgerClient<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://{port}")).ok()?;
    let endpoint = endpoint.initial_stream_window_size(0);
    let channel = endpoint.connect().await.ok()?;
    Some(LedgerClient::new(channel).max_decoding_message_size(64 << 20))
}

async fn leave_unread(port: SocketAddr, visits: Arc<Visits>) {
    loop {
        if let Some(client) = shut_client(port).await {
            visits.open();
            let mut calls = JoinSet::new();
            for _ in 0..CALLS {
                let mut client = client.clone();
                calls.spawn(async move {
                    let request = GetBlockRequest {
                        with_transactions: true,
                        ..GetBlockRequest::default()
                    };
                    // Refused, or never answered whole.
                    let _ = client.get_block(request).await;
                });
            }
            while calls.join_next().await.is_some() {}
            visits.shut();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn say_nothing(port: SocketAddr, visits: Arc<Visits>) {
    loop {
        if let Some(mut client) = shut_client(port).await {
            visits.open();
            let requests = tokio_stream::pending::<SubmitRequest>();
            if let Ok(answers) = client.submit_many(requests).await {
                let mut answers = answers.into_inner();
                // Until the stream is ended from the other side.
                while let Ok(Some(_)) = answers.message().await {}
            }
            visits.shut();
        }
        tokio::time::sleep(PAUSE).await;
    }
}
