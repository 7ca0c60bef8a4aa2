//! Attackers in processes of their own, behind all others on the machine, and what they did.

use std::fmt;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::flood::Attack;
use crate::machine;
use crate::siege::Member;

/// How far attackers stand behind all others on their machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// So much niceness: beside others that want a core they still have some of it, and who wakes up waits for them.
    Nice(u8),
    /// They work only while nobody else wants their core (`SCHED_IDLE`), as if they had machines of their own.
    Idle,
}

impl FromStr for Rank {
    type Err = ();

    fn from_str(word: &str) -> Result<Rank, ()> {
        match (word, word.parse()) {
            ("idle", _) => Ok(Rank::Idle),
            (_, Ok(nice @ 0..=19)) => Ok(Rank::Nice(nice)),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rank::Nice(nice) => write!(f, "nice {nice}"),
            Rank::Idle => f.write_str("idle"),
        }
    }
}

impl Rank {
    fn command(self) -> Command {
        match self {
            Rank::Nice(nice) => {
                let mut command = Command::new("nice");
                command.args(["-n", &nice.to_string()]);
                command
            }
            Rank::Idle => {
                let mut command = Command::new("chrt");
                command.args(["--idle", "0"]);
                command
            }
        }
    }
}

/// Attackers, ended when dropped.
pub struct Attackers {
    rank: Rank,
    children: Vec<Child>,
    /// The process that serves ports without nodes behind them.
    sink: Option<u32>,
}

impl Attackers {
    /// None yet.
    pub fn new(rank: Rank) -> Attackers {
        Attackers {
            rank,
            children: Vec::new(),
            sink: None,
        }
    }

    /// Lets so many strangers come to a port.
    pub fn come(&mut self, attack: Attack, count: usize, time: Duration, port: SocketAddr) {
        let seconds = time.as_secs().to_string();
        let words = [attack.name().to_owned(), count.to_string(), seconds];
        self.start(&words, &[port.to_string()]);
    }

    /// Serves ports without nodes behind them.
    pub fn sink(&mut self, time: Duration, ports: &[SocketAddr]) {
        let words = ["sink".to_owned(), time.as_secs().to_string()];
        let ports: Vec<String> = ports.iter().map(SocketAddr::to_string).collect();
        self.start(&words, &ports);
        self.sink = self.children.last().map(Child::id);
    }

    /// Lets a member flood its node, or a sink.
    pub fn flood(
        &mut self,
        cluster: &Cluster,
        member: usize,
        connections: usize,
        time: Duration,
        sink: Option<SocketAddr>,
    ) {
        let mut member = Member::of(cluster, member);
        let what = match sink {
            Some(sink) => {
                member.node = sink;
                "flood-sink"
            }
            None => "flood",
        };
        let (connections, seconds) = (connections.to_string(), time.as_secs().to_string());
        self.start(&[what.to_owned(), connections, seconds], &member.words());
    }

    fn start(&mut self, words: &[String], more: &[String]) {
        let mut command = self.rank.command();
        let child = command
            .arg(crate::cluster::binary("attack"))
            .args(words)
            .args(more)
            .stdout(Stdio::piped())
            .spawn();
        self.children
            .push(child.expect("attack is built, and nice and chrt are there"));
    }

    /// Seconds of processor time that they have taken so far.
    pub fn cpu_s(&self) -> f64 {
        let used = self.children.iter().map(|child| machine::cpu_s(child.id()));
        used.sum()
    }

    /// Sockets that the ports without nodes hold.
    pub fn sockets_at_sink(&self) -> Option<usize> {
        self.sink.map(machine::sockets)
    }

    /// What each said at its end, for which it is waited.
    pub fn said(mut self) -> Vec<String> {
        let children = std::mem::take(&mut self.children);
        let outputs = children.into_iter().map(Child::wait_with_output);
        let said = outputs.map(|output| output.map(|output| output.stdout).unwrap_or_default());
        said.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
