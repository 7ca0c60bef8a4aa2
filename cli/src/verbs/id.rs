//! `touchstone id`: one identifier in its forms, explained.

use serde_json::json;
use touchstone_epcis::{Identifier, UrnError};

use crate::failure::Failure;
use crate::output::{Output, plain};

/// Explain an identifier and convert it between EPC URN and GS1 Digital Link, offline
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone id urn:epc:id:sgtin:9521234.050001.A1
  touchstone id https://shop.example/01/09521234500018/21/A1 --prefix-length 7
  touchstone id https://id.gs1.org/00/095212340000000150 --json

The canonical form is what the ledger records a thing under, however a document spells it: a GS1
Digital Link at id.gs1.org. Any other URI stays as it is. An EPC URN also says how many digits the
company's GS1 prefix has, which a Digital Link doesn't tell: give it with --prefix-length.

Exit codes: 0 done; 1 it is no identifier, or has no such URN.")]
pub struct Arguments {
    /// An EPC URN, a GS1 Digital Link on any domain, or any other absolute URI
    pub id: String,
    /// Digits of the company's GS1 prefix, 6 to 12, for the EPC URN
    #[arg(long, value_name = "DIGITS")]
    pub prefix_length: Option<usize>,
}

/// Reads and prints.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let text = &arguments.id;
    let id = Identifier::read(text)
        .map_err(|error| Failure::Usage(format!("{}: {error}", plain(text))))?;
    let length = arguments.prefix_length.or_else(|| prefix_length(text, &id));
    let urn = match id.to_urn(length) {
        Ok(urn) => Ok(urn),
        // What was asked for must be answered; what wasn't may be explained.
        Err(error) if arguments.prefix_length.is_some() => {
            return Err(Failure::Usage(format!("{}: {error}", plain(text))));
        }
        Err(error) => Err(error),
    };
    let level = match (id.is_class(), id.is_instance()) {
        (true, _) => "class",
        (_, true) => "instance",
        _ => "unknown",
    };
    if output.json {
        let parts: Vec<_> = id
            .parts()
            .into_iter()
            .map(|(ai, value)| json!({"ai": ai, "value": value}))
            .collect();
        output.value(&json!({
            "canonical": id.as_str(),
            "kind": id.kind(),
            "names": level,
            "parts": parts,
            "urn": urn.as_ref().ok(),
            "urn_missing": urn.as_ref().err().map(UrnError::to_string),
        }));
        return Ok(());
    }
    output.line(format!("canonical  {}", plain(id.as_str())));
    let Some(kind) = id.kind() else {
        output
            .line("kind       a URI from outside GS1: it is kept as it is, and nothing is checked");
        return Ok(());
    };
    output.line(format!("kind       {kind}"));
    output.line(match id.is_class() {
        true => "names      a class of things: it belongs in a quantity list",
        false => "names      one thing, place or party",
    });
    for (ai, value) in id.parts() {
        let label = format!("({ai})");
        output.line(format!("{label:<10} {}", plain(&value)));
    }
    match urn {
        Ok(urn) => output.line(format!("EPC URN    {}", plain(&urn))),
        Err(UrnError::PrefixLengthUnknown) => {
            output.line("EPC URN    needs the number of digits of the company's GS1 prefix");
            let why = UrnError::PrefixLengthUnknown;
            output.remark(format!("touchstone: {why} (--prefix-length DIGITS)"));
        }
        Err(error) => output.line(format!("EPC URN    none: {error}")),
    }
    Ok(())
}

/// An EPC URN tells where the company's prefix ends.
fn prefix_length(text: &str, id: &Identifier) -> Option<usize> {
    id.kind()?;
    let lower = text.get(..8)?.to_ascii_lowercase();
    // A serial number may have colons.
    let body = text.splitn(5, ':').nth(4).filter(|_| lower == "urn:epc:")?;
    let (prefix, _) = body.split_once('.')?;
    Some(prefix.len())
}
