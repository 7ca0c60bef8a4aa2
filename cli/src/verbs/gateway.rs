//! `touchstone gateway`: EPCIS over HTTP for an ERP beside it, signed with the organisation's key.

mod openings;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use touchstone_edge::Protocol;
use touchstone_edge::core_files;
use touchstone_edge::http::access::Access;
use touchstone_edge::tls::{Files, Tls};
use tracing_subscriber::EnvFilter;

use crate::capture::table::Mapping;
use crate::failure::Failure;
use crate::gateway::{Gateway, QuerySettings, webhooks};
use crate::keyfile;
use crate::output::Output;
use crate::settings::{Settings, Signing};

/// Take EPCIS documents over HTTP, sign their events and record them
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone gateway --organisation acme --key acme.pem
  curl -i -H 'Content-Type: application/ld+json' -d @shipments.json http://127.0.0.1:26670/capture
  curl http://127.0.0.1:26670/capture/0000019c2f6a1b00
  curl 'http://127.0.0.1:26670/recall?id=urn:epc:class:lgtin:9521234.050001.LOT-7'

It speaks the capture interface of EPCIS 2.0's REST binding: POST /capture answers 202 with the
address of a job, GET /capture/ID tells what became of each event. A document's events are one
transaction, recorded together or not at all; with GS1-Capture-Error-Behaviour: proceed each is one
of its own. An event whose exact bytes are recorded already is skipped. Jobs are kept in a folder,
and a gateway that was stopped goes on with them. Handovers, recalls, traces, products and
certificates have addresses too: GET /openapi.json describes all of it, docs/http.md explains it.

With --queries it answers queries for events too, from its node's HTTP interface, and takes
subscriptions: POST /queries/NAME/subscriptions has a server told that --destination lists.

It starts and takes documents while its node is away, and logs to standard error (RUST_LOG says how
much). Whoever may write acts in the organisation's name: beyond this machine it encrypts
(--serve-certificate) and asks for a token (--token-file) or for clients' certificates
(--serve-client-roots), and web pages may ask only where --origin lists them.

With --openings it records the opening of labels for people who type the code under a cover into the
page of a node that names this address (openings in node.toml): docs/verdicts.md.

Exit codes: 0 stopped by Ctrl-C; 1 wrong usage or a file fails.")]
pub struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:26670", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Folder of the jobs
    #[arg(long, default_value = "touchstone-gateway", value_name = "DIR")]
    pub jobs: PathBuf,
    /// Tables come with ?mapping=NAME, and this file tells what their columns mean
    #[arg(long = "mapping", value_name = "NAME=FILE")]
    pub mappings: Vec<String>,
    /// Folder of the receipts that certificates need
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub receipts: PathBuf,
    /// A name of this server that clients may ask for, besides its addresses and localhost
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// An origin of web pages that may ask, such as https://app.example.org
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// File with the token that writing needs: Authorization: Bearer TOKEN
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Listen beyond this machine without a token: something before it asks who comes
    #[arg(long, conflicts_with = "token_file")]
    pub unguarded: bool,
    /// Certificate in PEM by which this server encrypts; read again when it changes
    #[arg(long, value_name = "FILE", requires = "serve_key")]
    pub serve_certificate: Option<PathBuf>,
    /// Its key in PEM
    #[arg(long, value_name = "FILE", requires = "serve_certificate")]
    pub serve_key: Option<PathBuf>,
    /// Roots in PEM: then each client must have a certificate that leads to one of them
    #[arg(long, value_name = "FILE", requires = "serve_certificate")]
    pub serve_client_roots: Option<PathBuf>,
    /// Serve clear text beyond this machine: something before it encrypts
    #[arg(long, conflicts_with = "serve_certificate")]
    pub clear_text: bool,
    /// An address that is told of offers that come in and jobs that end
    #[arg(long = "webhook", value_name = "URL", requires = "webhook_secret")]
    pub webhooks: Vec<String>,
    /// File with the secret that signs what webhooks are told (Standard Webhooks)
    #[arg(long, value_name = "FILE")]
    pub webhook_secret: Option<PathBuf>,
    /// PEM of the roots by which hosts of https webhooks are known
    #[arg(long, value_name = "FILE")]
    pub webhook_roots: Option<PathBuf>,
    /// The node's HTTP interface, which answers queries for events here too
    #[arg(long, value_name = "URL")]
    pub queries: Option<String>,
    /// File with the token that the node's HTTP interface asks writers for
    #[arg(long, value_name = "FILE", requires = "queries")]
    pub queries_token: Option<PathBuf>,
    /// A server that subscriptions to queries may tell, such as https://erp.example.org
    #[arg(long = "destination", value_name = "ORIGIN", requires = "queries")]
    pub destinations: Vec<String>,
    /// Openings of labels
    #[command(flatten)]
    pub openings: openings::OpeningArguments,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

