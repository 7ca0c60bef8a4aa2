//! Pictures that share a region: published after the disclosure, found by a node's search, checked here.

use touchstone_proto::node::{FindRegionsReply, StateReply};

use crate::fake::{Ran, Served};
use crate::look_alikes::{deposit, shows, write_png};

const SIDE: u32 = 260;

/// Small coloured rectangles by a seed.
fn pixels(seed: u32) -> Vec<u8> {
    let mut rgb = vec![240; (SIDE * SIDE * 3) as usize];
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..120 {
        let (left, top) = (next(SIDE), next(SIDE));
        let (width, height) = (next(SIDE / 8) + 6, next(SIDE / 8) + 6);
        let colour = [next(256) as u8, next(256) as u8, next(256) as u8];
        for y in top..(top + height).min(SIDE) {
            for x in left..(left + width).min(SIDE) {
                let at = ((y * SIDE + x) * 3) as usize;
                rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
    rgb
}

/// The part from (100, 80) on.
fn crop(rgb: &[u8]) -> (Vec<u8>, u32, u32) {
    let rows = rgb.chunks(SIDE as usize * 3).skip(80);
    let part = rows.flat_map(|row| row[300..].to_vec()).collect();
    (part, SIDE - 100, SIDE - 80)
}

/// A lamp that carol disclosed, and a crop of it that nobody deposited.
struct Cropped {
    node: Served,
    lamp: String,
    id: String,
    receipt: String,
    cropped: String,
}

async fn disclosed(more: &[&str]) -> Cropped {
    let node = Served::start().await;
    let rgb = pixels(1);
    let lamp = write_png(&node, "lamp.png", &rgb, (SIDE, SIDE));
    let (id, receipt) = deposit(&node, "carol", &lamp).await;
    let arguments = [&["disclose", receipt.as_str(), lamp.as_str()][..], more].concat();
    let ran = node.run_as("carol", &arguments).await;
    let published = "Features of 1 picture are published";
    assert_eq!(ran.out.contains(published), more.is_empty(), "{ran:?}");
    let (part, width, height) = crop(&rgb);
    let cropped = write_png(&node, "crop.png", &part, (width, height));
    Cropped {
        node,
        lamp,
        id,
        receipt,
        cropped,
    }
}

async fn similar(shown: &Cropped) -> Ran {
    shown.node.run(&["similar", &shown.cropped]).await
}

#[tokio::test]
async fn a_crop_is_found_by_the_nodes_search_and_by_no_consensus() {
    let shown = disclosed(&[]).await;
    let ran = similar(&shown).await;
    shows(
        &ran,
        &[
            "None looks alike",
            "Looked for regions of 1 of 1 published pictures: this node's search and not the consensus",
            "places agree",
            &shown.id,
            "Carol Design",
        ],
    );
    let ran = shown.node.run(&["similar", &shown.cropped, "--json"]).await;
    let json = &ran.json()[0];
    assert_eq!(json["candidates"], serde_json::json!([]));
    let regions = &json["regions"];
    assert_eq!(regions["by"], "this node's search");
    let found = &regions["found"][0];
    assert_eq!(found["design_id"], shown.id.as_str());
    assert!(found["agreeing"].as_u64().unwrap() >= 18);
    // The crop begins at (100, 80) of 260.
    let corner = &found["theirs_thousandths"];
    let near = |at: usize, from: u64| (from..from + 150).contains(&corner[at].as_u64().unwrap());
    assert!(near(0, 380) && near(1, 300), "{found}");
}

#[tokio::test]
async fn a_node_can_hide_a_picture_and_not_invent_one() {
    let shown = disclosed(&[]).await;
    let other = write_png(&shown.node, "other.png", &pixels(9), (SIDE, SIDE));
    let (_, receipt) = deposit(&shown.node, "bravo", &other).await;
    let ran = shown
        .node
        .run_as("bravo", &["disclose", &receipt, &other])
        .await;
    shows(&ran, &["Features of 1 picture are published"]);
    shows(&similar(&shown).await, &["regions of 2 of 2", &shown.id]);
    let bends: [fn(&mut FindRegionsReply); 5] = [
        |reply| reply.pictures = vec![1],
        |reply| reply.pictures = vec![2],
        |reply| reply.pictures = vec![0, 0],
        |reply| reply.searched = 3,
        |reply| reply.published = None,
    ];
    for bend in bends {
        shown.node.tamper(bend);
        let ran = similar(&shown).await;
        assert_eq!(ran.code, 3, "{ran:?}");
    }
    shown.node.tamper(|reply: &mut FindRegionsReply| {
        reply.pictures.clear();
        reply.is_cut_short = true;
    });
    let said = [
        "It names no picture",
        "ended the search before it was through",
    ];
    shows(&similar(&shown).await, &said);
    // Bits that the ledger doesn't hold.
    shown.node.tamper(|reply: &mut StateReply| {
        if let Some(value) = reply.value.as_mut().filter(|value| value.len() > 2_000) {
            value[1_000] ^= 1;
        }
    });
    assert_eq!(similar(&shown).await.code, 3);
}

#[tokio::test]
async fn features_are_published_apart_once() {
    let shown = disclosed(&["--without-regions"]).await;
    shows(&similar(&shown).await, &["regions of 0 of 0"]);
    let later = ["disclose", &shown.receipt, &shown.lamp, "--only-regions"];
    let ran = shown.node.run_as("carol", &later).await;
    shows(&ran, &["Features of 1 picture are published"]);
    shows(&similar(&shown).await, &["regions of 1 of 1", &shown.id]);
    let again = [&later[..], &["--json"]].concat();
    let again = shown.node.run_as("carol", &again).await;
    assert_eq!(again.json()[0]["rule"], "features-once", "{again:?}");
}

/// A page of 600 x 1,000 with the picture at (170, 150), between lines of letters.
fn page(rgb: &[u8]) -> Vec<u8> {
    let mut page = vec![255; 600 * 1000 * 3];
    for (row, y) in rgb.chunks(SIDE as usize * 3).zip(150..) {
        let at = (y * 600 + 170) * 3;
        page[at..at + row.len()].copy_from_slice(row);
    }
    for top in [30, 70].into_iter().chain((440..980).step_by(40)) {
        for letter in 0..56 {
            for stroke in 0..3 + letter * 7 % 4 {
                let x = 20 + letter * 10 + stroke * 37 % 8;
                for y in top..top + 14 - (letter + stroke) % 4 {
                    page[(y * 600 + x) * 3..][..3].fill(40);
                }
            }
        }
    }
    page
}

/// On a page of a shop the picture is small among letters: it is found in a window, asked either way.
#[tokio::test]
async fn a_picture_is_found_on_a_page() {
    let shown = disclosed(&[]).await;
    let listing = write_png(&shown.node, "page.png", &page(&pixels(1)), (600, 1000));
    let is_within = |corners: &serde_json::Value| {
        let [left, top, right, bottom] = [0, 1, 2, 3].map(|at| corners[at].as_u64().unwrap());
        (165..250).contains(&left)
            && (145..230).contains(&top)
            && (350..=435).contains(&right)
            && (330..=415).contains(&bottom)
    };
    let ran = shown.node.run(&["similar", &listing, "--json"]).await;
    let found = &ran.json()[0]["regions"]["found"][0];
    assert_eq!(found["design_id"], shown.id.as_str(), "{ran:?}");
    assert!(is_within(&found["ours"]), "{found}");
    let with = ["similar", &shown.lamp, "--with", &listing, "--json"];
    let ran = shown.node.run(&with).await;
    let common = &ran.json()[0]["common_region"];
    assert!(is_within(&common["theirs"]), "{ran:?}");
    let ours: Vec<u64> = serde_json::from_value(common["ours"].clone()).unwrap();
    assert!(ours.iter().all(|side| *side <= u64::from(SIDE)), "{ran:?}");
}
