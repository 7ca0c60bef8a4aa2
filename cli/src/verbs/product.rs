//! `touchstone product`: how much of a product may be made of how much, which the ledger holds
//! transformations against.

use serde_json::json;
use touchstone_core::state::keys;
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::{self, DeclareProduct, transaction::Action};

use crate::event_text;
use crate::failure::Failure;
use crate::output::{Output, attested_json, plain};
use crate::settings::{Settings, Signing};

/// Declare how much of a product may be made of how much, or show it
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Declare a product's yield: no transformation may then make more than that
    #[command(after_help = "Examples:
  touchstone product declare urn:epc:idpat:sgtin:9521234.050001.* --yield 9/10 --unit KGM
  touchstone product declare urn:epc:idpat:sgtin:9521234.050001.* --yield 12/1   twelve of one

At most 9 kg come of 10 kg of inputs. Only whom the GS1 company prefix is registered with declares
a product, and may do so anew: what was made before stays. docs/custody.md tells of mass balance.")]
    Declare(DeclareArguments),
    /// Show what is declared for a product, proven
    #[command(after_help = "Example:
  touchstone product show urn:epc:idpat:sgtin:9521234.050001.*

Exit codes: 0 verified; 3 not verified; 4 not declared (proven).")]
    Show(ShowArguments),
}

/// Arguments of `product declare`.
#[derive(clap::Args, Debug)]
pub struct DeclareArguments {
    /// A class: urn:epc:idpat:sgtin:….* or https://id.gs1.org/01/GTIN
    pub product: String,
    /// So much of it from so much of inputs, both in --unit
    #[arg(long = "yield", value_name = "OUTPUT/INPUT", value_parser = ratio)]
    pub output_of_input: (u64, u64),
    /// A base unit of UN/ECE Recommendation 20, such as KGM or LTR [default: pieces]
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    pub unit: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `product show`.
#[derive(clap::Args, Debug)]
pub struct ShowArguments {
    /// A class: urn:epc:idpat:sgtin:….* or https://id.gs1.org/01/GTIN
    pub product: String,
}

/// Declares, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Declare(arguments) => declare(arguments, settings, output).await,
        Verb::Show(arguments) => show(arguments, settings, output).await,
    }
}

async fn declare(
    arguments: &DeclareArguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let product = class(&arguments.product)?;
    let signer = settings.signer(&arguments.signing)?;
    let mut client = settings.client().await?;
    let (out, input) = arguments.output_of_input;
    let action = Action::DeclareProduct(DeclareProduct {
        product: product.as_str().to_owned(),
        output: out,
        input,
        unit: arguments.unit.clone(),
    });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    let unit = event_text::unit(&arguments.unit);
    if output.json {
        output.value(&json!({
            "product": product.as_str(),
            "output": out,
            "input": input,
            "unit": arguments.unit,
            "transaction": hex::encode(recorded.id),
            "height": height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Declared  {}: at most {out} {unit} from {input} {unit} of inputs, block {height}",
        plain(product.as_str())
    ));
    Ok(())
}

async fn show(
    arguments: &ShowArguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let product = class(&arguments.product)?;
    let mut client = settings.client().await?;
    let key = keys::product(product.as_str());
    let (attested, declared) = client.message::<ledger::Product>(&key).await?;
    let height = attested.header.height;
    let Some(declared) = declared else {
        return Err(Failure::Absent {
            id: product.as_str().to_owned(),
            height,
            message: format!("NOT DECLARED: {} has no yield", plain(product.as_str())),
        });
    };
    if output.json {
        output.value(&json!({
            "product": product.as_str(),
            "organisation": declared.organisation,
            "output": declared.output,
            "input": declared.input,
            "unit": declared.unit,
            "verified": true,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    let name = client.name(&declared.organisation).await?;
    let unit = event_text::unit(&declared.unit);
    output.line(format!("Product   {}", plain(product.as_str())));
    output.line(format!(
        "Yield     at most {} {unit} from {} {unit} of inputs",
        declared.output, declared.input
    ));
    output.line(format!(
        "Declared  by {} ({}), {} at height {height}",
        plain(&name),
        plain(&declared.organisation),
        output.good("VERIFIED")
    ));
    Ok(())
}

/// A product's class.
pub fn class(text: &str) -> Result<Identifier, Failure> {
    let id = Identifier::read(text).map_err(|e| Failure::Usage(format!("{}: {e}", plain(text))))?;
    match id.is_class() {
        true => Ok(id),
        false => Err(Failure::Usage(format!(
            "{} names one thing; a product is a class, such as https://id.gs1.org/01/GTIN",
            plain(text)
        ))),
    }
}

fn ratio(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/');
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|n| *n > 0);
    parts
        .and_then(|(output, input)| Some((number(output)?, number(input)?)))
        .ok_or_else(|| "write two whole numbers above 0, such as 9/10".to_owned())
}
