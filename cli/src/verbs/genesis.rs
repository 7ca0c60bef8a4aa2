//! `touchstone genesis`: the ceremony. Each founder writes down its public part; anyone puts the
//! parts together and gets the same file, whose SHA-256 is the chain's id.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use multiaddr::{Multiaddr, Protocol};
use serde_json::json;
use touchstone_core::genesis::{
    self, Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters,
};
use touchstone_core::governance::parameters::DEFAULT_LIFETIME_MS;
use touchstone_core::governance::{organisation as rules, role};
use touchstone_proto::ledger::Role;

mod page;

use super::keys::moment;
use crate::failure::Failure;
use crate::file;
use crate::fingerprint::words;
use crate::json_file::{self, bad};
use crate::keyfile::{self, Passphrase};
use crate::messages::Language;
use crate::output::{Output, plain, utc, validator_json};
use crate::say;

/// A contribution has no more bytes.
const MAX_CONTRIBUTION_BYTES: u64 = 1 << 20;
/// 2000-01-01T00:00:00Z in milliseconds. No chain is older; as seconds, it is beyond the year 31000.
const YEAR_2000_MS: u64 = 946_684_800_000;

/// Found a chain: contributions, the genesis document, and what it says
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Write an organisation's public part
    #[command(after_help = "Example:
  touchstone genesis contribute --id acme --name 'Acme Logistics' --role logistics \\
    --key acme.pem --node-network-key node.pem --node-address /ip4/192.0.2.7/tcp/26600 \\
    --validator-key validator.pem --out acme.json

The n-th --node-address and --validator-key belong to the n-th --node-network-key. Several
addresses of one node are separated by commas; '-' as a validator key means none.")]
    Contribute(Contribute),
    /// Put contributions together
    #[command(after_help = "Example:
  touchstone genesis assemble --chain touchstone-1 --time 2026-01-01T00:00:00Z *.json

The same contributions in any order, with the same name, time and parameters, give the same bytes,
so each founder can assemble the document and compare the chain id.")]
    Assemble(Assemble),
    /// Print what a genesis document says
    #[command(after_help = "Example:
  touchstone genesis show genesis.json")]
    Show(Show),
    /// Write the chain's id as a page to publish, with words to read it out by
    #[command(after_help = "Example:
  touchstone genesis page genesis.json -o chain.pdf

Print it, have the founders sign it, and put it where courts and users find it: it is what an
evidence file's chain is compared with. A node answers with the same id at
/.well-known/touchstone-chain, by its own word.")]
    Page(page::Page),
}

