use super::*;

fn date_time(text: &str) -> Result<Timestamp, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let time = parse_date_time(&mut cursor)?;
    cursor.end()?;
    Ok(time)
}

fn date(text: &str) -> Result<Date, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let date = Date::parse(&mut cursor)?;
    cursor.end()?;
    Ok(date)
}

#[test]
fn the_example_of_rfc_3501_is_read() {
    assert_eq!(date_time("\"17-Jul-1996 02:44:25 -0700\"").unwrap().unix_seconds(), 837_596_665);
    assert_eq!(date_time("\" 1-Jan-1970 00:00:00 +0000\"").unwrap(), Timestamp(0));
    assert_eq!(date_time("\"1-jan-1970 01:30:00 +0130\"").unwrap(), Timestamp(0));
    for bad in [
        "17-Jul-1996 02:44:25 -0700",
        "\"17-Jul-1996 02:44:25\"",
        "\"17-Jul-1996 02:44:25 +-0700\"",
        "\"31-Feb-1996 02:44:25 +0000\"",
        "\"17-Jul-1996 24:44:25 +0000\"",
        "\"17-Jul-1996 02:44:25 0000\"",
        "\"00-Jul-1996 02:44:25 +0000\"",
        "\"17-Jul-96 02:44:25 +0000\"",
        "\"17-Xyz-1996 02:44:25 +0000\"",
        "\"17-Jul-1996 02:44:25 +000\"",
    ] {
        assert!(date_time(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_calendar_holds_leap_days_only_in_leap_years() {
    assert!(date("29-Feb-2024").is_ok() && date("\"29-Feb-2000\"").is_ok());
    assert!(date("29-Feb-2023").is_err() && date("29-Feb-1900").is_err() && date("\"1-Jan-2000").is_err());
    assert_eq!(date("1-Feb-1994").unwrap().start().unix_seconds(), 760_060_800);
}

#[test]
fn days_count_on_without_a_gap() {
    let mut expected = Date::new(1, 1, 1).unwrap().days_since_1970();
    for year in (1..=9999u16).step_by(7) {
        expected = expected.max(Date::new(year, 1, 1).unwrap().days_since_1970());
        for month in 1..=12 {
            for day in 1..=31 {
                let Some(date) = Date::new(year, month, day) else { continue };
                assert_eq!(date.days_since_1970(), expected);
                assert_eq!(Date::from_days_since_1970(expected), date);
                expected += 1;
            }
        }
    }
}

#[test]
fn internal_dates_survive_the_way_there_and_back() {
    for seconds in (-62_135_596_800..253_402_300_799).step_by(10_000_000_019) {
        let time = Timestamp::from_unix_seconds(seconds);
        let text = encode_date_time(time);
        assert_eq!(date_time(std::str::from_utf8(&text).unwrap()), Ok(time), "{seconds}");
    }
    assert_eq!(&encode_date_time(Timestamp(i64::MAX)), b"\"31-Dec-9999 23:59:59 +0000\"");
    assert_eq!(&encode_date_time(Timestamp(i64::MIN)), b"\" 1-Jan-0001 00:00:00 +0000\"");
    assert_eq!(&encode_date_time(Timestamp(837_596_665_000)), b"\"17-Jul-1996 09:44:25 +0000\"");
}
