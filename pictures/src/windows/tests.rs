use super::*;
use crate::features::tests::picture;
use crate::{RegionQuery, RegionView, common_region, features};

const WIDTH: u32 = 360;
const HEIGHT: u32 = 640;

/// A white page of a shop.
struct Page(Vec<u8>);

impl Page {
    fn new() -> Page {
        Page(vec![255; (WIDTH * HEIGHT * 3) as usize])
    }

    /// As a JPEG's artefacts and a screen's shading leave it: each pixel up to 20 darker.
    fn shaded(mut self) -> Page {
        for (at, pixel) in self.0.chunks_mut(3).enumerate() {
            let darker = (at as u32).wrapping_mul(0x9E37_79B1) >> 24;
            pixel.fill(255 - (darker % 21) as u8);
        }
        self
    }

    /// With a square picture at a place.
    fn with(mut self, rgb: &[u8], side: u32, left: u32, top: u32) -> Page {
        for (row, y) in rgb.chunks((side * 3) as usize).zip(top..) {
            let at = ((y * WIDTH + left) * 3) as usize;
            self.0[at..at + row.len()].copy_from_slice(row);
        }
        self
    }

    /// With lines of letters below one another: dark strokes on white.
    fn with_text(mut self, left: u32, top: u32, lines: u32) -> Page {
        for line in 0..lines {
            for letter in 0..34 {
                for stroke in 0..3 + letter * 7 % 4 {
                    let x = left + letter * 8 + stroke * 37 % 6;
                    for y in 0..10 - (letter + stroke) % 4 {
                        let at = (((top + line * 22 + y) * WIDTH + x) * 3) as usize;
                        self.0[at..at + 3].fill(40);
                    }
                }
            }
        }
        self
    }

    fn pixels(&self) -> Pixels<'_> {
        Pixels::new(WIDTH, HEIGHT, &self.0).unwrap()
    }
}

fn rectangle(left: u32, top: u32, right: u32, bottom: u32) -> Rectangle {
    Rectangle {
        left,
        top,
        right,
        bottom,
    }
}

fn is_near(found: Rectangle, own: Rectangle) -> bool {
    let sides = |r: Rectangle| [r.left, r.top, r.right, r.bottom];
    let apart = sides(found).into_iter().zip(sides(own));
    apart.map(|(a, b)| a.abs_diff(b)).all(|apart| apart <= 3)
}

#[test]
fn a_picture_on_a_page_has_a_window() {
    for page in [Page::new(), Page::new().shaded()] {
        let page = page
            .with_text(20, 20, 2)
            .with(&picture(180, 7), 180, 90, 90)
            .with_text(20, 330, 9);
        let found = windows(&page.pixels());
        let own = rectangle(90, 90, 270, 270);
        assert!(found.len() <= MAX_WINDOWS);
        assert!(found.iter().any(|part| is_near(*part, own)), "{found:?}");
    }
}

#[test]
fn two_pictures_beside_each_other_have_a_window_each() {
    let page =
        Page::new()
            .with(&picture(150, 7), 150, 20, 90)
            .with(&picture(150, 8), 150, 190, 100);
    let found = windows(&page.pixels());
    for own in [rectangle(20, 90, 170, 240), rectangle(190, 100, 340, 250)] {
        assert!(found.iter().any(|part| is_near(*part, own)), "{found:?}");
    }
}

/// A line between two parts of one picture is no gap.
#[test]
fn what_stands_close_together_has_one_window() {
    let page = Page::new()
        .with(&picture(150, 7), 150, 20, 90)
        .with(&picture(150, 8), 150, 174, 90);
    let found = windows(&page.pixels());
    let both = rectangle(20, 90, 324, 240);
    assert!(is_near(found[0], both), "{found:?}");
    for one in [rectangle(20, 90, 170, 240), rectangle(174, 90, 324, 240)] {
        assert!(!found.iter().any(|part| is_near(*part, one)), "{found:?}");
    }
}

/// A picture that fills its frame is no page, nor are a plain one and one of small things alone.
#[test]
fn what_stands_apart_from_nothing_has_no_window() {
    let whole = picture(300, 7);
    assert_eq!(windows(&Pixels::new(300, 300, &whole).unwrap()), []);
    assert_eq!(windows(&Page::new().pixels()), []);
    let small = Page::new().with(&picture(40, 7), 40, 90, 90);
    assert_eq!(windows(&small.pixels()), []);
    assert_eq!(windows(&Pixels::new(1, 1, &[9; 3]).unwrap()), []);
}

/// On a page whose text has more corners than are taken, most of the picture is found in its window.
#[test]
fn a_picture_is_found_on_a_page_of_text() {
    let rgb = picture(180, 7);
    let theirs = features(&Pixels::new(180, 180, &rgb).unwrap(), 300);
    let page = Page::new()
        .with_text(20, 20, 4)
        .with(&rgb, 180, 90, 130)
        .with_text(20, 340, 13);
    let query = RegionQuery::of(&page.pixels());
    let region = common_region(&query, &theirs).unwrap();
    assert!(matches!(region.seen, RegionView::Window(_)), "{region:?}");
    let whole = RegionQuery {
        windows: Vec::new(),
        ..query
    };
    let without = common_region(&whole, &theirs).map_or(0, |region| region.agreeing);
    assert!(region.agreeing >= 2 * without, "{region:?} {without}");
}
