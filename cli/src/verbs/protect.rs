//! `touchstone protect`: from a listing that shows a copy to the notice about it, with its evidence, in one command.

use std::path::PathBuf;

use serde_json::json;
use touchstone_pictures::{BITS, Index, MAX_DISTANCE};
use touchstone_proto::ledger::{GiveNotice, transaction::Action};
use touchstone_proto::node::GetEvidenceRequest;
use touchstone_proto::node::get_evidence_request::Subject;

use super::certificate::{self, CertifiedFile};
use super::{evidence, right, similar};
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::output::{Output, plain};
use crate::pack::Pack;
use crate::pictures;
use crate::receipt::Receipt;
use crate::say;
use crate::settings::{Settings, Signing};

/// Give notice of a listing that shows a copy of your design, with the evidence, in one command
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone protect URL --design 4be1… --original chair.png --captured shop.png --platform market \\
    --respondent shop --receipt 4be1….touchstone.json -o notice/ --key maker.pem

It compares your picture, which the deposit covers, with what you captured of the listing. It
writes a folder: both pictures, a page that shows them side by side, the certificate (PDF), an
evidence file that anybody verifies offline, and pack.json, which names each with its SHA-256. The
notice records the SHA-256 of pack.json. Send the folder to the platform: `touchstone dispute show
ID --pack FOLDER` tells whether it is the one of the notice. Where nothing in the pictures agrees,
nothing is sent.

Exit codes: 0 noticed; 1 nothing agrees, or a file can't be read; 2 refused; 3 not verified; 4 the
picture isn't part of the design.")]
pub struct Arguments {
    /// Where the listing is found
    #[arg(value_name = "LISTING")]
    pub listing: String,
    /// Your design's id
    #[arg(long, value_name = "ID")]
    pub design: String,
    /// The receipt of the deposit, where the design isn't disclosed
    #[arg(long, value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    /// Your picture, a file of the deposit
    #[arg(long, value_name = "FILE")]
    pub original: PathBuf,
    /// What you captured of the listing: its picture, or a screenshot
    #[arg(long, value_name = "FILE")]
    pub captured: PathBuf,
    /// Id of the platform
    #[arg(long, value_name = "ID")]
    pub platform: String,
    /// Whose listing it is: an organisation's id, or as the platform names it
    #[arg(long, value_name = "NAME")]
    pub respondent: String,
    /// The folder to write
    #[arg(short, long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write the folder, and give no notice
    #[arg(long)]
    pub only_pack: bool,
    /// Write to a folder that holds an earlier pack, which is kept beside it
    #[arg(long)]
    pub force: bool,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Compares, writes the folder, gives notice.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let subject = right::id(&arguments.design)?;
    let ours = pictures::read(&arguments.original)?;
    let theirs = pictures::read(&arguments.captured)?;
    let mut index = Index::default();
    index.push(&theirs.fingerprint);
    let hit = index.search(&ours.fingerprint, 1).hits.into_iter().next();
    let common = pictures::common(&ours, &theirs)?;
    if hit.is_none() && common.is_none() {
        return Err(Failure::Usage(format!(
            "nothing in the pictures agrees: the distance is above {MAX_DISTANCE} of {BITS}, and no region is \
             common; `touchstone dispute notice` takes evidence of your own"
        )));
    }
    // A folder that was written for a notice which can't be signed would stand in the next one's way.
    let signer = match arguments.only_pack {
        true => None,
        false => Some(settings.signer(&arguments.signing)?),
    };
    let receipt = arguments.receipt.as_deref().map(Receipt::read);
    let receipt = receipt.transpose()?;
    let mut client = settings.client().await?;
    let selection = FieldSelection::default();
    let file = CertifiedFile {
        design: subject,
        sha256: hex::encode(ours.sha256),
    };
    let certificate = certificate::pdf_of(&mut client, &file, receipt.as_ref(), &selection);
    let certificate = Box::pin(certificate).await?;
    let opening = receipt
        .as_ref()
        .map(|receipt| evidence::opening(receipt, &selection, None))
        .transpose()?;
    let request = GetEvidenceRequest {
        subject: Some(Subject::Design(subject.to_vec())),
        ..GetEvidenceRequest::default()
    };
    let (proof, _) = Box::pin(evidence::fetch(&mut client, request, opening)).await?;
    let told = similar::told(output.language, hit.as_ref(), common.as_ref());
    let is_trimmed = hit.as_ref().is_some_and(|hit| hit.is_trimmed);
    let page = pictures::side_by_side(&told, is_trimmed, common.as_ref(), [&ours, &theirs]);

    let mut pack = Pack::create(&arguments.out, arguments.force)?;
    pack.tell_kept(output);
    pack.add(&ours.name("original"), ours.bytes())?;
    pack.add(&theirs.name("captured"), theirs.bytes())?;
    pack.add("side-by-side.html", page.as_bytes())?;
    pack.add("certificate.pdf", &certificate)?;
    pack.add("design.evidence", &proof)?;
    let evidence = pack.finish(json!({
        "listing": arguments.listing,
        "platform": arguments.platform,
        "respondent": arguments.respondent,
        "design_id": arguments.design,
        "distance": hit.as_ref().map(|hit| hit.distance),
        "places_that_agree": common.as_ref().map(|common| common.agreeing),
        "packed_ms": output.now_ms(),
    }))?;
    if !output.json {
        let [(_, words), _] = told;
        for line in words {
            output.line(line);
        }
        output.line(say!(
            output.language,
            "Packed    {folder}: 5 files; SHA-256 of their list {sha256}",
            folder = plain(&arguments.out.display().to_string()),
            sha256 = hex::encode(evidence)
        ));
    }
    let Some(signer) = signer else {
        if output.json {
            output.value(&json!({"folder": arguments.out, "sha256": hex::encode(evidence)}));
        }
        return Ok(());
    };
    let notice = GiveNotice {
        subject: subject.to_vec(),
        platform: arguments.platform.clone(),
        respondent: arguments.respondent.clone(),
        listing: arguments.listing.clone(),
        evidence: evidence.to_vec(),
    };
    let action = Action::GiveNotice(notice);
    right::act_as(&signer, action, "Noticed", settings, output).await
}
