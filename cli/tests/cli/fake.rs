//! A ledger service over an in-memory chain. Each submission becomes a block at once. Tests may
//! bend its answers on their way out.

pub mod faults;
mod service;
mod world;

use std::any::Any;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use clap::Parser;
use touchstone_cli::output::Output;
use touchstone_cli::{Cli, run};
use touchstone_proto::node::ledger_server::LedgerServer;

use faults::Faults;
use service::Service;
pub use world::{FOUNDERS, GENESIS_MS, World, founder, key, let_time_pass, now_ms};

/// A served world, and a folder for the client's files.
pub struct Served {
    world: Arc<Mutex<World>>,
    url: String,
    /// Seconds that clients wait for an answer.
    timeout: &'static str,
    pub faults: Arc<Faults>,
    pub folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What a run of the command gave.
#[derive(Debug)]
pub struct Ran {
    pub code: u8,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Vec<serde_json::Value> {
        let lines = self.out.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

#[derive(Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a file that its owner alone may read, as a secret must be.
pub fn write_private(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    permit(path, 0o600);
}

/// Sets a file's permissions.
pub fn permit(path: impl AsRef<Path>, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).unwrap();
}

/// Runs a command that needs no node.
pub async fn touchstone(arguments: &[&str]) -> Ran {
    let cli = Cli::try_parse_from([&["touchstone"], arguments].concat()).unwrap();
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut output = Output::to(
        cli.options.json,
        Box::new(out.clone()),
        Box::new(err.clone()),
        now_ms,
    );
    let code = run(cli, &mut output).await;
    Ran {
        code,
        out: out.text(),
        err: err.text(),
    }
}

impl Served {
    pub async fn start() -> Served {
        Served::start_with(false).await
    }

    /// Behind a line that breaks where the test plans it; its clients wait a second for an answer.
    pub async fn start_on_a_bad_line() -> Served {
        Served::start_with(true).await
    }

    async fn start_with(bad_line: bool) -> Served {
        let world = Arc::new(Mutex::new(World::new()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("genesis.json"),
            &world.lock().unwrap().genesis_bytes,
        )
        .unwrap();
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        for (id, _, _, seed) in FOUNDERS {
            let pem = touchstone_cli::keyfile::to_pem(&key(seed), None).unwrap();
            let file = folder.path().join(format!("{id}.pem"));
            touchstone_cli::keyfile::write_secret(&file, pem.as_bytes(), false).unwrap();
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        if bad_line {
            address = faults.proxy(address).await;
        }
        let incoming = futures::stream::unfold(listener, |listener| async {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            Some((accepted, listener))
        });
        let service = Service(world.clone(), faults.clone());
        let server = tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(LedgerServer::new(service))
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        Served {
            world,
            url: format!("http://{address}"),
            timeout: if bad_line { "1" } else { "5" },
            faults,
            folder,
            server,
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        write_private(&path, content);
        path.display().to_string()
    }

    /// The options that lead to this node.
    pub fn options(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        ["--node", &self.url, "--timeout", self.timeout, "--genesis"]
            .map(str::to_owned)
            .into_iter()
            .chain([path("genesis.json"), "--config".into(), path("config.toml")])
            .chain(["--cache".into(), path("cache")])
            // The fake's blocks are 49 minutes old.
            .chain(["--max-age".into(), "86400".into()])
            .collect()
    }

    /// Runs a command against this node; its own options come before the usual ones.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let options = self.options();
        let mut all: Vec<&str> = arguments.to_vec();
        for option in options.chunks(2) {
            if !arguments.contains(&option[0].as_str()) {
                all.extend(option.iter().map(String::as_str));
            }
        }
        touchstone(&all).await
    }

    /// The same, signed by an organisation.
    pub async fn run_as(&self, organisation: &str, arguments: &[&str]) -> Ran {
        let key = self.path(&format!("{organisation}.pem"));
        let signing = [
            "--organisation",
            organisation,
            "--key",
            key.to_str().unwrap(),
        ];
        self.run(&[arguments, &signing].concat()).await
    }

    /// Bends every answer of type `T`.
    pub fn tamper<T: 'static>(&self, bend: impl Fn(&mut T) + Send + Sync + 'static) {
        self.world().tamper = Some(Arc::new(move |reply: &mut dyn Any| {
            if let Some(reply) = reply.downcast_mut::<T>() {
                bend(reply);
            }
        }));
    }
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// What other programs make of a PDF: qpdf finds its structure right, and poppler gives its text, in
/// lines.
pub fn text_of(pdf: &str) -> String {
    let run = |program: &str, arguments: &[&str]| {
        let ran = std::process::Command::new(program)
            .args(arguments)
            .output()
            .unwrap_or_else(|e| panic!("{program}: {e}; scripts/lib/setup.sh installs it"));
        assert!(ran.status.success(), "{program}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    run("qpdf", &["--check", pdf]);
    run("pdftotext", &["-layout", pdf, "-"])
}
