//! Nodes of the tree, and their bytes: those of the `jmt` crate 0.12, which the tests compare with. On disk they take
//! less (`row`).
//!
//! Consensus-critical: yes

mod row;

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::proof::state as proof;
use crate::{Fault, Hash};

/// Children of an inner node, which stands for four binary levels.
pub(super) const CHILDREN: usize = 16;

/// Steps from the root to a key's last place: half a byte of its hash each.
pub(super) const STEPS: usize = 64;

/// Numbers of nodes in these bytes: of an empty tree, an inner node, a leaf; of a child that is a leaf or an inner
/// node.
const NULL: u8 = 0;
const INNER: u8 = 1;
const LEAF: u8 = 2;
const LEAF_CHILD: u8 = 0;
const INNER_CHILD: u8 = 1;

/// Steps from the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct NodePath {
    steps: u8,
    /// Two steps a byte; the rest is zero.
    bytes: Hash,
}

/// A node's name: the version that made it, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    version: u64,
    path: NodePath,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeNode {
    /// The root of an empty tree.
    Null,
    /// An inner node. It is shared: memory, an update and a commit hold the same.
    Inner(Arc<InnerNode>),
    /// A leaf.
    Leaf(LeafNode),
}

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeafNode {
    /// SHA-256 of the state key.
    pub key_hash: Hash,
    /// SHA-256 of the value.
    pub value_hash: Hash,
}

/// What hangs on a node.
#[derive(Clone, Debug)]
pub struct InnerNode {
    pub(super) children: Children,
    /// They follow from the children; hashed when one is first asked for.
    parts: OnceLock<PartHashes>,
}

/// The children of a node, by their steps.
pub(super) type Children = [Option<Child>; CHILDREN];

/// What neighbours of a node's children hash to, and whether they are one leaf alone, which stands for them all; none
/// where nothing is.
type PartHash = Option<(Hash, bool)>;

/// The parts of a node by their numbers: 1 is all of its children, and the halves of a part have twice its number, and
/// one more. From 16 on they are the children themselves, which aren't kept twice.
type PartHashes = [PartHash; CHILDREN];

/// A child as its parent knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) hash: Hash,
    /// The version that made it.
    pub(super) version: u64,
    /// Leaves below; none where it is a leaf itself.
    pub(super) leaves_below: Option<u64>,
}

/// The step at a depth towards a key.
pub(super) fn step(key_hash: &Hash, depth: usize) -> Result<usize, Fault> {
    let byte = key_hash.get(depth / 2).map(|byte| usize::from(*byte));
    let byte = byte.ok_or_else(|| Fault::Damaged("the tree is deeper than its keys".into()))?;
    Ok(match depth.is_multiple_of(2) {
        true => byte >> 4,
        false => byte & 15,
    })
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = hex::encode(self.path.bytes);
        let steps: String = steps.chars().take(self.depth()).collect();
        write!(f, "of version {} at {steps:?}", self.version)
    }
}

impl NodeKey {
    /// The root of a version.
    pub fn root(version: u64) -> NodeKey {
        NodeKey {
            version,
            path: NodePath {
                steps: 0,
                bytes: [0; 32],
            },
        }
    }

    /// The child of this node that a version made, one step on.
    pub(super) fn child(&self, version: u64, step: usize) -> NodeKey {
        let mut path = self.path;
        let half = (step & 15) as u8;
        if let Some(byte) = path.bytes.get_mut(self.depth() / 2) {
            *byte |= match self.depth().is_multiple_of(2) {
                true => half << 4,
                false => half,
            };
        }
        path.steps = path.steps.saturating_add(1);
        NodeKey { version, path }
    }

    /// The node that so many steps towards a key lead to.
    pub(super) fn towards(version: u64, key_hash: &Hash, depth: usize) -> NodeKey {
        let mut bytes = [0; 32];
        let pairs = bytes.iter_mut().zip(key_hash).take(depth.div_ceil(2));
        for (index, (to, from)) in pairs.enumerate() {
            let is_half = depth / 2 == index;
            *to = if is_half { from & 0xf0 } else { *from };
        }
        let steps = u8::try_from(depth.min(STEPS)).unwrap_or_default();
        NodeKey {
            version,
            path: NodePath { steps, bytes },
        }
    }

