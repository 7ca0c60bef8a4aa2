//! `touchstone hash`: the CBV 2.0 event hash of events.

use std::path::PathBuf;

use serde_json::json;
use touchstone_core::hash::sha256;
use touchstone_epcis::{EpcisError, document_hashes, is_xml};

use crate::capture::source::read_document;
use crate::failure::Failure;
use crate::output::{Output, plain};
use touchstone_client::capture::EventRefusal;

/// Print the CBV 2.0 event hash of each event of EPCIS documents, offline
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone hash shipments.json
  touchstone hash shipments.xml --json

The hash is the same however an event is written: XML or JSON, EPC URNs or Digital Links, in any
order of fields, white space and time zone. It serves to find an event and to tell duplicates. It
leaves out eventID, recordTime and errorDeclaration, so it can't show that an event is unchanged:
what the ledger signs and proves are an event's exact bytes.

Of an XML document, --json also tells the SHA-256 of the file, which its converted events name in
touchstone:sourceDocument.

Exit codes: 0 done; 2 an event is refused.")]
pub struct Arguments {
    /// EPCIS documents or events in JSON or XML, or '-' for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// Reads and prints.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let mut refused = 0;
    let mut total = 0;
    for path in &arguments.files {
        let file = path.display().to_string();
        let document = read_document(path)?;
        let source = is_xml(&document).then(|| hex::encode(sha256(&document)));
        for (index, hash) in hashes(&document).into_iter().enumerate() {
            total += 1;
            match hash {
                Ok(hash) if output.json => output.value(&json!({
                    "file": file, "index": index, "hash": hash, "source_sha256": source,
                })),
                Ok(hash) => output.line(hash),
                Err(error) => {
                    refused += 1;
                    tell_refused(&file, index, error, output);
                }
            }
        }
    }
    if refused > 0 {
        return Err(Failure::NoHash { refused, total });
    }
    Ok(())
}

/// The hash of each event; one error for a document that can't be read.
fn hashes(document: &[u8]) -> Vec<Result<String, EpcisError>> {
    document_hashes(document).unwrap_or_else(|error| vec![Err(error)])
}

fn tell_refused(file: &str, index: usize, error: EpcisError, output: &mut Output) {
    let refusal = EventRefusal::epcis(error);
    if output.json {
        output.value(&json!({
            "file": file, "index": index, "hash": null,
            "code": refusal.code, "rule": refusal.rule, "message": refusal.message,
        }));
    } else {
        output.remark(format!(
            "refused   {}: rule {}: {}",
            plain(file),
            refusal.rule,
            plain(&refusal.message)
        ));
    }
}
