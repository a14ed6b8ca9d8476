//! Facts about a study.

use super::{StudyFact, count, if_whole, shows_diffusion, study, texts};
use crate::expression::{Kind, Value};
use crate::standard::about::about;
use crate::standard::facts::lexicon::{Reading, Regions};
use crate::standard::geometry::distinct;
use crate::standard::study::part::Rendition;
use crate::standard::study::view::{Look, SeriesLook};
use crate::standard::study::words::Words;

/// Facts about a study.
pub const STUDY_FACTS: &[StudyFact] = &[
    study(
        "images",
        Kind::Number,
        about("影像数，不计定位像和被拒绝的影像", "images, localizers and rejected ones left out"),
        |s| count(s.kept().map(|series| series.images).sum()),
    ),
    study("localizers", Kind::Number, about("定位像数", "localizers"), |s| {
        count(s.kept().map(|series| series.localizers).sum())
    }),
    study(
        "dose_told",
        Kind::Bool,
        about(
            "是否有影像给出 CTDIvol，或有剂量报告",
            "whether an image gives CTDIvol, or a dose report is there",
        ),
        |s| s.study.dose.into(),
    ),
    study("series", Kind::Number, about("含影像的序列数", "series with images"), |s| {
        count(s.study.series.len())
    }),
    study(
        "localizer_series",
        Kind::Number,
        about("仅含定位像的序列数", "series of localizers alone"),
        |s| count(s.kept().filter(|series| series.images == 0 && series.localizers > 0).count()),
    ),
    study(
        "rejected",
        Kind::Number,
        about(
            "被本检查的关键对象选择拒绝的影像数",
            "images that a Key Object Selection of the study rejects",
        ),
        |s| count(s.rejected),
    ),
    study(
        "whole",
        Kind::Bool,
        about(
            "保管中的对象是否全部看过，且判定时检查已经静默",
            "whether everything of it that is in custody was looked at and it was quiet when it was settled",
        ),
        |s| (s.is_whole() && !s.beside.early).into(),
    ),
    study(
        "modalities",
        Kind::Texts,
        about("影像的检查类型", "values of Modality among its images"),
        |s| texts(s.study.modalities.iter()),
    ),
    study(
        "regions",
        Kind::Texts,
        about("影像的身体部位，大写", "body regions of its images, in capitals"),
        |s| texts(s.study.regions.iter()),
    ),
    study(
        "views",
        Kind::Texts,
        about(
            "投照体位：`PA`；乳腺为侧别加体位：`R CC`",
            "views of its projections: `PA`, or side and view of the breast: `R CC`",
        ),
        |s| {
            let views = s.study.views.iter();
            let kept = views.filter(|(instance, _)| !s.study.rejects.has(instance));
            let mut views: Vec<&Box<str>> = kept.map(|(_, view)| view).collect();
            views.sort_unstable();
            views.dedup();
            texts(views.into_iter())
        },
    ),
    study(
        "age",
        Kind::Number,
        about("患者周岁年龄", "the patient's age in whole years"),
        |s| s.study.age.into(),
    ),
    // Whose it is.
    study(
        "patient_ids",
        Kind::Number,
        about("不同患者 ID 的个数，连同签发者", "different Patient IDs, with their issuers"),
        |s| count(s.study.ids.count()),
    ),
    study(
        "patient_names",
        Kind::Number,
        about(
            "姓名所指的人数：有一组字符相同的姓名为同一人",
            "persons that the names are of: names that share a group of characters are one person's",
        ),
        |s| count(s.names()),
    ),
    study(
        "birth_dates",
        Kind::Number,
        about("不同出生日期的个数", "different birth dates"),
        |s| count(s.study.births.count()),
    ),
    study(
        "sexes",
        Kind::Number,
        about("不同性别的个数", "different values of Patient's Sex"),
        |s| count(s.study.sexes.count()),
    ),
    study(
        "known_otherwise",
        Kind::Bool,
        about(
            "该患者 ID 是否曾在另一检查中以不同姓名、出生日期或性别出现",
            "whether the Patient ID came in another study with another name, birth date or sex",
        ),
        |s| s.beside.known_otherwise.into(),
    ),
    study(
        "pixels_elsewhere",
        Kind::Number,
        about(
            "像素曾随另一患者 ID 出现的影像数，不计空白影像；尚在追溯先前运行的检查时未知",
            "images whose pixels came with another Patient ID, blank ones left out; unknown while the studies of earlier runs are still being recalled",
        ),
        |s| s.beside.pixels_elsewhere.map(count).into(),
    ),
    study(
        "minutes_to_other",
        Kind::Number,
        about(
            "与同一患者、类型、部位的最近另一检查开始时间相隔的分钟数",
            "minutes between its begin and that of the nearest other study of the same patient, modality and region",
        ),
        |s| s.beside.minutes_to_other.into(),
    ),
    // Where it comes from.
    study(
        "institutions",
        Kind::Number,
        about("来源所配置的机构数", "institutions that its senders are configured with"),
        |s| count(s.study.institutions.count()),
    ),
    study(
        "institution_names",
        Kind::Number,
        about("不同机构名称的个数，不计标识", "different Institution Names, marks left out"),
        |s| count(s.study.institution_names.count()),
    ),
    study(
        "accession_numbers",
        Kind::Number,
        about("不同检查号的个数", "different Accession Numbers"),
        |s| count(s.study.accessions.count()),
    ),
    study(
        "descriptions",
        Kind::Number,
        about("不同检查描述的个数", "different Study Descriptions"),
        |s| count(s.study.descriptions.count()),
    ),
    study(
        "procedures",
        Kind::Number,
        about("不同操作代码的个数", "different procedure codes"),
        |s| count(s.study.procedures.count()),
    ),
    study(
        "changed_instances",
        Kind::Number,
        about(
            "以不同像素多次出现的 SOP 实例 UID 的个数",
            "SOP Instance UIDs that came more than once, with different pixels",
        ),
        |s| count(s.changed()),
    ),
    study(
        "marks",
        Kind::Number,
        about("影像所得的不同标识的个数", "different marks that its images were given"),
        |s| count(s.study.marks.count()),
    ),
    // Time.
    study(
        "hours",
        Kind::Number,
        about(
            "首幅至末幅影像采集相隔的小时数",
            "hours from its first image to its last, by acquisition",
        ),
        |s| s.study.acquired.map(|(first, last)| (last - first) as f64 / 3600.0).into(),
    ),
    study(
        "report_hours",
        Kind::Number,
        about(
            "末幅影像至首份报告的小时数；检查中无报告时未知",
            "hours from its last image to its first report; unknown without a report in the study",
        ),
        |s| {
            let last = s.study.acquired.map(|(_, last)| last);
            let hours = s.study.reported.zip(last);
            hours.map(|(reported, last)| (reported - last) as f64 / 3600.0).into()
        },
    ),
    // What is there.
    study(
        "short_of_promised",
        Kind::Number,
        about(
            "比采集所含图像数少的影像数；未写该数时未知",
            "images fewer than Images in Acquisition promises; unknown where nothing promises",
        ),
        |s| if_whole(s, s.short_of_promised().map(count)),
    ),
    study(
        "coverage",
        Kind::Number,
        about(
            "最长的轴位层组覆盖的毫米数",
            "millimetres that the longest stack across the body covers",
        ),
        |s| if_whole(s, s.across().map(|(covered, _)| covered)),
    ),
    study(
        "thinnest",
        Kind::Number,
        about(
            "覆盖其十分之九以上的轴位层组中最薄的层厚，毫米",
            "thickness in millimetres of the thinnest slices across the body that cover nine tenths of that",
        ),
        |s| s.across().and_then(|(_, thinnest)| thinnest).into(),
    ),
    study(
        "lung_window",
        Kind::Bool,
        about("是否有窗或卷积核显示肺", "whether a window or kernel shows lung"),
        |s| renders(s, Rendition::LUNG),
    ),
    study(
        "soft_window",
        Kind::Bool,
        about("是否有窗显示软组织", "whether a window shows soft parts"),
        |s| renders(s, Rendition::SOFT),
    ),
    study(
        "bone_window",
        Kind::Bool,
        about("是否有窗或卷积核显示骨", "whether a window or kernel shows bone"),
        |s| renders(s, Rendition::BONE),
    ),
    study(
        "contrast_asked",
        Kind::Bool,
        about(
            "描述是否提到增强；既未提增强也未提平扫时未知",
            "whether its descriptions speak of contrast; unknown where they speak of neither contrast nor plain images",
        ),
        |s| {
            let spoken = s.study.spoken;
            let said = spoken.have(Words::CONTRAST) || spoken.have(Words::PLAIN);
            said.then(|| spoken.have(Words::CONTRAST)).into()
        },
    ),
    study(
        "contrast_given",
        Kind::Bool,
        about(
            "是否有序列写明对比剂或其期相",
            "whether a series names a contrast agent or its phase",
        ),
        |s| contrast_given(s).into(),
    ),
    study(
        "vessels_asked",
        Kind::Bool,
        about("描述是否提到血管", "whether its descriptions speak of vessels"),
        |s| s.study.spoken.have(Words::VESSELS).into(),
    ),
    study(
        "trauma",
        Kind::Bool,
        about("描述是否提到外伤", "whether its descriptions speak of an injury"),
        |s| s.study.spoken.have(Words::TRAUMA).into(),
    ),
    study(
        "one_side",
        Kind::Bool,
        about("描述是否只提到单侧", "whether its descriptions speak of one side alone"),
        |s| s.study.spoken.have(Words::ONE_SIDE).into(),
    ),
    study(
        "phases",
        Kind::Texts,
        about(
            "序列所写的期相：plain（平扫）、arterial（动脉期）、venous（静脉期）、delayed（延迟期）；无对比剂者为平扫",
            "phases that its series name: plain, arterial, venous, delayed; those without an agent are plain",
        ),
        |s| texts(phases(s).into_iter()),
    ),
    study(
        "regions_asked",
        Kind::Texts,
        about(
            "申请操作描述所写的身体部位；未写时未知",
            "body regions that Requested Procedure Description names; unknown where it names none",
        ),
        |s| {
            let asked: Vec<&str> = s.study.regions_asked.names().collect();
            if asked.is_empty() { Value::Unknown } else { texts(asked.into_iter()) }
        },
    ),
    study(
        "regions_missing",
        Kind::Texts,
        about("其中没有影像的部位", "those of them that no image is of"),
        |s| {
            let images = s.study.regions.iter().map(|region| Reading::of_body_part(region).regions);
            let seen: Vec<&str> = images.flat_map(Regions::names).collect();
            texts(s.study.regions_asked.names().filter(|region| !seen.contains(region)))
        },
    ),
    study(
        "b_values",
        Kind::Number,
        about(
            "弥散序列中不同 b 值的个数；未写 b 值的影像为 0",
            "different diffusion b-values of its series of diffusion; images that say none have 0",
        ),
        |s| {
            let diffusion = |series: &&SeriesLook<'_>| shows_diffusion(series);
            let all: Vec<f64> =
                s.kept().filter(diffusion).flat_map(|series| series.b_values.clone()).collect();
            count(distinct(&all))
        },
    ),
    study(
        "phases_asked",
        Kind::Number,
        about(
            "描述所写的期相数（写有数目时）",
            "phases that its descriptions promise, where they say a number",
        ),
        |s| s.study.spoken.phases_promised().into(),
    ),
    study(
        "sequences",
        Kind::Texts,
        about(
            "MR 序列的加权：T1、T2、PD、FLAIR、DWI",
            "weightings of its MR series: T1, T2, PD, FLAIR, DWI",
        ),
        |s| {
            let mut all: Vec<&str> = weightings(s).map(|(weighting, _)| weighting).collect();
            all.sort_unstable();
            all.dedup();
            texts(all.into_iter())
        },
    ),
    study(
        "planes",
        Kind::Texts,
        about(
            "层组的切面：axial（轴位）、coronal（冠状位）、sagittal（矢状位）、oblique（斜位）",
            "planes of its stacks: axial, coronal, sagittal, oblique",
        ),
        |s| {
            let stacks = s.kept().flat_map(|series| &series.stacks);
            let mut all: Vec<&str> = stacks.map(|stack| stack.plane.as_str()).collect();
            all.sort_unstable();
            all.dedup();
            texts(all.into_iter())
        },
    ),
    study(
        "sequence_planes",
        Kind::Texts,
        about(
            "MR 序列的加权及切面，如 `T2 sagittal`",
            "weightings of its MR series with their planes: `T2 sagittal`",
        ),
        |s| {
            let pairs = weightings(s).flat_map(|(weighting, series)| {
                let planes = series.stacks.iter().map(|stack| stack.plane.as_str());
                planes.map(move |plane| format!("{weighting} {plane}"))
            });
            let mut all: Vec<String> = pairs.collect();
            all.sort_unstable();
            all.dedup();
            texts(all.iter())
        },
    ),
];

fn renders(look: &Look<'_>, flag: u8) -> Value {
    look.kept().any(|series| series.series.rendition.0 & flag != 0).into()
}

fn contrast_given(look: &Look<'_>) -> bool {
    let told = |words: Words| {
        [Words::CONTRAST, Words::ARTERIAL, Words::VENOUS].into_iter().any(|flag| words.have(flag))
    };
    look.kept().any(|series| series.series.contrast || told(series.series.words))
}

fn phases(look: &Look<'_>) -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    for series in look.kept().filter(|series| series.images > 0) {
        all.extend(series.series.words.phases());
        let told = series.series.words.phases().next().is_some();
        if !told && !series.series.contrast && !series.series.words.have(Words::CONTRAST) {
            all.push("plain");
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn weightings<'l, 'a>(
    look: &'l Look<'a>,
) -> impl Iterator<Item = (&'static str, &'l SeriesLook<'a>)> {
    look.kept().flat_map(|series| {
        series.series.weightings.iter().map(move |weighting| (weighting.as_str(), series))
    })
}
