//! Institutions and the names they go by.

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization as _;

use super::code::{InstitutionId, ScopeCode};
use super::existing::{ReadName, read_name};
use super::row::{Alias, InstitutionRow};

/// An institution of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// What other rows call it.
    pub id: InstitutionId,
    names: Names,
    aliases: Vec<Alias>,
    /// Every name in the form that names are compared in, with its days.
    known: Vec<Alias>,
}

/// The names that may be written before a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The name.
    pub full: String,
    /// For where the full name with the mark would pass 64 characters.
    pub short: Option<String>,
    /// For where the character set cannot hold the name.
    pub latin: Option<String>,
}

impl Institution {
    pub(super) fn new(row: InstitutionRow) -> Self {
        let names = Names { full: row.name, short: row.short_name, latin: row.latin_name };
        let undated = [Some(&names.full), names.short.as_ref(), names.latin.as_ref()];
        let undated = undated.into_iter().flatten().map(|name| Alias::always(name));
        let known = undated
            .chain(row.aliases.iter().cloned())
            .map(|alias| Alias { name: comparable(&alias.name), ..alias })
            .collect();
        Self { id: InstitutionId::new(&row.id), names, aliases: row.aliases, known }
    }

    /// The names to write on an object of an examination day: a former name where one was in force that day.
    #[must_use]
    pub fn names_on(&self, day: Option<Date>) -> Names {
        let former = self.aliases.iter().find(|alias| alias.is_dated() && alias.covers(day));
        match former {
            None => self.names.clone(),
            Some(alias) => Names { full: alias.name.clone(), ..self.names.clone() },
        }
    }

    /// Its present names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether a name without mark is one of this institution's on an examination day. Widths and compatibility
    /// forms, surrounding space and the case of letters make no difference.
    #[must_use]
    pub fn is_called(&self, name: &str, day: Option<Date>) -> bool {
        let name = comparable(name);
        self.known.iter().any(|alias| alias.name == name && alias.covers(day))
    }

    /// Takes apart an Institution Name that may bear a mark.
    #[must_use]
    pub fn read(&self, name: &str, scopes: &[ScopeCode], day: Option<Date>) -> ReadName {
        read_name(name, scopes, |stem| self.is_called(stem, day))
    }

    /// Every name in the form that names are compared in, with its days.
    pub(super) fn known(&self) -> &[Alias] {
        &self.known
    }
}

/// The form that names are compared in.
fn comparable(name: &str) -> String {
    let name: String = name.nfkc().collect();
    name.trim_matches([' ', '\0']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn institution() -> Institution {
        Institution::new(InstitutionRow {
            id: "bfh".to_owned(),
            name: "首都医科大学附属北京友谊医院".to_owned(),
            short_name: Some("友谊医院".to_owned()),
            latin_name: Some("Beijing Friendship Hospital".to_owned()),
            aliases: vec![
                Alias::always("北京友谊医院"),
                Alias {
                    name: "北京苏联红十字医院".to_owned(),
                    valid_from: Some(date(1952, 7, 7)),
                    valid_to: Some(date(1970, 1, 1)),
                },
            ],
        })
    }

    #[track_caller]
    fn check(name: &str, day: Option<Date>, want: bool) {
        assert_eq!(institution().is_called(name, day), want, "{name}");
    }

    #[test]
    fn any_of_its_names_is_known() {
        for name in [
            "首都医科大学附属北京友谊医院",
            "友谊医院",
            "北京友谊医院 ",
            "BEIJING FRIENDSHIP HOSPITAL",
            "Ｂｅｉｊｉｎｇ　Friendship Hospital",
        ] {
            check(name, None, true);
        }
        check("北京友谊", None, false);
        check("", None, false);
    }

    #[test]
    fn a_former_name_is_known_and_written_in_its_days() {
        check("北京苏联红十字医院", Some(date(1960, 1, 1)), true);
        check("北京苏联红十字医院", Some(date(2026, 5, 1)), false);
        check("北京苏联红十字医院", None, false);
        let institution = institution();
        assert_eq!(institution.names_on(Some(date(1960, 1, 1))).full, "北京苏联红十字医院");
        assert_eq!(&institution.names_on(Some(date(2026, 5, 1))), institution.names());
        assert_eq!(&institution.names_on(None), institution.names());
    }
}
