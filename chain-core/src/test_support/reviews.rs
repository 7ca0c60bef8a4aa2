//! Jurors, hash chains of the founders' validators, and a dispute that waits for a review.
//!
//! Consensus-critical: no

use ed25519_dalek::SigningKey;
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AcceptVerdict, AppealReview, Ballot, BallotOpening, CastBallot, Change, Dispute, OpenBallot,
    OpenReview, Panel, PlatformMeasure, PutHashChain, RegisterJurors, RevealPreimage, ReviewChoice,
    ReviewGround, ReviewTerms, VoidBallot,
};

use super::disputes::{counter, measure, notice};
use super::rights::designed;
use super::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, public};
use crate::Hash;
use crate::designs::review::ballot::{self, BallotPlace};
use crate::designs::review::draws;
use crate::governance::{hash_chain, review_terms};
use crate::hash;
use crate::proof::juror_tree;
use crate::state::keys;

/// Values of a validator's hash chain.
pub const VALUES: u32 = 16;

/// Seeds of the founders' validators.
pub const VALIDATORS: [u8; 4] = [11, 12, 13, 14];

/// Three jurors, five in an appeal, and two alternates.
pub const FEW: ReviewTerms = ReviewTerms {
    panel: 3,
    appeal_panel: 5,
    alternates: 2,
    reveal_blocks: 8,
    ..review_terms::DEFAULT
};

/// A platform's jurors, whose keys the tests have.
#[derive(Clone)]
pub struct Jury {
    pub keys: Vec<SigningKey>,
    pub organisations: Vec<String>,
}

impl Jury {
    pub fn of(count: u32) -> Jury {
        let secret = |number: u32| hash::sha256(&[b"juror", &number.to_be_bytes()[..]].concat());
        Jury {
            keys: (0..count)
                .map(|n| SigningKey::from_bytes(&secret(n)))
                .collect(),
            organisations: vec![String::new(); count as usize],
        }
    }

    pub fn public(&self, juror: u32) -> [u8; 32] {
        self.keys[juror as usize].verifying_key().to_bytes()
    }

    fn leaves(&self) -> Vec<Hash> {
        let organisations = (0..).zip(&self.organisations);
        organisations
            .map(|(juror, organisation)| juror_tree::leaf(&self.public(juror), organisation))
            .collect()
    }

    pub fn register(&self) -> Action {
        Action::RegisterJurors(RegisterJurors {
            root: juror_tree::root(&self.leaves()).unwrap().to_vec(),
            count: self.keys.len() as u32,
        })
    }

    pub fn cast(&self, chain_id: &Hash, place: &BallotPlace, choice: ReviewChoice) -> CastBallot {
        let key = &self.keys[place.juror as usize];
        let public_key = self.public(place.juror);
        let salt = ballot::salt(key, chain_id, place);
        let dispute = &place.dispute;
        let commitment = ballot::commitment(chain_id, dispute, &public_key, &salt, choice);
        let ballot = Ballot {
            dispute: dispute.to_vec(),
            instance: place.instance,
            juror: place.juror,
            revision: place.revision,
            commitment: commitment.to_vec(),
        };
        let path = juror_tree::prove(&self.leaves(), place.juror).unwrap();
        CastBallot {
            signature: ballot::sign_ballot(key, chain_id, &ballot).to_vec(),
            ballot: Some(ballot),
            public_key: public_key.to_vec(),
            organisation: self.organisations[place.juror as usize].clone(),
            path: path.iter().map(|sibling| sibling.to_vec()).collect(),
        }
    }

    /// What a device with the juror's key sends, knowing nothing but the ledger; `None` where the ballot isn't his.
    pub fn open(&self, chain_id: &Hash, place: &BallotPlace, sealed: &[u8]) -> Option<OpenBallot> {
        let key = &self.keys[place.juror as usize];
        let (choice, salt) = ballot::choice_in(key, chain_id, place, sealed)?;
        let opening = BallotOpening {
            dispute: place.dispute.to_vec(),
            instance: place.instance,
            juror: place.juror,
            choice: choice.into(),
            salt: salt.to_vec(),
            reasons: hash::sha256(b"the same lines").to_vec(),
        };
        let signature = ballot::sign_opening(key, chain_id, &opening).to_vec();
        let opening = Some(opening);
        Some(OpenBallot { opening, signature })
    }

    /// Shows a ballot's opening before its time.
    pub fn void(&self, chain_id: &Hash, place: &BallotPlace, choice: ReviewChoice) -> Action {
        let key = &self.keys[place.juror as usize];
        Action::VoidBallot(VoidBallot {
            dispute: place.dispute.to_vec(),
            juror: place.juror,
            choice: choice.into(),
            salt: ballot::salt(key, chain_id, place).to_vec(),
        })
    }
}

