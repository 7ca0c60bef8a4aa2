use super::*;

const DAY_MS: u64 = 24 * HOUR_MS;
/// Noon of a day.
const NOON: u64 = 20_000 * DAY_MS + DAY_MS / 2;
const LAMP: &str = "https://id.gs1.org/01/09521321000018/21/1";
const SHANGHAI: (i64, i64) = (62, 243);
const BEIJING: (i64, i64) = (79, 232);
const CHENGDU: (i64, i64) = (61, 208);

fn address(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

/// Clock and chain agree.
fn at(now_ms: u64) -> ScanTime {
    ScanTime {
        clock_ms: now_ms,
        block_ms: now_ms,
    }
}

fn take(store: &ScanStore, (row, column): (i64, i64), from: u8, now_ms: u64) -> Vec<&'static str> {
    let cell = ScanCell::new(row, column).unwrap();
    let found = store.take(LAMP, cell, address(from), at(now_ms)).unwrap();
    found.into_iter().map(ScanFinding::code).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let files = day_files(folder).unwrap();
    let name = |(_, path): (u32, PathBuf)| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.into_iter().map(name).collect()
}

#[test]
fn three_far_places_are_told_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    assert!(take(&store, SHANGHAI, 1, NOON).is_empty());
    assert!(take(&store, BEIJING, 2, NOON + 9 * DAY_MS).is_empty());
    drop(store);
    let store = ScanStore::open(folder.path(), at(NOON + 20 * DAY_MS)).unwrap();
    assert_eq!(
        take(&store, CHENGDU, 3, NOON + 20 * DAY_MS),
        ["scan-many-places"]
    );
    // Another thing has nothing to do with it.
    let cell = ScanCell::new(SHANGHAI.0, SHANGHAI.1).unwrap();
    let other = format!("{LAMP}2");
    assert_eq!(
        store
            .take(&other, cell, address(3), at(NOON + 20 * DAY_MS))
            .unwrap(),
        []
    );
}

#[test]
fn a_visitor_counts_once_a_day_in_a_cell_and_is_another_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    for _ in 0..3 {
        take(&store, SHANGHAI, 1, NOON);
    }
    take(&store, SHANGHAI, 2, NOON);
    take(&store, SHANGHAI, 1, NOON + DAY_MS);
    let kept = store.kept.lock().unwrap();
    let visitors: Vec<u64> = kept.things[&hash_of(LAMP)]
        .iter()
        .map(|scan| scan.visitor)
        .collect();
    assert_eq!(visitors.len(), 3);
    assert_ne!(visitors[0], visitors[1]);
    assert_ne!(visitors[0], visitors[2], "the salt is the same on two days");
}

#[test]
fn a_day_that_is_over_has_a_file_that_never_changes_and_goes_after_sixty_days() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    assert_eq!(names(folder.path()), ["20000.open"]);
    take(&store, SHANGHAI, 1, NOON + DAY_MS);
    assert_eq!(names(folder.path()), ["20000.scans", "20001.open"]);
    let first = fs::read(folder.path().join("20000.scans")).unwrap();
    assert_eq!(first.len(), RECORD);
    // Neither address nor item stand in it.
    assert!(!first.windows(4).any(|four| four == [192, 0, 2, 1]));
    take(&store, SHANGHAI, 1, NOON + 60 * DAY_MS);
    assert_eq!(
        names(folder.path()),
        ["20000.scans", "20001.scans", "20060.open"]
    );
    assert_eq!(fs::read(folder.path().join("20000.scans")).unwrap(), first);
    take(&store, SHANGHAI, 1, NOON + 61 * DAY_MS);
    assert_eq!(
        names(folder.path()),
        ["20001.scans", "20060.scans", "20061.open"]
    );
    drop(store);
    ScanStore::open(folder.path(), at(NOON + 200 * DAY_MS)).unwrap();
    assert_eq!(names(folder.path()), ["20200.open"]);
}

/// A clock that is years ahead, for a moment or at a start, costs the scans that are told meanwhile and no others.
#[test]
fn a_clock_that_jumps_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    take(&store, BEIJING, 2, NOON + DAY_MS);
    let jumped = ScanTime {
        clock_ms: NOON + 1000 * DAY_MS,
        block_ms: NOON + DAY_MS,
    };
    let cell = ScanCell::new(CHENGDU.0, CHENGDU.1).unwrap();
    assert_eq!(store.take(LAMP, cell, address(3), jumped).unwrap(), []);
    assert_eq!(names(folder.path()), ["20000.scans", "20001.open"]);
    drop(store);
    let store = ScanStore::open(folder.path(), jumped).unwrap();
    assert_eq!(store.take(LAMP, cell, address(3), jumped).unwrap(), []);
    let names = names(folder.path());
    assert_eq!(names, ["20000.scans", "20001.scans", "20002.open"]);
    // Set right, it counts again, on its own day.
    assert_eq!(
        take(&store, CHENGDU, 3, NOON + 2 * DAY_MS),
        ["scan-many-places"]
    );
    // A chain that stands still lets one day begin, and no more.
    let halted = |days: u64| ScanTime {
        clock_ms: NOON + (2 + days) * DAY_MS,
        block_ms: NOON + 2 * DAY_MS,
    };
    for (days, day) in [(1, 20_003), (2, 20_003)] {
        store.take(LAMP, cell, address(4), halted(days)).unwrap();
        assert_eq!(store.kept.lock().unwrap().day, day);
    }
}

