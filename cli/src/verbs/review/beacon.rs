//! The draw that is under way, the pulse of a public beacon that it waits for, and the beacon that terms name.

use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::reviews as asked;
use touchstone_proto::ledger::{Beacon, Draw, ShowPulse, transaction::Action};

use crate::beacons;
use crate::failure::Failure;
use crate::messages::{Language, Speech};
use crate::output::{Output, attested_json, counted, plain};
use crate::say;
use crate::settings::{Settings, Signing};

/// Arguments of `review pulse`.
#[derive(clap::Args, Debug)]
pub struct Pulse {
    /// The pulse, as the beacon's service answers with it in JSON
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Who signs: any organisation may pass a pulse on
    #[command(flatten)]
    pub signing: Signing,
}

/// The beacon among the arguments of `review set-terms`.
#[derive(clap::Args, Debug)]
pub struct NamedBeacon {
    /// RSA key of a public beacon of which draws take a pulse: a PEM or DER file
    #[arg(long, value_name = "FILE", requires = "beacon_chain")]
    pub beacon_key: Option<PathBuf>,
    /// Its chain
    #[arg(long, value_name = "N")]
    pub beacon_chain: Option<u64>,
    /// Seconds between its pulses; 60 where it is named anew
    #[arg(long, value_name = "SECONDS")]
    pub beacon_period: Option<u32>,
    /// Seconds between the last value and the pulse, at least; 120 where it is named anew
    #[arg(long, value_name = "SECONDS")]
    pub beacon_delay: Option<u32>,
    /// Seconds that a draw waits for the pulse; 21600 where it is named anew
    #[arg(long, value_name = "SECONDS")]
    pub beacon_wait: Option<u32>,
    /// Name no beacon
    #[arg(long, conflicts_with_all = ["beacon_key", "beacon_chain", "beacon_period", "beacon_delay", "beacon_wait"])]
    pub no_beacon: bool,
}

impl NamedBeacon {
    /// What terms name, after what they name now.
    pub(super) fn applied_to(&self, now: Option<Beacon>) -> Result<Option<Beacon>, Failure> {
        let figures = [self.beacon_period, self.beacon_delay, self.beacon_wait];
        let is_told = self.beacon_key.is_some()
            || self.beacon_chain.is_some()
            || figures.iter().any(Option::is_some);
        if self.no_beacon || !is_told {
            return Ok(now.filter(|_| !self.no_beacon));
        }
        let anew = Beacon {
            period_ms: 60_000,
            delay_ms: 120_000,
            wait_ms: 21_600_000,
            ..Beacon::default()
        };
        let mut wanted = now.unwrap_or(anew);
        if let Some(path) = &self.beacon_key {
            wanted.modulus = beacons::modulus(path)?;
        }
        if wanted.modulus.is_empty() {
            return Err(Failure::Usage(
                "the terms name no beacon yet: name its key and its chain (--beacon-key, --beacon-chain)".into(),
            ));
        }
        let ms = |seconds: Option<u32>, now: u32| seconds.map_or(now, |s| s.saturating_mul(1000));
        wanted.chain_index = self.beacon_chain.unwrap_or(wanted.chain_index);
        wanted.period_ms = ms(self.beacon_period, wanted.period_ms);
        wanted.delay_ms = ms(self.beacon_delay, wanted.delay_ms);
        wanted.wait_ms = ms(self.beacon_wait, wanted.wait_ms);
        Ok(Some(wanted))
    }
}

impl Pulse {
    pub(super) fn action(&self) -> Result<Action, Failure> {
        let pulse = Some(Box::new(beacons::pulse(&self.file)?));
        Ok(Action::ShowPulse(ShowPulse { pulse }))
    }
}

/// Shows the last draw.
pub(super) async fn draw(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let found = asked::proven_draw(&mut client).await?;
    let (attested, number, draw) = found.map_err(|attested| Failure::Absent {
        id: "draw".to_owned(),
        height: attested.header.height,
        message: "there was no draw of jurors".to_owned(),
    })?;
    let height = attested.header.height;
    if output.json {
        let silent = draw.values.iter().filter(|v| v.preimage.is_empty());
        output.value(&json!({
            "draw": number,
            "began_in": draw.height,
            "values_until": draw.last_height,
            "drawn_in": Some(draw.closed_height).filter(|height| *height > 0),
            "disputes": draw.disputes.iter().map(hex::encode).collect::<Vec<_>>(),
            "silent": silent.map(|v| Value::from(v.organisation.as_str())).collect::<Vec<_>>(),
            "beacon": beacons::taken_json(&draw),
            "verified": true,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    output.line(format!(
        "Draw      {number}, {verdict} as of block {height}"
    ));
    for line in lines(output.language, &draw) {
        output.line(format!("          {line}"));
    }
    Ok(())
}

fn lines(language: Language, draw: &Draw) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "begun in block {height} for {reviews}; values are taken up to block {last}",
        height = draw.height,
        reviews = language.line(&counted(draw.disputes.len(), "review")),
        last = draw.last_height
    )];
    let silent = draw.values.iter().filter(|v| v.preimage.is_empty());
    let silent: Vec<String> = silent.map(|v| plain(&v.organisation)).collect();
    if !silent.is_empty() {
        lines.push(say!(
            language,
            "no value for the draw from: {silent}",
            silent = silent.join(", ")
        ));
    }
    lines.extend(beacons::awaited_line(language, draw));
    if draw.closed_height > 0 {
        lines.extend(beacons::taken_line(language, draw));
        lines.push(say!(
            language,
            "over: block {height} drew",
            height = draw.closed_height
        ));
    }
    lines
}
