//! `touchstone suspend`: the consortium keeps an organisation from acting, for a time or for ever.

use touchstone_proto::ledger::{PutStanding, Standing, change::Kind};

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::verbs::enroll::{Approval, approve};

/// Approve suspending an organisation, letting it act again, or removing it for ever
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone suspend echo --organisation acme --key acme.pem
  touchstone suspend echo --lift                 it may act again
  touchstone suspend echo --remove               for ever; its validators are removed before

Every organisation that runs a validator may approve; the change takes effect when more than 2/3
of the voting power approved the same. All transactions of a suspended organisation are refused
(code 513). What it signed before stays valid. To suspend again what was suspended before, raise
--sequence.")]
pub struct Arguments {
    /// The organisation's id
    #[arg(value_name = "ID")]
    pub subject: String,
    /// Let it act again
    #[arg(long)]
    pub lift: bool,
    /// Remove it: its id, keys and records stay, and it never acts again
    #[arg(long, conflicts_with = "lift")]
    pub remove: bool,
    /// How
    #[command(flatten)]
    pub approval: Approval,
}

/// Approves and tells how far the change is.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let standing = match (arguments.lift, arguments.remove) {
        (true, _) => Standing::Unspecified,
        (_, true) => Standing::Removed,
        _ => Standing::Suspended,
    };
    let kind = Kind::PutStanding(PutStanding {
        organisation: arguments.subject.clone(),
        standing: standing as i32,
    });
    let signer = settings.signer(&arguments.approval.signing)?;
    let mut client = settings.client().await?;
    approve(kind, &arguments.approval, &signer, &mut client, output).await
}
