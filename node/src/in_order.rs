//! Answers in the order of their questions, where some have to wait for others to be answered together.

/// All answers in their order: those that came later take the places that were left open, in the same order.
pub fn in_order<A>(
    answers: Vec<Option<A>>,
    later: impl IntoIterator<Item = A>,
) -> impl Iterator<Item = A> {
    let mut later = later.into_iter();
    let answers = answers.into_iter();
    answers.filter_map(move |answer| answer.or_else(|| later.next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_takes_the_places_that_were_left_open() {
        let answers = vec![None, Some(2), None, Some(4), None];
        let all: Vec<u8> = in_order(answers, [1, 3, 5, 7]).collect();
        assert_eq!(all, [1, 2, 3, 4, 5]);
    }
}
