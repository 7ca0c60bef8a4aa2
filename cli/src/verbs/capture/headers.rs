//! What documents say of products, places and parties in their headers, stated with their events.

use serde_json::{Value, json};
use touchstone_client::client::{Client, Signer};
use touchstone_client::master_data::{self, ElementOutcome, ElementReport};

use crate::capture::source::MasterDataHeader;
use crate::failure::Failure;
use crate::output::{Output, counted, plain};

/// How many elements had which outcome.
#[derive(Default)]
pub struct ElementCounts {
    stated: usize,
    unchanged: usize,
    foreign: usize,
    /// Those that a rule refuses, or that can't be read.
    refused: usize,
}

impl ElementCounts {
    /// All.
    pub fn total(&self) -> usize {
        self.stated + self.unchanged + self.foreign + self.refused
    }

    /// Requires that none was refused.
    pub fn check(&self) -> Result<(), Failure> {
        match self.refused {
            0 => Ok(()),
            refused => Err(Failure::ElementsRefused {
                refused,
                total: self.total(),
            }),
        }
    }

    /// For the summary.
    pub fn json(&self) -> Value {
        json!({
            "stated": self.stated, "unchanged": self.unchanged,
            "foreign": self.foreign, "refused": self.refused,
        })
    }

    /// For a person.
    pub fn line(&self) -> String {
        format!(
            "{} of master data: {} stated (proven), {} unchanged, {} of other prefixes, {} refused",
            counted(self.total(), "element"),
            self.stated,
            self.unchanged,
            self.foreign,
            self.refused
        )
    }
}

/// States the elements of the sender's prefixes, and reports what becomes of each.
pub async fn state(
    headers: &[MasterDataHeader],
    client: &mut Client,
    signer: &Signer,
    output: &mut Output,
) -> Result<ElementCounts, Failure> {
    let mut counts = ElementCounts::default();
    for header in headers {
        let told = master_data::state(client, signer, &header.entries, output.clock()).await?;
        for element in told {
            let count = match &element.outcome {
                ElementOutcome::Stated { .. } => &mut counts.stated,
                ElementOutcome::Unchanged { .. } => &mut counts.unchanged,
                ElementOutcome::Foreign => &mut counts.foreign,
                ElementOutcome::Refused(_) => &mut counts.refused,
            };
            *count += 1;
            report(&header.file, &element, output);
        }
    }
    Ok(counts)
}

fn report(file: &str, element: &ElementReport, output: &mut Output) {
    if output.json {
        let mut value = describe(element);
        crate::output::add_member(&mut value, "file", json!(file));
        output.value(&value);
        return;
    }
    let (id, file) = (plain(&element.id), plain(file));
    match &element.outcome {
        ElementOutcome::Stated { .. } | ElementOutcome::Unchanged { .. } => {}
        ElementOutcome::Foreign => output.line(format!(
            "not yours {file}: the GS1 company prefix of {id} isn't registered with your organisation, so its \
             master data isn't stated"
        )),
        ElementOutcome::Refused(refusal) => output.line(format!(
            "refused   {file} master data {}: rule {} ({}): {}",
            plain(&element.place),
            plain(&refusal.rule),
            refusal.code,
            plain(&refusal.message)
        )),
    }
}

/// An element's outcome for programs.
pub fn describe(element: &ElementReport) -> Value {
    let outcome = match &element.outcome {
        ElementOutcome::Stated {
            version,
            transaction,
            height,
        } => json!({
            "result": "stated", "version": version,
            "transaction": hex::encode(transaction), "height": height,
        }),
        ElementOutcome::Unchanged { version } => json!({"result": "unchanged", "version": version}),
        ElementOutcome::Foreign => json!({"result": "foreign"}),
        ElementOutcome::Refused(refusal) => json!({
            "result": "refused", "rule": refusal.rule, "code": refusal.code,
            "message": refusal.message,
        }),
    };
    let mut value = outcome;
    for (name, member) in [
        ("outcome", json!("master-data")),
        ("path", json!(element.place)),
        ("id", json!(element.id)),
    ] {
        crate::output::add_member(&mut value, name, member);
    }
    value
}
