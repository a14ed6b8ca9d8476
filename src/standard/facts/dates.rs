//! When the examination was, and how old the patient.

use jiff::Unit;
use jiff::civil::Date;

use crate::base::time::{date_at, parse_da};
use crate::dicom::attribute::{AttributePath, Step, keyword_of};
use crate::dicom::{Tag, tags};
use crate::expression::{Environment as _, Kind};
use crate::standard::dates::{date_of_dt, format_da, instant, parse_dt, parse_tm};
use crate::standard::subject::Subject;

use super::{Fact, about, fact, identifying, names, text};

/// Dates, times and ages.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "exam_date",
        Kind::Text,
        about(
            "检查日期 YYYYMMDD：依次取采集日期、采集日期时间、首帧的帧采集日期时间、序列日期、检查日期中首个有值者",
            "the date of the examination, YYYYMMDD: the first given of Acquisition Date, Acquisition DateTime, Frame Acquisition DateTime of frame 1, Series Date, Study Date",
        ),
        |s| text(exam_date(s).map(da)),
    ),
    fact(
        "study_date",
        Kind::Text,
        about("检查日期 (0008,0020)，须为日历上的日期", "Study Date, if it is a calendar date"),
        |s| text(study_date(s).map(da)),
    ),
    fact(
        "study_time",
        Kind::Text,
        about("检查时间 HHMMSS，须为一天中的时刻", "Study Time as HHMMSS, if it is a time of day"),
        |s| text(study_time(s)),
    ),
    identifying(fact(
        "birth_date",
        Kind::Text,
        about("患者出生日期，须为日历上的日期", "Patient's Birth Date, if it is a calendar date"),
        |s| text(birth_date(s).map(da)),
    )),
    fact(
        "age",
        Kind::Number,
        about(
            "按出生日期计算的检查时周岁年龄；早于出生时为负",
            "the patient's age at the study in whole years, from the birth date; negative before birth",
        ),
        |s| age(s).into(),
    ),
    fact(
        "age_unit",
        Kind::Text,
        about(
            "患者年龄 (0010,1010) 的单位：D、W、M 或 Y",
            "the unit of Patient's Age: D, W, M or Y",
        ),
        |s| text(stated_age(s).map(|age| age.unit.to_string())),
    ),
    fact(
        "age_deviation",
        Kind::Number,
        about(
            "患者年龄与按出生日期计算的年龄之差，以前者的单位计",
            "how far Patient's Age and the age from the birth date are apart, in the unit of the former",
        ),
        |s| age_deviation(s).map(|deviation| deviation.units).into(),
    ),
    fact(
        "age_deviation_years",
        Kind::Number,
        about("同上，以年计", "the same in years"),
        |s| age_deviation(s).map(|deviation| deviation.years).into(),
    ),
    fact(
        "future_dates",
        Kind::Texts,
        about(
            "晚于当前时刻 10 分钟以上的检查、序列、采集、内容日期属性（关键字）",
            "keywords of study, series, acquisition and content dates that lie more than 10 minutes ahead",
        ),
        |s| names(future_dates(s)),
    ),
    fact(
        "today",
        Kind::Text,
        about("本院当日日期 YYYYMMDD", "the site's date, YYYYMMDD"),
        |s| da(today(s)).into(),
    ),
];

/// Clocks of modalities differ; a difference up to this is no fault.
const CLOCK_SKEW_MINUTES: i64 = 10;

/// The date of the examination: the first that is given of Acquisition Date, Acquisition DateTime, Frame Acquisition DateTime
/// of frame 1, Series Date and Study Date. `None` when none is given, or when the first given is no date: what comes after it may
/// be the date of something else.
#[must_use]
pub fn exam_date(subject: &Subject<'_>) -> Option<Date> {
    let offset = subject.arrival().offset;
    let date = |tag| subject.text(tag).map(|raw| calendar_date(&raw));
    date(tags::ACQUISITION_DATE)
        .or_else(|| {
            let raw = subject.text(tags::ACQUISITION_DATE_TIME)?;
            Some(date_of_dt(&raw, offset))
        })
        .or_else(|| Some(date_of_dt(&frame_acquisition(subject)?, offset)))
        .or_else(|| date(tags::SERIES_DATE))
        .or_else(|| date(tags::STUDY_DATE))?
}

/// Frame Acquisition DateTime of the first frame of an enhanced object.
pub(super) fn frame_acquisition(subject: &Subject<'_>) -> Option<String> {
    let step = |sequence| Step { sequence, item: 0 };
    let path = AttributePath {
        steps: vec![
            step(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE),
            step(tags::FRAME_CONTENT_SEQUENCE),
        ],
        tag: tags::FRAME_ACQUISITION_DATE_TIME,
    };
    subject.nested(&path).as_text().map(str::to_owned)
}

/// Study Date (0008,0020), if it is a calendar date.
#[must_use]
pub fn study_date(subject: &Subject<'_>) -> Option<Date> {
    calendar_date(&subject.text(tags::STUDY_DATE)?)
}

