//! PostgreSQL with three synchronous standbys, any two of which have applied a transaction before it is answered: what
//! an organisation would run that trusts its own database. Documents and a signature of each transaction are the
//! ledger's; the client's process checks the signature.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ed25519_dalek::SigningKey;
use tempfile::TempDir;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls};
use touchstone_core::signing::{self, Purpose};

use super::latency::Latencies;
use super::reads::{self, Answers};
use crate::load;

/// Standbys.
const STANDBYS: usize = 3;
/// The account that serves where the bench runs as root, which PostgreSQL refuses.
const ACCOUNT: &str = "postgres";
/// The chain of the signatures.
const CHAIN: [u8; 32] = [1; 32];

/// A primary and its standbys, running. Dropping it stops them.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    ports: Vec<u16>,
    is_root: bool,
}

/// A signed transaction: the things that its events are about, and the events.
struct Signed {
    items: Vec<String>,
    documents: Vec<Vec<u8>>,
    signed: Vec<u8>,
    signature: [u8; 64],
}

/// What a load gave.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Committed in a second.
    pub transactions_per_second: f64,
    /// From the check of the signature to the commit's answer.
    pub latencies: Latencies,
}

impl Postgres {
    /// Creates and starts all four.
    pub fn start() -> Postgres {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let is_root = std::fs::metadata("/proc/self").expect("Linux").uid() == 0;
        if is_root {
            let id = |flag| -> u32 {
                let output = Command::new("id").args([flag, ACCOUNT]).output();
                let output = output.expect("id runs").stdout;
                let text = String::from_utf8_lossy(&output);
                text.trim().parse().expect("the account postgres exists")
            };
            chown(folder.path(), Some(id("-u")), Some(id("-g"))).expect("root may");
        }
        let listeners: Vec<TcpListener> = (0..=STANDBYS)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free"))
            .collect();
        let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        let ports = listeners.iter().map(port).collect();
        drop(listeners);
        let postgres = Postgres {
            programs: programs(),
            folder,
            ports,
            is_root,
        };
        postgres.make_primary();
        for number in 1..=STANDBYS {
            postgres.make_standby(number);
        }
        postgres
    }

    fn make_primary(&self) {
        let data = self.data(0);
        self.run(
            "initdb",
            &[
                "-A",
                "trust",
                "-U",
                ACCOUNT,
                "-E",
                "UTF8",
                "--no-locale",
                "-D",
                &data,
            ],
        );
        let names: Vec<String> = (1..=STANDBYS).map(name).collect();
        // Everything that isn't the default: who is waited for, and room for the connections and the data.
        let settings = format!(
            "synchronous_commit = remote_apply\nsynchronous_standby_names = 'ANY 2 ({})'\n\
             max_connections = 200\nmax_wal_senders = 10\nshared_buffers = '256MB'\n\
             max_wal_size = '4GB'\nlisten_addresses = ''\nunix_socket_directories = '{}'\n",
            names.join(", "),
            self.folder.path().display()
        );
        self.serve(0, &settings);
    }

    fn make_standby(&self, number: usize) {
        let data = self.data(number);
        let (host, port) = (
            self.folder.path().display().to_string(),
            self.ports[0].to_string(),
        );
        let from = ["-h", &host, "-p", &port, "-U", ACCOUNT];
        self.run(
            "pg_basebackup",
            &[&from[..], &["-c", "fast", "-R", "-D", &data]].concat(),
        );
        let settings = format!(
            "primary_conninfo = 'host={host} port={port} user={ACCOUNT} application_name={}'\n",
            name(number)
        );
        self.serve(number, &settings);
    }

    fn serve(&self, number: usize, settings: &str) {
        let data = self.data(number);
        let path = Path::new(&data).join("postgresql.auto.conf");
        let mut config = std::fs::read_to_string(&path).unwrap_or_default();
        config.push_str(&format!("{settings}port = {}\n", self.ports[number]));
        std::fs::write(&path, config).expect("the folder is ours");
        let log = format!("{data}.log");
        self.run("pg_ctl", &["-w", "-D", &data, "-l", &log, "start"]);
    }

    fn data(&self, number: usize) -> String {
        self.folder.path().join(name(number)).display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let has_succeeded = self.try_run(program, arguments);
        assert!(
            has_succeeded,
            "{program} {arguments:?} in {:?}",
            self.folder
        );
    }

    fn try_run(&self, program: &str, arguments: &[&str]) -> bool {
        let path = self.programs.join(program);
        let mut command = match self.is_root {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", ACCOUNT, "--"]).arg(path);
                command
            }
            false => Command::new(path),
        };
        let status = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    async fn connect(&self) -> Client {
        let mut config = Config::new();
        config
            .host_path(self.folder.path())
            .port(self.ports[0])
            .user(ACCOUNT)
            .dbname("postgres");
        let (client, connection) = config.connect(NoTls).await.expect("the primary listens");
        tokio::spawn(connection);
        client
    }