    /// The same for all versions: a name for its place.
    pub fn unversioned(&self) -> NodeKey {
        NodeKey {
            version: 0,
            path: self.path,
        }
    }

    /// The version that made it.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its steps from the root.
    pub fn depth(&self) -> usize {
        usize::from(self.path.steps)
    }

    /// Where it stands, whatever version made it: the number of steps in one byte, then the path. Ascending as keys of
    /// one version are.
    pub fn place(&self) -> Vec<u8> {
        let length = self.depth().div_ceil(2);
        let mut bytes = Vec::with_capacity(33);
        bytes.push(self.path.steps);
        bytes.extend(self.path.bytes.iter().take(length));
        bytes
    }

    /// Its bytes with the version, as the `jmt` crate has them: version and number of steps in eight bytes each,
    /// little-endian, then the number of bytes of the path in four, and these.
    pub fn encode(&self) -> Vec<u8> {
        let length = self.depth().div_ceil(2);
        let mut bytes = Vec::with_capacity(52);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&u64::from(self.path.steps).to_le_bytes());
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend(self.path.bytes.iter().take(length));
        bytes
    }
}

impl TreeNode {
    /// Its bytes as the crate has them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Adds its bytes as the crate has them.
    pub fn encode_to(&self, bytes: &mut Vec<u8>) {
        match self {
            TreeNode::Null => bytes.push(NULL),
            TreeNode::Leaf(leaf) => {
                bytes.push(LEAF);
                bytes.extend_from_slice(&leaf.key_hash);
                bytes.extend_from_slice(&leaf.value_hash);
            }
            TreeNode::Inner(inner) => inner.encode_to(bytes),
        }
    }

    /// Bytes of its row, about.
    pub fn size(&self) -> usize {
        match self {
            TreeNode::Null => 9,
            TreeNode::Leaf(_) => 73,
            TreeNode::Inner(inner) => {
                let children = inner.children().count();
                children.saturating_mul(36).saturating_add(16)
            }
        }
    }

    /// The node with these bytes; a fault if they were damaged.
    pub fn decode(bytes: &[u8]) -> Result<TreeNode, Fault> {
        let mut rest = bytes;
        let node = Self::take(&mut rest).filter(|_| rest.is_empty());
        node.ok_or_else(|| Fault::Damaged(format!("tree node: {}", hex::encode(bytes))))
    }

    fn take(rest: &mut &[u8]) -> Option<TreeNode> {
        match byte(rest)? {
            NULL => Some(TreeNode::Null),
            LEAF => Some(TreeNode::Leaf(LeafNode {
                key_hash: array(rest)?,
                value_hash: array(rest)?,
            })),
            INNER => Some(TreeNode::Inner(Arc::new(InnerNode::take(rest)?))),
            _ => None,
        }
    }
}

impl LeafNode {
    pub(super) fn hash(&self) -> Hash {
        proof::leaf(&self.key_hash, &self.value_hash)
    }
}

impl PartialEq for InnerNode {
    fn eq(&self, other: &Self) -> bool {
        self.children == other.children
    }
}

impl Eq for InnerNode {}

impl InnerNode {
    pub(super) fn new(children: Children) -> InnerNode {
        InnerNode {
            children,
            parts: OnceLock::new(),
        }
    }

    /// The child at a step.
    pub(super) fn child(&self, step: usize) -> Option<&Child> {
        self.children.get(step)?.as_ref()
    }

    /// Puts children in the places of others, and hashes again what they are a part of.
    pub(super) fn change(&mut self, changed: &Children) {
        let mut is_old = [false; CHILDREN];
        for (step, (own, child)) in self.children.iter_mut().zip(changed).enumerate() {
            if child.is_none() {
                continue;
            }
            *own = *child;
            let mut number = CHILDREN | step;
            while number > 1 {
                number >>= 1;
                if let Some(is_old) = is_old.get_mut(number) {
                    *is_old = true;
                }
            }
        }
        let Some(parts) = self.parts.get_mut() else {
            return;
        };
        // From the small parts to the large.
        for number in (1..CHILDREN).rev() {
            if is_old.get(number) == Some(&true) {
                hash_part(parts, &self.children, number);
            }
        }
    }