impl Arguments {
    fn mappings(&self) -> Result<BTreeMap<String, Mapping>, Failure> {
        let read = self.mappings.iter().map(|text| {
            let (name, file) = text
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--mapping {text:?}: write NAME=FILE")))?;
            Ok((name.to_owned(), Mapping::read(Path::new(file))?))
        });
        read.collect()
    }

    /// The files of its encryption. A token in clear text is everybody's who can listen.
    fn tls(&self) -> Result<Option<Arc<Tls>>, Failure> {
        self.tls_at(self.listen, self.serve_client_roots.clone())
    }

    /// The same of a port, with the roots of those who may come to it.
    fn tls_at(
        &self,
        listen: SocketAddr,
        client_roots: Option<PathBuf>,
    ) -> Result<Option<Arc<Tls>>, Failure> {
        let (Some(certificate), Some(key)) = (&self.serve_certificate, &self.serve_key) else {
            if !listen.ip().is_loopback() && !self.clear_text {
                return Err(Failure::Usage(format!(
                    "{listen} would serve clear text to other machines: name --serve-certificate and --serve-key, \
                     listen on 127.0.0.1, or say --clear-text where something before it encrypts"
                )));
            }
            return Ok(None);
        };
        let files = Files {
            certificate: certificate.clone(),
            key: key.clone(),
            client_roots,
        };
        let tls = Tls::load(files, Protocol::Http1);
        tls.map(Some).map_err(|e| Failure::Usage(e.to_string()))
    }

    fn queries(&self) -> Result<QuerySettings, Failure> {
        let token = self.queries_token.as_deref().map(keyfile::read_secret);
        Ok(QuerySettings {
            node: self.queries.clone(),
            token: token.transpose()?.map(|token| token.to_string()),
            destinations: self.destinations.clone(),
        })
    }

    fn access(&self) -> Result<Access, Failure> {
        let access = Access::new(self.hosts.clone(), self.origins.clone());
        let Some(path) = &self.token_file else {
            let is_known = self.serve_client_roots.is_some();
            if !self.listen.ip().is_loopback() && !self.unguarded && !is_known {
                return Err(Failure::Usage(format!(
                    "whoever reaches {} would act in your name: name a token with --token-file FILE, or clients' \
                     roots with --serve-client-roots FILE, or say --unguarded where something before it asks \
                     who comes",
                    self.listen
                )));
            }
            return Ok(access);
        };
        let token = keyfile::read_secret(path)?;
        match token.trim().len() >= 16 {
            true => Ok(access.with_token(&token)),
            false => Err(Failure::Usage(format!(
                "{}: a token has at least 16 characters",
                path.display()
            ))),
        }
    }
}

/// Serves until Ctrl-C.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env();
    let filter =
        filter.unwrap_or_else(|_| EnvFilter::new("touchstone_cli=info,touchstone_edge=warn"));
    // Where somebody set another one up, that stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
    if let Err(error) = core_files::forbid() {
        tracing::warn!(%error, "core files can't be forbidden: one would hold the key");
    }
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without signals, nothing stops it.
            std::future::pending::<()>().await;
        }
    };
    run_until(arguments, settings, output, stop).await
}

