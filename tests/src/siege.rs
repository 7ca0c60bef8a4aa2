//! Honest clients of a consortium while strangers stand at its ports, or one member floods it: what each of them waits,
//! what nodes and attackers take of the machine, what the nodes hold in memory, and whether all go on.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use touchstone_core::hash::Hash;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{GetItemRequest, SubmitRequest};

use crate::bench::latency::Latencies;
use crate::cluster::{Cluster, organisation_id};
use crate::flood::Attack;
use crate::{load, sink};

/// How long an honest client waits between two questions.
const THINKS: Duration = Duration::from_millis(100);
/// How long it waits where a node refuses it, or is gone.
const AGAIN: Duration = Duration::from_millis(50);
/// How long it waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Numbers of a flood's events begin here, beyond those of honest clients.
const FLOOD: u64 = 1_000_000;

/// Numbers of events are given once in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What honest clients saw.
#[derive(Clone, Debug)]
pub struct Honest {
    /// Milliseconds from a signed event to its block, retries included.
    pub records: Latencies,
    /// Milliseconds of an item's proven record.
    pub reads: Latencies,
    /// Events recorded in a second.
    pub records_per_s: f64,
}

impl Honest {
    /// What was seen in several windows of equal length, as if in one.
    pub fn together<'a>(windows: impl Iterator<Item = &'a Honest> + Clone) -> Honest {
        let rates: Vec<f64> = windows.clone().map(|one| one.records_per_s).collect();
        Honest {
            records: Latencies::together(windows.clone().map(|one| &one.records)),
            reads: Latencies::together(windows.map(|one| &one.reads)),
            records_per_s: rates.iter().sum::<f64>() / rates.len() as f64,
        }
    }
}

/// Who talks to a node.
#[derive(Clone)]
pub struct Member {
    node: SocketAddr,
    key: SigningKey,
    chain_id: Hash,
    organisation: String,
}

impl Member {
    /// A member with a port that it talks to, from a program's arguments: see [`Attackers::flood`].
    pub fn read(words: &[&str]) -> Option<Member> {
        let [node, chain_id, organisation, key] = words else {
            return None;
        };
        let bytes = |text: &str| hex::decode(text).ok()?.try_into().ok();
        let key: [u8; 32] = bytes(key)?;
        Some(Member {
            node: node.parse().ok()?,
            key: SigningKey::from_bytes(&key),
            chain_id: bytes(chain_id)?,
            organisation: (*organisation).to_owned(),
        })
    }

    fn words(&self) -> [String; 4] {
        [
            self.node.to_string(),
            hex::encode(self.chain_id),
            self.organisation.clone(),
            hex::encode(self.key.to_bytes()),
        ]
    }

    fn of(cluster: &Cluster, index: usize) -> Member {
        Member {
            node: cluster.rpc(index),
            key: cluster.keys[index].clone(),
            chain_id: cluster.genesis.chain_id,
            organisation: organisation_id(index),
        }
    }

    fn envelope(&self, events: u64) -> Vec<u8> {
        let first = NEXT.fetch_add(events, Ordering::Relaxed);
        let events = (first..first + events).map(load::event).collect();
        let created_ms = load::recent(first);
        load::capture(
            &self.key,
            &self.chain_id,
            &self.organisation,
            created_ms,
            events,
        )
    }

    async fn connect(&self) -> Option<LedgerClient<Channel>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.node)).ok()?;
        let connected = tokio::time::timeout(PATIENCE, endpoint.connect()).await;
        Some(LedgerClient::new(connected.ok()?.ok()?).max_decoding_message_size(64 << 20))
    }
}

/// Honest clients of these members' nodes, so many of each kind at each, for a while.
pub async fn honest(
    cluster: &Cluster,
    members: &[usize],
    clients: usize,
    time: Duration,
) -> Honest {
    let begin = Instant::now();
    let end = begin + time;
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for index in members {
        for _ in 0..clients {
            writers.spawn(write(Member::of(cluster, *index), end));
            readers.spawn(read(Member::of(cluster, *index), end));
        }
    }
    let writes: Vec<f64> = writers.join_all().await.concat();
    let reads: Vec<f64> = readers.join_all().await.concat();
    Honest {
        records_per_s: writes.len() as f64 / time.as_secs_f64(),
        records: Latencies::new(writes),
        reads: Latencies::new(reads),
    }
}

/// Returns once an event of a member is recorded: what waited of it before is recorded, or refused, too.
pub async fn record_once(cluster: &Cluster, member: usize) {
    write(Member::of(cluster, member), Instant::now()).await;
}