    /// The hash of a part of its children, by its number (see [`PartHashes`]).
    pub(super) fn hash_of(&self, number: usize) -> Hash {
        let parts = self.parts.get_or_init(|| {
            let mut parts = [None; CHILDREN];
            for number in (1..CHILDREN).rev() {
                hash_part(&mut parts, &self.children, number);
            }
            parts
        });
        hash_or_placeholder(part(parts, &self.children, number))
    }

    /// The children that there are, with the steps to them.
    pub(super) fn children(&self) -> impl Iterator<Item = (usize, &Child)> {
        let children = self.children.iter().enumerate();
        children.filter_map(|(step, child)| Some((step, child.as_ref()?)))
    }

    /// Whether there is one leaf and nothing else: it would stand in this node's place.
    pub(super) fn is_one_leaf(&self) -> bool {
        let mut children = self.children();
        let (first, second) = (children.next(), children.next());
        second.is_none() && first.is_some_and(|(_, child)| child.is_leaf())
    }

    pub(super) fn leaves(&self) -> u64 {
        self.children()
            .fold(0, |sum, (_, child)| sum.saturating_add(child.leaves()))
    }

    pub(super) fn hash(&self) -> Hash {
        self.hash_of(1)
    }

    fn encode_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(INNER);
        for child in &self.children {
            let Some(child) = child else {
                bytes.push(0);
                continue;
            };
            bytes.push(1);
            bytes.extend_from_slice(&child.hash);
            bytes.extend_from_slice(&child.version.to_le_bytes());
            match child.leaves_below {
                None => bytes.push(LEAF_CHILD),
                Some(leaves) => {
                    bytes.push(INNER_CHILD);
                    bytes.extend_from_slice(&leaves.to_le_bytes());
                }
            }
        }
        let count = self.children().count() as u64;
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&self.leaves().to_le_bytes());
    }

    fn take(rest: &mut &[u8]) -> Option<InnerNode> {
        let mut children = [None; CHILDREN];
        for child in &mut children {
            *child = match byte(rest)? {
                0 => None,
                1 => Some(Child::take(rest)?),
                _ => return None,
            };
        }
        let node = InnerNode::new(children);
        let (count, leaves) = (number(rest)?, number(rest)?);
        let holds = count == node.children().count() as u64 && leaves == node.leaves();
        holds.then_some(node)
    }
}

impl Child {
    pub(super) fn is_leaf(&self) -> bool {
        self.leaves_below.is_none()
    }

    fn leaves(&self) -> u64 {
        self.leaves_below.unwrap_or(1)
    }

    fn take(rest: &mut &[u8]) -> Option<Child> {
        Some(Child {
            hash: array(rest)?,
            version: number(rest)?,
            leaves_below: match byte(rest)? {
                LEAF_CHILD => None,
                INNER_CHILD => Some(number(rest)?),
                _ => return None,
            },
        })
    }
}

/// Hashes a part of a node; those of higher numbers are known.
fn hash_part(parts: &mut PartHashes, children: &Children, number: usize) {
    let halves = [number << 1, (number << 1) | 1];
    let joined = match halves.map(|half| part(parts, children, half)) {
        [None, None] => None,
        [Some((leaf, true)), None] | [None, Some((leaf, true))] => Some((leaf, true)),
        halves => {
            let [left, right] = halves.map(hash_or_placeholder);
            Some((proof::inner(&left, &right), false))
        }
    };
    if let Some(part) = parts.get_mut(number) {
        *part = joined;
    }
}

fn part(parts: &PartHashes, children: &Children, number: usize) -> PartHash {
    match number.checked_sub(CHILDREN) {
        Some(step) => {
            let child = children.get(step)?.as_ref()?;
            Some((child.hash, child.is_leaf()))
        }
        None => *parts.get(number)?,
    }
}

fn hash_or_placeholder(part: PartHash) -> Hash {
    part.map_or_else(proof::placeholder, |(hash, _)| hash)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    array::<1>(rest).map(|[byte]| byte)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    array(rest).map(u64::from_le_bytes)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (found, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*found)
}
