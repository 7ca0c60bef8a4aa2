use touchstone_pictures::{Bits, Compared, Variant, fingerprint};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, DiscloseDesign};

use super::*;
use crate::designs::design;
use crate::execution::{self, MAX_COMPARISONS};
use crate::state::commitment::{NodeKey, TreeNode, TreeRead};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, Memory, public};

/// Coloured rectangles by a seed.
fn picture(seed: u32) -> Fingerprint {
    let mut rgb = vec![255; 60 * 50 * 3];
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..12 {
        let (left, top, width, height) = (next(60), next(50), next(30) + 1, next(25) + 1);
        let colour = [next(256) as u8, next(256) as u8, next(256) as u8];
        for y in top..(top + height).min(50) {
            for x in left..(left + width).min(60) {
                let at = ((y * 60 + x) * 3) as usize;
                rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
    fingerprint(&touchstone_pictures::Pixels::new(60, 50, &rgb).unwrap())
}

fn message(file: u8, of: &Fingerprint) -> PictureFingerprint {
    PictureFingerprint {
        file_hash: vec![file; 32],
        whole: of.whole.to_bytes().to_vec(),
        trimmed: of.trimmed.to_bytes().to_vec(),
        whole_quality: u32::from(of.whole_quality),
        trimmed_quality: u32::from(of.trimmed_quality),
    }
}

pub(crate) fn fingerprints(pictures: &[(u8, Fingerprint)]) -> Fingerprints {
    Fingerprints {
        specification: SPECIFICATION.to_vec(),
        pictures: pictures
            .iter()
            .map(|(file, of)| message(*file, of))
            .collect(),
    }
}

/// Envelopes that deposit and disclose files; the design's id.
fn disclosure(
    chain: &Chain,
    who: (&str, u8),
    files: &[u8],
    fingerprints: Option<Fingerprints>,
) -> (Vec<u8>, Vec<u8>, Hash) {
    let hashes: Vec<Hash> = files.iter().map(|file| [*file; 32]).collect();
    let commitment = design::commitment(
        &chain.id,
        &public(who.1),
        &[7; 32],
        &design::file_root(&hashes),
    );
    let id = design::id(&public(who.1), &commitment);
    let deposit = Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    });
    let disclose = Action::DiscloseDesign(DiscloseDesign {
        design_id: id.to_vec(),
        salt: vec![7; 32],
        file_hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
        title: String::new(),
        fingerprints,
        content: None,
    });
    (chain.sign(who, deposit), chain.sign(who, disclose), id)
}

/// Deposits and discloses in two blocks.
fn disclose(chain: &mut Chain, who: (&str, u8), pictures: &[(u8, Fingerprint)]) -> Hash {
    let files: Vec<u8> = pictures.iter().map(|(file, _)| *file).collect();
    let (deposit, disclose, id) = disclosure(chain, who, &files, Some(fingerprints(pictures)));
    chain.commit(&[deposit]);
    chain.check(&disclose).unwrap();
    chain.commit(&[disclose]);
    id
}

fn look_alikes(chain: &Chain, id: &Hash) -> LookAlikes {
    chain.state.message(&keys::look_alikes(id)).unwrap()
}

/// The same picture, mirrored, with some bits bent.
fn edited(of: &Fingerprint, bent: u32) -> Fingerprint {
    let mirrored = |bits: Bits| {
        let mut bits = bits.variant(Variant::ALL[1]);
        for bit in 0..bent {
            bits.words[(bit % 4) as usize] ^= 1 << (bit / 4);
        }
        bits
    };
    Fingerprint {
        whole: mirrored(of.whole),
        trimmed: mirrored(of.trimmed),
        ..*of
    }
}

#[test]
fn an_edited_copy_is_flagged_with_the_earlier_deposit() {
    let mut chain = Chain::start();
    let original = disclose(&mut chain, MAKER, &[(1, picture(1)), (2, picture(2))]);
    let deposited_ms = chain.time_ms - 1000;
    disclose(&mut chain, MARKET, &[(3, picture(3))]);
    let copy = disclose(&mut chain, CARRIER, &[(4, edited(&picture(2), 14))]);

    let of_original = look_alikes(&chain, &original);
    assert_eq!(of_original.searched, Some(FingerprintCount::default()));
    assert!(
        of_original
            .pictures
            .iter()
            .all(|picture| picture.candidates.is_empty())
    );

    let of_copy = look_alikes(&chain, &copy);
    let searched = FingerprintCount {
        pictures: 3,
        designs: 2,
    };
    assert_eq!(of_copy.searched, Some(searched));
    let expected = LookAlike {
        number: 1,
        design_id: original.to_vec(),
        file_hash: vec![2; 32],
        distance: 14,
        variant: 1,
        part: 0,
        organisation: "maker".into(),
        deposited: Some(touchstone_proto::ledger::Position {
            height: 1,
            transaction: 0,
            event: 0,
        }),
        deposited_ms,
    };
    assert_eq!(of_copy.pictures[0].found, 1);
    assert_eq!(of_copy.pictures[0].candidates, [expected]);
}

/// The state at the block's beginning and the block's earlier transactions, nothing else.
#[test]
fn in_one_block_the_later_sees_the_earlier() {
    let mut chain = Chain::start();
    disclose(&mut chain, MARKET, &[(9, picture(9))]);
    let (deposit, first, _) =
        disclosure(&chain, MAKER, &[1], Some(fingerprints(&[(1, picture(1))])));
    let (other, second, id) =
        disclosure(&chain, MARKET, &[2], Some(fingerprints(&[(2, picture(1))])));
    chain.commit(&[deposit, other]);
    let executed = chain.commit(&[first, second]);
    assert_eq!(executed.applied.len(), 2);
    let candidates = &look_alikes(&chain, &id).pictures[0].candidates;
    let found: Vec<_> = candidates.iter().map(|c| (c.number, c.distance)).collect();
    assert_eq!(found, [(1, 0)]);
    let block = chain.blocks.last().unwrap().clone();
    assert_eq!(block.header.state_root, executed.header.state_root);
}

/// Views of one design resemble each other, and that is nobody's business.
#[test]
fn a_design_is_no_look_alike_of_itself() {
    let mut chain = Chain::start();
    let id = disclose(&mut chain, MAKER, &[(1, picture(1)), (2, picture(1))]);
    assert!(
        look_alikes(&chain, &id)
            .pictures
            .iter()
            .all(|picture| picture.found == 0)
    );
}

#[test]
fn of_many_the_nearest_and_the_earliest_are_named_and_all_are_counted() {
    let mut chain = Chain::start();
    for seed in 0..2 {
        let views: Vec<(u8, Fingerprint)> = (0..20)
            .map(|view| {
                (
                    seed * 20 + view,
                    edited(&picture(5), u32::from(seed * 20 + view)),
                )
            })
            .collect();
        disclose(&mut chain, MAKER, &views);
    }
    let id = disclose(&mut chain, MARKET, &[(99, edited(&picture(5), 39))]);
    let picture = &look_alikes(&chain, &id).pictures[0];
    assert_eq!((picture.found, picture.candidates.len()), (40, 32));
    let distances: Vec<u32> = picture.candidates.iter().map(|c| c.distance).collect();
    let nearest_then_earliest: Vec<u32> = (0..16).chain(24..40).collect();
    assert_eq!(distances, nearest_then_earliest);
    assert_eq!(picture.candidates[0].number, 39);
}

#[test]
fn plain_pictures_are_published_and_never_matched() {
    let mut chain = Chain::start();
    let plain = Fingerprint {
        whole_quality: 9,
        trimmed_quality: 3,
        ..picture(1)
    };
    disclose(&mut chain, MAKER, &[(1, picture(1)), (2, plain)]);
    let id = disclose(&mut chain, MARKET, &[(3, plain), (4, picture(1))]);
    let pictures = look_alikes(&chain, &id).pictures;
    assert_eq!((pictures[0].found, pictures[1].found), (0, 1));
    assert_eq!(pictures[1].candidates[0].number, 0);
}

#[test]
fn fingerprints_have_their_shape() {
    let mut chain = Chain::start();
    let good = fingerprints(&[(1, picture(1)), (2, picture(2))]);
    let bent = |bend: &dyn Fn(&mut Fingerprints)| {
        let mut bent = good.clone();
        bend(&mut bent);
        bent
    };
    let (deposit, _, _) = disclosure(&chain, MAKER, &[1, 2], None);
    chain.commit(&[deposit]);
    let many: Vec<(u8, Fingerprint)> = (0..33).map(|file| (file, picture(1))).collect();
    let other = [3; 32];
    for (bad, expected) in [
        (
            bent(&|f| f.specification = other.to_vec()),
            DesignRejection::UnknownSpecification(other),
        ),
        (
            bent(&|f| f.pictures.clear()),
            DesignRejection::FingerprintShape,
        ),
        (
            bent(&|f| f.pictures.reverse()),
            DesignRejection::FingerprintShape,
        ),
        (
            bent(&|f| f.pictures[1].file_hash = vec![1; 32]),
            DesignRejection::FingerprintShape,
        ),
        (fingerprints(&many), DesignRejection::FingerprintShape),
        (
            bent(&|f| f.pictures[1].file_hash = other.to_vec()),
            DesignRejection::FingerprintOfOtherFile(other),
        ),
        (
            bent(&|f| f.pictures[1].whole_quality = 101),
            DesignRejection::FingerprintShape,
        ),
        (
            bent(&|f| f.pictures[1].trimmed_quality = 300),
            DesignRejection::FingerprintShape,
        ),
    ] {
        let (_, disclose, _) = disclosure(&chain, MAKER, &[1, 2], Some(bad));
        assert_eq!(chain.check(&disclose), Err(expected.into()));
    }
    for bend in [
        &(|f: &mut Fingerprints| f.pictures[0].whole.truncate(31)) as &dyn Fn(&mut Fingerprints),
        &|f| f.pictures[0].trimmed.push(0),
        &|f| f.specification.clear(),
    ] {
        let (_, disclose, _) = disclosure(&chain, MAKER, &[1, 2], Some(bent(bend)));
        assert_eq!(chain.check(&disclose).unwrap_err().code(), 100);
    }
    let (_, disclose, _) = disclosure(&chain, MAKER, &[1, 2], Some(good));
    assert_eq!(chain.check(&disclose), Ok(()));
}

/// A state in which each search is among very many.
#[derive(Clone)]
struct Crowded(Memory);

impl StateRead for Crowded {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(key)
    }
    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        self.0.is_committed(id)
    }
    fn compare(&self, _: &Fingerprint, _: u64) -> Result<Compared, Fault> {
        Ok(Compared {
            searched: MAX_COMPARISONS,
            ..Compared::default()
        })
    }
}

