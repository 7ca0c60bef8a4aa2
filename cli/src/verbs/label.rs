//! `touchstone label`: labels to print, whose code opens the thing's record.

use std::path::{Path, PathBuf};

use serde_json::json;
use touchstone_epcis::Identifier;

use crate::failure::Failure;
use crate::file;
use crate::label::activation::{Activation, FIELD};
use crate::label::{self, BadLabel, Printed};
use crate::messages::Speech;
use crate::output::{Output, counted, plain};
use crate::pdf::labels::{self, Label, Sheet};
use crate::say;

/// Write labels with a QR code that opens the thing's record (GS1 Digital Link)
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone label \"(01)09521321000018(21)1\" --base https://trace.example.org -o labels.pdf
  touchstone label --from serials.txt --base https://trace.example.org --sheet a4-65 -o labels.pdf
For a label printer, with lot and expiry:
  touchstone label --from serials.txt --base https://trace.example.org --lot B7 --expiry 311231 \\
    --sheet 50x30 -o labels.pdf
With codes to be covered:
  touchstone label --from serials.txt --base https://trace.example.org \\
    --activation-codes codes.csv -o labels.pdf
The code alone, as SVG or PNG:
  touchstone label \"(01)09521321000018(21)1\" --base https://trace.example.org -o code.svg

The address is that of a node's HTTP interface, or of what stands before it: a browser that opens
the link gets the page that checks the thing's record. Print a test label and scan it before you
print many.

Exit codes: 0 written; 1 wrong usage.")]
pub struct Arguments {
    /// Identifiers in any form: Digital Link, EPC URN, element strings
    #[arg(value_name = "ID", required_unless_present = "from")]
    pub ids: Vec<String>,
    /// A file with an identifier on each line
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The address that the links begin with
    #[arg(long, value_name = "URL")]
    pub base: String,
    /// File to write: PDF with all labels, or the one code as SVG or PNG
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Sheet: a4-24 (70 × 37 mm), a4-65 (38 × 21 mm), or a label's size in mm such as 50x30
    #[arg(long, value_name = "SHEET", default_value = "a4-24", value_parser = sheet)]
    pub sheet: Sheet,
    /// Places of the first sheet that are used up already
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: usize,
    /// The lot that is printed, of all
    #[arg(long, value_name = "LOT")]
    pub lot: Option<String>,
    /// The expiry date that is printed, of all: YYMMDD
    #[arg(long, value_name = "YYMMDD")]
    pub expiry: Option<String>,
    /// Print a new code on each label, to be covered, and write the codes and what is to be recorded of them here (CSV)
    #[arg(long, value_name = "FILE")]
    pub activation_codes: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// The smallest and the largest side of a label, in millimetres.
const SIDES: (f32, f32) = (10.0, 500.0);

fn sheet(text: &str) -> Result<Sheet, String> {
    match text {
        "a4-24" => return Ok(Sheet::a4_24()),
        "a4-65" => return Ok(Sheet::a4_65()),
        _ => {}
    }
    let side = |text: &str| {
        let side = text.parse::<f32>().ok();
        side.filter(|side| (SIDES.0..=SIDES.1).contains(side))
    };
    let sides = text.split_once('x');
    let sides = sides.and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width, height) = sides.ok_or_else(|| {
        let (least, most) = SIDES;
        format!("a4-24, a4-65, or width x height from {least} to {most} mm, such as 50x30")
    })?;
    Ok(Sheet::single(width, height))
}

/// Reads, draws and writes.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let mut labels = labels(arguments)?;
    let codes = match &arguments.activation_codes {
        Some(path) => {
            file::refuse_existing(path, arguments.force)?;
            Some((path, activate(&mut labels)?))
        }
        None => None,
    };
    let form = arguments.out.extension().and_then(|form| form.to_str());
    let bytes = match form.map(str::to_ascii_lowercase).as_deref() {
        Some("pdf") => labels::render(&labels, &arguments.sheet, arguments.skip),
        Some("svg") => label::svg(&one(&labels)?.link).map(String::into_bytes),
        Some("png") => label::png(&one(&labels)?.link),
        _ => {
            let out = plain(&arguments.out.display().to_string());
            return Err(Failure::Usage(format!(
                "{out}: a label's file ends with .pdf, .svg or .png"
            )));
        }
    };
    let bytes = bytes.map_err(|error| Failure::Usage(error.to_string()))?;
    // The codes are on the disk before labels with them are, and none of labels that can't be drawn.
    if let Some((path, codes)) = codes {
        file::write_private(path, codes.as_bytes())?;
    }
    file::write(&arguments.out, &bytes)?;
    if output.json {
        let links: Vec<&str> = labels.iter().map(|label| label.link.as_str()).collect();
        output.value(&json!({ "file": arguments.out, "links": links }));
        return Ok(());
    }
    output.line(say!(
        output.language,
        "Written   {path}: {labels}",
        path = plain(&arguments.out.display().to_string()),
        labels = output.language.line(&counted(labels.len(), "label"))
    ));
    Ok(())
}

fn labels(arguments: &Arguments) -> Result<Vec<Label>, Failure> {
    let listed = match &arguments.from {
        Some(path) => read_lines(path)?,
        None => Vec::new(),
    };
    let ids: Vec<&String> = arguments.ids.iter().chain(&listed).collect();
    if ids.is_empty() {
        return Err(Failure::Usage("there is no identifier to label".into()));
    }
    let printed = Printed {
        lot: arguments.lot.clone(),
        expiry: arguments.expiry.clone(),
    };
    let label = |text: &&String| {
        let refuse = |why: String| Failure::Usage(format!("{}: {why}", plain(text)));
        let id = Identifier::read(text).map_err(|error| refuse(error.to_string()))?;
        label::label(&id, &arguments.base, &printed).map_err(|error| match error {
            BadLabel::Base(_) => Failure::Usage(error.to_string()),
            _ => refuse(error.to_string()),
        })
    };
    ids.iter().map(label).collect()
}

/// Gives each label a code; the table of the codes.
fn activate(labels: &mut [Label]) -> Result<String, Failure> {
    let mut table = format!("link,code,{FIELD}\n");
    for label in labels {
        let drawn = Activation::draw()
            .map_err(|error| Failure::Usage(format!("the system gives no randomness: {error}")))?;
        table.push_str(&format!(
            "{},{},{}\n",
            label.link, drawn.code, drawn.recorded
        ));
        label.activation = Some(drawn.code);
    }
    Ok(table)
}

fn read_lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, &e))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

fn one(labels: &[Label]) -> Result<&Label, Failure> {
    match labels {
        [label] => Ok(label),
        _ => Err(Failure::Usage(format!(
            "a picture shows one code, and there are {} identifiers; write a .pdf",
            labels.len()
        ))),
    }
}
