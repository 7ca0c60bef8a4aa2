//! `touchstone genesis page`: the chain's id as a page to publish: printed, signed by the founders, put
//! where a court finds it. Who has the page needs nothing else to know the chain.

use std::path::PathBuf;

use serde_json::json;
use touchstone_core::genesis::Genesis;

use super::read_genesis;
use crate::failure::Failure;
use crate::fingerprint::{digits, words};
use crate::messages::Language::{Chinese, English};
use crate::output::{Output, plain, utc};
use crate::pdf::{self, PageBlock, PdfDocument};
use crate::{both, both_lines, file, say};

/// Arguments of `genesis page`.
#[derive(clap::Args, Debug)]
pub struct Page {
    /// The genesis document
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "PDF")]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Reads the document and writes the page.
pub fn run(arguments: &Page, output: &mut Output) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let genesis = read_genesis(&arguments.file)?;
    file::write(&arguments.out, &pdf::render(&document(&genesis))?)?;
    if output.json {
        output.value(&json!({
            "file": arguments.out,
            "chain_id": hex::encode(genesis.chain_id),
            "words": words(English, &genesis.chain_id),
            "chinese_words": words(Chinese, &genesis.chain_id),
        }));
        return Ok(());
    }
    let language = output.language;
    output.line(say!(
        language,
        "Written   {path}: publish it where courts and users find it, signed by the founders",
        path = plain(&arguments.out.display().to_string())
    ));
    output.line(say!(
        language,
        "Words     {words}",
        words = words(language, &genesis.chain_id).join(" ")
    ));
    Ok(())
}

fn document(genesis: &Genesis) -> PdfDocument {
    let id = &genesis.chain_id;
    let mut blocks = vec![
        PageBlock::Field(both!("Chain"), vec![plain(&genesis.document.chain)]),
        PageBlock::Field(both!("Chain id (SHA-256 of the genesis file)"), digits(id)),
        PageBlock::Field(
            both!("The same in words (BIP-39)"),
            [English, Chinese]
                .iter()
                .flat_map(|language| {
                    words(*language, id)
                        .chunks(8)
                        .map(|w| w.join(" "))
                        .collect::<Vec<_>>()
                })
                .collect(),
        ),
        PageBlock::Field(both!("Begins"), vec![utc(genesis.document.time_ms)]),
    ];
    blocks.push(PageBlock::Heading(both!("How to compare")));
    for line in both_lines!(
        "sha256sum genesis.json prints the chain id; touchstone verify FILE without --genesis names the one that a \
         file is of, with these words. A node answers with it at /.well-known/touchstone-chain, which is the node's \
         word; this page is the founders'."
    ) {
        blocks.push(PageBlock::Paragraph(line));
    }
    blocks.push(PageBlock::Heading(both!("The founders")));
    for organisation in &genesis.document.organisations {
        let name = format!("{} ({})", organisation.name, organisation.id);
        let lines = vec![
            both!("Signature, seal, date"),
            String::new(),
            "_".repeat(48),
        ];
        blocks.push(PageBlock::Field(name, lines));
    }
    PdfDocument {
        title: [
            say!(Chinese, "Publication of a chain id"),
            say!(English, "Publication of a chain id"),
        ],
        code: Some(format!("touchstone:chain/{}", hex::encode(id))),
        blocks,
        foot: both!("Chain id {id}", id = hex::encode(id)),
        date_ms: genesis.document.time_ms,
    }
}
