use super::*;

fn number(n: u8) -> [u8; 32] {
    [n; 32]
}

/// Golden, computed apart from this code (docs/format.md, "Design commitment").
#[test]
fn golden_commitment() {
    let files = [hash::sha256(b"drawing"), hash::sha256(b"photograph")];
    let root = file_root(&files);
    let commitment = commitment(&number(1), &number(2), &number(3), &root);
    let id = id(&number(2), &commitment);
    let golden = include_str!("../../../tests/golden/design.txt");
    let found = [root, commitment, id].map(hex::encode).join("\n");
    assert_eq!(golden.trim_end(), found);
}

#[test]
fn the_file_root_binds_count_order_and_each_file() {
    let [a, b] = [number(1), number(2)];
    let lists: [&[Hash]; 8] = [
        &[],
        &[a],
        &[b],
        &[a, b],
        &[b, a],
        &[a, a],
        &[a, a, b],
        &[a, b, b],
    ];
    let mut roots: Vec<Hash> = lists.iter().map(|files| file_root(files)).collect();
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), lists.len());
}

#[test]
fn the_commitment_binds_chain_owner_salt_and_files() {
    let parts = |edit: Option<usize>| {
        let mut parts = [number(1), number(2), number(3), number(4)];
        if let Some(place) = edit {
            parts[place][31] ^= 1;
        }
        commitment(&parts[0], &parts[1], &parts[2], &parts[3])
    };
    for place in 0..4 {
        assert_ne!(parts(None), parts(Some(place)), "{place}");
    }
    assert_ne!(id(&number(1), &number(2)), id(&number(2), &number(1)));
}