/// Records one event after the other, and one at least. What isn't recorded is sent again, and the time goes on.
async fn write(member: Member, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    let mut client = None;
    loop {
        let envelope = member.envelope(1);
        let begin = Instant::now();
        loop {
            let request = SubmitRequest {
                envelope: envelope.clone(),
                wait: true,
            };
            let answer = match connected(&mut client, &member).await {
                Some(client) => tokio::time::timeout(PATIENCE, client.submit(request))
                    .await
                    .ok(),
                None => None,
            };
            match answer {
                Some(Ok(answer)) => match answer.into_inner().status {
                    Some(Status::Committed(_)) => break,
                    _ => tokio::time::sleep(AGAIN).await,
                },
                _ => {
                    client = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(THINKS).await;
        if Instant::now() >= end {
            return times;
        }
    }
}

/// Asks for one item after the other.
async fn read(member: Member, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    let mut client = None;
    while Instant::now() < end {
        let begin = Instant::now();
        loop {
            let request = GetItemRequest {
                id: "https://id.gs1.org/01/09521321000018/21/1".into(),
                ..GetItemRequest::default()
            };
            let answer = match connected(&mut client, &member).await {
                Some(client) => tokio::time::timeout(PATIENCE, client.get_item(request))
                    .await
                    .ok(),
                None => None,
            };
            if let Some(Ok(_)) = answer {
                break;
            }
            client = None;
            tokio::time::sleep(AGAIN).await;
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(THINKS).await;
    }
    times
}

async fn connected<'a>(
    client: &'a mut Option<LedgerClient<Channel>>,
    member: &Member,
) -> Option<&'a mut LedgerClient<Channel>> {
    if client.is_none() {
        *client = member.connect().await;
    }
    client.as_mut()
}

/// Captures of one member's flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flooded {
    /// Those that the node took.
    pub taken: u64,
    /// Those that it refused, or didn't answer.
    pub refused: u64,
}

/// A member that sends large captures over so many connections as fast as its node takes them, for a while.
pub async fn flood(member: &Member, connections: usize, events: u64, time: Duration) -> Flooded {
    let end = Instant::now() + time;
    NEXT.fetch_max(FLOOD, Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(flood_one(member.clone(), events, end));
    }
    let each = tasks.join_all().await;
    each.iter().fold(Flooded::default(), |all, one| Flooded {
        taken: all.taken + one.taken,
        refused: all.refused + one.refused,
    })
}

async fn flood_one(member: Member, events: u64, end: Instant) -> Flooded {
    let mut flooded = Flooded::default();
    let mut client = None;
    while Instant::now() < end {
        let request = SubmitRequest {
            envelope: member.envelope(events),
            wait: false,
        };
        let answer = match connected(&mut client, &member).await {
            Some(client) => client.submit(request).await.ok(),
            None => None,
        };
        match answer {
            Some(_) => flooded.taken += 1,
            None => {
                flooded.refused += 1;
                client = None;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
    flooded
}

/// The same captures, made and sent to a sink that refuses them all.
pub async fn flood_sink(member: &Member, connections: usize, events: u64, time: Duration) {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let member = member.clone();
        tasks.spawn(async move {
            while Instant::now() < end {
                sink::send(member.node, &member.envelope(events)).await;
                tokio::time::sleep(AGAIN).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Attackers in processes of their own, behind all others by a rank (`nice`), so that they take no time of the honest
/// clients' threads; ended when dropped.
pub struct Attackers {
    rank: u32,
    children: Vec<Child>,
}

impl Attackers {
    /// None yet.
    pub fn new(rank: u32) -> Attackers {
        let children = Vec::new();
        Attackers { rank, children }
    }

    /// Lets so many strangers come to a port.
    pub fn come(&mut self, attack: Attack, count: usize, time: Duration, port: SocketAddr) {
        let seconds = time.as_secs().to_string();
        let words = [attack.name().to_owned(), count.to_string(), seconds];
        self.start(&words, &[port.to_string()]);
    }

    /// Serves ports without nodes behind them.
    pub fn sink(&mut self, time: Duration, ports: &[SocketAddr]) {
        let words = ["sink".to_owned(), time.as_secs().to_string()];
        let ports: Vec<String> = ports.iter().map(SocketAddr::to_string).collect();
        self.start(&words, &ports);
    }

    /// Lets a member flood its node, or a sink.
    pub fn flood(
        &mut self,
        cluster: &Cluster,
        member: usize,
        connections: usize,
        time: Duration,
        sink: Option<SocketAddr>,
    ) {
        let mut member = Member::of(cluster, member);
        let what = match sink {
            Some(sink) => {
                member.node = sink;
                "flood-sink"
            }
            None => "flood",
        };
        let (connections, seconds) = (connections.to_string(), time.as_secs().to_string());
        self.start(&[what.to_owned(), connections, seconds], &member.words());
    }

    fn start(&mut self, words: &[String], more: &[String]) {
        let child = Command::new("nice")
            .args(["-n", &self.rank.to_string()])
            .arg(crate::cluster::binary("attack"))
            .args(words)
            .args(more)
            .stdout(Stdio::piped())
            .spawn();
        self.children
            .push(child.expect("attack is built, and nice is there"));
    }

    /// Seconds of processor time that they have taken so far.
    pub fn cpu_s(&self) -> f64 {
        let used = self.children.iter().map(|child| cpu_s(child.id()));
        used.sum()
    }

    /// What each said at its end, for which it is waited.
    pub fn said(mut self) -> Vec<String> {
        let children = std::mem::take(&mut self.children);
        let outputs = children.into_iter().map(Child::wait_with_output);
        let said = outputs.map(|output| output.map(|output| output.stdout).unwrap_or_default());
        said.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .collect()
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Seconds of processor time that a process has taken so far; none once it has gone.
pub fn cpu_s(process: u32) -> f64 {
    // proc(5): after the name in parentheses, the 12th and 13th field count ticks of a hundredth of a second.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields = after.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Seconds of processor time that the nodes have taken so far.
pub fn nodes_cpu_s(cluster: &Cluster) -> f64 {
    let all = (0..cluster.size()).filter_map(|node| cluster.process_id(node));
    all.map(cpu_s).sum()
}

/// The most memory that a node's process has held so far, MiB.
pub fn peak_memory(cluster: &Cluster, node: usize) -> Option<u64> {
    let process = cluster.process_id(node)?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Nodes that don't run.
pub fn stopped(cluster: &mut Cluster) -> usize {
    (0..cluster.size())
        .filter(|node| !cluster.is_running(*node))
        .count()
}
