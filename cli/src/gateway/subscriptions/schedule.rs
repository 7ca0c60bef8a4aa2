//! When a scheduled subscription runs (EPCIS 2.0 §8.2.5.3): as cron, in UTC. A field is a number, a range `[1-5]`,
//! or several separated by commas. A date's field that isn't given may have any value, and so may an hour or minute
//! above a finer one; below the finest one given, times are 0: `{"hour": "1", "minute": "5"}` is once a day, at
//! 01:05:00.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime, Time};

/// Days in which a schedule must name a moment: eight years have a 29th of February.
const DAYS: usize = 8 * 366;

/// The fields as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScheduleFields {
    /// 0 to 59.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// 0 to 59.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<String>,
    /// 0 to 23.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<String>,
    /// 1 to 31.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_month: Option<String>,
    /// 1 to 12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// 1, Monday, to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_week: Option<String>,
}

/// A schedule, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuerySchedule {
    seconds: BTreeSet<u8>,
    minutes: BTreeSet<u8>,
    hours: BTreeSet<u8>,
    days: BTreeSet<u8>,
    months: BTreeSet<u8>,
    weekdays: BTreeSet<u8>,
}

impl QuerySchedule {
    /// Reads the fields; the error says what is wrong.
    pub fn read(fields: &ScheduleFields) -> Result<QuerySchedule, String> {
        let dates = [&fields.day_of_month, &fields.month, &fields.day_of_week];
        // From the finest field on; days, weekdays and months are of one rank.
        let (second, minute, hour) = (
            fields.second.is_some(),
            fields.minute.is_some(),
            fields.hour.is_some(),
        );
        if !second && !minute && !hour && dates.iter().all(|field| field.is_none()) {
            return Err("a schedule has one field at least, such as \"hour\": \"1\"".to_owned());
        }
        let read = |name: &str, field: &Option<String>, range: (u8, u8), any: bool| {
            match field {
            Some(text) => elements(text, range).ok_or_else(|| {
                format!(
                    "{name} is {text:?}: write a number from {} to {}, a range such as [{0}-{1}], or \
                     several separated by commas",
                    range.0, range.1
                )
            }),
            None if any => Ok((range.0..=range.1).collect()),
            None => Ok(BTreeSet::from([range.0])),
        }
        };
        let schedule = QuerySchedule {
            seconds: read("second", &fields.second, (0, 59), false)?,
            minutes: read("minute", &fields.minute, (0, 59), second)?,
            hours: read("hour", &fields.hour, (0, 23), second || minute)?,
            days: read("dayOfMonth", &fields.day_of_month, (1, 31), true)?,
            months: read("month", &fields.month, (1, 12), true)?,
            weekdays: read("dayOfWeek", &fields.day_of_week, (1, 7), true)?,
        };
        match schedule.next_after(0) {
            Some(_) => Ok(schedule),
            None => Err("no day has such a date".to_owned()),
        }
    }

    /// The first moment after this one, both in milliseconds since 1970; none where it would be too late to be told.
    pub fn next_after(&self, ms: u64) -> Option<u64> {
        let second = i64::try_from(ms / 1000).ok()?.checked_add(1)?;
        let from = OffsetDateTime::from_unix_timestamp(second).ok()?;
        let mut date = from.date();
        let mut earliest = from.time();
        for _ in 0..DAYS {
            if self.has(date)
                && let Some(time) = self.time_from(earliest)
            {
                let moment = date.with_time(time).assume_utc().unix_timestamp();
                return u64::try_from(moment).ok()?.checked_mul(1000);
            }
            date = date.checked_add(Duration::DAY)?;
            earliest = Time::MIDNIGHT;
        }
        None
    }

    fn has(&self, date: Date) -> bool {
        self.months.contains(&u8::from(date.month()))
            && self.days.contains(&date.day())
            && self.weekdays.contains(&date.weekday().number_from_monday())
    }

    /// The first time of a day that isn't before this one.
    fn time_from(&self, earliest: Time) -> Option<Time> {
        for hour in self.hours.range(earliest.hour()..) {
            let same_hour = *hour == earliest.hour();
            let first = if same_hour { earliest.minute() } else { 0 };
            for minute in self.minutes.range(first..) {
                let same = same_hour && *minute == earliest.minute();
                let first = if same { earliest.second() } else { 0 };
                if let Some(second) = self.seconds.range(first..).next() {
                    return Time::from_hms(*hour, *minute, *second).ok();
                }
            }
        }
        None
    }
}