/// Arguments of `genesis contribute`.
#[derive(clap::Args, Debug)]
pub struct Contribute {
    /// Lower-case letters, digits and hyphens
    #[arg(long)]
    pub id: String,
    /// Name for people
    #[arg(long)]
    pub name: String,
    /// platform, logistics, manufacturer, ip-office, court, designer, customs, inspection, laboratory, retail or
    /// assistance
    #[arg(long = "role", required = true, value_name = "ROLE", value_parser = known_role)]
    pub roles: Vec<String>,
    /// Signing key: a PEM file or 64 hex digits
    #[arg(long = "key", required = true, value_name = "FILE|HEX")]
    pub keys: Vec<String>,
    /// GS1 company prefix
    #[arg(long = "gs1-prefix", value_name = "DIGITS")]
    pub gs1_prefixes: Vec<String>,
    /// Network key of a node: a PEM file or 64 hex digits
    #[arg(long = "node-network-key", value_name = "FILE|HEX")]
    pub node_network_keys: Vec<String>,
    /// Where the node listens, as multiaddresses
    #[arg(long = "node-address", value_name = "MULTIADDR,…")]
    pub node_addresses: Vec<String>,
    /// The key by which the node votes: a PEM file, 64 hex digits, or '-' for none
    #[arg(long = "validator-key", value_name = "FILE|HEX|-")]
    pub validator_keys: Vec<String>,
    /// Voting power of each validator
    #[arg(long)]
    pub power: Option<u64>,
    /// File to write
    #[arg(long, default_value = "contribution.json", value_name = "FILE")]
    pub out: PathBuf,
    /// How keys are unlocked
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// Arguments of `genesis assemble`.
#[derive(clap::Args, Debug)]
pub struct Assemble {
    /// The chain's name
    #[arg(long)]
    pub chain: String,
    /// Genesis time that the founders agreed on: RFC 3339, or milliseconds since 1970-01-01T00:00:00Z;
    /// 'now' for a trial that one person holds alone
    #[arg(long, value_name = "TIME")]
    pub time: String,
    /// Rules for every validator
    #[command(flatten)]
    pub parameters: ParameterArguments,
    /// Contributions, in any order
    #[arg(required = true, value_name = "CONTRIBUTION")]
    pub contributions: Vec<PathBuf>,
    /// File to write
    #[arg(long, default_value = "genesis.json", value_name = "FILE")]
    pub out: PathBuf,
}

/// The chain's parameters, each with its default.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Parameters")]
pub struct ParameterArguments {
    /// By how much validators' clocks may differ, milliseconds
    #[arg(long, default_value_t = Parameters::default().precision_ms)]
    pub precision_ms: u64,
    /// How long a message may take between validators, milliseconds
    #[arg(long, default_value_t = Parameters::default().message_delay_ms)]
    pub message_delay_ms: u64,
    /// Bytes of a block's transactions
    #[arg(long, default_value_t = Parameters::default().max_block_bytes)]
    pub max_block_bytes: u64,
    /// Transactions of a block
    #[arg(long, default_value_t = Parameters::default().max_block_transactions)]
    pub max_block_transactions: u64,
    /// Bytes of a transaction
    #[arg(long, default_value_t = Parameters::default().max_transaction_bytes)]
    pub max_transaction_bytes: u64,
    /// Events of a transaction
    #[arg(long, default_value_t = Parameters::default().max_events_per_transaction)]
    pub max_events_per_transaction: u64,
    /// How long a block takes a transaction after it was signed, milliseconds
    #[arg(long, default_value_t = DEFAULT_LIFETIME_MS)]
    pub transaction_lifetime_ms: u64,
}

impl ParameterArguments {
    fn parameters(&self) -> Parameters {
        Parameters {
            precision_ms: self.precision_ms,
            message_delay_ms: self.message_delay_ms,
            max_block_bytes: self.max_block_bytes,
            max_block_transactions: self.max_block_transactions,
            max_transaction_bytes: self.max_transaction_bytes,
            max_events_per_transaction: self.max_events_per_transaction,
            transaction_lifetime_ms: Some(self.transaction_lifetime_ms),
        }
    }
}

/// Arguments of `genesis show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The genesis document
    pub file: PathBuf,
}

/// Runs the verb.
pub fn run(verb: &Verb, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Contribute(arguments) => write_contribution(arguments, output),
        Verb::Assemble(arguments) => write_genesis(arguments, output),
        Verb::Show(show) => {
            print(&read_genesis(&show.file)?, output);
            Ok(())
        }
        Verb::Page(arguments) => page::run(arguments, output),
    }
}

fn read_genesis(path: &Path) -> Result<Genesis, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    Genesis::read(&bytes).map_err(|e| bad(e, path))
}

fn write_contribution(arguments: &Contribute, output: &mut Output) -> Result<(), Failure> {
    let public = contribution(arguments)?;
    check(&public, &arguments.out)?;
    let mut text = serde_json::to_string_pretty(&public)
        .map_err(|e| Failure::Usage(format!("contribution: {e}")))?;
    text.push('\n');
    write_new(&arguments.out, text.as_bytes())?;
    if output.json {
        output.value(&json!({"written": arguments.out, "organisation": public.id}));
    } else {
        output.line(format!(
            "{}: the public part of {} ({}); no secret is in it",
            arguments.out.display(),
            plain(&public.name),
            public.id
        ));
    }
    Ok(())
}