    /// Creates the table, empty.
    pub async fn create_table(&self) {
        let client = self.connect().await;
        let sql = "DROP TABLE IF EXISTS events; \
                   CREATE TABLE events (id bigserial PRIMARY KEY, item text NOT NULL, \
                   signature bytea NOT NULL, document bytea NOT NULL); \
                   CREATE INDEX ON events (item, id)";
        client
            .batch_execute(sql)
            .await
            .expect("the table is created");
    }

    /// Writes transactions of so many events each over so many connections.
    pub async fn submit(&self, transactions: usize, events: usize, connections: usize) -> Measured {
        let key = SigningKey::from_bytes(&[9; 32]);
        let public = key.verifying_key().to_bytes();
        let signed: Vec<Signed> = (0..transactions)
            .map(|number| Signed::new(&key, number * events, events))
            .collect();
        let signed = Arc::new(signed);
        let next = Arc::new(AtomicUsize::new(0));
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(self.connect().await);
        }
        let start = Instant::now();
        let mut tasks = Vec::new();
        for client in clients {
            let (signed, next) = (signed.clone(), next.clone());
            tasks.push(tokio::spawn(async move {
                let sql = "INSERT INTO events (item, signature, document) \
                           SELECT item, $2, document FROM unnest($1::text[], $3::bytea[]) AS t (item, document)";
                let insert = client.prepare(sql).await.expect("the statement is right");
                let mut times_ms = Vec::new();
                while let Some(one) = signed.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = Instant::now();
                    assert!(one.holds(&public), "our own signature");
                    let signature = one.signature.as_slice();
                    let values: [&(dyn ToSql + Sync); 3] = [&one.items, &signature, &one.documents];
                    let written = client.execute(&insert, &values).await;
                    assert_eq!(written.expect("it commits"), one.items.len() as u64);
                    times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
                }
                times_ms
            }));
        }
        let mut times_ms = Vec::new();
        for task in tasks {
            times_ms.extend(task.await.expect("a client doesn't panic"));
        }
        Measured {
            transactions_per_second: transactions as f64 / start.elapsed().as_secs_f64(),
            latencies: Latencies::new(times_ms),
        }
    }
}

impl Postgres {
    /// Writes histories of so many items, as [`reads::envelopes`] does.
    pub async fn fill(&self, items: u64) {
        self.create_table().await;
        for _ in 0..reads::EVENTS {
            self.submit((items / 100) as usize, 100, 4).await;
        }
        let client = self.connect().await;
        let analysed = client.batch_execute("ANALYZE events").await;
        analysed.expect("the table is there");
    }

    /// Asks the primary for histories, of items here and there, so many neighbours in one question.
    pub async fn ask(&self, items: u64, histories: usize, together: u64) -> Answers {
        let next = Arc::new(AtomicUsize::new(0));
        let questions = (histories / together as usize).max(1);
        let start = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..reads::CLIENTS {
            let client = self.connect().await;
            let next = next.clone();
            tasks.push(tokio::spawn(async move {
                let sql = match together {
                    1 => "SELECT signature, document FROM events WHERE item = $1 ORDER BY id",
                    _ => {
                        "SELECT item, signature, document FROM events WHERE item = ANY($1) \
                          ORDER BY item, id"
                    }
                };
                let select = client.prepare(sql).await.expect("the statement is right");
                let mut times_ms = Vec::new();
                while let Some(group) = reads::draw(&next, questions, items / together) {
                    let first = group * together;
                    let names: Vec<String> = (first..first + together).map(load::unit).collect();
                    let begin = Instant::now();
                    let rows = match together {
                        1 => client.query(&select, &[&names[0]]).await,
                        _ => client.query(&select, &[&names]).await,
                    };
                    times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
                    let rows = rows.expect("it answers").len() as u64;
                    assert_eq!(rows, reads::EVENTS * together);
                }
                times_ms
            }));
        }
        reads::answers(start, tasks, together).await
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for number in (0..=STANDBYS).rev() {
            let data = self.data(number);
            if Path::new(&data).join("postmaster.pid").exists() {
                self.try_run("pg_ctl", &["-w", "-D", &data, "-m", "immediate", "stop"]);
            }
        }
    }
}

impl Signed {
    fn new(key: &SigningKey, first: usize, events: usize) -> Signed {
        let numbers = (first as u64..).take(events);
        let documents: Vec<Vec<u8>> = numbers.clone().map(load::event).collect();
        let signed = documents.concat();
        Signed {
            items: numbers.map(load::unit).collect(),
            documents,
            signature: signing::sign(key, Purpose::Transaction, &CHAIN, &signed),
            signed,
        }
    }

    fn holds(&self, public: &[u8; 32]) -> bool {
        let purpose = Purpose::Transaction;
        signing::verify(public, purpose, &CHAIN, &self.signed, &self.signature)
    }
}

fn name(number: usize) -> String {
    match number {
        0 => "primary".to_owned(),
        number => format!("standby{number}"),
    }
}

/// The newest version's folder of programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let versions =
        versions.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().expect("PostgreSQL is installed");
    PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"))
}