/// A node whose blocks were lost, or whose clock was a day ahead, goes on with the last day that has begun.
#[test]
fn a_day_that_is_over_does_not_begin_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    take(&store, BEIJING, 2, NOON + DAY_MS);
    drop(store);
    let store = ScanStore::open(folder.path(), at(NOON - 9 * DAY_MS)).unwrap();
    assert_eq!(names(folder.path()), ["20000.scans", "20001.open"]);
    for day in 0..3 {
        take(&store, CHENGDU, 3, NOON + day * DAY_MS);
    }
    let bytes = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert_eq!(bytes("20000.scans"), length(1));
    assert_eq!(bytes("20001.scans"), length(3));
    drop(store);
    fs::remove_file(folder.path().join("20002.open")).unwrap();
    ScanStore::open(folder.path(), at(NOON)).unwrap();
    let names = names(folder.path());
    assert_eq!(names, ["20000.scans", "20001.scans", "20002.open"]);
}

#[test]
fn what_is_kept_has_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    for row in 0..150 {
        take(&store, (row, 0), 1, NOON);
    }
    let count = |store: &ScanStore| store.kept.lock().unwrap().today;
    assert_eq!(count(&store), MAX_OF_VISITOR as usize);
    for from in 2..6 {
        for row in 0..100 {
            take(&store, (row, 0), from, NOON);
        }
    }
    let kept = store.kept.lock().unwrap();
    assert_eq!(kept.things[&hash_of(LAMP)].len(), MAX_OF_THING);
    drop(kept);
    store.kept.lock().unwrap().today = MAX_A_DAY;
    take(&store, (1, 1), 9, NOON);
    assert_eq!(count(&store), MAX_A_DAY);
}

#[test]
fn an_end_that_was_cut_off_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    take(&store, BEIJING, 2, NOON);
    drop(store);
    let path = folder.path().join("20000.open");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(2 * RECORD as u64 - 5).unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, CHENGDU, 3, NOON);
    let records = read_day(&path).unwrap();
    let rows: Vec<i16> = records.iter().map(|(_, scan)| scan.row).collect();
    assert_eq!(rows, [62, 61]);
}

#[test]
fn a_write_that_failed_half_way_shifts_no_later_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    let path = folder.path().join("20000.open");
    // The disk takes the beginning of a record, and no more.
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&[7; 5])
        .unwrap();
    let full = File::open(&path).unwrap();
    let working = std::mem::replace(&mut store.kept.lock().unwrap().file, full);
    let cell = ScanCell::new(BEIJING.0, BEIJING.1).unwrap();
    assert!(store.take(LAMP, cell, address(2), at(NOON)).is_err());
    store.kept.lock().unwrap().file = working;
    let rows = |path: &Path| -> Vec<i16> {
        let records = read_day(path).unwrap();
        records.iter().map(|(_, scan)| scan.row).collect()
    };
    take(&store, CHENGDU, 3, NOON);
    assert_eq!(rows(&path), [62, 61], "what failed isn't counted");
    assert_eq!(fs::metadata(&path).unwrap().len(), length(2));
    // The last write of a day, too: what is anchored holds records alone.
    let mut last = fs::OpenOptions::new().append(true).open(&path).unwrap();
    last.write_all(&[7; 5]).unwrap();
    take(&store, BEIJING, 4, NOON + DAY_MS);
    let closed = folder.path().join("20000.scans");
    assert_eq!(fs::metadata(&closed).unwrap().len(), length(2));
    assert_eq!(rows(&folder.path().join("20001.open")), [79]);
    // And of a node that was stopped then.
    drop(store);
    let path = folder.path().join("20001.open");
    let mut last = fs::OpenOptions::new().append(true).open(&path).unwrap();
    last.write_all(&[7; 5]).unwrap();
    ScanStore::open(folder.path(), at(NOON + 2 * DAY_MS)).unwrap();
    let closed = folder.path().join("20001.scans");
    assert_eq!(fs::metadata(&closed).unwrap().len(), length(1));
}

#[test]
fn a_day_that_can_not_begin_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = ScanStore::open(folder.path(), at(NOON)).unwrap();
    take(&store, SHANGHAI, 1, NOON);
    // What should be the day's file is a folder.
    let in_the_way = folder.path().join("20001.open");
    fs::create_dir(&in_the_way).unwrap();
    let cell = ScanCell::new(BEIJING.0, BEIJING.1).unwrap();
    for _ in 0..2 {
        assert!(
            store
                .take(LAMP, cell, address(2), at(NOON + DAY_MS))
                .is_err()
        );
        let kept = store.kept.lock().unwrap();
        assert_eq!((kept.day, kept.today), (20_000, 1));
    }
    fs::remove_dir(&in_the_way).unwrap();
    take(&store, BEIJING, 2, NOON + DAY_MS);
    assert_eq!(names(folder.path()), ["20000.scans", "20001.open"]);
    let closed = folder.path().join("20000.scans");
    assert_eq!(fs::metadata(&closed).unwrap().len(), length(1));
}

#[test]
fn a_cell_lies_on_earth() {
    for (row, column) in [(181, 0), (-181, 0), (0, 361), (0, -361), (i64::MAX, 0)] {
        assert_eq!(ScanCell::new(row, column), None);
    }
    assert!(ScanCell::new(-180, 360).is_some());
}
