//! In which order and how long ago study, series, acquisition and content were dated.

use jiff::civil::{Date, DateTime, Time};

use crate::base::time::{Timestamp, parse_da};
use crate::dicom::attribute::keyword_of;
use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::dates::{instant, parse_dt, parse_tm};
use crate::standard::subject::Subject;

use super::{Fact, about, dates, fact, text};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "date_disorder",
        Kind::Number,
        about(
            "最不合序的一对日期相差的分钟数：检查晚于序列或采集，或序列晚于内容；均合序时为 0，缺时间时按整天计",
            "by how many minutes the worst pair of dates is out of order: the study after series or acquisition, or the series after the content; 0 when none is, whole days where a time is missing",
        ),
        |s| worst_disorder(s).map(|(minutes, _)| minutes).into(),
    ),
    fact(
        "date_disorder_pair",
        Kind::Text,
        about(
            "最不合序的一对日期，如 StudyDate > AcquisitionDate",
            "the pair of dates that is most out of order: StudyDate > AcquisitionDate",
        ),
        |s| text(worst_disorder(s).and_then(|(_, pair)| pair)),
    ),
    fact(
        "series_after_acquisition",
        Kind::Number,
        about(
            "序列日期时间晚于采集的分钟数；不晚时为 0",
            "by how many minutes Series Date and Time lie after the acquisition; 0 when they do not",
        ),
        |s| {
            let (series, acquired) = (moment(s, SERIES), acquisition(s));
            series
                .zip(acquired)
                .and_then(|(series, acquired)| series.minutes_after(acquired))
                .into()
        },
    ),
    fact(
        "arrival_delay",
        Kind::Number,
        about(
            "采集至评估的小时数；无采集时间时未知",
            "hours from the acquisition to the assessment; unknown without a time of the acquisition",
        ),
        |s| arrival_delay(s).into(),
    ),
];

const STUDY: (Tag, Tag) = (tags::STUDY_DATE, tags::STUDY_TIME);
const SERIES: (Tag, Tag) = (tags::SERIES_DATE, tags::SERIES_TIME);
const ACQUISITION: (Tag, Tag) = (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME);
const CONTENT: (Tag, Tag) = (tags::CONTENT_DATE, tags::CONTENT_TIME);

/// A date with, where it is given, a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    date: Date,
    time: Option<Time>,
}

impl Moment {
    /// Minutes by which this lies after another, 0 if it does not. Where one has no time, days are compared.
    fn minutes_after(self, other: Self) -> Option<f64> {
        let seconds = match (self.time, other.time) {
            (Some(own), Some(others)) => {
                let (own, others) = (
                    DateTime::from_parts(self.date, own),
                    DateTime::from_parts(other.date, others),
                );
                own.duration_since(others).as_secs()
            }
            (_, None) | (None, _) => self.date.duration_since(other.date).as_secs(),
        };
        Some((seconds.max(0) as f64) / 60.0)
    }
}

/// The moment of a pair of attributes; `None` when the date is absent or none.
fn moment(subject: &Subject<'_>, (date, time): (Tag, Tag)) -> Option<Moment> {
    let date = subject.text(date)?;
    let date = parse_da(&date).filter(|_| date.len() == 8)?;
    Some(Moment { date, time: subject.text(time).and_then(|time| parse_tm(&time)) })
}

/// When it was acquired, in the site's time: Acquisition DateTime, else date and time.
fn acquisition(subject: &Subject<'_>) -> Option<Moment> {
    let offset = subject.arrival().offset;
    let with_time = subject.text(tags::ACQUISITION_DATE_TIME).filter(|raw| raw.len() >= 10);
    let at = with_time.and_then(|raw| parse_dt(&raw, offset));
    let local = at.map(|at| offset.to_datetime(at));
    local
        .map(|local| Moment { date: local.date(), time: Some(local.time()) })
        .or_else(|| moment(subject, ACQUISITION))
}

/// The pair that is most out of order, and by how many minutes. `None` when no two can be compared.
fn worst_disorder(subject: &Subject<'_>) -> Option<(f64, Option<String>)> {
    let (study, series) = (moment(subject, STUDY), moment(subject, SERIES));
    let (acquired, content) = (acquisition(subject), moment(subject, CONTENT));
    let pairs = [
        (study, series, STUDY.0, SERIES.0),
        (study, acquired, STUDY.0, ACQUISITION.0),
        (series, content, SERIES.0, CONTENT.0),
    ];
    let compared = pairs.into_iter().filter_map(|(first, second, one, other)| {
        Some((
            first?.minutes_after(second?)?,
            format!("{} > {}", keyword_of(one), keyword_of(other)),
        ))
    });
    let worst = compared.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let (minutes, pair) = worst;
    Some((minutes, (minutes > 0.0).then_some(pair)))
}

/// Hours from the acquisition to the assessment; negative when it lies ahead.
fn arrival_delay(subject: &Subject<'_>) -> Option<f64> {
    let arrival = subject.arrival();
    let of_frame = || {
        let raw = dates::frame_acquisition(subject).filter(|raw| raw.len() >= 10)?;
        parse_dt(&raw, arrival.offset)
    };
    let of_acquisition = || {
        let moment = acquisition(subject)?;
        arrival.offset.to_timestamp(DateTime::from_parts(moment.date, moment.time?)).ok()
    };
    let of_content = || -> Option<Timestamp> {
        let (date, time) = (subject.text(CONTENT.0)?, subject.text(CONTENT.1)?);
        parse_tm(&time)?;
        instant(&date, Some(&time), arrival.offset)
    };
    let at = of_acquisition().or_else(of_frame).or_else(of_content)?;
    Some((arrival.now.as_second() - at.as_second()) as f64 / 3600.0)
}
