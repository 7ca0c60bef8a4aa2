//! A node's row in a table of nodes by their places: the version that made it, and the node in as few bytes as it
//! needs. No other node reads them, so they may differ from those of the `jmt` crate.
//!
//! Consensus-critical: no

use std::sync::Arc;

use prost::encoding::{decode_varint, encode_varint};

use super::{CHILDREN, Child, InnerNode, TreeNode, array, number};

/// The number of a packed inner node, beside those of the crate: which children there are, which of these are inner
/// nodes (two bytes each, little-endian, the lowest bit for the first child), then the children one after the other.
/// Each is its hash, how much older than this node's version it is and, of an inner node, the leaves below; both
/// numbers as varints (LEB128).
const PACKED: u8 = 3;

impl TreeNode {
    /// Adds the bytes of the row of a node that this version made.
    pub fn encode_row(&self, version: u64, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&version.to_le_bytes());
        match self {
            TreeNode::Inner(inner) => inner.pack(version, bytes),
            TreeNode::Null | TreeNode::Leaf(_) => self.encode_to(bytes),
        }
    }

    /// The version and the node of a row, also of one in the bytes of the crate; none if it was damaged.
    pub fn decode_row(bytes: &[u8]) -> Option<(u64, TreeNode)> {
        let mut rest = bytes;
        let version = number(&mut rest)?;
        let node = match rest.split_first()? {
            (&PACKED, packed) => {
                rest = packed;
                TreeNode::Inner(Arc::new(InnerNode::unpack(version, &mut rest)?))
            }
            _ => TreeNode::take(&mut rest)?,
        };
        rest.is_empty().then_some((version, node))
    }
}

impl InnerNode {
    fn pack(&self, version: u64, bytes: &mut Vec<u8>) {
        let (mut present, mut inner) = (0u16, 0u16);
        for child in self.children.iter().rev() {
            present = (present << 1) | u16::from(child.is_some());
            let is_inner = child.as_ref().is_some_and(|child| !child.is_leaf());
            inner = (inner << 1) | u16::from(is_inner);
        }
        bytes.push(PACKED);
        bytes.extend_from_slice(&present.to_le_bytes());
        bytes.extend_from_slice(&inner.to_le_bytes());
        for (_, child) in self.children() {
            bytes.extend_from_slice(&child.hash);
            encode_varint(version.saturating_sub(child.version), bytes);
            if let Some(leaves) = child.leaves_below {
                encode_varint(leaves, bytes);
            }
        }
    }

    fn unpack(version: u64, rest: &mut &[u8]) -> Option<InnerNode> {
        let mut present = u16::from_le_bytes(array(rest)?);
        let mut inner = u16::from_le_bytes(array(rest)?);
        if inner & !present != 0 {
            return None;
        }
        let mut children = [None; CHILDREN];
        for child in &mut children {
            if present & 1 == 1 {
                *child = Some(Child {
                    hash: array(rest)?,
                    version: version.checked_sub(decode_varint(rest).ok()?)?,
                    leaves_below: match inner & 1 {
                        0 => None,
                        _ => Some(decode_varint(rest).ok()?),
                    },
                });
            }
            present >>= 1;
            inner >>= 1;
        }
        Some(InnerNode::new(children))
    }
}

#[cfg(test)]
mod tests;
