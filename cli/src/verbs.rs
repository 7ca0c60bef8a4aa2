//! The verbs: one file each.

pub mod authorised;
pub mod block;
pub mod blocks;
pub mod capture;
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
pub mod key;
pub mod keys;
pub mod label;
pub mod licence;
pub mod man;
pub mod mark;
pub mod misbehaviour;
pub mod organisations;
pub mod parameters;
pub mod product;
pub mod proposals;
pub mod recall;
pub mod recover;
pub mod right;
pub mod similar;
pub mod status;
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
    Gateway(gateway::Arguments),
    Hash(hash::Arguments),
    Id(id::Arguments),
    Label(label::Arguments),
    Item(item::Arguments),
    Trace(trace::Arguments),
    Recall(recall::Arguments),
    #[command(subcommand)]
    Product(product::Verb),
    #[command(subcommand)]
    Handover(handover::Verb),
    Deposit(deposit::Arguments),
    Disclose(disclose::Arguments),
    Certificate(certificate::Arguments),
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
    #[command(subcommand)]
    Dispute(dispute::Verb),
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

/// Does it; `program` defines the whole command line.
pub async fn run(
    verb: &Verb,
    program: fn() -> clap::Command,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    match verb {
        Verb::Key(verb) => key::run(verb, output),
        Verb::Genesis(verb) => genesis::run(verb, output),
        Verb::Capture(arguments) => capture::run(arguments, settings, output).await,
        Verb::Gateway(arguments) => gateway::run(arguments, settings, output).await,
        Verb::Hash(arguments) => hash::run(arguments, output),
        Verb::Id(arguments) => id::run(arguments, output),
        Verb::Label(arguments) => label::run(arguments, output),
        Verb::Item(arguments) => item::run(arguments, settings, output).await,
        Verb::Trace(arguments) => trace::run(arguments, settings, output).await,
        Verb::Recall(arguments) => recall::run(arguments, settings, output).await,
        Verb::Product(verb) => product::run(verb, settings, output).await,
        Verb::Handover(verb) => handover::run(verb, settings, output).await,
        Verb::Deposit(arguments) => deposit::run(arguments, settings, output).await,
        Verb::Disclose(arguments) => disclose::run(arguments, settings, output).await,
        Verb::Certificate(arguments) => certificate::run(arguments, settings, output).await,
        Verb::Similar(arguments) => similar::run(arguments, settings, output).await,
        Verb::Vouch(verb) => vouch::run(verb, settings, output).await,
        Verb::Mark(verb) => mark::run(verb, settings, output).await,
        Verb::Right(verb) => right::run(verb, settings, output).await,
        Verb::Licence(verb) => licence::run(verb, settings, output).await,
        Verb::Authorised(arguments) => authorised::run(arguments, settings, output).await,
        Verb::Dispute(verb) => dispute::run(verb, settings, output).await,
        Verb::Evidence(arguments) => evidence::run(arguments, settings, output).await,
        Verb::Verify(arguments) => verify::run(arguments, settings, output),
        Verb::Enroll(arguments) => enroll::run(arguments, settings, output).await,
        Verb::Recover(arguments) => recover::run(arguments, settings, output).await,
        Verb::Suspend(arguments) => suspend::run(arguments, settings, output).await,
        Verb::Proposals(arguments) => proposals::run(arguments, settings, output).await,
        Verb::Validators(arguments) => validators::run(arguments, settings, output).await,
        Verb::Parameters(arguments) => parameters::run(arguments, settings, output).await,
        Verb::Keys(verb) => keys::run(verb, settings, output).await,
        Verb::Organisations(arguments) => organisations::run(arguments, settings, output).await,
        Verb::Transaction(arguments) => transaction::run(arguments, settings, output).await,
        Verb::Block(arguments) => block::run(arguments, settings, output).await,
        Verb::Blocks(arguments) => blocks::run(arguments, settings, output).await,
        Verb::Checkpoints(arguments) => checkpoints::run(arguments, settings, output).await,
        Verb::Status(_) => status::run(settings, output).await,
        Verb::Misbehaviour(arguments) => misbehaviour::run(arguments, settings, output).await,
        Verb::Completions(arguments) => {
            completions::run(arguments, program(), output);
            Ok(())
        }
        Verb::Man(arguments) => man::run(arguments, program(), output),
    }
}
