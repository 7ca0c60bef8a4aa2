//! The `touchstone` command.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use clap::Parser;
use touchstone_cli::output::Output;
use touchstone_cli::{Cli, run};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors; every other misuse is code 1.
            let code = u8::from(error.use_stderr());
            let _ = error.print();
            return code.into();
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