fn contribution(arguments: &Contribute) -> Result<Organisation, Failure> {
    let key = |text: &String| keyfile::public_key(text, &arguments.passphrase).map(hex::encode);
    let count = arguments.node_network_keys.len();
    for (flag, given) in [
        ("--node-address", arguments.node_addresses.len()),
        ("--validator-key", arguments.validator_keys.len()),
    ] {
        if given > count {
            return Err(Failure::Usage(format!(
                "more {flag} than --node-network-key: each belongs to a node"
            )));
        }
    }
    let mut nodes = Vec::with_capacity(count);
    for (i, network_key) in arguments.node_network_keys.iter().enumerate() {
        let addresses = arguments.node_addresses.get(i);
        let validator_key = arguments.validator_keys.get(i).filter(|k| *k != "-");
        nodes.push(NodeKeys {
            network_key: key(network_key)?,
            addresses: addresses
                .iter()
                .flat_map(|list| list.split(','))
                .map(str::to_owned)
                .collect(),
            power: validator_key.and(arguments.power),
            validator_key: validator_key.map(key).transpose()?,
        });
    }
    Ok(Organisation {
        id: arguments.id.clone(),
        name: arguments.name.clone(),
        roles: arguments.roles.clone(),
        keys: arguments.keys.iter().map(key).collect::<Result<_, _>>()?,
        gs1_prefixes: arguments.gs1_prefixes.clone(),
        nodes,
    })
}

/// Reads and checks a contribution.
pub fn read_contribution(path: &Path) -> Result<Organisation, Failure> {
    let refused = |why| bad(format!("not a contribution: {why}"), path);
    let (_, public) = json_file::read::<Organisation>(path, MAX_CONTRIBUTION_BYTES, refused)?;
    check(&public, path)?;
    Ok(public)
}

/// A default of "now" would give each founder another chain id, so the time is always named.
fn genesis_time_ms(text: &str, now_ms: u64) -> Result<u64, Failure> {
    if text == "now" {
        return Ok(now_ms);
    }
    match text.parse::<u64>() {
        Ok(milliseconds) if milliseconds < YEAR_2000_MS => Err(Failure::Usage(format!(
            "{text} is before the year 2000; write milliseconds, not seconds, or a time like 2026-03-01T08:00:00Z"
        ))),
        Ok(milliseconds) => Ok(milliseconds),
        Err(_) => moment(text),
    }
}

/// Nodes are reached over TCP by address or name; what the network can't dial is refused here.
fn check_address(text: &str) -> Result<(), String> {
    let address: Multiaddr = text.parse().map_err(|e| format!("{text:?}: {e}"))?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts.as_slice() {
        [
            Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_),
            Protocol::Tcp(port),
        ] if *port != 0 => Ok(()),
        _ => Err(format!(
            "{text:?} is no address of a node: write /ip4/192.0.2.7/tcp/26656, /ip6/…/tcp/26656 or \
             /dns/node.example.org/tcp/26656"
        )),
    }
}

fn check(public: &Organisation, path: &Path) -> Result<(), Failure> {
    let record = genesis::organisation(public).map_err(|e| bad(e, path))?;
    for address in public.nodes.iter().flat_map(|node| &node.addresses) {
        check_address(address).map_err(|e| bad(e, path))?;
    }
    rules::check(&record).map_err(|e| bad(e, path))
}

fn write_genesis(arguments: &Assemble, output: &mut Output) -> Result<(), Failure> {
    let mut organisations: BTreeMap<String, (Organisation, &Path)> = BTreeMap::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for path in &arguments.contributions {
        let public = read_contribution(path)?;
        if let Some((_, first)) = organisations.get(&public.id) {
            return Err(Failure::Usage(format!(
                "{} and {} are both of organisation {:?}; keep one",
                first.display(),
                path.display(),
                public.id
            )));
        }
        refuse_shared_keys(&public, &mut keys)?;
        organisations.insert(public.id.clone(), (public, path));
    }
    let document = Document {
        format: FORMAT.to_owned(),
        chain: arguments.chain.clone(),
        time_ms: genesis_time_ms(&arguments.time, output.now_ms())?,
        parameters: arguments.parameters.parameters(),
        organisations: organisations
            .into_values()
            .map(|(public, _)| sorted(public))
            .collect(),
    };
    let bytes = document.to_bytes();
    let genesis =
        Genesis::read(&bytes).map_err(|e| Failure::Usage(format!("no chain from this: {e}")))?;
    write_new(&arguments.out, &bytes)?;
    print(&genesis, output);
    output.remark(format!(
        "{} is the root of trust: every founder compares the chain id, which is also what \
         sha256sum prints for it",
        arguments.out.display()
    ));
    Ok(())
}

