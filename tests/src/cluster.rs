//! A consortium of real processes on loopback: one folder, one genesis, a node for each organisation.

mod clock;
pub mod links;

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use touchstone_core::genesis::{Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters};
use touchstone_proto::node::GetStatusRequest;
use touchstone_proto::node::ledger_client::LedgerClient;

use self::links::Weather;

/// How long a test waits for something that must happen before it gives up. No test asserts that
/// anything is fast.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The roles of the first organisations, as the import story needs them; further ones are logistics
/// firms.
const ROLES: [&[&str]; 4] = [
    &["platform", "manufacturer", "retail"],
    &["logistics"],
    &["logistics"],
    &["ip-office", "customs", "laboratory"],
];

/// How a cluster differs from the usual.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Organisations with a validator each.
    pub validators: usize,
    /// Nodes that follow without voting; they belong to an organisation of their own, a court.
    pub observers: usize,
    /// Consensus timing lines of every node's configuration.
    pub timing: String,
    /// Sections of every node's configuration that follow the timing, such as `[timestamps]`.
    pub sections: String,
    /// Chain parameters.
    pub parameters: Parameters,
    /// How long what nodes say to each other is under way, one way; needs a runtime for as long as they run.
    pub link_delay: Duration,
    /// Whether nodes reach each other through links that can be disturbed ([`Cluster::weather`]); needs a runtime, too.
    pub has_links: bool,
    /// The folder in which the cluster's lies; the system's for temporary files, if none.
    pub place: Option<PathBuf>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            validators: 4,
            observers: 0,
            timing: String::new(),
            sections: String::new(),
            parameters: Parameters::default(),
            link_delay: Duration::ZERO,
            has_links: false,
            place: None,
        }
    }
}

/// Running nodes and what tests need to talk to them. Dropping it kills them.
pub struct Cluster {
    /// The genesis that all share.
    pub genesis: Genesis,
    /// Signing key of each organisation, by its index.
    pub keys: Vec<SigningKey>,
    nodes: Vec<Node>,
    folder: TempDir,
    weather: Arc<Weather>,
}

struct Node {
    folder: PathBuf,
    rpc: SocketAddr,
    http: SocketAddr,
    peers: SocketAddr,
    process: Option<Child>,
}

impl Cluster {
    /// Holds the ceremony, creates the data folders and starts every node.
    pub fn start(plan: &Plan) -> Cluster {
        let mut cluster = Cluster::prepare(plan);
        for index in 0..cluster.nodes.len() {
            cluster.launch(index);
        }
        cluster
    }

