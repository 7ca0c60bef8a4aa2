//! The mutations, and the rule that each breaks: docs/rejections.md.

use super::place::{Broken, Place};
use super::{amounts, handing, holding, life, packing};

pub(super) struct Mutation {
    /// Of the rule that refuses it.
    pub(super) code: u32,
    pub(super) name: &'static str,
    /// The deed of a place, mutated; none where this can't be done to it.
    pub(super) of: fn(&Place<'_>) -> Option<Broken>,
}

macro_rules! mutations {
    ($($code:literal: $room:ident { $($name:ident)* })*) => {
        pub(super) const MUTATIONS: &[Mutation] = &[$($(Mutation {
            code: $code,
            name: stringify!($name),
            of: $room::$name,
        },)*)*];
    };
}

mutations! {
    300: holding { no_events too_many_events }
    301: holding { event_without_time }
    302: packing { packed_elsewhere packed_twice }
    303: packing {
        unpacked_from_elsewhere unpacked_from_outside unpacked_twice unpacked_after_emptying
    }
    304: packing { container_in_itself container_in_its_content container_deep_in_itself }
    305: packing { packed_too_deep content_too_deep deep_content_too_deep }
    307: holding {
        seen_by_another changed_by_another offered_by_another anothers_too
        commissioned_after_handover commissioned_in_a_container commissioned_before
        commissioned_by_a_third used_before_commissioned changed_by_the_observer
        sold_by_the_observer claimed_and_destroyed rejected_and_destroyed
        accepted_with_anothers accepted_after_a_claim offered_by_an_observer
        corrected_by_another
    }
    308: holding { begun_by_the_observer sold_new_by_the_observer }
    309: life { begun_by_another grown_by_another lot_made_by_another }
    309: amounts { declared_by_another }
    310: life { begun_before begun_twice made_before made_of_itself }
    311: life {
        after_its_end after_its_containers_end ended_twice sold_and_offered
        revived_by_correction returned_to_another seen_after_sale returned_and_sold
        returned_by_adding returned_on_an_order returned_in_error returned_unsold
        returned_in_a_sold_container returned_in_anothers_container
    }
    312: life {
        shipped_alone shipped_alone_on_an_order ended_alone used_up_alone offered_alone
        offered_alone_unshipped
    }
    313: holding {
        changed_on_offer changed_after_offering offered_on_offer offered_twice
    }
    320: handing { offered_to_itself offered_to_nobody offered_to_who_holds_nothing }
    321: handing { offered_until_now offered_for_too_long }
    322: handing { offered_nothing }
    323: handing { answered_no_offer }
    324: handing { answered_twice answered_after_withdrawal answered_too_late }
    325: handing { answered_by_another }
    326: handing {
        left_out nothing_arrived less_arrived more_arrived more_arrived_by_discrepancy
    }
    327: handing {
        discrepancy_unstated discrepancy_in_two_lines discrepancy_too_long
        discrepancy_of_nothing answered_without_outcome
    }
    328: handing { too_many_offers }
    329: handing { claimed_what_nobody_holds claimed_its_own }
    330: handing { claimed_for_no_reason claimed_in_two_lines claimed_at_length }
    331: handing { claimed_by_too_many }
    340: amounts { corrected_with_more corrected_with_less corrected_of_another_lot }
    341: amounts { recorded_under_anothers_id }
    350: amounts {
        grown_unstated grown_in_litres grown_inexactly grown_beyond_counting
        grown_for_too_many destroyed_unstated used_unstated made_unstated offered_unstated
        accepted_unstated yielded_unstated yielded_in_litres
    }
    351: amounts {
        destroyed_too_much destroyed_anothers used_too_much offered_too_much
        accepted_after_use
    }
    352: amounts {
        yielded_too_much yielded_almost yielded_from_less more_items_than_inputs
        more_of_a_lot_than_inputs more_together_than_inputs
    }
    353: amounts {
        declared_no_class declared_in_another_spelling declared_no_output declared_no_input
        declared_in_grams
    }
    314: packing { packed_in_a_place }
    332: handing { claimed_again }
    342: amounts { corrected_again }
}
