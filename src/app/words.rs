//! The words of rules and judgements for people, in Chinese and in English.

use crate::recognition::Reason;
use crate::web::model::{
    Disposition, Message, Principle, RuleFact, RuleOutcome, RuleTrace, Severity, Untold, WhyNot,
};

/// A language that people are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Chinese.
    Chinese,
    /// English.
    #[default]
    English,
}

/// A word in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

const fn word(zh: &'static str, en: &'static str) -> Word {
    Word { zh, en }
}

impl Language {
    /// The language of a locale such as `zh_CN.UTF-8`; English where it is neither.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    /// The one of two texts that is in this language.
    #[must_use]
    pub fn of<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }

    /// The word in this language.
    #[must_use]
    pub fn word(self, word: Word) -> &'static str {
        match self {
            Self::Chinese => word.zh,
            Self::English => word.en,
        }
    }

    /// The message in this language.
    #[must_use]
    pub fn message(self, message: &Message) -> &str {
        self.of(&message.zh, &message.en)
    }
}

/// What a fact says; `?` where that is not known.
#[must_use]
pub fn fact(language: Language, fact: &RuleFact) -> &str {
    let (zh, en) = (fact.about_zh.as_deref(), fact.about.as_deref());
    language.of(zh.unwrap_or("?"), en.unwrap_or("?"))
}

/// What a finding does.
#[must_use]
pub fn severity(severity: Severity) -> Word {
    match severity {
        Severity::Info => word("提示", "info"),
        Severity::Warn => word("警告", "warn"),
        Severity::Block => word("不加标识", "block"),
        Severity::Quarantine => word("扣留", "quarantine"),
        Severity::SelfCheck => word("自检", "self_check"),
    }
}

/// A principle of DB11/T 2505-2025.
#[must_use]
pub fn principle(principle: Principle) -> Word {
    match principle {
        Principle::Accuracy => word("准确性", "accuracy"),
        Principle::Completeness => word("完整性", "completeness"),
        Principle::Standardization => word("规范性", "standardization"),
        Principle::Timeliness => word("及时性", "timeliness"),
        Principle::Readability => word("可读性", "readability"),
        Principle::Consistency => word("一致性", "consistency"),
    }
}

/// What a rule rests on, by its word in packs.
#[must_use]
pub fn authority(authority: &str) -> &str {
    match authority {
        "standard" => "DB11/T 2505-2025",
        "dicom" => "DICOM",
        other => other,
    }
}

/// What a rule rests on, in a language.
#[must_use]
pub fn authority_in(language: Language, word: &str) -> &str {
    match (language, word) {
        (Language::Chinese, "regional") => "地方或行业规范",
        (Language::Chinese, "judgement") => "工程判断",
        (_, word) => authority(word),
    }
}

/// What a rule looks at, by its word in packs.
#[must_use]
pub fn level(language: Language, word: &str) -> &str {
    match (language, word) {
        (Language::Chinese, "instance") => "影像",
        (Language::Chinese, "pixel") => "像素",
        (Language::Chinese, "series") => "序列",
        (Language::Chinese, "study") => "检查",
        (_, word) => word,
    }
}

/// What becomes of an object.
#[must_use]
pub fn disposition(disposition: Disposition) -> Word {
    match disposition {
        Disposition::Forward => word("放行", "forwarded"),
        Disposition::Quarantine => word("扣留待处理", "held in quarantine"),
    }
}

/// Why an object bears no mark, by the code of the reason.
#[must_use]
pub fn reason(code: &str) -> Option<Word> {
    Some(match Reason::from_code(code)? {
        Reason::UnsupportedSop => word("非放射影像对象", "no radiological image"),
        Reason::NotClinical => word("非临床影像", "no clinical image"),
        Reason::NoInstitution => word("来源未对应机构", "the source is mapped to no institution"),
        Reason::Foreign => word("来自其他机构", "from another institution"),
        Reason::NoExamDate => word("检查日期不明", "the day of the examination is not known"),
        Reason::PreStandard => word("检查早于标准实施", "made before the standard was in force"),
        Reason::NoItem => word("不在互认项目清单内", "none of the listed items"),
        Reason::NoScope => word("该项目无互认资格", "no accreditation for the item"),
        Reason::NotYetValid => word("资格尚未生效", "the accreditation is not valid yet"),
        Reason::Expired => word("资格已过期", "the accreditation has ended"),
        Reason::Suspended => word("资格已暂停或撤销", "the accreditation is suspended or revoked"),
        Reason::QualityBlock => word("质量问题", "faults of quality"),
        Reason::NameTooLong => word("机构名称过长", "the institution's name is too long"),
        Reason::NotEncodable => word("字符集无法表示", "the character set cannot hold the name"),
        Reason::Signed => word("对象有数字签名", "the object is digitally signed"),
        Reason::SelfCheck => {
            word("加盖结果未通过自检", "what would have gone out failed its self-check")
        }
        Reason::Bypass => word("旁路期间", "the gate was in bypass"),
        Reason::Unchecked => word("未能检查", "it could not be judged"),
    })
}

