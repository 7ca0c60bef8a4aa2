//! The way to an assistance centre: the platform asks, or the complainant whose notice it refused; the centre answers.

use touchstone_proto::ledger::{
    CentreOpinion, ContestRefusal, GiveOpinion, ReferNotice, transaction::Action,
};

use super::super::right::id;
use super::{Reasoned, named, sha256};
use crate::disputes;
use crate::failure::Failure;
use crate::settings::Signing;

/// Arguments of `dispute refer`.
#[derive(clap::Args, Debug)]
pub struct Refer {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Id of the assistance centre on this ledger
    #[arg(long, value_name = "ID")]
    pub centre: String,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

/// Arguments of `dispute contest`.
#[derive(clap::Args, Debug)]
pub struct Contest {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Id of the assistance centre on this ledger
    #[arg(long, value_name = "ID")]
    pub centre: String,
    /// The reasons; their SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub reasons: std::path::PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute opinion`.
#[derive(clap::Args, Debug)]
pub struct Opinion {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// infringes, does-not-infringe or contested
    #[arg(long, value_name = "OPINION", value_parser = opinion)]
    pub opinion: CentreOpinion,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

impl Refer {
    pub(super) fn action(&self) -> Result<Action, Failure> {
        Ok(Action::ReferNotice(ReferNotice {
            dispute: id(&self.dispute)?.to_vec(),
            centre: self.centre.clone(),
            reasons: sha256(&self.reasoned.reasons)?,
            rule_book: sha256(&self.reasoned.rule_book)?,
        }))
    }
}

impl Contest {
    pub(super) fn action(&self) -> Result<Action, Failure> {
        Ok(Action::ContestRefusal(ContestRefusal {
            dispute: id(&self.dispute)?.to_vec(),
            centre: self.centre.clone(),
            reasons: sha256(&self.reasons)?,
        }))
    }
}

impl Opinion {
    pub(super) fn action(&self) -> Result<Action, Failure> {
        Ok(Action::GiveOpinion(GiveOpinion {
            dispute: id(&self.dispute)?.to_vec(),
            opinion: self.opinion.into(),
            reasons: sha256(&self.reasoned.reasons)?,
            rule_book: sha256(&self.reasoned.rule_book)?,
        }))
    }
}

fn opinion(text: &str) -> Result<CentreOpinion, String> {
    named(text, &disputes::OPINIONS)
}
