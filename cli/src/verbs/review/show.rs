//! A review with its panels, from a node or from a file; draws and verdicts are found again.

use std::path::{Path, PathBuf};

use serde_json::Value;
use touchstone_client::NotVerified;
use touchstone_client::reviews as asked;
use touchstone_core::genesis::Genesis;
use touchstone_core::proof::review::{self, ExaminedReview};

use crate::failure::Failure;
use crate::file;
use crate::output::{Output, add_member, attested_json};
use crate::reviews;
use crate::settings::Settings;
use crate::verbs::authorised::block_line;
use crate::verbs::right::id;

/// Arguments of `review show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The dispute's id
    #[arg(value_name = "ID", required_unless_present = "check")]
    pub dispute: Option<String>,
    /// Write it as a file too, which anybody examines without a node (verifiers/python/reviewed.py)
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Examine such a file, offline
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dispute", "out"])]
    pub check: Option<PathBuf>,
}

/// Asks or reads, checks and prints.
pub(super) async fn run(
    arguments: &Show,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.check {
        let examined = read(path, &settings.required_genesis()?)?;
        tell(&examined, None, output);
        return Ok(());
    }
    if let Some(out) = &arguments.out {
        file::refuse_existing(out, arguments.force)?;
    }
    let dispute = arguments.dispute.as_deref().unwrap_or_default();
    let mut client = settings.client().await?;
    let found = asked::review(&mut client, &id(dispute)?).await?;
    let found = found.map_err(|attested| Failure::Absent {
        id: dispute.to_owned(),
        height: attested.header.height,
        message: format!("there is no review of a dispute {dispute}"),
    })?;
    if let Some(out) = &arguments.out {
        file::write(out, &found.file)?;
    }
    let header = attested_json(&found.attested);
    let examined = ExaminedReview {
        header: found.attested.header,
        dispute: found.dispute,
        panels: found.panels,
    };
    tell(&examined, Some(header), output);
    if let Some(out) = &arguments.out
        && !output.json
    {
        output.line(format!("Written   {}", out.display()));
    }
    Ok(())
}

/// Examines a file.
fn read(path: &Path, genesis: &Genesis) -> Result<ExaminedReview, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    review::examine(&bytes, genesis)
        .map_err(|e| NotVerified::evidence("review", &e.to_string()).into())
}

fn tell(examined: &ExaminedReview, header: Option<Value>, output: &mut Output) {
    let ExaminedReview {
        header: block,
        dispute,
        panels,
    } = examined;
    if output.json {
        let mut value = reviews::json(dispute, panels);
        add_member(&mut value, "height", block.height.into());
        add_member(&mut value, "block_time_ms", block.time_ms.into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", header.unwrap_or(Value::Null));
        output.value(&value);
        return;
    }
    let verdict = output.good("VERIFIED");
    let height = block.height;
    output.line(format!("Review    {verdict} as of block {height}"));
    if header.is_none() {
        output.line(block_line(output.language, block));
    }
    for line in reviews::lines(output.language, dispute, panels) {
        output.line(format!("          {line}"));
    }
}
