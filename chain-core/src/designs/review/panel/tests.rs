use super::*;
use crate::governance::review_terms::DEFAULT;

/// A panel whose seats are in these states; `U` and `D` are opened votes.
fn seated(states: &str) -> Panel {
    let seat = |(juror, letter)| {
        let (state, choice) = match letter {
            '.' => (SeatState::Unspecified, ReviewChoice::Unspecified),
            'c' => (SeatState::Cast, ReviewChoice::Unspecified),
            'v' => (SeatState::Void, ReviewChoice::Unspecified),
            'n' => (SeatState::Counted, ReviewChoice::Unspecified),
            'U' => (SeatState::Opened, ReviewChoice::Uphold),
            'D' => (SeatState::Opened, ReviewChoice::Dismiss),
            other => panic!("{other}"),
        };
        Seat {
            juror,
            state: state.into(),
            choice: choice.into(),
            reasons: vec![juror as u8; 32],
            ..Seat::default()
        }
    };
    Panel {
        seats: (0..).zip(states.chars()).map(seat).collect(),
        ..Panel::default()
    }
}

/// Three jurors, of whom two make a quorum, and two alternates.
fn few() -> ReviewTerms {
    ReviewTerms {
        panel: 3,
        appeal_panel: 5,
        alternates: 2,
        ..DEFAULT
    }
}

#[test]
fn figures_of_the_terms() {
    assert_eq!((size(&DEFAULT, 0), size(&DEFAULT, 1)), (31, 61));
    assert_eq!((drawn(&DEFAULT, 0), drawn(&DEFAULT, 1)), (62, 92));
    assert_eq!((quorum(&DEFAULT, 0), quorum(&DEFAULT, 1)), (16, 32));
    assert_eq!(needed(&DEFAULT), 154);
    let all = ReviewTerms {
        quorum_percent: 100,
        ..DEFAULT
    };
    assert_eq!(quorum(&all, 0), 31);
}

#[test]
fn alternates_stand_in_for_members_that_cast_none() {
    // The panel, whether it is settled before the deadline, and who is counted at it.
    let table = [
        (".....", false, "....."),
        ("cc...", false, "nn..."),
        ("ccc..", true, "nnn.."),
        ("cc.cc", false, "nn.nc"),
        ("c..cc", false, "n..nn"),
        ("cvcc.", true, "nvnn."),
        ("cvc.c", false, "nvn.n"),
        ("vvccc", true, "vvnnn"),
        ("vvvcc", false, "vvvnn"),
        ("ccccc", true, "nnncc"),
    ];
    for (states, settled, counted) in table {
        let mut panel = seated(states);
        assert_eq!(is_settled(&panel, &few(), 0), settled, "{states}");
        let many = fix_counted(&mut panel, &few(), 0);
        assert_eq!(panel, seated(counted), "{states}");
        assert_eq!(many, counted.matches('n').count());
    }
}

#[test]
fn no_verdict_without_quorum_or_by_half_of_the_votes() {
    let table = [
        ("UU.", PanelVerdict::Upheld, 2, 0),
        ("DD.", PanelVerdict::Dismissed, 0, 2),
        ("UDU", PanelVerdict::Upheld, 2, 1),
        ("UD.", PanelVerdict::NoMajority, 1, 1),
        ("U..", PanelVerdict::NoQuorum, 1, 0),
        ("Unn", PanelVerdict::NoQuorum, 1, 0),
        ("Uvc", PanelVerdict::NoQuorum, 1, 0),
        ("...", PanelVerdict::NoQuorum, 0, 0),
    ];
    for (states, verdict, uphold, dismiss) in table {
        let panel = seated(states);
        let found = result(&panel, &few(), 0);
        let votes = (found.uphold, found.dismiss);
        assert_eq!(
            (found.verdict(), votes),
            (verdict, (uphold, dismiss)),
            "{states}"
        );
        assert_eq!(is_open(&panel), !states.contains('n'));
    }
    let two_thirds = ReviewTerms {
        majority_percent: 67,
        ..few()
    };
    let close = result(&seated("UUD"), &two_thirds, 0);
    assert_eq!(close.verdict(), PanelVerdict::NoMajority);
}

/// The hash over the reasons depends on each vote and each reason.
#[test]
fn reasons_are_bound_to_votes() {
    let panel = seated("UDU");
    let known = result(&panel, &few(), 0).reasons;
    let mut others = [panel.clone(), panel.clone(), panel.clone()];
    others[0].seats[1].choice = ReviewChoice::Uphold.into();
    others[1].seats[1].reasons[31] ^= 1;
    others[2].seats[1].juror = 7;
    for other in others {
        assert_ne!(result(&other, &few(), 0).reasons, known);
    }
}
