//! Lets strangers come to the ports of nodes on this machine for a while, as `scripts/faults` does.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use touchstone_tests::flood::{Attack, Flood};

const USAGE: &str = "usage: attack silent|slow|unread|streams COUNT SECONDS ADDRESS:PORT...
  such as: attack silent 1100 40 127.0.0.1:26650 127.0.0.1:26660
           attack unread 2250 40 127.0.0.1:26650";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match plan(&arguments) {
        Some((attack, count, seconds, ports)) => {
            let floods: Vec<Flood> = ports
                .iter()
                .map(|port| Flood::start(attack, *port, count))
                .collect();
            println!(
                "{attack:?}: {count} strangers at each of {} ports",
                ports.len()
            );
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            let left: usize = floods.iter().map(Flood::len).sum();
            println!("{left} were still at work after {seconds} s");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn plan(arguments: &[String]) -> Option<(Attack, usize, u64, Vec<SocketAddr>)> {
    let [attack, count, seconds, ports @ ..] = arguments else {
        return None;
    };
    let ports: Result<Vec<SocketAddr>, _> = ports.iter().map(|p| p.parse()).collect();
    let ports = ports.ok().filter(|ports| !ports.is_empty())?;
    let is_here = ports
        .iter()
        .all(|port: &SocketAddr| port.ip().is_loopback());
    is_here.then_some((
        Attack::named(attack)?,
        count.parse().ok()?,
        seconds.parse().ok()?,
        ports,
    ))
}
