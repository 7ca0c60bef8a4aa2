//! The certificate as a document for people, in Chinese and English.

use touchstone_core::designs::field::{DesignField, FieldName};
use touchstone_proto::ledger::KeyDispute;

use super::facts::{CertificateFacts, CertifiedFile, TitleBasis};
use crate::earlier as before;
use crate::fields;
use crate::look_alikes as compared;
use crate::messages::Language;
use crate::output::{beijing, plain, utc};
use crate::pdf::{PageBlock, PdfDocument};
use crate::{both, both_lines, disputes, rights, sanctions, say, vouching};

/// The document.
pub fn document(facts: &CertificateFacts) -> PdfDocument {
    let mut blocks = Vec::new();
    blocks.extend(deposit(facts));
    blocks.extend(time(facts));
    blocks.extend(files(&facts.files));
    blocks.extend(earlier(facts));
    blocks.extend(look_alikes(facts));
    blocks.extend(disputed(facts));
    blocks.extend(sanctioned(facts));
    blocks.extend(chain(facts));
    blocks.extend(reading(facts));
    PdfDocument {
        title: [
            say!(Language::Chinese, "Certificate of design deposit"),
            say!(Language::English, "Certificate of design deposit"),
        ],
        code: Some(facts.uri()),
        blocks,
        foot: both!("Design deposit {id}", id = hex::encode(facts.design_id)),
        date_ms: facts.time_ms,
    }
}

fn deposit(facts: &CertificateFacts) -> Vec<PageBlock> {
    let title = match &facts.title {
        Some(title) => vec![
            title.text.clone(),
            match title.basis {
                TitleBasis::Ledger => both!("(recorded in the ledger at its disclosure)"),
                TitleBasis::Commitment => {
                    both!("(stated at the deposit: the commitment covers it)")
                }
                TitleBasis::Holder => both!("(the holder's statement, not in the ledger)"),
            },
        ],
        None if facts.covers_fields => vec![both!("not shown here")],
        None => {
            vec![both!("unknown: neither disclosed nor in a receipt")]
        }
    };
    let disclosed = match facts.disclosed {
        Some((time_ms, height)) => both!(
            "{time}, block {height}",
            time = utc(time_ms),
            height = height
        ),
        None => both!("not disclosed"),
    };
    let mut blocks = vec![
        PageBlock::Heading(both!("Deposit")),
        PageBlock::field(&both!("Design"), hex::encode(facts.design_id)),
        PageBlock::Field(both!("Title"), title),
        PageBlock::field(
            &both!("Owner"),
            format!("{} ({})", facts.organisation_name, facts.organisation),
        ),
        PageBlock::field(&both!("Owner's key"), hex::encode(facts.owner_key)),
        PageBlock::field(&both!("Commitment"), hex::encode(facts.commitment)),
        PageBlock::field(&both!("Disclosed"), disclosed),
    ];
    blocks.extend(stated(facts));
    blocks.extend(vouched(facts));
    blocks.extend(owned(facts));
    if let Some(since) = facts.compromised_since_ms {
        blocks.push(PageBlock::Notice(compromise(since, facts)));
    }
    blocks
}

/// The fields that are shown, but for the title; nothing where the deposit covers files alone.
fn stated(facts: &CertificateFacts) -> Vec<PageBlock> {
    let name = |field: &DesignField| {
        let [chinese, english] = [Language::Chinese, Language::English]
            .map(|language| fields::name_in(language, field.name));
        format!("{chinese} {english}")
    };
    let shown = facts.fields.iter();
    let shown = shown.filter(|field| field.name != FieldName::Title);
    let mut blocks: Vec<PageBlock> = shown
        .map(|field| PageBlock::field(&name(field), field.value.clone()))
        .collect();
    if facts.covers_fields {
        blocks.push(PageBlock::Paragraph(both!(
            "Stated by the owner at the deposit, checked by nobody; further fields may stay closed."
        )));
    }
    blocks
}

/// Who vouched for the owner; nothing where it is enrolled itself.
fn vouched(facts: &CertificateFacts) -> Option<PageBlock> {
    let (found, name) = facts.vouching.as_ref()?;
    let lines = |language| vouching::lines(language, found, name);
    let lines = [lines(Language::Chinese), lines(Language::English)].concat();
    Some(PageBlock::Field(both!("Vouched"), lines))
}

