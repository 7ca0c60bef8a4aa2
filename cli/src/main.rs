//! The `touchstone` command.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};
use touchstone_cli::messages::{self, Language};
use touchstone_cli::output::Output;
use touchstone_cli::{Cli, run};
use touchstone_language::{help, usage};

/// The command line, its help in the language that it asks for.
fn parsed(arguments: &[OsString], language: Language) -> Result<Cli, clap::Error> {
    let mut command = help::in_language(Cli::command(), language, messages::help());
    let matches = command.try_get_matches_from_mut(help::asked_by_option(arguments, language))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let language = Language::of_arguments(&arguments);
    let cli = match parsed(&arguments, language) {
        Ok(cli) => cli,
        Err(error) => {
            match usage::explained(&error, language, messages::sentences()) {
                Some(text) => eprintln!("{text}"),
                None => _ = error.print(),
            }
            // Help and version are answers, not errors; every other misuse is code 1.
            return u8::from(error.use_stderr()).into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the system gives no threads: {error}");
            return 1.into();
        }
    };
    let mut output = Output::standard(cli.options.json);
    let code = runtime.block_on(run(cli, &mut output));
    code.into()
}
