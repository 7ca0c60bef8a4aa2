//! The `touchstone` command line: arguments and rendering.
//!
//! One file for each verb under `verbs`. Asking a node and checking its answers is the light client's,
//! `touchstone_client`. This crate must not know how a node stores or agrees.

#![allow(
    rustdoc::bare_urls,
    reason = "the documentation of arguments is their help on a terminal"
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented
    )
)]

pub mod beacons;
pub mod capture;
pub mod cases;
pub mod chronology;
pub mod countries;
pub mod deposit_certificate;
pub mod disputes;
pub mod earlier;
pub mod event_text;
pub mod exact_bytes;
pub mod failure;
pub mod field_selection;
pub mod fields;
pub mod file;
pub mod fingerprint;
pub mod gateway;
pub mod hash_chain;
pub mod json_error;
pub mod json_file;
pub mod jurors;
pub mod keyfile;
pub mod label;
pub mod listed_designs;
pub mod look_alikes;
pub mod master_data;
pub mod messages;
pub mod odrl;
pub mod output;
pub mod pack;
pub mod pdf;
pub mod pictures;
pub mod receipt;
pub mod report;
pub mod reviews;
pub mod rights;
pub mod sanctions;
pub mod settings;
pub mod staging;
pub mod studio;
pub mod tokens;
pub mod verbs;
pub mod vouching;

use std::path::Path;

use clap::CommandFactory;

use failure::Failure;
use output::Output;
use settings::{GlobalOptions, Settings};

/// Touchstone: a shared ledger of goods and designs whose answers anyone can check
#[derive(clap::Parser, Debug)]
#[command(
    name = "touchstone",
    version = touchstone_edge::release::VERSION,
    after_help = "Exit codes:
  0     done; for questions: verified
  1     wrong usage, or a file can't be read or written
  2     refused by a rule of the ledger; for captures: some events are refused or skipped
  3     NOT VERIFIED: a proof fails; don't believe the answer
  4     not recorded or not found
  5     the node doesn't answer, or is behind what was proven before
  6     verified, with reservations to weigh (evidence files, traces that were cut short)
  7     the record is verified, but a file that was handed in isn't shown to be part of it
  130   interrupted by Ctrl-C; a capture goes on when it is run again

Every answer says as of which block it is and how old that is. One older than --max-age is
warned of.
What was proven at a height is never answered from below it: a node that is behind is asked again
for a few seconds.

Settings come from the command line, else the environment (TOUCHSTONE_NODE, TOUCHSTONE_GENESIS,
TOUCHSTONE_KEY, TOUCHSTONE_ORGANISATION, TOUCHSTONE_PASSPHRASE, TOUCHSTONE_CACHE), else
touchstone.toml in this folder, else $XDG_CONFIG_HOME/touchstone/config.toml:

  node = \"http://127.0.0.1:26650\"
  genesis = \"genesis.json\"
  key = \"acme.pem\"
  organisation = \"acme\""
)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub options: GlobalOptions,
    /// What to do.
    #[command(subcommand)]
    pub verb: verbs::Verb,
}

/// Runs a verb and prints its failure, if any; gives the exit code.
pub async fn run(cli: Cli, output: &mut Output) -> u8 {
    output.max_age_ms = cli.options.max_age.saturating_mul(1000);
    output.language = cli.options.language();
    let done = match Settings::load(&cli.options) {
        Ok(settings) => {
            output.as_of = settings.as_of().clone();
            let done = verbs::run(&cli.verb, Cli::command, &settings, output).await;
            tell_unremembered(&settings, output);
            done
        }
        Err(failure) => Err(failure),
    };
    output.warn_if_old();
    let code = match done {
        Ok(()) => 0,
        Err(failure) => {
            tell(&failure, output);
            failure.exit_code()
        }
    };
    let Some(error) = output.take_lost() else {
        return code;
    };
    let lost = Failure::io("writing", Path::new("stdout"), &error);
    tell_beside(&lost, output);
    // A failure of the verb itself says more.
    if code == 0 { lost.exit_code() } else { code }
}

/// Tells where the next run can't know of the block that this one proved.
fn tell_unremembered(settings: &Settings, output: &mut Output) {
    let Some(blocks) = output.as_of.blocks() else {
        return;
    };
    if settings.remembers(&blocks.newest.header) {
        return;
    }
    match settings.cache() {
        Some(folder) => output.remark(format!(
            "the newest proven block isn't remembered, as nothing can be written to {}: the next run believes a node \
             that is behind it",
            output::plain(&folder.display().to_string())
        )),
        None => output.remark(
            "the newest proven block isn't remembered, as there is no folder for it (--cache): the next run believes a \
             node that is behind it",
        ),
    }
}

/// Tells a failure where the result can't.
fn tell_beside(failure: &Failure, output: &mut Output) {
    if output.json {
        output.remark(failure.json().to_string());
    } else {
        let text = output.bad(&output::plain(&failure.to_string()));
        output.remark(format!("touchstone: {text}"));
    }
}

fn tell(failure: &Failure, output: &mut Output) {
    if output.json && output.is_complete() {
        // The one JSON value stands there already, and says the same.
        tell_beside(failure, output);
    } else if output.json {
        output.value(&failure.json());
    } else {
        tell_beside(failure, output);
        if failure.is_answer() && !output.has_told_age() {
            for line in output.as_of_lines() {
                output.remark(line);
            }
        }
    }
}
