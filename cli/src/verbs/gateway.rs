//! `touchstone gateway`: EPCIS over HTTP for an ERP beside it, signed with the organisation's key.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;
use tokio::net::TcpListener;
use touchstone_edge::http::access::Access;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::output::Output;
use crate::settings::{Settings, Signing};

/// Take EPCIS documents over HTTP, sign their events and record them
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone gateway --organisation acme --key acme.pem
  curl -i -H 'Content-Type: application/ld+json' -d @shipments.json http://127.0.0.1:26670/capture
  curl http://127.0.0.1:26670/capture/0000019c2f6a1b00

It speaks the capture interface of EPCIS 2.0's REST binding: POST /capture answers 202 with the
address of a job, GET /capture/ID tells what became of each event. A document's events are one
transaction, recorded together or not at all; with GS1-Capture-Error-Behaviour: proceed each is one
of its own. An event whose exact bytes are recorded already is skipped. Jobs are kept in a folder,
and a gateway that was stopped goes on with them.

Whoever reaches its address captures in the organisation's name: leave it on this machine, and give it a
token, which each capture then sends as Authorization: Bearer TOKEN. Requests that name another host, or
that a web page sends, are refused unless --host and --origin allow them.

Exit codes: 0 stopped by Ctrl-C; 1 wrong usage or a file fails; 5 the node doesn't answer at start.")]
pub struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:26670", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Folder of the jobs
    #[arg(long, default_value = "touchstone-gateway", value_name = "DIR")]
    pub jobs: PathBuf,
    /// File with the token that a writer must send; only its owner may read it
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A name of this gateway besides its address and localhost; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Web pages that may ask, such as https://erp.example.org; may be repeated
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Serves until Ctrl-C.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
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
    let client = settings.sending_client().await?;
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
    if !address.ip().is_loopback() && arguments.token_file.is_none() {
        output.remark(format!(
            "whoever reaches {address} captures in the name of {}",
            signer.organisation
        ));
    }
    let gateway = Gateway {
        client,
        signer,
        access: access(arguments)?,
        now_ms: output.clock(),
    };
    gateway.serve(listener, &arguments.jobs, stop).await
}

fn access(arguments: &Arguments) -> Result<Access, Failure> {
    let access = Access::new(arguments.hosts.clone(), arguments.origins.clone());
    let Some(file) = &arguments.token_file else {
        return Ok(access);
    };
    let usage =
        |what: &dyn std::fmt::Display| Failure::Usage(format!("{}: {what}", file.display()));
    let metadata = std::fs::metadata(file).map_err(|error| usage(&error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(usage(&"the token may be read by others; chmod 600"));
    }
    let token = std::fs::read_to_string(file).map_err(|error| usage(&error))?;
    match token.trim().is_empty() {
        true => Err(usage(&"the token's file is empty")),
        false => Ok(access.with_token(&token)),
    }
}
