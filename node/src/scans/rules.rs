//! Copies told by how often and where one serial number is scanned: the rules of `verifiers/js/app/scans.js`, which
//! says why each is as it is. Vectors (`tests/data/scans/vectors.txt`) hold the two against each other. No rule says
//! that a thing is the copy: the genuine one gets the same answer.

use std::collections::BTreeSet;

/// Raised whenever a rule or a bound changes.
pub const VERSION: u32 = 1;

/// Edge of a cell, in degrees.
const CELL: f64 = 0.5;
const EARTH_KM: f64 = 6371.0;
/// So much may the distance of two cells mislead.
const CELL_KM: f64 = 160.0;
/// Airliners do less than this between cities, the way to and from the airport included.
const FASTEST_KMH: f64 = 800.0;
/// Hours after which scans say nothing of each other: 60 days.
pub const WINDOW_HOURS: u32 = 60 * HOURS_A_DAY;
/// Hours of a day.
pub const HOURS_A_DAY: u32 = 24;
/// Places that one thing may be scanned in within the window, each farther than `NEAR_KM` from all others.
const MAX_PLACES: usize = 2;
const NEAR_KM: f64 = 150.0;
/// Visitors within the window who are far from the first scan.
const MAX_VISITORS_AWAY: usize = 12;

/// A scan as it is kept: never the exact place or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Half degrees north of the equator, rounded down: -180 to 180.
    pub row: i16,
    /// Half degrees east of Greenwich, rounded down: -360 to 360.
    pub column: i16,
    /// Hours since 1970-01-01T00:00Z.
    pub hour: u32,
    /// Tells visitors of one day apart, and no person.
    pub visitor: u64,
}

/// What the scans of one serial number tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFinding {
    /// Ways that nothing travels in time, and that no one wrong position explains.
    ImpossibleTravel,
    /// More places than one thing comes to.
    ManyPlaces,
    /// Many visitors far from the first scan.
    ManyVisitors,
}

impl ScanFinding {
    /// The code by which the page knows it (docs/verdicts.md).
    pub fn code(self) -> &'static str {
        match self {
            ScanFinding::ImpossibleTravel => "scan-impossible-travel",
            ScanFinding::ManyPlaces => "scan-many-places",
            ScanFinding::ManyVisitors => "scan-many-visitors",
        }
    }
}

/// What the scans of one serial number tell, in the order in which they came. The last is the one that is judged;
/// those before the window are left out.
pub fn assess(scans: &[Scan]) -> Vec<ScanFinding> {
    let Some(last) = scans.last() else {
        return Vec::new();
    };
    let in_window = |scan: &&Scan| last.hour.saturating_sub(scan.hour) <= WINDOW_HOURS;
    let recent: Vec<Scan> = scans.iter().filter(in_window).copied().collect();
    let mut found = Vec::new();
    if !is_one_wrong_place(&recent) {
        found.push(ScanFinding::ImpossibleTravel);
    }
    if far_places(&recent) > MAX_PLACES {
        found.push(ScanFinding::ManyPlaces);
    }
    if visitors_away(&recent) > MAX_VISITORS_AWAY {
        found.push(ScanFinding::ManyVisitors);
    }
    found
}

/// Kilometres between the middles of two cells, on the sphere.
fn distance(a: &Scan, b: &Scan) -> f64 {
    let latitude = |scan: &Scan| ((f64::from(scan.row) + 0.5) * CELL).to_radians();
    let (phi, psi) = (latitude(a), latitude(b));
    let delta = ((f64::from(b.column) - f64::from(a.column)) * CELL).to_radians();
    let height = ((psi - phi) / 2.0).sin();
    let width = (delta / 2.0).sin();
    let half = height * height + phi.cos() * psi.cos() * width * width;
    2.0 * EARTH_KM * half.sqrt().min(1.0).asin()
}

/// Whether no thing comes from one scan's place to the other's in time. Hours are whole: one more may lie between.
fn is_impossible(a: &Scan, b: &Scan) -> bool {
    let hours = f64::from(a.hour.abs_diff(b.hour)) + 1.0;
    distance(a, b) - CELL_KM > FASTEST_KMH * hours
}

/// Whether all impossible ways vanish when one scan is left out: a telephone's position may be wrong once.
fn is_one_wrong_place(scans: &[Scan]) -> bool {
    let mut ways = Vec::new();
    for (i, a) in scans.iter().enumerate() {
        let later = scans.iter().enumerate().skip(i).skip(1);
        ways.extend(
            later
                .filter(|(_, b)| is_impossible(a, b))
                .map(|(k, _)| (i, k)),
        );
    }
    let Some(&(one, other)) = ways.first() else {
        return true;
    };
    let explains = |suspected: usize| ways.iter().all(|(i, k)| *i == suspected || *k == suspected);
    explains(one) || explains(other)
}

/// How many places are far from each other, greedily and in the order of time.
fn far_places(scans: &[Scan]) -> usize {
    let mut places: Vec<&Scan> = Vec::new();
    for scan in scans {
        if places.iter().all(|place| distance(place, scan) > NEAR_KM) {
            places.push(scan);
        }
    }
    places.len()
}

/// How many visitors were far from the first scan. A mark is another one the next day.
fn visitors_away(scans: &[Scan]) -> usize {
    let Some(first) = scans.first() else {
        return 0;
    };
    let away = scans.iter().filter(|scan| distance(scan, first) > NEAR_KM);
    let marks: BTreeSet<(u32, u64)> = away.map(|s| (s.hour / HOURS_A_DAY, s.visitor)).collect();
    marks.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../../tests/data/scans/vectors.txt");

    /// `codes = row column hour visitor; …`, as `verifiers/js/app/test/scans.test.js` writes them.
    #[test]
    fn the_rules_are_those_of_the_page() {
        let mut counts = [0; 4];
        for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let (codes, scans) = line.split_once(" = ").unwrap();
            let scans: Vec<Scan> = scans
                .split("; ")
                .map(|scan| {
                    let parts: Vec<i64> = scan.split(' ').map(|n| n.parse().unwrap()).collect();
                    let [row, column, hour, visitor] = parts[..] else {
                        panic!("{scan}")
                    };
                    Scan {
                        row: row.try_into().unwrap(),
                        column: column.try_into().unwrap(),
                        hour: hour.try_into().unwrap(),
                        visitor: visitor.try_into().unwrap(),
                    }
                })
                .collect();
            let found = assess(&scans);
            let told: Vec<&str> = found.iter().map(|finding| finding.code()).collect();
            let told = if told.is_empty() {
                "none".into()
            } else {
                told.join(",")
            };
            assert_eq!(told, codes, "{line}");
            counts[0] += usize::from(found.is_empty());
            for finding in found {
                counts[1 + finding as usize] += 1;
            }
        }
        assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
    }

    #[test]
    fn without_scans_there_is_nothing_to_tell() {
        assert_eq!(assess(&[]), []);
    }
}
