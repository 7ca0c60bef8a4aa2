//! `touchstone man`: manual pages, from the same definitions as the help.

use std::path::PathBuf;

use clap::Command;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// Write the manual pages of this program and its verbs into a folder
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone man /usr/local/share/man/man1

touchstone.1 is the program's page, touchstone-capture.1 that of a verb. The Debian package has
them.")]
pub struct Arguments {
    /// The folder, which must be there
    pub folder: PathBuf,
}

/// Writes.
pub fn run(arguments: &Arguments, program: Command, output: &mut Output) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let name = program.get_name().to_owned();
    clap_mangen::generate_to(program, folder)
        .map_err(|error| Failure::io("writing manual pages into", folder, &error))?;
    let page = folder.join(format!("{name}.1"));
    match output.json {
        true => output.value(&json!({ "page": page.display().to_string() })),
        false => output.line(format!("{} and a page for each verb", page.display())),
    }
    Ok(())
}