/// How a rule fared.
#[must_use]
pub fn outcome(outcome: RuleOutcome) -> Word {
    match outcome {
        RuleOutcome::Passed => word("符合", "passed"),
        RuleOutcome::Failed => word("不符合", "failed"),
        RuleOutcome::NotApplicable => word("不适用", "does not apply"),
        RuleOutcome::Shadow => word("不符合，仅计数", "failed, counted only"),
        RuleOutcome::NotRun => word("未执行", "was not run"),
    }
}

/// Why a rule did not apply.
#[must_use]
pub fn why_not(language: Language, why: &WhyNot) -> String {
    match why {
        WhyNot::Classes(groups) => {
            let groups = groups.join(language.of("、", ", "));
            match language {
                Language::Chinese => format!("仅适用于 {groups}"),
                Language::English => format!("it is for {groups}"),
            }
        }
        WhyNot::Pixels(why) => match language {
            Language::Chinese => format!("未能查看像素：{why}"),
            Language::English => why.clone(),
        },
        WhyNot::Unknown(names) => {
            let names = names.join(language.of("、", ", "));
            match language {
                Language::Chinese => format!("缺少 {names}"),
                Language::English => format!("{names} unknown"),
            }
        }
        WhyNot::Condition => language.of("条件不成立", "its condition is not met").to_owned(),
        WhyNot::Unlooked => {
            language.of("未能完整读取", "the object was not looked at whole").to_owned()
        }
        WhyNot::Untold(why) => language.word(untold(*why)).to_owned(),
    }
}

/// Why a trace does not tell all.
#[must_use]
pub fn untold(why: Untold) -> Word {
    match why {
        Untold::NoStudy => word(
            "未写明所属检查，或未能完整读取",
            "the object names no study, or was not looked at whole",
        ),
        Untold::NoSeries => word("检查中没有影像序列", "the study has no series of images"),
        Untold::NotSettled => word(
            "该影像到达后检查尚未收全，或结论已过保存期",
            "its study has not settled since it came, or what was found is kept no longer",
        ),
        Untold::OtherRules => word(
            "检查由另一版本的规则判定",
            "its study was judged by other rules than those in force",
        ),
        Untold::ValuesNotKept => word("所见的值未保存", "what it saw is not kept"),
        Untold::Undecided => word(
            "无法判断，所见的值未保存",
            "it could not be evaluated, and what it saw is not kept",
        ),
    }
}

/// How a rule fared and, where it did not apply, why.
#[must_use]
pub fn fared(language: Language, trace: &RuleTrace) -> String {
    let fared = language.word(outcome(trace.outcome));
    match (trace.why_not().or(trace.untold.map(WhyNot::Untold)), language) {
        (None, _) => fared.to_owned(),
        (Some(why), Language::Chinese) => format!("{fared}（{}）", why_not(language, &why)),
        (Some(why), Language::English) => format!("{fared} ({})", why_not(language, &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::model::Seen;

    #[test]
    fn chinese_is_spoken_where_the_locale_is_chinese() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("zh", Language::Chinese),
            ("ZH-Hans", Language::Chinese),
            ("C.UTF-8", Language::English),
            ("", Language::English),
            ("en_GB", Language::English),
            ("zhx", Language::English),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }

    #[test]
    fn why_a_rule_does_not_apply_is_read_off_its_trace() {
        let seen =
            |value: Option<&str>| Seen { name: "KVP".to_owned(), value: value.map(str::to_owned) };
        let unseen = Seen { name: "pixel".to_owned(), value: Some("broken".to_owned()) };
        let trace = |applies: &[&str], saw: Vec<Seen>| RuleTrace {
            rule: "X-1".to_owned(),
            outcome: RuleOutcome::NotApplicable,
            severity: Severity::Warn,
            level: "instance".to_owned(),
            applies: applies.iter().map(|word| (*word).to_owned()).collect(),
            series_instance_uid: None,
            saw,
            untold: None,
        };
        for (trace, zh, en) in [
            (trace(&["CT", "ECT"], vec![]), "仅适用于 CT、ECT", "it is for CT, ECT"),
            (trace(&["CT"], vec![seen(None)]), "缺少 KVP", "KVP unknown"),
            (trace(&[], vec![seen(None), unseen]), "未能查看像素：broken", "broken"),
            (trace(&[], vec![seen(Some("1"))]), "条件不成立", "its condition is not met"),
            (trace(&[], vec![]), "未能完整读取", "the object was not looked at whole"),
        ] {
            assert_eq!(fared(Language::Chinese, &trace), format!("不适用（{zh}）"));
            assert_eq!(fared(Language::English, &trace), format!("does not apply ({en})"));
            let passed = RuleTrace { outcome: RuleOutcome::Passed, ..trace };
            assert_eq!(passed.why_not(), None);
        }
    }
}
