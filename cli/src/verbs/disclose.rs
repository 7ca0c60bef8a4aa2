//! `touchstone disclose`: open a deposit, so that anyone finds it by its files.

use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::{Client, NotVerified, Signer, earlier, look_alikes};
use touchstone_core::hash::Hash;
use touchstone_pictures::REGIONS_SPECIFICATION;
use touchstone_proto::ledger::{
    DesignContent, DiscloseDesign, PublishFeatures, PublishFingerprints, transaction::Action,
};

use crate::earlier as before;
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::look_alikes as compared;
use crate::messages::Language;
use crate::output::{Output, add_member, plain, utc};
use crate::pictures::{self, Readable};
use crate::receipt::{Opening, Receipt};
use crate::say;
use crate::settings::{Settings, Signing};
use crate::verbs::transaction::tell_recorded;

/// Disclose a deposited design: its files' hashes and title become public for ever
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone disclose 4be1….touchstone.json
  touchstone disclose 4be1….touchstone.json chair-front.png chair-side.png
  touchstone disclose 4be1….touchstone.json --show author

The files themselves stay where they are; their SHA-256, the salt, the title and the class are
published, further fields where --show names them. Of pictures that are named here the fingerprint
is published too: the ledger compares each with all earlier ones, and the certificate tells what was
found. Then their features are published (docs/regions.md): any node can find crops and screenshots
of them. Both show roughly what the picture looks like. Pictures of a design that is disclosed
already can be named once, later; --only-regions publishes features where fingerprints stand.

Earlier deposits of the same files, as far as they are disclosed, are told of.")]
pub struct Arguments {
    /// The receipt of the deposit
    pub receipt: PathBuf,
    /// Pictures among the design's files, to be compared with all earlier ones
    pub pictures: Vec<PathBuf>,
    /// Another title than the receipt's, where the deposit doesn't cover one
    #[arg(long)]
    pub title: Option<String>,
    /// Which of the deposit's fields become public
    #[command(flatten)]
    pub fields: FieldSelection,
    /// Don't publish what finds crops and screenshots of the pictures
    #[arg(long)]
    pub without_regions: bool,
    /// Of pictures, publish only what finds crops and screenshots of them
    #[arg(long, requires = "pictures", conflicts_with = "without_regions")]
    pub only_regions: bool,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Discloses and waits for the proof.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let receipt = Receipt::read(&arguments.receipt)?;
    let mut client = settings.client().await?;
    receipt.check(client.trust().chain_id())?;
    let signer = settings.signer(&arguments.signing)?;
    let opening = receipt.opening()?;
    let pictures = readable(&arguments.pictures, &opening.files)?;
    let features = match arguments.without_regions {
        true => Vec::new(),
        false => pictures::features_message(&pictures)?,
    };
    let id = receipt.id()?;
    let regions = (!features.is_empty()).then(|| PublishFeatures {
        design_id: id.to_vec(),
        specification: REGIONS_SPECIFICATION.to_vec(),
        pictures: features,
    });
    if arguments.only_regions {
        return only_regions(&mut client, &signer, regions, output).await;
    }
    let fingerprints = (!pictures.is_empty()).then(|| pictures::message(&pictures));
    let (_, design) = client.design(&id).await?;
    let is_disclosed = design.is_some_and(|design| design.disclosure.is_some());
    let action = match fingerprints {
        Some(fingerprints) if is_disclosed => Action::PublishFingerprints(PublishFingerprints {
            design_id: id.to_vec(),
            fingerprints: Some(fingerprints),
        }),
        fingerprints => {
            let (title, content) = shown(arguments, &receipt, &opening)?;
            Action::DiscloseDesign(DiscloseDesign {
                design_id: id.to_vec(),
                salt: opening.salt.to_vec(),
                file_hashes: opening.files.iter().map(|f| f.to_vec()).collect(),
                title,
                fingerprints,
                content,
            })
        }
    };
    let recorded = Box::pin(client.act(&signer, output.now_ms(), action)).await?;
    let header = &recorded.attested.header;
    let following = async {
        let published = publish(&mut client, &signer, regions, output).await?;
        let (_, design) = client.design(&id).await?;
        let design = design.ok_or(NotVerified::Missing("record of a disclosed design"))?;
        let look_alikes = match arguments.pictures.is_empty() {
            true => None,
            false => Box::pin(look_alikes::of_design(&mut client, &id, &design)).await?,
        };
        let earlier = earlier::of_design(&mut client, &id, &design, &opening.files);
        Ok::<_, Failure>((published, look_alikes, Box::pin(earlier).await?))
    };
    let followed = Box::pin(following).await;
    let followed = followed.inspect_err(|_| tell_recorded(&recorded, output));
    let (published, look_alikes, earlier) = followed?;
    if output.json {
        let mut value = json!({
            "design_id": receipt.design_id,
            "transaction": hex::encode(recorded.id),
            "height": header.height,
            "time_ms": header.time_ms,
        });
        add_member(&mut value, "earlier", before::json(&earlier));
        if let Some(look_alikes) = &look_alikes {
            add_member(&mut value, "look_alikes", compared::json(look_alikes));
        }
        if let Some(published) = &published {
            add_member(&mut value, "regions", published.json());
        }
        output.value(&value);
    } else {
        output.line(format!(
            "Disclosed {} at height {}, {} (proven)",
            receipt.design_id,
            header.height,
            utc(header.time_ms)
        ));
        let language = output.language;
        for line in before::lines(language, &earlier) {
            output.line(line);
        }
        if let Some(found) = &look_alikes {
            for line in compared::lines(language, found) {
                output.line(line);
            }
        }
        if let Some(published) = &published {
            output.line(published.line(language));
        }
    }
    Ok(())
}

