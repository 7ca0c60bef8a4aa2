//! The forms of numbers (ECMA-376 part 1, §18.8.30): which are dates, and what is written for a number.

use std::collections::BTreeMap;

use time::{Date, Duration, Month, PrimitiveDateTime, Time};

use super::markup::{Markup, MarkupPiece};

/// Whole numbers from here on have lost digits: spreadsheets keep 15.
const KEPT: f64 = 1e15;
const DAY_MS: f64 = 86_400_000.0;
/// Styles of a workbook; spreadsheets have 65,490.
const STYLES: usize = 70_000;

/// How a number is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CellForm {
    /// As a number.
    #[default]
    Number,
    /// With so many digits at least: `00000000000000`.
    Digits(usize),
    /// As a moment: whether with its date, and with its time.
    Moment { date: bool, time: bool },
}

/// The forms of a workbook's cells, by the number of their style.
pub(super) fn read(mut markup: Markup<'_>) -> Result<Vec<CellForm>, String> {
    let mut codes = BTreeMap::new();
    let mut forms = Vec::new();
    let mut in_cells = false;
    while let Some(piece) = markup.next()? {
        match piece {
            MarkupPiece::Open(element) => {
                let number = |name| element.attribute(name).and_then(|text| text.parse().ok());
                match element.name.as_str() {
                    "numFmt" => {
                        let code = element.attribute("formatCode").unwrap_or_default();
                        codes.insert(number("numFmtId").unwrap_or(0), of_code(code));
                    }
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => {
                        let id: u32 = number("numFmtId").unwrap_or(0);
                        let own = codes.get(&id).copied();
                        forms.push(own.unwrap_or_else(|| built_in(id)));
                    }
                    _ => {}
                }
            }
            MarkupPiece::Close(name) if name == "cellXfs" => in_cells = false,
            _ => {}
        }
        if forms.len() > STYLES || codes.len() > STYLES {
            return Err(format!("it has more than {STYLES} styles"));
        }
    }
    Ok(forms)
}

/// Forms that have numbers instead of codes, those of East Asia among them.
fn built_in(id: u32) -> CellForm {
    let (date, time) = match id {
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => (true, false),
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => (false, true),
        22 => (true, true),
        _ => return CellForm::Number,
    };
    CellForm::Moment { date, time }
}

/// What a code shows of a positive number: its first section, without quoted text, escapes and brackets.
fn of_code(code: &str) -> CellForm {
    let mut shown = String::new();
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => while characters.next().is_some_and(|c| c != '"') {},
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                // Elapsed time is a number of hours, and no moment.
                if !inside.is_empty()
                    && inside
                        .to_ascii_lowercase()
                        .chars()
                        .all(|c| "hms".contains(c))
                {
                    return CellForm::Number;
                }
            }
            ';' => break,
            other => shown.push(other.to_ascii_lowercase()),
        }
    }
    if shown.len() > 1 && shown.chars().all(|c| c == '0') {
        return CellForm::Digits(shown.len());
    }
    if shown.contains("general") {
        return CellForm::Number;
    }
    let has = |letters: &str| shown.chars().any(|c| letters.contains(c));
    let time = has("hs");
    let date = has("yd") || (has("m") && !time);
    match date || time {
        true => CellForm::Moment { date, time },
        false => CellForm::Number,
    }
}

/// What is written for a number of this form.
pub(super) fn write(text: &str, form: CellForm, from_1904: bool) -> Result<String, String> {
    let number: Option<f64> = text.trim().parse().ok();
    let number = number.filter(|number| number.is_finite());
    let number = number.ok_or_else(|| format!("{text:?} is no number"))?;
    match form {
        CellForm::Number => plain(number),
        CellForm::Digits(digits) => Ok(format!("{:0>digits$}", plain(number)?)),
        CellForm::Moment { date, time } => {
            let written = moment(number, date, time, from_1904);
            written.ok_or_else(|| format!("{text} is no date of a spreadsheet"))
        }
    }
}

/// A number with the digits that a spreadsheet keeps.
fn plain(number: f64) -> Result<String, String> {
    if number.abs() >= KEPT {
        return Err(format!(
            "{number} has more than 15 digits, of which spreadsheets keep 15: give the column the form of \
             text, and write it again"
        ));
    }
    // Rounded to 15 digits, as a spreadsheet shows it: 0.1 + 0.2 is 0.3.
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    match rounded {
        0.0 => Ok("0".to_owned()),
        rounded => Ok(rounded.to_string()),
    }
}

