//! Dates, times and offsets from UTC.
//!
//! Consensus-critical: yes

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970-01-01T00:00:00Z of an RFC 3339 date-time with zone; finer digits are cut
/// off towards the past. Stricter than RFC 3339 and in line with XML Schema's `dateTimeStamp`,
/// which EPCIS 2.0 §7.3.1 refers to: an upper-case `T` and `Z`, no leap second, an offset of at
/// most 14 hours.
pub(super) fn time_ms(text: &str) -> Option<i64> {
    i64::try_from(time_ns(text)?.div_euclid(1_000_000)).ok()
}

/// As [`time_ms`], in nanoseconds.
pub(super) fn time_ns(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    let leap_second = bytes.get(17..19) == Some(b"60");
    if bytes.get(10) != Some(&b'T') || bytes.last() == Some(&b'z') || leap_second {
        return None;
    }
    if bytes.last() != Some(&b'Z') && !is_offset(text.get(text.len().checked_sub(6)?..)?) {
        return None;
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(moment.unix_timestamp_nanos())
}

/// A moment in UTC with three digits after the second, as `2026-05-04T08:00:00.000Z`; finer digits are cut off towards
/// the past. `None` beyond the year 9999.
pub fn in_milliseconds(unix_ns: i128) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(unix_ns).ok()?;
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.millisecond()
    ))
}

/// `[+-]hh:mm`, at most 14:00 (EPCIS 2.0 §7.4.1, `eventTimeZoneOffset`).
pub(super) fn is_offset(text: &str) -> bool {
    let &[b'+' | b'-', h1, h2, b':', m1, m2] = text.as_bytes() else {
        return false;
    };
    [h1, h2, m1, m2].iter().all(u8::is_ascii_digit)
        && (h1, h2) <= (b'1', b'4')
        && (m1, m2) <= (b'5', b'9')
        && ((h1, h2) < (b'1', b'4') || (m1, m2) == (b'0', b'0'))
}

#[cfg(test)]
mod tests;
