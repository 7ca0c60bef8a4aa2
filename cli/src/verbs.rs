//! The verbs: one file each.

pub mod authorised;
pub mod block;
pub mod blocks;
pub mod capture;
pub mod case;
pub mod certificate;
pub mod checkpoints;
pub mod completions;
pub mod deposit;
pub mod disclose;
pub mod dispute;
pub mod enroll;
pub mod evidence;
pub mod gateway;
pub mod genesis;
pub mod handover;
pub mod hash;
pub mod id;
pub mod item;
pub mod juror;
pub mod key;
pub mod keys;
pub mod label;
pub mod licence;
pub mod man;
pub mod mark;
pub mod masterdata;
pub mod misbehaviour;
pub mod organisations;
pub mod parameters;
pub mod product;
pub mod proposals;
pub mod protect;
pub mod recall;
pub mod recover;
pub mod review;
pub mod right;
pub mod sanction;
pub mod similar;
pub mod status;
pub mod statuslist;
pub mod studio;
pub mod suspend;
pub mod trace;
pub mod transaction;
pub mod validators;
pub mod verify;
pub mod vouch;

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// What to do.
#[allow(missing_docs, reason = "each verb's arguments say what it does")]
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    #[command(subcommand)]
    Key(key::Verb),
    #[command(subcommand)]
    Genesis(genesis::Verb),
    Capture(capture::Arguments),
    Gateway(Box<gateway::Arguments>),
    Hash(hash::Arguments),
    Id(id::Arguments),
    Label(label::Arguments),
    Item(item::Arguments),
    Trace(trace::Arguments),
    Recall(recall::Arguments),
    #[command(subcommand)]
    Product(product::Verb),
    #[command(subcommand)]
    Masterdata(masterdata::Verb),
    #[command(subcommand)]
    Handover(handover::Verb),
    Deposit(deposit::Arguments),
    Disclose(disclose::Arguments),
    #[command(subcommand)]
    Studio(studio::Verb),
    Certificate(Box<certificate::Arguments>),
    Statuslist(statuslist::Arguments),
    Similar(similar::Arguments),
    #[command(subcommand)]
    Vouch(vouch::Verb),
    #[command(subcommand)]
    Mark(mark::Verb),
    #[command(subcommand)]
    Right(right::Verb),
    #[command(subcommand)]
    Licence(licence::Verb),
    Authorised(authorised::Arguments),
    Protect(Box<protect::Arguments>),
    #[command(subcommand)]
    Dispute(dispute::Verb),
    #[command(subcommand)]
    Case(case::Verb),
    #[command(subcommand)]
    Sanction(sanction::Verb),
    #[command(subcommand)]
    Review(review::Verb),
    #[command(subcommand)]
    Juror(juror::Verb),
    Evidence(evidence::Arguments),
    Verify(verify::Arguments),
    Enroll(enroll::Arguments),
    Recover(recover::Arguments),
    Suspend(suspend::Arguments),
    Proposals(proposals::Arguments),
    Validators(validators::Arguments),
    Parameters(parameters::Arguments),
    #[command(subcommand)]
    Keys(keys::Verb),
    Organisations(organisations::Arguments),
    Transaction(transaction::Arguments),
    Block(block::Arguments),
    Blocks(blocks::Arguments),
    Checkpoints(checkpoints::Arguments),
    Status(status::Arguments),
    Misbehaviour(misbehaviour::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Does it; `program` defines the whole command line. The verbs' states are boxed: together they are too large for a
/// thread's stack.
pub async fn run(
    verb: &Verb,
    program: fn() -> clap::Command,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    match verb {
        Verb::Key(verb) => key::run(verb, output),
        Verb::Genesis(verb) => genesis::run(verb, output),
        Verb::Capture(arguments) => Box::pin(capture::run(arguments, settings, output)).await,
        Verb::Gateway(arguments) => Box::pin(gateway::run(arguments, settings, output)).await,
        Verb::Hash(arguments) => hash::run(arguments, output),
        Verb::Id(arguments) => id::run(arguments, output),
        Verb::Label(arguments) => label::run(arguments, output),
        Verb::Item(arguments) => Box::pin(item::run(arguments, settings, output)).await,
        Verb::Trace(arguments) => Box::pin(trace::run(arguments, settings, output)).await,
        Verb::Recall(arguments) => Box::pin(recall::run(arguments, settings, output)).await,
        Verb::Product(verb) => Box::pin(product::run(verb, settings, output)).await,
        Verb::Masterdata(verb) => Box::pin(masterdata::run(verb, settings, output)).await,
        Verb::Handover(verb) => Box::pin(handover::run(verb, settings, output)).await,
        Verb::Deposit(arguments) => Box::pin(deposit::run(arguments, settings, output)).await,
        Verb::Studio(verb) => Box::pin(studio::run(verb, settings, output)).await,
        Verb::Disclose(arguments) => Box::pin(disclose::run(arguments, settings, output)).await,
        Verb::Certificate(arguments) => {
            Box::pin(certificate::run(arguments, settings, output)).await
        }
        Verb::Statuslist(arguments) => Box::pin(statuslist::run(arguments, settings, output)).await,
        Verb::Similar(arguments) => Box::pin(similar::run(arguments, settings, output)).await,
        Verb::Vouch(verb) => Box::pin(vouch::run(verb, settings, output)).await,
        Verb::Mark(verb) => Box::pin(mark::run(verb, settings, output)).await,
        Verb::Right(verb) => Box::pin(right::run(verb, settings, output)).await,
        Verb::Licence(verb) => Box::pin(licence::run(verb, settings, output)).await,
        Verb::Authorised(arguments) => Box::pin(authorised::run(arguments, settings, output)).await,
        Verb::Protect(arguments) => Box::pin(protect::run(arguments, settings, output)).await,
        Verb::Dispute(verb) => Box::pin(dispute::run(verb, settings, output)).await,
        Verb::Case(verb) => Box::pin(case::run(verb, settings, output)).await,
        Verb::Sanction(verb) => Box::pin(sanction::run(verb, settings, output)).await,
        Verb::Review(verb) => Box::pin(review::run(verb, settings, output)).await,
        Verb::Juror(verb) => Box::pin(juror::run(verb, settings, output)).await,
        Verb::Evidence(arguments) => Box::pin(evidence::run(arguments, settings, output)).await,
        Verb::Verify(arguments) => verify::run(arguments, settings, output),
        Verb::Enroll(arguments) => Box::pin(enroll::run(arguments, settings, output)).await,
        Verb::Recover(arguments) => Box::pin(recover::run(arguments, settings, output)).await,
        Verb::Suspend(arguments) => Box::pin(suspend::run(arguments, settings, output)).await,
        Verb::Proposals(arguments) => Box::pin(proposals::run(arguments, settings, output)).await,
        Verb::Validators(arguments) => Box::pin(validators::run(arguments, settings, output)).await,
        Verb::Parameters(arguments) => Box::pin(parameters::run(arguments, settings, output)).await,
        Verb::Keys(verb) => Box::pin(keys::run(verb, settings, output)).await,
        Verb::Organisations(arguments) => {
            Box::pin(organisations::run(arguments, settings, output)).await
        }
        Verb::Transaction(arguments) => {
            Box::pin(transaction::run(arguments, settings, output)).await
        }
        Verb::Block(arguments) => Box::pin(block::run(arguments, settings, output)).await,
        Verb::Blocks(arguments) => Box::pin(blocks::run(arguments, settings, output)).await,
        Verb::Checkpoints(arguments) => {
            Box::pin(checkpoints::run(arguments, settings, output)).await
        }
        Verb::Status(_) => status::run(settings, output).await,
        Verb::Misbehaviour(arguments) => {
            Box::pin(misbehaviour::run(arguments, settings, output)).await
        }
        Verb::Completions(arguments) => {
            completions::run(arguments, program(), output);
            Ok(())
        }
        Verb::Man(arguments) => man::run(arguments, program(), output),
    }
}