    /// Holds the ceremony and creates the data folders.
    pub fn prepare(plan: &Plan) -> Cluster {
        let folder = match &plan.place {
            Some(place) => TempDir::new_in(place),
            None => TempDir::new(),
        };
        let folder = folder.expect("a temporary folder can be made");
        let weather = Arc::new(Weather::default());
        weather.delay(plan.link_delay);
        let has_links = plan.has_links || !plan.link_delay.is_zero();
        let count = plan.validators + plan.observers;
        let ports = free_ports(count * 4);
        let (peer_ports, ports) = ports.split_at(count);
        let (listening, ports) = match has_links {
            false => (peer_ports, &ports[count..]),
            true => ports.split_at(count),
        };
        for (at, to) in peer_ports.iter().zip(listening) {
            if at != to {
                let [at, to] = [at, to].map(|port| SocketAddr::from(([127, 0, 0, 1], *port)));
                links::serve(at, to, weather.clone());
            }
        }
        let (rpc_ports, http_ports) = ports.split_at(count);
        let keys: Vec<SigningKey> = (0..=plan.validators).map(|i| key(1, i)).collect();
        let node = |index: usize| NodeKeys {
            network_key: public(&key(2, index)),
            addresses: vec![format!("/ip4/127.0.0.1/tcp/{}", peer_ports[index])],
            validator_key: (index < plan.validators).then(|| public(&key(3, index))),
            power: None,
        };
        let mut organisations: Vec<Organisation> = (0..plan.validators)
            .map(|i| Organisation {
                id: organisation_id(i),
                name: format!("Organisation {i}"),
                roles: strings(ROLES.get(i).copied().unwrap_or(&["logistics"])),
                keys: vec![public(&keys[i])],
                gs1_prefixes: vec![],
                nodes: vec![node(i)],
            })
            .collect();
        if plan.observers > 0 {
            organisations.push(Organisation {
                id: "court".into(),
                name: "Court".into(),
                roles: vec!["court".into()],
                keys: vec![public(&keys[plan.validators])],
                gs1_prefixes: vec![],
                nodes: (plan.validators..count).map(node).collect(),
            });
        }
        let document = Document {
            format: FORMAT.into(),
            chain: "test".into(),
            time_ms: 1_700_000_000_000,
            parameters: plan.parameters.clone(),
            organisations,
        };
        let bytes = document.to_bytes();
        let genesis = Genesis::read(&bytes).expect("the test's genesis is valid");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).expect("the folder is writable");
            // A client refuses keys that others may read.
            fs::set_permissions(&path, Permissions::from_mode(0o600))
                .expect("it is the test's own");
        };
        write("genesis.json", &bytes);
        for (organisation, key) in document.organisations.iter().zip(&keys) {
            write(&format!("{}.pem", organisation.id), pem(key).as_bytes());
        }
        let nodes = (0..count)
            .map(|index| {
                let rpc = SocketAddr::from(([127, 0, 0, 1], rpc_ports[index]));
                let http = SocketAddr::from(([127, 0, 0, 1], http_ports[index]));
                let node = Node {
                    folder: folder.path().join(format!("node-{index}")),
                    rpc,
                    http,
                    peers: SocketAddr::from(([127, 0, 0, 1], listening[index])),
                    process: None,
                };
                node.write(
                    &key(2, index),
                    (index < plan.validators).then(|| key(3, index)).as_ref(),
                    listening[index],
                    &format!("[consensus]\n{}\n{}", plan.timing, plan.sections),
                );
                node.command("init", &["--new-key"]);
                node
            })
            .collect();
        Cluster {
            genesis,
            keys,
            nodes,
            folder,
            weather,
        }
    }

    /// How the links between nodes are; of effect where the plan has links.
    pub fn weather(&self) -> &Weather {
        &self.weather
    }

    /// Number of nodes.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A node's folder.
    pub fn node_folder(&self, index: usize) -> &Path {
        &self.nodes[index].folder
    }

    /// The genesis document's file.
    pub fn genesis_file(&self) -> PathBuf {
        self.folder().join("genesis.json")
    }

    /// The file of an organisation's first signing key.
    pub fn signing_key_file(&self, index: usize) -> PathBuf {
        let id = &self.genesis.document.organisations[index].id;
        self.folder().join(format!("{id}.pem"))
    }

    /// Lets a node that isn't running vote by the key in this file from its next start on.
    pub fn vote_by(&mut self, index: usize, key: &Path) {
        let node = &self.nodes[index];
        assert!(node.process.is_none(), "node {index} still runs");
        let path = node.folder.join("node.toml");
        let config = fs::read_to_string(&path).expect("the configuration is readable");
        let line = |line: &str| match line.starts_with("validator_key") {
            true => format!("validator_key = {key:?}\nvalidator_candidate = true\n"),
            false => format!("{line}\n"),
        };
        let config: String = config
            .lines()
            .filter(|line| !line.starts_with("validator_candidate"))
            .map(line)
            .collect();
        fs::write(&path, config).expect("the folder is writable");
    }

    /// Lets a node that isn't running vote by the key in this file once that takes the place of its own.
    pub fn vote_next_by(&mut self, index: usize, key: &Path) {
        self.set(index, &format!("next_validator_key = {key:?}"));
    }

    /// Adds a line to the configuration of a node that isn't running, before its first section.
    pub fn set(&mut self, index: usize, line: &str) {
        let node = &self.nodes[index];
        assert!(node.process.is_none(), "node {index} still runs");
        let path = node.folder.join("node.toml");
        let config = fs::read_to_string(&path).expect("the configuration is readable");
        fs::write(&path, format!("{line}\n{config}")).expect("the folder is writable");
    }

    /// A node's service, as a URL.
    pub fn url(&self, index: usize) -> String {
        format!("http://{}", self.nodes[index].rpc)
    }

    /// Where a node serves gRPC.
    pub fn rpc(&self, index: usize) -> SocketAddr {
        self.nodes[index].rpc
    }

    /// Where a node hears its peers.
    pub fn peers(&self, index: usize) -> SocketAddr {
        self.nodes[index].peers
    }

    /// Where a node serves EPCIS over HTTP.
    pub fn http(&self, index: usize) -> SocketAddr {
        self.nodes[index].http
    }

    /// Starts a node that isn't running.
    pub fn launch(&mut self, index: usize) {
        self.launch_under(index, &[]);
    }

    /// The same under a program that becomes the node, such as `faketime`, with its arguments.
    pub fn launch_under(&mut self, index: usize, wrapper: &[&str]) {
        let node = &mut self.nodes[index];
        assert!(node.process.is_none(), "node {index} runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(node.folder.join("log"))
            .expect("the node's folder is writable");
        let mut command = match wrapper {
            [] => Command::new(binary("touchstone-node")),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary("touchstone-node"));
                command
            }
        };
        let child = command
            .arg("run")
            .arg("--config")
            .arg(node.folder.join("node.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("touchstone-node is built (scripts/test builds it first)");
        node.process = Some(child);
    }

    /// Kills a node as a power cut would (SIGKILL).
    pub fn kill(&mut self, index: usize) {
        if let Some(mut child) = self.nodes[index].process.take() {
            child.kill().expect("the test's own child can be killed");
            let status = child
                .wait()
                .expect("the test's own child can be waited for");
            assert_eq!(
                status.signal(),
                Some(9),
                "node {index} had ended by itself: {status}\n{}",
                self.log(index)
            );
        }
    }

    /// Ends a node that may have ended by itself; how it ended, if it was started.
    pub fn end(&mut self, index: usize) -> Option<ExitStatus> {
        let mut child = self.nodes[index].process.take()?;
        // It may be gone already.
        let _ = child.kill();
        child.wait().ok()
    }

    /// Sends a node a signal by its name.
    pub fn signal(&self, index: usize, name: &str) {
        if let Some(id) = self.process_id(index) {
            let sent = Command::new("kill")
                .arg(format!("-{name}"))
                .arg(id.to_string())
                .status();
            assert!(
                sent.is_ok_and(|status| status.success()),
                "a signal can be sent"
            );
        }
    }

    /// Asks a node to stop (SIGTERM) and waits; whether it stopped cleanly.
    pub fn stop(&mut self, index: usize) -> bool {
        let Some(mut child) = self.nodes[index].process.take() else {
            return false;
        };
        let id = child.id().to_string();
        let sent = Command::new("kill").arg("-TERM").arg(id).status();
        assert!(sent.is_ok_and(|s| s.success()), "SIGTERM can be sent");
        child
            .wait()
            .expect("the test's own child can be waited for")
            .success()
    }

    /// Waits for a node that was asked to stop otherwise; whether it stopped cleanly.
    pub fn has_stopped(&mut self, index: usize) -> bool {
        let child = self.nodes[index].process.take();
        child.is_some_and(|mut child| {
            let ended = child.wait();
            ended
                .expect("the test's own child can be waited for")
                .success()
        })
    }

    /// Whether a node's process is alive.
    pub fn is_running(&mut self, index: usize) -> bool {
        match &mut self.nodes[index].process {
            None => false,
            Some(child) => matches!(child.try_wait(), Ok(None)),
        }
    }

    /// A node's process id.
    pub fn process_id(&self, index: usize) -> Option<u32> {
        self.nodes[index].process.as_ref().map(Child::id)
    }

    /// The end of a node's log.
    pub fn log(&self, index: usize) -> String {
        let text = fs::read_to_string(self.nodes[index].folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A client of a node, once it answers.
    pub async fn client(&self, index: usize) -> LedgerClient<Channel> {
        let endpoint = Endpoint::from_shared(self.url(index)).expect("the URL is well-formed");
        let mut last_error = String::new();
        for _ in 0..PATIENCE.as_millis() / 50 {
            match endpoint.connect().await {
                Ok(channel) => {
                    let mut client = LedgerClient::new(channel)
                        .max_decoding_message_size(64 << 20)
                        .max_encoding_message_size(64 << 20);
                    if client.get_status(GetStatusRequest {}).await.is_ok() {
                        return client;
                    }
                }
                Err(error) => last_error = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "node {index} doesn't answer: {last_error}\n{}",
            self.log(index)
        );
    }

    /// Waits until a node has reached a height.
    pub async fn wait_for_height(&self, index: usize, height: u64) {
        let mut client = self.client(index).await;
        self.wait(index, "height", async || {
            client
                .get_status(GetStatusRequest {})
                .await
                .is_ok_and(|s| s.into_inner().height >= height)
        })
        .await;
    }

    /// Waits for something that must come true, with the node's log if it never does.
    pub async fn wait(&self, index: usize, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if condition().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "waited in vain for {what} at node {index}\n{}",
            self.log(index)
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            if let Some(mut child) = node.process.take() {
                // It may have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

impl Node {
    fn write(&self, network: &SigningKey, validator: Option<&SigningKey>, port: u16, rest: &str) {
        let write = |name: &str, text: &str| {
            let path = self.folder.join(name);
            fs::write(&path, text).expect("the folder is writable");
            // A node refuses keys that others may read.
            fs::set_permissions(&path, Permissions::from_mode(0o600))
                .expect("it is the test's own");
        };
        fs::create_dir_all(&self.folder).expect("the folder is writable");
        write("network.pem", &pem(network));
        let mut config = format!(
            "genesis = \"../genesis.json\"\ndata = \"data\"\nnetwork_key = \"network.pem\"\n\
             listen = [\"/ip4/127.0.0.1/tcp/{port}\"]\nrpc = \"{}\"\nhttp = \"{}\"\n",
            self.rpc, self.http
        );
        if let Some(key) = validator {
            write("validator.pem", &pem(key));
            config.push_str("validator_key = \"validator.pem\"\n");
        }
        config.push_str(rest);
        write("node.toml", &config);
    }

    fn command(&self, verb: &str, arguments: &[&str]) {
        let output = Command::new(binary("touchstone-node"))
            .arg(verb)
            .arg("--config")
            .arg(self.folder.join("node.toml"))
            .args(arguments)
            .output()
            .expect("touchstone-node is built (scripts/test builds it first)");
        assert!(
            output.status.success(),
            "{verb}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The id of an organisation by its index.
pub fn organisation_id(index: usize) -> String {
    format!("organisation-{index}")
}

/// A program of this workspace, next to the running test's folder.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let folder = test
        .ancestors()
        .find(|folder| folder.join(name).is_file())
        .unwrap_or(Path::new("."));
    folder.join(name)
}

/// A key that depends on its use and index only.
fn key(purpose: u8, index: usize) -> SigningKey {
    let mut seed = [purpose; 32];
    seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
    SigningKey::from_bytes(&seed)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn public(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

fn pem(key: &SigningKey) -> String {
    // Without the public key, as `touchstone key new` writes it: that is what OpenSSL reads.
    let pair = KeypairBytes {
        secret_key: key.to_bytes(),
        public_key: None,
    };
    pair.to_pkcs8_pem(LineEnding::LF)
        .expect("an Ed25519 key always encodes")
        .to_string()
}

/// Ports of loopback that nobody listens on. Each call gives others, though those of before aren't listened on yet.
///
/// # Panics
/// If there are none.
pub fn free_ports(count: usize) -> Vec<u16> {
    // Below the ports that the system gives to outgoing connections: one of those may be taken between
    // being found free and being used. Processes that run beside each other begin at different places.
    const PORTS: Range<u16> = 15_000..32_000;
    static NEXT: Mutex<Option<u16>> = Mutex::new(None);
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let own = PORTS.start + (std::process::id().wrapping_mul(97) % PORTS.len() as u32) as u16;
    let start = next.unwrap_or(own);
    let mut held = Vec::with_capacity(count);
    let mut candidates = (start..PORTS.end).chain(PORTS.start..start);
    while held.len() < count {
        let port = candidates.next().expect("loopback has free ports");
        held.extend(TcpListener::bind(("127.0.0.1", port)).map(|listener| (port, listener)));
    }
    *next = candidates.next();
    held.into_iter().map(|(port, _)| port).collect()
}
