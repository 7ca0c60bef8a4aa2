use super::*;

/// Coloured rectangles by a seed.
pub(crate) fn picture(side: u32, seed: u32) -> Vec<u8> {
    let mut rgb = vec![240; (side * side * 3) as usize];
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..120 {
        let (left, top) = (next(side), next(side));
        let (width, height) = (next(side / 8) + 6, next(side / 8) + 6);
        let colour = [next(256) as u8, next(256) as u8, next(256) as u8];
        for y in top..(top + height).min(side) {
            for x in left..(left + width).min(side) {
                let at = ((y * side + x) * 3) as usize;
                rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
    rgb
}

#[test]
fn corners_are_found_where_rectangles_meet() {
    let rgb = picture(400, 5);
    let found = features(&Pixels::new(400, 400, &rgb).unwrap(), 300);
    assert_eq!((found.width, found.height), (400, 400));
    assert!(
        (50..=300).contains(&found.list.len()),
        "{}",
        found.list.len()
    );
    for feature in &found.list {
        assert!((0..400 * 16).contains(&feature.x) && (0..400 * 16).contains(&feature.y));
        assert!(feature.direction < 32 && feature.level < 8);
    }
    let again = features(&Pixels::new(400, 400, &rgb).unwrap(), 300);
    assert_eq!(found, again);
}

#[test]
fn plain_and_tiny_pictures_have_none() {
    for (width, height) in [(1, 1), (3, 900), (500, 500)] {
        let rgb = vec![128; width * height * 3];
        let pixels = Pixels::new(width as u32, height as u32, &rgb).unwrap();
        assert_eq!(features(&pixels, 300).list, []);
    }
}

#[test]
fn directions_go_around_the_circle() {
    let tables = Tables::new();
    assert_eq!(tables.directions[0], (1024, 0));
    assert_eq!(tables.directions[8], (0, 1024));
    assert_eq!(tables.directions[16], (-1024, 0));
    assert_eq!(tables.directions[24], (0, -1024));
    for (cos, sin) in &tables.directions {
        assert!((cos * cos + sin * sin - 1024 * 1024).abs() < 2500);
    }
    assert!(
        tables
            .pairs
            .iter()
            .flatten()
            .flatten()
            .all(|place| place.abs() <= 17)
    );
}

/// Corners of all rings of three values, by the definition alone.
#[test]
fn corners_are_nine_neighbours_brighter_or_darker() {
    let mut seed = 3u32;
    let mut corners = 0;
    for at in 0..20_000u32 {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        // An arc of 6 to 12 is brighter or darker; the others are as the centre, one of them perhaps not.
        let (first, length, value) = (
            next() % 16,
            6 + next() % 7,
            [89, 90, 110, 111][at as usize % 4],
        );
        let (odd, other) = (next() % 32, [80, 120][next() as usize % 2]);
        let ring: Vec<u8> = (0..16)
            .map(|place| match (place + 16 - first) % 16 < length {
                _ if place == odd => other,
                true => value,
                false => 100,
            })
            .collect();
        let mut rgb = vec![100; 7 * 7 * 3];
        for ((dx, dy), value) in CIRCLE.iter().zip(&ring) {
            let pixel = ((3 + dy) * 7 + 3 + dx) as usize * 3;
            rgb[pixel..pixel + 3].fill(*value);
        }
        let grey = Grey::framed(&Pixels::new(7, 7, &rgb).unwrap(), 7);
        let arc = |is: fn(u8) -> bool| {
            (0..16).any(|from| (from..from + 9).all(|place| is(ring[place % 16])))
        };
        let expected = arc(|value| value > 110) || arc(|value| value < 90);
        assert_eq!(is_corner(&grey, 3, 3), expected, "{ring:?}");
        corners += u32::from(expected);
    }
    assert!((2_000..18_000).contains(&corners), "{corners}");
}
