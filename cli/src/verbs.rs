//! The verbs: one file each.

pub mod capture;
pub mod genesis;
pub mod item;
pub mod key;

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// What to do.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    #[command(subcommand)]
    Key(key::Verb),
    #[command(subcommand)]
    Genesis(genesis::Verb),
    Capture(capture::Arguments),
    Item(item::Arguments),
}

/// Does it.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Key(verb) => key::run(verb, output),
        Verb::Genesis(verb) => genesis::run(verb, output),
        Verb::Capture(arguments) => capture::run(arguments, settings, output).await,
        Verb::Item(arguments) => item::run(arguments, settings, output).await,
    }
}