/// A key serves one purpose of one organisation: shared, it would speak for two.
fn refuse_shared_keys(
    public: &Organisation,
    keys: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let id = &public.id;
    let nodes = &public.nodes;
    let signing = public.keys.iter();
    let signing = signing.map(|key| (key, format!("signing key of {id:?}")));
    let network = nodes.iter().map(|node| &node.network_key);
    let network = network.map(|key| (key, format!("network key of {id:?}")));
    let validators = nodes.iter().filter_map(|node| node.validator_key.as_ref());
    let validators = validators.map(|key| (key, format!("validator key of {id:?}")));
    for (key, owner) in signing.chain(network).chain(validators) {
        if let Some(first) = keys.insert(key.clone(), owner.clone()) {
            return Err(Failure::Usage(format!(
                "key {key} is the {first} and the {owner}; make another with `touchstone key new`"
            )));
        }
    }
    Ok(())
}

/// The order of lists in a contribution must not change the document.
fn sorted(mut public: Organisation) -> Organisation {
    public.roles.sort();
    public.keys.sort();
    public.gs1_prefixes.sort();
    public
        .nodes
        .sort_by(|a, b| a.network_key.cmp(&b.network_key));
    public
}

/// Writes a file whole or not at all: half of one would stand in the next run's way. What the founders have compared
/// isn't overwritten.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    match path.exists() {
        true => Err(Failure::io(
            "writing",
            path,
            &ErrorKind::AlreadyExists.into(),
        )),
        false => file::write(path, bytes),
    }
}

fn print(genesis: &Genesis, output: &mut Output) {
    let total = genesis.validators.total_power();
    let needed = total * 2 / 3 + 1;
    let document = &genesis.document;
    if output.json {
        output.value(&json!({
            "chain": document.chain,
            "chain_id": hex::encode(genesis.chain_id),
            "words": words(Language::English, &genesis.chain_id),
            "time_ms": document.time_ms,
            "organisations": document.organisations,
            "validators": genesis.validators.iter().map(validator_json).collect::<Vec<_>>(),
            "total_power": total,
            "needed_power": needed,
        }));
        return;
    }
    output.line(format!("Chain       {}", plain(&document.chain)));
    output.line(format!("Chain id    {}", hex::encode(genesis.chain_id)));
    let language = output.language;
    let spoken = words(language, &genesis.chain_id);
    output.line(say!(
        language,
        "in words    {words}",
        words = spoken.join(" ")
    ));
    output.line(format!("Time        {}", utc(document.time_ms)));
    for public in &document.organisations {
        output.line(format!(
            "Founder     {} ({}): {}",
            plain(&public.name),
            public.id,
            public.roles.join(", ")
        ));
    }
    for validator in genesis.validators.iter() {
        output.line(format!(
            "Validator   {} power {} of {}",
            hex::encode(validator.public_key),
            validator.power,
            validator.organisation
        ));
    }
    output.line(format!(
        "Threshold   {needed} of {total} voting power decides a block or a change; up to {} may fail",
        total - needed
    ));
}

/// A role's name; another one is told with those that there are.
fn known_role(name: &str) -> Result<String, String> {
    if role::named(name).is_some() {
        return Ok(name.to_owned());
    }
    let all = (1..).map_while(|number| Role::try_from(number).ok());
    let all: Vec<&str> = all.map(role::name).collect();
    Err(format!("no such role; there are {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_no_time_of_a_chain() {
        let read = |text: &str| genesis_time_ms(text, 7).ok();
        assert_eq!(read("now"), Some(7));
        assert_eq!(read("1767225600000"), Some(1_767_225_600_000));
        assert_eq!(read("2026-01-01T00:00:00Z"), Some(1_767_225_600_000));
        assert_eq!(read("1767225600"), None);
    }

    /// A disk that is full keeps no half, and what is there stays.
    #[test]
    fn a_document_is_written_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genesis.json");
        write_new(&path, b"whole").unwrap();
        assert!(write_new(&path, b"another").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert!(write_new(&folder.path().join("none/genesis.json"), b"").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