/// The values that a field names; none where it isn't one.
fn elements(text: &str, (least, most): (u8, u8)) -> Option<BTreeSet<u8>> {
    let number = |text: &str| {
        let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number: u8 = text.parse().ok().filter(|_| fits)?;
        (least..=most).contains(&number).then_some(number)
    };
    let mut found = BTreeSet::new();
    for element in text.split(',') {
        let range = element.strip_prefix('[').and_then(|e| e.strip_suffix(']'));
        match range.map(|range| range.split_once('-')) {
            None => {
                found.insert(number(element)?);
            }
            Some(Some((from, to))) => {
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return None;
                }
                found.extend(from..=to);
            }
            Some(None) => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::format_description::well_known::Rfc3339;

    fn fields(text: &str) -> ScheduleFields {
        serde_json::from_str(text).unwrap()
    }

    fn ms(text: &str) -> u64 {
        let moment = OffsetDateTime::parse(text, &Rfc3339).unwrap();
        u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap()
    }

    #[test]
    fn the_next_moment_is_that_of_the_calendar() {
        for (schedule, after, next) in [
            (
                "{\"hour\":\"1\",\"minute\":\"5\"}",
                "2026-03-01T01:04:59Z",
                "2026-03-01T01:05:00Z",
            ),
            (
                "{\"hour\":\"1\",\"minute\":\"5\"}",
                "2026-03-01T01:05:00Z",
                "2026-03-02T01:05:00Z",
            ),
            (
                "{\"hour\":\"1\"}",
                "2026-03-01T01:00:00.001Z",
                "2026-03-02T01:00:00Z",
            ),
            (
                "{\"minute\":\"[10-11],30\"}",
                "2026-03-01T08:11:00Z",
                "2026-03-01T08:30:00Z",
            ),
            (
                "{\"minute\":\"[10-11],30\"}",
                "2026-03-01T08:30:00Z",
                "2026-03-01T09:10:00Z",
            ),
            (
                "{\"second\":\"0,30\"}",
                "2026-12-31T23:59:30Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                "{\"second\":\"[0-59]\"}",
                "2026-03-01T08:00:00.999Z",
                "2026-03-01T08:00:01Z",
            ),
            // Sunday the 1st of March 2026.
            (
                "{\"dayOfWeek\":\"[1-5]\"}",
                "2026-02-27T12:00:00Z",
                "2026-03-02T00:00:00Z",
            ),
            (
                "{\"dayOfWeek\":\"7\",\"hour\":\"6\"}",
                "2026-02-28T12:00:00Z",
                "2026-03-01T06:00:00Z",
            ),
            (
                "{\"dayOfMonth\":\"29\",\"month\":\"2\"}",
                "2026-03-01T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "{\"dayOfMonth\":\"29\",\"month\":\"2\"}",
                "2096-03-01T00:00:00Z",
                "2104-02-29T00:00:00Z",
            ),
            (
                "{\"month\":\"6\"}",
                "2026-06-30T00:00:00Z",
                "2027-06-01T00:00:00Z",
            ),
        ] {
            let read = QuerySchedule::read(&fields(schedule)).unwrap();
            assert_eq!(
                read.next_after(ms(after)),
                Some(ms(next)),
                "{schedule} {after}"
            );
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for schedule in [
            "{}",
            "{\"second\":\"\"}",
            "{\"second\":\"60\"}",
            "{\"second\":\"0/30\"}",
            "{\"second\":\"*\"}",
            "{\"second\":\"+1\"}",
            "{\"second\":\"001\"}",
            "{\"minute\":\"[5-1]\"}",
            "{\"minute\":\"[5]\"}",
            "{\"minute\":\"1,\"}",
            "{\"minute\":\"1-5\"}",
            "{\"hour\":\"24\"}",
            "{\"dayOfMonth\":\"0\"}",
            "{\"month\":\"13\"}",
            "{\"dayOfWeek\":\"0\"}",
            "{\"dayOfMonth\":\"30\",\"month\":\"2\"}",
        ] {
            assert!(
                QuerySchedule::read(&fields(schedule)).is_err(),
                "{schedule}"
            );
        }
        assert!(serde_json::from_str::<ScheduleFields>("{\"year\":\"1\"}").is_err());
        let any = QuerySchedule::read(&fields("{\"hour\":\"1\"}")).unwrap();
        assert_eq!(any.next_after(u64::MAX), None);
    }
}
