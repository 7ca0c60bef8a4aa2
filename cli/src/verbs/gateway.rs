//! `touchstone gateway`: EPCIS over HTTP for an ERP beside it, signed with the organisation's key.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::net::TcpListener;
use touchstone_edge::http::access::Access;
use tracing_subscriber::EnvFilter;

use crate::capture::table::Mapping;
use crate::failure::Failure;
use crate::gateway::{Gateway, webhooks};
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

It starts and takes documents while its node is away, and logs to standard error (RUST_LOG says how
much). Whoever may write acts in the organisation's name: beyond this machine it asks for a token
(--token-file), and web pages may ask only where --origin lists them.

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
    /// An address that is told of offers that come in and jobs that end
    #[arg(long = "webhook", value_name = "URL", requires = "webhook_secret")]
    pub webhooks: Vec<String>,
    /// File with the secret that signs what webhooks are told (Standard Webhooks)
    #[arg(long, value_name = "FILE")]
    pub webhook_secret: Option<PathBuf>,
    /// PEM of the roots by which hosts of https webhooks are known
    #[arg(long, value_name = "FILE")]
    pub webhook_roots: Option<PathBuf>,
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

    fn access(&self) -> Result<Access, Failure> {
        let access = Access::new(self.hosts.clone(), self.origins.clone());
        let Some(path) = &self.token_file else {
            if !self.listen.ip().is_loopback() && !self.unguarded {
                return Err(Failure::Usage(format!(
                    "whoever reaches {} would act in your name: name a token with --token-file FILE, or \
                     say --unguarded where something before it asks who comes",
                    self.listen
                )));
            }
            return Ok(access);
        };
        let failed = |e: std::io::Error| Failure::io("reading", path, &e);
        let token = std::fs::read_to_string(path).map_err(failed)?;
        #[cfg(unix)]
        {
            let metadata = std::fs::metadata(path).map_err(failed)?;
            if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
                return Err(Failure::Usage(format!(
                    "{}: the token may be read by others; chmod 600",
                    path.display()
                )));
            }
        }
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
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener
        .map_err(|e| Failure::Usage(format!("can't listen on {}: {e}", arguments.listen)))?;
    let address = listener.local_addr();
    let address = address.map_err(|e| Failure::Usage(format!("can't listen: {e}")))?;
    if output.json {
        output.value(&json!({ "listening": address, "organisation": signer.organisation }));
    } else {
        output.line(format!(
            "listening on http://{address} for {}; Ctrl-C stops",
            signer.organisation
        ));
    }
    if !address.ip().is_loopback() && !access.has_token() {
        output.remark(format!(
            "whoever reaches {address} acts in the name of {}",
            signer.organisation
        ));
    }
    let gateway = Gateway {
        settings: settings.clone(),
        signer,
        access,
        webhooks: webhooks::WebhookSettings {
            urls: arguments.webhooks.clone(),
            secret: arguments.webhook_secret.clone(),
            roots: arguments.webhook_roots.clone(),
        },
        mappings: arguments.mappings()?,
        receipts: arguments.receipts.clone(),
        now_ms: output.clock(),
    };
    gateway.serve(listener, &arguments.jobs, stop).await
}
