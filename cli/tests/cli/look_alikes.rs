//! Pictures that look alike: asked before depositing, flagged at disclosure, told by certificates.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use touchstone_proto::node::{ComparePictureReply, StateReply};

use crate::fake::{Ran, Served};

/// Coloured rectangles by a seed.
fn pixels(seed: u32) -> Vec<u8> {
    let mut rgb = vec![250; 120 * 90 * 3];
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..14 {
        let (left, top, width, height) = (next(120), next(90), next(60) + 1, next(45) + 1);
        let colour = [next(256) as u8, next(256) as u8, next(256) as u8];
        for y in top..(top + height).min(90) {
            for x in left..(left + width).min(120) {
                let at = ((y * 120 + x) * 3) as usize;
                rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
    rgb
}

fn mirrored(rgb: &[u8]) -> Vec<u8> {
    let rows = rgb.chunks(120 * 3);
    let row = |row: &[u8]| row.chunks(3).rev().flatten().copied().collect::<Vec<u8>>();
    rows.flat_map(row).collect()
}

fn write(node: &Served, name: &str, rgb: &[u8]) -> String {
    write_png(node, name, rgb, (120, 90))
}

/// A picture of this size in the node's folder.
pub fn write_png(node: &Served, name: &str, rgb: &[u8], (width, height): (u32, u32)) -> String {
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    encoder
        .write_image(rgb, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    write_bytes(node, name, &file)
}

/// A picture in the node's folder.
pub fn picture(node: &Served, name: &str) -> String {
    write(node, name, &pixels(1))
}

/// The same picture as a JPEG.
pub fn jpeg(node: &Served, name: &str) -> String {
    let mut file = Vec::new();
    JpegEncoder::new(&mut file)
        .write_image(&pixels(1), 120, 90, ExtendedColorType::Rgb8)
        .unwrap();
    write_bytes(node, name, &file)
}

fn write_bytes(node: &Served, name: &str, bytes: &[u8]) -> String {
    let path = node.path(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// Deposits a file: the design's id, and where the receipt is.
pub async fn deposit(node: &Served, who: &str, file: &str) -> (String, String) {
    let folder = node.folder.path().display().to_string();
    let arguments = ["deposit", file, "--receipts", &folder, "--json"];
    let ran = node.run_as(who, &arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = &ran.json()[0];
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("design_id"), text("receipt"))
}

/// The run went well and said this.
pub fn shows(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

/// An original by carol, and a mirrored copy of it that bravo deposits and discloses later.
struct Copied {
    node: Served,
    original: String,
    copy: String,
    copied_file: String,
}

async fn copied() -> Copied {
    let node = Served::start().await;
    let lamp = write(&node, "lamp.png", &pixels(1));
    let (original, receipt) = deposit(&node, "carol", &lamp).await;
    let ran = node.run_as("carol", &["disclose", &receipt, &lamp]).await;
    shows(
        &ran,
        &[
            "all pictures published before were compared: 0, of designs: 0",
            "look-alikes: 0",
        ],
    );
    let copied_file = write(&node, "copy.png", &mirrored(&pixels(1)));
    let (copy, receipt) = deposit(&node, "bravo", &copied_file).await;
    let before = node.run(&["similar", &copied_file]).await;
    let look_here = "Look here: distance 0 of 256, mirrored\n";
    shows(
        &before,
        &[
            "Published pictures compared: 1, of designs: 1",
            look_here,
            &original,
            "Carol Design",
        ],
    );
    let ran = node
        .run_as("bravo", &["disclose", &receipt, &copied_file])
        .await;
    shows(
        &ran,
        &["Look here: distance 0 of 256, mirrored; design", &original],
    );
    Copied {
        node,
        original,
        copy,
        copied_file,
    }
}

#[tokio::test]
async fn a_copy_is_flagged_and_its_certificate_says_so() {
    let Copied {
        node,
        original,
        copy,
        ..
    } = copied().await;
    let certificate = node.run(&["certificate", &copy]).await;
    shows(
        &certificate,
        &[
            "Look-alikes",
            "Look here: distance 0 of 256, mirrored",
            &original,
            "by carol",
        ],
    );
    let json = node.run(&["certificate", &copy, "--json"]).await.json();
    let candidate = &json[0]["look_alikes"]["pictures"][0]["candidates"][0];
    assert_eq!(candidate["design_id"], original);
    assert_eq!(candidate["variant"], 1);
    let first = node.run(&["certificate", &original]).await;
    shows(&first, &["look-alikes: 0"]);
    // A node that hides the comparison.
    let key =
        touchstone_core::state::keys::look_alikes(&hex::decode(&copy).unwrap().try_into().unwrap());
    node.tamper(move |reply: &mut StateReply| {
        if reply.key == key {
            reply.value = None;
        }
    });
    assert_eq!(node.run(&["certificate", &copy]).await.code, 3);
}

#[tokio::test]
async fn a_credential_that_hides_a_candidate_is_refused() {
    let Copied { node, copy, .. } = copied().await;
    let path = node.path("credential.json").display().to_string();
    let issued = node
        .run_as("bravo", &["certificate", &copy, "-o", &path])
        .await;
    assert_eq!(issued.code, 0, "{issued:?}");
    assert_eq!(node.run(&["certificate", "--check", &path]).await.code, 0);
    let text = std::fs::read_to_string(&path).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    for hide in [
        (|subject: &mut serde_json::Map<String, serde_json::Value>| {
            subject.remove("lookAlikes");
        }) as fn(&mut _),
        |subject| {
            subject["lookAlikes"]["pictures"][0]["candidates"] = serde_json::json!([]);
        },
    ] {
        let mut bent = whole.clone();
        let created = bent["validFrom"].as_str().unwrap().to_owned();
        let members = bent.as_object_mut().unwrap();
        members.remove("proof");
        hide(members["credentialSubject"].as_object_mut().unwrap());
        // The owner itself signs the shorter one.
        let secured =
            touchstone_cli::deposit_certificate::data_integrity::secure(&bent, &key, &created)
                .unwrap();
        std::fs::write(&path, secured.to_string()).unwrap();
        let ran = node.run(&["certificate", "--check", &path]).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.err.contains("lookAlikes"), "{ran:?}");
    }
}

#[tokio::test]
async fn bent_answers_about_look_alikes_are_refused() {
    let Copied {
        node, copied_file, ..
    } = copied().await;
    let asked = ["similar", copied_file.as_str()];
    assert_eq!(node.run(&asked).await.code, 0);
    let bends: [fn(&mut ComparePictureReply); 5] = [
        |reply| reply.nearest.reverse(),
        |reply| reply.nearest.push(reply.nearest[0]),
        |reply| reply.nearest = vec![7],
        |reply| reply.nearest.clear(),
        |reply| reply.searched = None,
    ];
    for bend in bends {
        node.tamper(bend);
        let ran = node.run(&asked).await;
        assert_eq!(ran.code, 3, "{ran:?}");
    }
}

#[tokio::test]
async fn two_pictures_at_hand_are_shown_side_by_side() {
    let node = Served::start().await;
    let one = write(&node, "one.png", &pixels(4));
    let other = write(&node, "other.png", &mirrored(&pixels(4)));
    let third = write(&node, "third.png", &pixels(5));
    let page = node.path("both.html").display().to_string();
    let ran = node
        .run(&["similar", &one, "--with", &other, "--html", &page])
        .await;
    shows(&ran, &["Look here: distance 0 of 256, mirrored\n"]);
    let html = std::fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("data:image/png;base64,").count(), 2);
    // Who gets the page may read another language than who made it.
    let told = [
        "distance 0 of 256, mirrored",
        "it doesn't say that one is a copy",
        "差异 0/256",
        "并不表示其中一张抄袭另一张",
    ];
    assert!(told.iter().all(|words| html.contains(words)), "{html}");
    assert!(html.contains("<html lang=\"en\">") && html.contains("<section lang=\"zh-Hans\">"));
    assert!(html.contains("<title>Two pictures side by side</title>"));
    for name in ["one.png", "other.png"] {
        let label = format!("aria-label=\"The picture {name}; frames show what was compared\"");
        assert!(html.contains(&label), "{html}");
    }
    let folder = node.folder.path().display().to_string();
    assert!(!html.contains(&folder), "where they lie is told nobody");
    let in_chinese = [
        "similar", &one, "--with", &other, "--html", &page, "--force", "--lang", "zh",
    ];
    assert_eq!(node.run(&in_chinese).await.code, 0);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<title>两张图片并列对照</title>"), "{html}");
    assert!(
        html.contains("aria-label=\"图片 one.png；边框标出比对的部分\""),
        "{html}"
    );
    let ran = node.run(&["similar", &one, "--with", &third]).await;
    shows(&ran, &["As wholes they don't look alike"]);
    let ran = node
        .run(&["similar", &one, "--with", &third, "--json"])
        .await;
    assert_eq!(ran.json()[0]["looks_alike"], false);
}

#[tokio::test]
async fn what_is_no_picture_or_not_the_designs_is_refused_here() {
    let node = Served::start().await;
    let text = node.write("text.png", "no picture");
    assert_eq!(node.run(&["similar", &text]).await.code, 1);
    let plain = write(&node, "plain.png", &vec![130; 120 * 90 * 3]);
    let ran = node.run(&["similar", &plain]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("too little to see"), "{ran:?}");
    let lamp = write(&node, "lamp.png", &pixels(1));
    let other = write(&node, "other.png", &pixels(2));
    let (id, receipt) = deposit(&node, "carol", &lamp).await;
    let ran = node.run_as("carol", &["disclose", &receipt, &other]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("not one of the design's files"), "{ran:?}");
    // Disclosed without, its pictures can be named later, once.
    assert_eq!(node.run_as("carol", &["disclose", &receipt]).await.code, 0);
    let later = node.run_as("carol", &["disclose", &receipt, &lamp]).await;
    shows(&later, &["look-alikes: 0", &id]);
    let again = node
        .run_as("carol", &["disclose", &receipt, &lamp, "--json"])
        .await;
    assert_eq!(again.code, 2, "{again:?}");
    assert_eq!(again.json()[0]["rule"], "publish-once");
}

/// What the lower part of a half-loaded picture would have shown is compared with nothing.
#[tokio::test]
async fn a_picture_that_was_cut_off_is_refused_at_every_entry() {
    let node = Served::start().await;
    let whole = jpeg(&node, "whole.jpg");
    let file = std::fs::read(&whole).unwrap();
    let half = write_bytes(&node, "half.jpg", &file[..file.len() / 2]);
    // A deposit takes any bytes, and tells.
    let own = ["deposit", half.as_str(), "--receipts"];
    let receipts = node.folder.path().display().to_string();
    let ran = node
        .run_as("bravo", &[&own[..], &[&receipts, "--lang", "zh"]].concat())
        .await;
    assert!(
        ran.code == 0 && ran.err.contains("按原样存证：JPEG 文件不完整"),
        "{ran:?}"
    );
    let (id, receipt) = deposit(&node, "carol", &half).await;
    let folder = node.path("notice");
    let out = folder.display().to_string();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let protect = |original: &str, captured: &str| {
        let listing = "protect https://market.example/9 --platform market --respondent acme --design ID -o OUT";
        words(&format!(
            "{listing} --original {original} --captured {captured}"
        ))
    };
    for line in [
        words("similar HALF"),
        words("similar HALF --with WHOLE"),
        words("similar WHOLE --with HALF"),
        words("disclose RECEIPT HALF"),
        words("disclose RECEIPT HALF --only-regions"),
        protect("WHOLE", "HALF"),
        protect("HALF", "WHOLE"),
    ] {
        let given = |word: &str| match word {
            "HALF" => half.clone(),
            "WHOLE" => whole.clone(),
            "RECEIPT" => receipt.clone(),
            "ID" => id.clone(),
            "OUT" => out.clone(),
            word => word.to_owned(),
        };
        let line: Vec<String> = line.iter().map(|word| given(word)).collect();
        for (lang, told) in [
            ("en", "the JPEG file is cut off: it lacks its end (FF D9)"),
            ("zh", "JPEG 文件不完整：缺少结尾（FF D9），图片有一部分缺失"),
        ] {
            let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
            line.extend(["--lang", lang]);
            let ran = match line[0] {
                "similar" => node.run(&line).await,
                _ => node.run_as("carol", &line).await,
            };
            assert_eq!(ran.code, 1, "{line:?}: {ran:?}");
            assert!(ran.err.contains(told), "{line:?}: {ran:?}");
        }
    }
    assert!(!folder.exists(), "nothing is packed");
    let ran = node.run(&["similar", &whole]).await;
    shows(&ran, &["None looks alike"]);
}