/// The secret of the hash chain of the validator with a seed.
pub fn secret(seed: u8) -> Hash {
    hash::sha256(&[seed; 5])
}

pub fn put_chain(sequence: u64, seed: u8) -> Change {
    let put = PutHashChain {
        validator: public(seed).to_vec(),
        tip: hash_chain::tip(&secret(seed), VALUES).to_vec(),
    };
    change(sequence, Kind::PutHashChain(put))
}

/// What the validator with a seed reveals next.
pub fn reveal(chain: &Chain, seed: u8) -> Action {
    let known = hash_chain::hash_chain(&chain.state, &public(seed)).unwrap();
    let tip: Hash = known.unwrap().tip.try_into().unwrap();
    let value = hash_chain::value_below(&secret(seed), VALUES, &tip).unwrap();
    Action::RevealPreimage(RevealPreimage {
        validator: public(seed).to_vec(),
        preimage: value.to_vec(),
    })
}

/// Jurors are registered, and the validators' hash chains; then the maker disputes a listing of the carrier's.
pub fn countered(jury: &Jury, terms: ReviewTerms) -> (Chain, Hash, Hash) {
    let (mut chain, subject) = designed();
    for seed in VALIDATORS {
        chain.approve(&[MARKET, CARRIER, MAKER], &put_chain(1, seed));
    }
    if terms != review_terms::DEFAULT {
        let wanted = change(1, Kind::PutReviewTerms(terms));
        chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    }
    chain.run(MARKET, jury.register()).unwrap();
    let id = dispute_again(&mut chain, &subject, "https://market.example/1");
    (chain, subject, id)
}

/// A dispute up to the respondent's declaration.
pub fn dispute_again(chain: &mut Chain, subject: &Hash, listing: &str) -> Hash {
    let given = Action::GiveNotice(notice(subject, listing));
    let id = chain.run_for_id(MAKER, given).unwrap();
    let removed = measure(&id, PlatformMeasure::Removed);
    chain.run(MARKET, removed).unwrap();
    chain.run(CARRIER, counter(&id)).unwrap();
    id
}

pub fn open_review(dispute: &Hash, ground: ReviewGround) -> Action {
    Action::OpenReview(OpenReview {
        dispute: dispute.to_vec(),
        ground: ground.into(),
        rule_book: vec![5; 32],
    })
}

pub fn accept(dispute: &Hash) -> Action {
    Action::AcceptVerdict(AcceptVerdict {
        dispute: dispute.to_vec(),
    })
}

pub fn appeal(dispute: &Hash) -> Action {
    Action::AppealReview(AppealReview {
        dispute: dispute.to_vec(),
        reasons: vec![6; 32],
    })
}

/// All validators reveal.
pub fn reveal_all(chain: &mut Chain) {
    for seed in VALIDATORS {
        let action = reveal(chain, seed);
        chain.run(OFFICE, action).unwrap();
    }
}

/// All validators reveal, and the block of the last value draws the panel.
pub fn draw_panel(chain: &mut Chain) {
    reveal_all(chain);
    let (_, draw) = draws::last(&chain.state).unwrap().unwrap();
    assert_eq!(draw.closed_height, chain.height);
}

pub fn dispute_of(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

pub fn panel_of(chain: &Chain, id: &Hash, instance: u32) -> Panel {
    chain.state.message(&keys::panel(id, instance)).unwrap()
}

/// The first ballot of the juror on a seat.
pub fn place(chain: &Chain, id: &Hash, instance: u32, seat: usize) -> BallotPlace {
    BallotPlace {
        dispute: *id,
        instance,
        juror: panel_of(chain, id, instance).seats[seat].juror,
        revision: 1,
    }
}

/// The jurors of the first seats vote, each as told, and their devices open what they sealed.
pub fn vote(chain: &mut Chain, jury: &Jury, id: &Hash, instance: u32, choices: &[ReviewChoice]) {
    for (seat, choice) in choices.iter().enumerate() {
        let place = place(chain, id, instance, seat);
        let cast = jury.cast(&chain.id, &place, *choice);
        chain.run(MARKET, Action::CastBallot(cast)).unwrap();
    }
    for seat in 0..choices.len() {
        let place = place(chain, id, instance, seat);
        let sealed = panel_of(chain, id, instance).seats[seat].commitment.clone();
        let opening = jury.open(&chain.id, &place, &sealed).unwrap();
        chain.run(OFFICE, Action::OpenBallot(opening)).unwrap();
    }
}