/// Days since the spreadsheet's beginning as a date, a time, or both.
fn moment(number: f64, date: bool, time: bool, from_1904: bool) -> Option<String> {
    let day = |year, month, day| Date::from_calendar_date(year, month, day).ok();
    let whole = number.floor();
    let begins = match from_1904 {
        true => day(1904, Month::January, 1)?,
        // Spreadsheets have a 29th of February 1900, the day 60.
        false if whole >= 61.0 => day(1899, Month::December, 30)?,
        false if whole < 60.0 => day(1899, Month::December, 31)?,
        false => return None,
    };
    // Up to the year 9999.
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    let ms = ((number - whole) * DAY_MS).round();
    let moment = PrimitiveDateTime::new(begins, Time::MIDNIGHT)
        .checked_add(Duration::days(whole as i64))?
        .checked_add(Duration::milliseconds(ms as i64))?;
    let (hour, minute, second, ms) = moment.time().as_hms_milli();
    let clock = match ms {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        ms => format!("{hour:02}:{minute:02}:{second:02}.{ms:03}"),
    };
    let (year, month, day) = moment.date().to_calendar_date();
    let calendar = format!("{year:04}-{:02}-{day:02}", u8::from(month));
    let (midnight, dayless) = (clock == "00:00:00", whole == 0.0);
    // What is there is written, even where the form hides it.
    Some(match (date, time) {
        (true, false) if midnight => calendar,
        (false, true) if dayless => clock,
        _ => format!("{calendar} {clock}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_tells_what_is_a_moment() {
        let moment = |date, time| CellForm::Moment { date, time };
        for (code, form) in [
            ("General", CellForm::Number),
            ("0.00", CellForm::Number),
            ("#,##0 \"days\"", CellForm::Number),
            ("[Red]0;[Blue]-0", CellForm::Number),
            ("0.00E+00", CellForm::Number),
            ("[h]:mm:ss", CellForm::Number),
            ("00000000000000", CellForm::Digits(14)),
            ("yyyy-mm-dd", moment(true, false)),
            ("yyyy\"年\"m\"月\"d\"日\"", moment(true, false)),
            ("[$-804]yyyy/m/d\\ h:mm", moment(true, true)),
            ("h:mm AM/PM", moment(false, true)),
            ("mmm", moment(true, false)),
            ("@", CellForm::Number),
        ] {
            assert_eq!(of_code(code), form, "{code}");
        }
        assert_eq!(built_in(22), moment(true, true));
        assert_eq!(built_in(31), moment(true, false));
        assert_eq!(built_in(4), CellForm::Number);
    }

    #[test]
    fn numbers_are_written_as_they_are_shown() {
        let (date, time) = (true, true);
        let both = CellForm::Moment { date, time };
        let day = CellForm::Moment { date, time: false };
        let clock = CellForm::Moment { date: false, time };
        for (text, form, from_1904, written) in [
            ("9521234500018", CellForm::Number, false, "9521234500018"),
            (
                "9.521234500018E12",
                CellForm::Number,
                false,
                "9521234500018",
            ),
            (
                "9521234500018",
                CellForm::Digits(14),
                false,
                "09521234500018",
            ),
            ("0.30000000000000004", CellForm::Number, false, "0.3"),
            ("12.50", CellForm::Number, false, "12.5"),
            ("-0", CellForm::Number, false, "0"),
            ("1E-7", CellForm::Number, false, "0.0000001"),
            (
                "999999999999999",
                CellForm::Number,
                false,
                "999999999999999",
            ),
            ("46082.354166666664", both, false, "2026-03-01 08:30:00"),
            ("46082.999999999", both, false, "2026-03-02 00:00:00"),
            ("46082", day, false, "2026-03-01"),
            ("46082", both, false, "2026-03-01 00:00:00"),
            ("46082.25", day, false, "2026-03-01 06:00:00"),
            ("0.25", clock, false, "06:00:00"),
            ("46082.25", clock, false, "2026-03-01 06:00:00"),
            ("46082.00000289352", both, false, "2026-03-01 00:00:00.250"),
            ("1", day, false, "1900-01-01"),
            ("59", day, false, "1900-02-28"),
            ("61", day, false, "1900-03-01"),
            ("44620", day, true, "2026-03-01"),
        ] {
            let found = write(text, form, from_1904);
            assert_eq!(found.as_deref(), Ok(written), "{text} {form:?}");
        }
        for (text, form) in [
            ("95212340000000150", CellForm::Number),
            ("1000000000000000", CellForm::Digits(18)),
            ("NaN", CellForm::Number),
            ("inf", CellForm::Number),
            ("1e999", both),
            ("twelve", CellForm::Number),
            ("60", day),
            ("-1", day),
            ("2958466", day),
        ] {
            assert!(write(text, form, false).is_err(), "{text}");
        }
    }
}
