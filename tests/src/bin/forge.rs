//! Forges evidence and shows it to all three verifiers; prints what came of it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use touchstone_tests::forgery::campaign::{Campaign, Tally};
use touchstone_tests::forgery::verifier::Independents;

const USAGE: &str =
    "usage: forge [--seed N] [--worlds N] [--forgeries N] [--bundles N] [--share N] [--alone] [--plain]
  --forgeries  structural forgeries (default 1000000)
  --bundles    genuine files of which every bit is flipped (default 100)
  --share      the independent verifiers judge one of N structural forgeries, and one of 64 N
               flipped bits with a new checksum (default 1)
  --alone      without the independent verifiers
  --plain      bits are flipped in the files as they are alone, which their checksum finds, and not with
               a new checksum too";

/// Forgeries that a thread takes at a time.
const BATCH: u64 = 640;

struct Arguments {
    seed: u64,
    worlds: usize,
    forgeries: u64,
    bundles: usize,
    share: u64,
    alone: bool,
    plain: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        seed: 1,
        worlds: 25,
        forgeries: 1_000_000,
        bundles: 100,
        share: 1,
        alone: false,
        plain: false,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        let flag = match name.as_str() {
            "--alone" => Some(&mut found.alone),
            "--plain" => Some(&mut found.plain),
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = true;
            continue;
        }
        let value = rest.next();
        let value = value.ok_or_else(|| format!("{name} is unknown or lacks a value"))?;
        let number: u64 = value.parse().map_err(|e| format!("{name} {value}: {e}"))?;
        match name.as_str() {
            "--seed" => found.seed = number,
            "--worlds" => found.worlds = number.clamp(1, 100) as usize,
            "--forgeries" => found.forgeries = number,
            "--bundles" => found.bundles = number as usize,
            "--share" => found.share = number.max(1),
            other => return Err(format!("{other} is not known")),
        }
    }
    Ok(found)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("forge: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let genesis = folder.path().join("genesis.json");
    let campaign = Campaign::new(arguments.seed, arguments.worlds);
    std::fs::write(&genesis, campaign.genesis())?;
    let mut first = start(arguments, &genesis)?;
    let refused = campaign.refused_though_genuine(first.as_mut())?;
    let genuine = campaign.bundles(usize::MAX).len();
    println!(
        "seed {}: {genuine} genuine files, {} refused",
        arguments.seed,
        refused.len()
    );
    drop(first);

    let structural = in_parallel(
        "forgeries",
        arguments.forgeries.div_ceil(BATCH),
        arguments,
        &genesis,
        |batch, other| {
            let numbers = batch * BATCH..((batch + 1) * BATCH).min(arguments.forgeries);
            campaign.structural(numbers, other.map(|o| (o, arguments.share)))
        },
    )?;
    print("structural forgeries", &structural);
    print_fields(&structural, &campaign.missing_fields());
    let bundles = campaign.bundles(arguments.bundles);
    let bits = in_parallel(
        "files",
        bundles.len() as u64,
        arguments,
        &genesis,
        |at, mut other| {
            let bundle = bundles[at as usize];
            let mut tally = campaign.flips(bundle, false, other.as_deref_mut().map(|o| (o, 1)))?;
            if !arguments.plain {
                let share = arguments.share * 64 - 1;
                tally.add(campaign.flips(bundle, true, other.map(|o| (o, share)))?);
            }
            Ok(tally)
        },
    )?;
    print(&format!("flipped bits of {} files", bundles.len()), &bits);
    for accepted in structural.accepted.iter().chain(&bits.accepted) {
        let name = format!("{}.evidence", accepted.what);
        std::fs::write(&name, &accepted.file)?;
        println!("accepted by {}: {name}", accepted.verifier);
    }
    let found = structural.accepted.len() + bits.accepted.len();
    println!(
        "{} forgeries, {found} accepted",
        structural.total() + bits.total()
    );
    Ok(found == 0 && refused.is_empty())
}

fn start(arguments: &Arguments, genesis: &Path) -> io::Result<Option<Independents>> {
    (!arguments.alone)
        .then(|| Independents::start(genesis))
        .transpose()
}

/// Does the parts on all cores, each with independent verifiers of its own; tells how far it is.
fn in_parallel(
    what: &str,
    parts: u64,
    arguments: &Arguments,
    genesis: &Path,
    part: impl Fn(u64, Option<&mut Independents>) -> io::Result<Tally> + Sync,
) -> io::Result<Tally> {
    let next = AtomicU64::new(0);
    let work = || -> io::Result<Tally> {
        let mut independent = start(arguments, genesis)?;
        let mut tally = Tally::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= parts {
                return Ok(tally);
            }
            tally.add(part(at, independent.as_mut())?);
            if (at + 1) * 20 / parts > at * 20 / parts {
                eprintln!("{what}: {} %", (at + 1) * 100 / parts);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut total = Tally::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let tally = thread
                .join()
                .map_err(|_| io::Error::other("a thread panicked"))?;
            total.add(tally?);
        }
        Ok(total)
    })
}

fn print(title: &str, tally: &Tally) {
    println!(
        "\n{title}: {} made, {} accepted",
        tally.total(),
        tally.accepted.len()
    );
    println!(
        "judged by all three verifiers: {}, with different elements: {}",
        tally.judged_by_all, tally.other_element
    );
    println!("\n| kind | forgeries |\n|---|---|");
    for (name, count) in &tally.made {
        println!("| {name} | {count} |");
    }
    println!("\n| refused by the element | forgeries |\n|---|---|");
    for (name, count) in &tally.refused {
        println!("| {name} | {count} |");
    }
}

/// How often the fields of each part were changed alone, and which no genuine file has.
fn print_fields(tally: &Tally, missing: &BTreeSet<String>) {
    let mut parts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (name, count) in &tally.fields {
        let (part, _) = name.split_once(' ').unwrap_or_default();
        parts.entry(part).or_default().push(*count);
    }
    println!("\n| part | fields | changed | the rarest |\n|---|---|---|---|");
    for (part, counts) in parts {
        let rarest = counts.iter().min().copied().unwrap_or_default();
        let sum: u64 = counts.iter().sum();
        println!("| {part} | {} | {sum} | {rarest} |", counts.len());
    }
    println!("\nin no genuine file: {} fields", missing.len());
    for field in missing {
        println!("  {field}");
    }
}