/// Serves until `stop`.
pub async fn run_until(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Failure> {
    let signer = settings.signer(&arguments.signing)?;
    let access = arguments.access()?;
    let tls = arguments.tls()?;
    let (listener, address) = bind(arguments.listen).await?;
    let openings = arguments.openings_door().await?;
    let organisation = signer.organisation.clone();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let door = openings.as_ref().map(|(_, address)| *address);
    let is_known = arguments.serve_client_roots.is_some() || access.has_token();
    let gateway = Gateway {
        settings: settings.clone(),
        signer,
        access,
        tls,
        webhooks: webhooks::WebhookSettings {
            urls: arguments.webhooks.clone(),
            secret: arguments.webhook_secret.clone(),
            roots: arguments.webhook_roots.clone(),
        },
        queries: arguments.queries()?,
        mappings: arguments.mappings()?,
        receipts: arguments.receipts.clone(),
        openings: openings.map(|(door, _)| door),
        now_ms: output.clock(),
    };
    // Nobody is told of a gateway whose folder, mappings or webhooks can't be used.
    let tell = || {
        if output.json {
            output.value(&json!({
                "listening": address,
                "organisation": organisation,
                "openings": door,
            }));
        } else {
            output.line(format!(
                "listening on {scheme}://{address} for {organisation}; Ctrl-C stops"
            ));
            if let Some(address) = door {
                output.line(format!(
                    "pages have openings of labels recorded at {scheme}://{address}"
                ));
            }
        }
        if !address.ip().is_loopback() && !is_known {
            output.remark(format!(
                "whoever reaches {address} acts in the name of {organisation}"
            ));
        }
    };
    gateway.serve(listener, &arguments.jobs, tell, stop).await
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(listen).await;
    let listener =
        listener.map_err(|e| Failure::Usage(format!("can't listen on {listen}: {e}")))?;
    let address = listener.local_addr();
    let address = address.map_err(|e| Failure::Usage(format!("can't listen: {e}")))?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn refusal(words: &str) -> Option<String> {
        let words = ["gateway"].into_iter().chain(words.split_whitespace());
        let arguments = Words::try_parse_from(words).unwrap().arguments;
        let access = arguments.access().map(drop);
        let tls = || {
            arguments.tls()?;
            arguments.openings_tls().map(drop)
        };
        let refused = access.and_then(|()| tls()).err();
        refused.map(|failure| failure.to_string())
    }

    #[test]
    fn beyond_this_machine_it_encrypts_and_knows_who_comes() {
        for (words, named) in [
            ("", None),
            ("--listen [::1]:1", None),
            ("--listen 0.0.0.0:1", Some("--token-file")),
            (
                "--listen 0.0.0.0:1 --unguarded",
                Some("--serve-certificate"),
            ),
            ("--listen 0.0.0.0:1 --unguarded --clear-text", None),
            // Everybody may have openings recorded, and in secret.
            ("--openings 127.0.0.1:1", None),
            (
                "--openings 0.0.0.0:1",
                Some("0.0.0.0:1 would serve clear text"),
            ),
            ("--openings 0.0.0.0:1 --clear-text", None),
            // Files are read where they are named, on this machine too.
            (
                "--serve-certificate none.pem --serve-key none.key",
                Some("none.key"),
            ),
            (
                "--listen 0.0.0.0:1 --serve-certificate none.pem --serve-key none.key --serve-client-roots none",
                Some("none.key"),
            ),
        ] {
            let refused = refusal(words);
            match named {
                None => assert_eq!(refused, None, "{words}"),
                Some(named) => {
                    assert!(
                        refused.as_ref().is_some_and(|r| r.contains(named)),
                        "{refused:?}"
                    );
                }
            }
        }
        let half = ["gateway", "--serve-certificate", "a.pem"];
        assert!(
            Words::try_parse_from(half).is_err(),
            "a certificate without its key"
        );
        let none = ["gateway", "--openings-origin", "https://a.example"];
        assert!(
            Words::try_parse_from(none).is_err(),
            "a page without a port"
        );
    }
}
