use super::super::LeafNode;
use super::*;

fn child(step: u8, version: u64, leaves_below: Option<u64>) -> Option<Child> {
    Some(Child {
        hash: [step; 32],
        version,
        leaves_below,
    })
}

fn inner(children: &[(usize, Option<Child>)]) -> TreeNode {
    let mut all = [None; CHILDREN];
    for (step, child) in children {
        all[*step] = *child;
    }
    TreeNode::Inner(Arc::new(InnerNode::new(all)))
}

/// Nodes of all kinds, as version 1000 makes them.
fn nodes() -> Vec<TreeNode> {
    let full = (0..CHILDREN).map(|step| (step, child(7, 1000, Some(1 << step))));
    vec![
        TreeNode::Null,
        TreeNode::Leaf(LeafNode {
            key_hash: [1; 32],
            value_hash: [2; 32],
        }),
        inner(&[(0, child(1, 0, None)), (15, child(2, 1000, None))]),
        inner(&[(3, child(3, 999, Some(u64::MAX))), (4, child(4, 7, None))]),
        inner(&full.collect::<Vec<_>>()),
    ]
}

fn row(node: &TreeNode) -> Vec<u8> {
    let mut bytes = Vec::new();
    node.encode_row(1000, &mut bytes);
    bytes
}

#[test]
fn a_row_gives_the_node_again() {
    for node in nodes() {
        let bytes = row(&node);
        assert_eq!(TreeNode::decode_row(&bytes), Some((1000, node.clone())));
        // As earlier programs wrote it.
        let earlier = [&1000u64.to_le_bytes()[..], &node.encode()].concat();
        assert!(bytes.len() <= earlier.len());
        assert_eq!(TreeNode::decode_row(&earlier), Some((1000, node)));
    }
}

/// The layout is frozen: a disk holds it.
#[test]
fn a_packed_node_has_these_bytes() {
    let node = inner(&[(0, child(1, 1000, None)), (9, child(2, 872, Some(300)))]);
    let version = 1000u64.to_le_bytes();
    let expected = [
        &version[..],
        &[3, 0x01, 0x02, 0x00, 0x02],
        &[1; 32],
        &[0],
        &[2; 32],
        &[0x80, 0x01, 0xac, 0x02],
    ];
    assert_eq!(row(&node), expected.concat());
}

#[test]
fn damaged_rows_are_refused() {
    for node in nodes() {
        let bytes = row(&node);
        for length in 0..bytes.len() {
            assert_eq!(TreeNode::decode_row(&bytes[..length]), None, "{length}");
        }
        assert_eq!(TreeNode::decode_row(&[&bytes[..], &[0]].concat()), None);
    }
    let bytes = row(&inner(&[(0, child(1, 0, None)), (1, child(2, 5, None))]));
    // A child that is an inner node and isn't there; one that is younger than its parent.
    let mut absent = bytes.clone();
    absent[11] = 0x04;
    let mut younger = bytes;
    younger[0] = 0;
    younger[1] = 0;
    for bad in [absent, younger] {
        assert_eq!(TreeNode::decode_row(&bad), None);
    }
}