/// Who owns the design; nothing where its depositor never disposed of it.
fn owned(facts: &CertificateFacts) -> Option<PageBlock> {
    let right = facts.right.as_ref()?;
    let lines = |language| rights::lines(language, right);
    let lines = [lines(Language::Chinese), lines(Language::English)].concat();
    Some(PageBlock::Field(both!("Right"), lines))
}

fn compromise(since_ms: u64, facts: &CertificateFacts) -> String {
    let since = utc(since_ms);
    match facts.is_doubtful() {
        true if facts.dispute == KeyDispute::Contested => both!(
            "Contested: a key that may be a thief's reported that others may have used this key since {since}, before \
             this deposit; the consortium hasn't decided.",
            since = since
        ),
        true => both!(
            "Warning: the organisation reported that others may have used this key since {since}, before this deposit; \
             somebody else may have signed it.",
            since = since
        ),
        false => both!(
            "The organisation reported that others may have used this key since {since}; this deposit is earlier and \
             keeps its worth.",
            since = since
        ),
    }
}

/// When a deposit was made, within which error, milliseconds.
pub fn deposited(time_ms: u64, error_ms: u64) -> PageBlock {
    let error = format!("{:.1}", error_ms as f64 / 1000.0);
    PageBlock::Field(
        both!("Deposited"),
        vec![
            both!(
                "no later than {time} ± {error} s",
                time = utc(time_ms),
                error = error
            ),
            both!("Beijing time {time}", time = beijing(time_ms)),
        ],
    )
}

fn time(facts: &CertificateFacts) -> Vec<PageBlock> {
    let parameters = &facts.parameters;
    vec![
        PageBlock::Heading(both!("Time")),
        deposited(facts.time_ms, parameters.time_error_ms()),
        PageBlock::Field(
            both!("Error"),
            both_lines!(
                "The time of a block decided in its first round is within the clock precision ({precision} ms) and the \
                 message delay ({delay} ms) of honest validators' clocks; each later round widens the delay by a \
                 tenth.",
                precision = parameters.precision_ms,
                delay = parameters.message_delay_ms
            ),
        ),
    ]
}

fn files(files: &[CertifiedFile]) -> Vec<PageBlock> {
    let mut blocks = vec![PageBlock::Heading(match files.len() {
        0 => both!("Files: unknown"),
        count => both!("Files: {count}", count = count),
    })];
    if files.is_empty() {
        blocks.push(PageBlock::Paragraph(both!(
            "Without the receipt or a disclosure it isn't known which files the commitment is to."
        )));
        return blocks;
    }
    for (index, file) in files.iter().enumerate() {
        let mut lines = vec![hex::encode(file.sha256)];
        lines.extend(view(file));
        lines.extend(file.name.clone());
        blocks.push(PageBlock::Field(format!("{}. SHA-256", index + 1), lines));
    }
    if files.iter().any(|f| f.name.is_some()) {
        blocks.push(PageBlock::Paragraph(both!(
            "The files' names are the holder's statement, not in the ledger."
        )));
    }
    blocks
}

/// What a file shows, in both languages.
fn view(file: &CertifiedFile) -> Option<String> {
    let chinese = fields::view_in(Language::Chinese, file.view)?;
    let english = fields::view_in(Language::English, file.view)?;
    Some(format!("{chinese} {english}"))
}

/// Who deposited these files before; nothing where nobody did, or nobody has disclosed it.
fn earlier(facts: &CertificateFacts) -> Vec<PageBlock> {
    let lines = |language| before::lines(language, &facts.earlier);
    let (chinese, english) = (lines(Language::Chinese), lines(Language::English));
    if english.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![PageBlock::Heading(both!("Earlier deposits of these files"))];
    for (chinese, english) in chinese.into_iter().zip(english) {
        blocks.push(PageBlock::Notice(chinese));
        blocks.push(PageBlock::Notice(english));
    }
    blocks
}

/// What the ledger compared; nothing where it didn't.
fn look_alikes(facts: &CertificateFacts) -> Vec<PageBlock> {
    let Some(found) = &facts.look_alikes else {
        return Vec::new();
    };
    let mut blocks = vec![PageBlock::Heading(both!("Look-alikes"))];
    let lines = |language| compared::lines(language, found);
    for (chinese, english) in lines(Language::Chinese)
        .into_iter()
        .zip(lines(Language::English))
    {
        blocks.push(PageBlock::Paragraph(chinese));
        blocks.push(PageBlock::Paragraph(english));
    }
    blocks.push(PageBlock::Paragraph(both!(
        "More than 2/3 of the validators attest the comparison. It says where to look; it doesn't say that one is a \
         copy of the other. The fingerprint is the owner's word until somebody computes it from the file."
    )));
    blocks
}