impl TreeRead for Crowded {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        self.0.node(key)
    }
}

#[test]
fn a_block_searches_no_more_than_it_may() {
    let mut chain = Chain::start();
    let (one, first, _) = disclosure(
        &chain,
        MAKER,
        &[1, 2],
        Some(fingerprints(&[(1, picture(1)), (2, picture(2))])),
    );
    let (two, second, _) = disclosure(&chain, MARKET, &[3], Some(fingerprints(&[(3, picture(3))])));
    chain.commit(&[one, two]);
    let crowded = Crowded(chain.state.clone());
    let verified = [first, second].map(|envelope| chain.verified(&envelope).unwrap());
    let executed =
        execution::execute(&crowded, &chain.context(), &[&verified[0], &verified[1]]).unwrap();
    // The first one is too much already, and no block could ever hold it otherwise.
    assert_eq!(executed.applied, [0]);
    assert_eq!(executed.rejected, []);
}

/// What a validator sees of a deposit before it is in a block is worth nothing to him.
#[test]
fn a_pending_commitment_gives_its_copier_nothing() {
    let mut chain = Chain::start();
    let (owners, opened, id) =
        disclosure(&chain, MAKER, &[1], Some(fingerprints(&[(1, picture(1))])));
    // The copier takes the commitment from the pool, and puts his own deposit of it first into his block.
    let Action::DepositDesign(seen) = chain.verified(&owners).unwrap().action().clone() else {
        panic!("a deposit");
    };
    let copied = chain.sign(CARRIER, Action::DepositDesign(seen.clone()));
    let commitment: Hash = seen.commitment.as_slice().try_into().unwrap();
    let copiers_id = design::id(&public(CARRIER.1), &commitment);
    let executed = chain.commit(&[copied, owners]);
    assert_eq!(executed.applied.len(), 2, "the owner isn't kept out");
    assert_ne!(copiers_id, id);
    // The owner's disclosure shows salt and files. They open the owner's commitment alone: its key is inside.
    let Action::DiscloseDesign(opening) = chain.verified(&opened).unwrap().action().clone() else {
        panic!("a disclosure");
    };
    let stolen = DiscloseDesign {
        design_id: copiers_id.to_vec(),
        ..opening.clone()
    };
    let front_run = chain.sign(CARRIER, Action::DiscloseDesign(stolen));
    assert_eq!(
        chain.check(&front_run),
        Err(DesignRejection::WrongOpening(copiers_id).into())
    );
    let in_the_owners_name = chain.sign(CARRIER, Action::DiscloseDesign(opening));
    assert_eq!(
        chain.check(&in_the_owners_name),
        Err(DesignRejection::NotTheOwner("maker".into()).into())
    );
    // A deposit of his own with the files that are public now comes later, and names the owner's.
    chain.commit(&[opened]);
    let late = disclose(&mut chain, CARRIER, &[(1, picture(1))]);
    let of_late = look_alikes(&chain, &late);
    let first = &of_late.pictures[0].candidates[0];
    assert_eq!((first.organisation.as_str(), first.distance), ("maker", 0));
    let record: Design = chain.state.message(&keys::design(&late)).unwrap();
    assert!(first.deposited_ms < record.time_ms);
}

/// A store's memory of fingerprints must not change what a search gives.
#[test]
fn a_search_reads_no_more_than_the_first_ones() {
    let mut chain = Chain::start();
    for seed in 0..4 {
        disclose(&mut chain, MAKER, &[(seed as u8, picture(seed))]);
    }
    let wanted = picture(2);
    for count in 0..=4 {
        let mut found = chain.state.compare(&wanted, count).unwrap();
        let mut split = crate::state::compare_from(&chain.state, &wanted, 0, count / 2).unwrap();
        split.append(crate::state::compare_from(&chain.state, &wanted, count / 2, count).unwrap());
        assert_eq!(found, split);
        assert_eq!(found.searched, count);
        assert_eq!(
            found.hits.pop().map(|hit| hit.number),
            (count > 2).then_some(2)
        );
    }
}
