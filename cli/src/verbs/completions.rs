//! `touchstone completions`: what a shell completes, from the same definitions as the help.

use clap::Command;
use clap_complete::Shell;
use serde_json::json;

use crate::output::Output;

/// Print the completions of this command line for a shell
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone completions bash
  touchstone completions zsh

Put it where the shell looks: /usr/share/bash-completion/completions/touchstone for bash,
_touchstone in a folder of fpath for zsh, ~/.config/fish/completions/touchstone.fish for fish. The
Debian package has them there.")]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints.
pub fn run(arguments: &Arguments, mut program: Command, output: &mut Output) {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut program, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    match output.json {
        true => output.value(&json!({ "shell": arguments.shell.to_string(), "script": script })),
        false => output.line(script.trim_end()),
    }
}
