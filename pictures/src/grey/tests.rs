use super::*;

fn picture(width: u32, height: u32) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x * 7 + y * 13) as u8))
        .flat_map(|value| [value; 3])
        .collect()
}

#[test]
fn sizes_and_means_are_kept() {
    let rgb = picture(300, 120);
    let pixels = Pixels::new(300, 120, &rgb).unwrap();
    let grey = Grey::framed(&pixels, 100);
    assert_eq!((grey.width(), grey.height()), (100, 40));
    let mean =
        |values: &[u8]| values.iter().map(|v| u64::from(*v)).sum::<u64>() / values.len() as u64;
    let whole = Grey::framed(&pixels, 300);
    assert!(mean(&grey.values).abs_diff(mean(&whole.values)) <= 1);
    assert_eq!(whole.inside(3, 2), i32::from((3u32 * 7 + 2 * 13) as u8));
    assert_eq!(whole.mirrored().mirrored(), whole);
    assert_eq!(whole.mirrored().inside(0, 5), whole.inside(299, 5));
}

#[test]
fn a_small_picture_is_enlarged_between_its_pixels() {
    let rgb = [[0; 3], [100; 3]].concat();
    let grey = Grey::framed(&Pixels::new(2, 1, &rgb).unwrap(), 400);
    assert_eq!((grey.width(), grey.height()), (8, 4));
    let row: Vec<i32> = (0..8).map(|x| grey.inside(x, 0)).collect();
    assert!(row.is_sorted() && row[0] == 0 && row[7] == 100, "{row:?}");
}

#[test]
fn a_plain_picture_stays_plain() {
    let rgb = vec![77; 50 * 40 * 3];
    let grey = Grey::framed(&Pixels::new(50, 40, &rgb).unwrap(), 400);
    for picture in [grey.smoothed(), grey.resized(31, 97)] {
        assert!(picture.values.iter().all(|value| *value == 77));
    }
}

/// The mean as docs/regions.md tells it, one place at a time.
#[test]
fn means_are_those_of_25_values() {
    for (width, height) in [(1, 1), (2, 7), (9, 1), (40, 23)] {
        let rgb = picture(width, height);
        let pixels = Pixels::new(width, height, &rgb).unwrap();
        let grey = Grey::framed(&pixels, width.max(height));
        let smooth = grey.smoothed();
        let (columns, rows) = grey.sides();
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let around = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (x + dx, y + dy)));
            let values =
                around.map(|(x, y)| grey.inside(x.clamp(0, columns - 1), y.clamp(0, rows - 1)));
            assert_eq!(smooth.inside(x, y), values.sum::<i32>() / 25, "{x} {y}");
        }
    }
}