/// Study Time (0008,0030) as `HHMMSS`, if it is a time of day.
#[must_use]
pub fn study_time(subject: &Subject<'_>) -> Option<String> {
    let time = parse_tm(&subject.text(tags::STUDY_TIME)?)?;
    Some(format!("{:02}{:02}{:02}", time.hour(), time.minute(), time.second()))
}

/// Patient's Birth Date (0010,0030), if it is a calendar date.
#[must_use]
pub fn birth_date(subject: &Subject<'_>) -> Option<Date> {
    calendar_date(&subject.text(tags::PATIENT_BIRTH_DATE)?)
}

/// The patient's age at Study Date in whole years; negative before birth.
#[must_use]
pub fn age(subject: &Subject<'_>) -> Option<i64> {
    let (birth, study) = (birth_date(subject)?, study_date(subject)?);
    if study < birth {
        return Some(-years(study, birth)?.max(1));
    }
    years(birth, study)
}

/// Whole years from one date to a later one.
fn years(from: Date, to: Date) -> Option<i64> {
    Some(i64::from(from.until((Unit::Year, to)).ok()?.get_years()))
}

/// A value of VR AS: a number and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedAge {
    /// At most 999.
    pub number: u16,
    /// `D`, `W`, `M` or `Y`.
    pub unit: char,
}

/// Patient's Age (0010,1010), if it is written `nnnD`, `nnnW`, `nnnM` or `nnnY`.
#[must_use]
pub fn stated_age(subject: &Subject<'_>) -> Option<StatedAge> {
    let raw = subject.text(tags::PATIENT_AGE)?;
    let (number, unit) = raw.split_at_checked(3)?;
    let unit = match unit {
        "D" => 'D',
        "W" => 'W',
        "M" => 'M',
        "Y" => 'Y',
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    Some(StatedAge { number: number.parse().ok().filter(|_| digits)?, unit })
}

/// How far two ages are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgeDeviation {
    /// In whole units of the stated age.
    pub units: i64,
    /// In years.
    pub years: f64,
}

/// How far Patient's Age and the age from the birth date at Study Date are apart.
#[must_use]
pub fn age_deviation(subject: &Subject<'_>) -> Option<AgeDeviation> {
    let stated = stated_age(subject)?;
    let (birth, study) = (birth_date(subject)?, study_date(subject)?);
    let (unit, per_year) = match stated.unit {
        'D' => (Unit::Day, 365.25),
        'W' => (Unit::Week, 52.18),
        'M' => (Unit::Month, 12.0),
        _ => (Unit::Year, 1.0),
    };
    let span = birth.until((unit, study)).ok()?;
    let computed = match stated.unit {
        'D' => i64::from(span.get_days()),
        'W' => i64::from(span.get_weeks()),
        'M' => i64::from(span.get_months()),
        _ => i64::from(span.get_years()),
    };
    let units = (computed - i64::from(stated.number)).abs();
    Some(AgeDeviation { units, years: units as f64 / per_year })
}

/// The keywords of dates that lie more than 10 minutes ahead, with the time that belongs to each where it is given.
#[must_use]
pub fn future_dates(subject: &Subject<'_>) -> Vec<String> {
    let arrival = subject.arrival();
    let limit = arrival.now.as_second() + CLOCK_SKEW_MINUTES * 60;
    let lies_ahead = |(date, time): &(Tag, Tag)| {
        let (date, time) = (subject.text(*date), subject.text(*time));
        date.and_then(|date| instant(&date, time.as_deref(), arrival.offset))
            .is_some_and(|instant| instant.as_second() > limit)
    };
    let pairs = [
        (tags::STUDY_DATE, tags::STUDY_TIME),
        (tags::SERIES_DATE, tags::SERIES_TIME),
        (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
        (tags::CONTENT_DATE, tags::CONTENT_TIME),
    ];
    let mut ahead: Vec<String> =
        pairs.iter().filter(|pair| lies_ahead(pair)).map(|(date, _)| keyword_of(*date)).collect();
    let acquired = subject.text(tags::ACQUISITION_DATE_TIME);
    let acquired = acquired.and_then(|raw| parse_dt(&raw, arrival.offset));
    if acquired.is_some_and(|instant| instant.as_second() > limit) {
        ahead.push(keyword_of(tags::ACQUISITION_DATE_TIME));
    }
    ahead
}

/// The site's calendar date at the time of the assessment.
#[must_use]
pub fn today(subject: &Subject<'_>) -> Date {
    let arrival = subject.arrival();
    date_at(arrival.now, arrival.offset)
}

/// A date as DA writes it.
#[must_use]
pub fn da(date: Date) -> String {
    format_da(date)
}

/// A whole DA value: [`parse_da`] also takes the first characters of something longer.
fn calendar_date(raw: &str) -> Option<Date> {
    parse_da(raw).filter(|_| raw.len() == 8)
}