/// What was published so that regions of pictures are found.
struct PublishedRegions {
    transaction: Hash,
    pictures: usize,
}

impl PublishedRegions {
    fn line(&self, language: Language) -> String {
        say!(
            language,
            "Pictures whose features are published: {count}; any node can find crops and screenshots of them",
            count = self.pictures
        )
    }

    fn json(&self) -> Value {
        json!({
            "transaction": hex::encode(self.transaction),
            "pictures": self.pictures,
        })
    }
}

async fn publish(
    client: &mut Client,
    signer: &Signer,
    action: Option<PublishFeatures>,
    output: &Output,
) -> Result<Option<PublishedRegions>, Failure> {
    let Some(action) = action else {
        return Ok(None);
    };
    let pictures = action.pictures.len();
    let action = Action::PublishFeatures(action);
    let recorded = Box::pin(client.act(signer, output.now_ms(), action)).await?;
    Ok(Some(PublishedRegions {
        transaction: recorded.id,
        pictures,
    }))
}

/// The same of a design whose disclosure and fingerprints are on the ledger.
async fn only_regions(
    client: &mut Client,
    signer: &Signer,
    action: Option<PublishFeatures>,
    output: &mut Output,
) -> Result<(), Failure> {
    let Some(published) = publish(client, signer, action, output).await? else {
        return Err(Failure::Usage(
            "there is too little to see in these pictures for regions of them to be found".into(),
        ));
    };
    match output.json {
        true => output.value(&json!({ "regions": published.json() })),
        false => output.line(published.line(output.language)),
    }
    Ok(())
}

/// Title and content as they become public.
fn shown(
    arguments: &Arguments,
    receipt: &Receipt,
    opening: &Opening,
) -> Result<(String, Option<DesignContent>), Failure> {
    let other = arguments.title.clone();
    let (title, content) = arguments.fields.of_opening(opening, &receipt.title)?;
    match other {
        Some(other) if content.is_some() && other != title => Err(Failure::Usage(
            "the deposit covers its title: it can be shown or hidden (--hide title), and not replaced".into(),
        )),
        Some(other) => Ok((other, content)),
        None => Ok((title, content)),
    }
}

/// Pictures, each of which must be one of the design's files.
fn readable(paths: &[PathBuf], files: &[Hash]) -> Result<Vec<Readable>, Failure> {
    let mut readable = Vec::with_capacity(paths.len());
    for path in paths {
        let picture = pictures::read(path)?;
        if !files.contains(&picture.sha256) {
            return Err(Failure::Usage(format!(
                "{}: not one of the design's files",
                plain(&path.display().to_string())
            )));
        }
        readable.push(picture);
    }
    Ok(readable)
}