/// How disputes went; nothing where it is proven that there was none.
fn disputed(facts: &CertificateFacts) -> Vec<PageBlock> {
    if facts.disputes.notices == 0 {
        return Vec::new();
    }
    let mut blocks = vec![PageBlock::Heading(both!("Disputes"))];
    for language in [Language::Chinese, Language::English] {
        let tally = disputes::tally(language, &facts.disputes);
        blocks.push(PageBlock::Paragraph(tally));
    }
    for lines in &facts.shown_disputes {
        let lines = lines.iter().flatten().cloned().collect();
        blocks.push(PageBlock::Field(both!("Dispute"), lines));
    }
    blocks.push(PageBlock::Paragraph(both!(
        "As they stood when this page was made. The draw, the votes and the verdict are proven in one file: touchstone \
         evidence ID --dispute DISPUTE -o case.evidence."
    )));
    blocks
}

/// The sanctions against who owns the design and who deposited it; nothing where it is proven that there was none.
fn sanctioned(facts: &CertificateFacts) -> Vec<PageBlock> {
    if facts.sanctions.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![PageBlock::Heading(both!("Sanctions"))];
    for found in &facts.sanctions {
        let lines = |language| sanctions::of_party(language, found);
        let lines = [lines(Language::Chinese), lines(Language::English)].concat();
        blocks.push(PageBlock::Field(plain(&found.organisation), lines));
    }
    blocks.push(PageBlock::Paragraph(both!(
        "As they stood when this page was made. A later decision may lift one, or impose another: touchstone sanction \
         party ID shows those that hold, or did."
    )));
    blocks
}

fn chain(facts: &CertificateFacts) -> Vec<PageBlock> {
    let total = facts.total_power();
    let validators = facts
        .validators
        .iter()
        .map(|v| {
            let (name, id, power) = (&v.name, &v.organisation, v.power);
            both!(
                "{name} ({id}), voting power {power} of {total}",
                name = name,
                id = id,
                power = power,
                total = total
            )
        })
        .collect();
    let independence = match facts.own_power() {
        0 => PageBlock::Paragraph(both!(
            "The owner's organisation is not among the validators."
        )),
        own => PageBlock::Notice(both!(
            "Note: the owner's own organisation is among the validators, with {own} of {total} voting power.",
            own = own,
            total = total
        )),
    };
    vec![
        PageBlock::Heading(both!("Record on the chain")),
        PageBlock::Field(
            both!("Chain"),
            vec![facts.chain_name.clone(), hex::encode(facts.chain_id)],
        ),
        PageBlock::Field(
            both!("Block"),
            vec![
                both!("height {height}", height = facts.height),
                hex::encode(facts.block_id),
            ],
        ),
        PageBlock::field(&both!("Transaction"), hex::encode(facts.transaction_id)),
        PageBlock::Field(both!("Validators"), validators),
        PageBlock::field(
            &both!("Hash of the set"),
            hex::encode(facts.validators_hash),
        ),
        PageBlock::Paragraph(both!(
            "These are all validators at this height; more than 2/3 of their voting power signed the block."
        )),
        independence,
    ]
}

fn reading(facts: &CertificateFacts) -> Vec<PageBlock> {
    let shows = match facts.files.is_empty() {
        false => both!(
            "Shows that whoever held the owner's key committed to exactly the files with these fingerprints no later \
             than this time, attested by more than 2/3 of the validators' voting power."
        ),
        true => both!(
            "Shows that a commitment by this key was deposited no later than this time, attested by more than 2/3 of \
             the validators' voting power."
        ),
    };
    let mut blocks = vec![PageBlock::Heading(both!("How to verify"))];
    let how = both_lines!(
        "This page proves nothing by itself. Ask any node: touchstone certificate ID --genesis genesis.json; one \
         offline file for a court: touchstone evidence ID -o case.evidence. The chain id (SHA-256 of the genesis file) \
         must be the one that the consortium publishes; the SHA-256 of an original file (sha256sum) must be among the \
         fingerprints above."
    );
    blocks.extend(how.into_iter().map(PageBlock::Paragraph));
    blocks.extend([
        PageBlock::Heading(both!("What it shows, and what it doesn't")),
        PageBlock::Paragraph(shows),
        PageBlock::Paragraph(both!(
            "Doesn't show who made the design, that it is new, or that nobody had it before."
        )),
    ]);
    blocks
}

#[cfg(test)]
mod tests;
