use super::*;

/// A picture by a rule for each pixel.
fn picture(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| colour(x, y))
        .collect()
}

fn content(x: u32, y: u32) -> [u8; 3] {
    [
        (x * 37 % 256) as u8,
        (y * 53 % 256) as u8,
        ((x ^ y) * 29 % 256) as u8,
    ]
}

#[test]
fn a_frame_and_the_margin_in_it_are_trimmed() {
    let rgb = picture(100, 80, |x, y| {
        let inside = |edge: u32| x >= edge && x < 100 - edge && y >= edge && y < 80 - edge;
        match () {
            () if inside(12) => content(x, y),
            () if inside(5) => [255; 3],
            () => [200, 30, 40],
        }
    });
    let pixels = Pixels::new(100, 80, &rgb).expect("a picture");
    let inner = Rectangle {
        left: 12,
        top: 12,
        right: 88,
        bottom: 68,
    };
    assert_eq!(trimmed(&pixels), inner);
}

#[test]
fn what_has_no_border_stays_whole() {
    let rgb = picture(40, 30, content);
    let pixels = Pixels::new(40, 30, &rgb).expect("a picture");
    assert_eq!(trimmed(&pixels), Rectangle::whole(&pixels));
}

#[test]
fn a_plain_picture_and_a_small_rest_stay_whole() {
    for side in [0, 15] {
        let rgb = picture(60, 60, |x, y| match x < side && y < side {
            true => content(x, y),
            false => [9; 3],
        });
        let pixels = Pixels::new(60, 60, &rgb).expect("a picture");
        assert_eq!(trimmed(&pixels), Rectangle::whole(&pixels), "{side}");
    }
}
