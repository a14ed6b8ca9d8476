//! `[[route]]`: which destinations an object goes to, and who answers for it.

use super::compile::{Placed, condition};
use super::decode::{self, Table, unknown_name};
use super::mistake::{Fault, Mistake};
use super::model::{Destination, Target};
use super::sections::optional_name;
use crate::policy::relay::{Ack, Echo, Fallback, LateRules, Relay};
use crate::policy::route::{Hold, Overshadowed, RouteFault, RouteRow, Routes};
use crate::standard::declarations;

/// Reads the rows only; what they refer to is looked at when they are compiled.
pub(super) fn rows<'t>(
    rows: Vec<Table<'t>>,
    names: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, RouteRow> {
    let mut routes = Placed::default();
    for mut table in rows {
        let name = optional_name(&mut table, names);
        names.extend(name.clone());
        let to = table.texts("to");
        let to = table.required("to", to, "a list of destinations, such as [\"pacs\"]");
        let when = table.text("when");
        let urgent = table.flag("urgent").unwrap_or(false);
        let hold = table.word("hold").unwrap_or_default();
        let ack = ack(&mut table, hold);
        let place = table.finish(mistakes);
        if let Some(to) = to {
            routes.push(RouteRow { name, to, when, urgent, hold, ack }, place);
        }
    }
    routes
}

/// What says how objects are relayed means nothing where they are not.
fn ack(table: &mut Table<'_>, hold: Hold) -> Ack {
    let word = table.word("ack").unwrap_or(Word::Spooled);
    let relay = Relay {
        fallback: table.word("fallback").unwrap_or_default(),
        late_rules: table.word("late_rules").unwrap_or_default(),
        echo: table.word("echo").unwrap_or_default(),
    };
    if word == Word::Delivered {
        if hold == Hold::Study {
            let fault = unusable(
                "hold = \"study\" with ack = \"delivered\"",
                "one of them: an image cannot wait for its study while its modality waits for the PACS",
            );
            table.fault("hold", fault);
        }
        return Ack::Delivered(relay);
    }
    let usual = Relay::default();
    for (key, is_usual) in [
        ("fallback", relay.fallback == usual.fallback),
        ("late_rules", relay.late_rules == usual.late_rules),
        ("echo", relay.echo == usual.echo),
    ] {
        if !is_usual {
            let found = format!("{key} without ack = \"delivered\"");
            table.fault(key, unusable(&found, "ack = \"delivered\", or leave it out"));
        }
    }
    Ack::Spooled
}

fn unusable(found: &str, wanted: &str) -> Fault {
    Fault::Unusable { found: found.to_owned(), wanted: wanted.to_owned() }
}

/// `ack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Spooled,
    Delivered,
}

impl decode::Word for Word {
    const WORDS: &'static [(&'static str, Self)] =
        &[("spooled", Self::Spooled), ("delivered", Self::Delivered)];
}

impl decode::Word for Fallback {
    const WORDS: &'static [(&'static str, Self)] = Self::WORDS;
}

impl decode::Word for LateRules {
    const WORDS: &'static [(&'static str, Self)] = Self::WORDS;
}

impl decode::Word for Echo {
    const WORDS: &'static [(&'static str, Self)] = Self::WORDS;
}

/// Compiles the routes to the destinations of those names.
pub(super) fn compile(
    rows: &Placed<'_, RouteRow>,
    names: &[String],
    destinations: &[Destination],
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Option<Routes> {
    for (row, route) in rows.rows.iter().enumerate() {
        let first = route.to.first();
        let first = destinations.iter().find(|destination| Some(&destination.name) == first);
        if let (Some(_), Some(Target::Folder { .. })) =
            (route.ack.relay(), first.map(|first| &first.target))
        {
            let fault = unusable(
                "a folder, which answers nobody",
                "a DICOM peer in the first place: its answer is the modality's",
            );
            rows.mistake(row, "to", fault, mistakes);
        }
    }
    let faults = match Routes::build(&rows.rows, names, &declarations()) {
        Ok(routes) => {
            for Overshadowed { row, asked } in routes.overshadowed() {
                let fault = unusable(
                    &format!(
                        "\"delivered\" below a route that asks {asked} of the object: the gate itself answers for what may go there"
                    ),
                    "it a place above that, or calling_aet, called_aet and peer alone to the conditions above it",
                );
                rows.mistake(row, "ack", fault, warnings);
            }
            return Some(routes);
        }
        Err(faults) => faults,
    };
    for fault in faults {
        match fault {
            RouteFault::UnknownDestination { row, found } => {
                let fault = unknown_name("destination", &found, names);
                rows.mistake(row, "to", fault, mistakes);
            }
            RouteFault::Nowhere { row } => {
                rows.mistake(row, "to", Fault::Missing { wanted: "a destination" }, mistakes);
            }
            RouteFault::Condition { row, error } => {
                let when = rows.rows.get(row).and_then(|row| row.when.as_deref());
                rows.mistake(row, "when", condition(when, &error), mistakes);
            }
            RouteFault::AsksOfObject { row, asked } => {
                let fault = unusable(
                    &format!("{asked}, which is not known before an object has come"),
                    "calling_aet, called_aet and peer alone where ack = \"delivered\"",
                );
                rows.mistake(row, "when", fault, mistakes);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{LEAST, check_mistake, check_mistakes, read};

    fn of(rows: &str) -> Ack {
        let loaded = read(&format!("{LEAST}[[route]]\nto = [\"pacs\"]\n{rows}"));
        let routes = loaded.expect("a configuration").configuration.routes;
        routes.first().map(|row| row.ack).expect("a route")
    }

    #[test]
    fn the_gate_answers_unless_the_destination_is_to() {
        assert_eq!(of(""), Ack::Spooled);
        assert_eq!(of("ack = \"delivered\"\n"), Ack::Delivered(Relay::default()));
        let other =
            "ack = \"delivered\"\nfallback = \"refuse\"\nlate_rules = \"after\"\necho = \"path\"\n";
        let want =
            Relay { fallback: Fallback::Refuse, late_rules: LateRules::After, echo: Echo::Path };
        assert_eq!(of(other), Ack::Delivered(want));
    }

    #[test]
    fn a_route_that_relays_less_than_it_says_is_warned_of() {
        let rows = "[[route]]\nto = [\"pacs\"]\nwhen = \"dcm.Modality == 'XA'\"\n[[route]]\nto = [\"pacs\"]\nack = \"delivered\"\n";
        let loaded = read(&format!("{LEAST}{rows}")).expect("a configuration");
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "gate.toml:11: route.ack: \"delivered\" below a route that asks dcm.Modality of the object: the gate itself answers for what may go there; give it a place above that, or calling_aet, called_aet and peer alone to the conditions above it"
            ]
        );
    }

    #[test]
    fn what_cannot_go_with_the_answer_of_a_destination_is_refused() {
        let check = |rows: &str, want: &str| {
            check_mistake(
                &format!("[[route]]\nto = [\"pacs\"]\nack = \"delivered\"\n{rows}"),
                want,
            );
        };
        check(
            "hold = \"study\"\n",
            "gate.toml:9: route.hold: hold = \"study\" with ack = \"delivered\"; give one of them: an image cannot wait for its study while its modality waits for the PACS",
        );
        check(
            "when = \"calling_aet == 'CT01' && dcm.Modality == 'CT'\"\n",
            "gate.toml:9: route.when: dcm.Modality, which is not known before an object has come; give calling_aet, called_aet and peer alone where ack = \"delivered\"",
        );
        check_mistake(
            "[[route]]\nto = [\"pacs\"]\nfallback = \"refuse\"\n",
            "gate.toml:8: route.fallback: fallback without ack = \"delivered\"; give ack = \"delivered\", or leave it out",
        );
        let folder = "[[destination]]\nname = \"archive\"\nfolder = \"received\"\n";
        check_mistakes(
            &format!("{folder}[[route]]\nto = [\"archive\"]\nack = \"delivered\"\n"),
            &[
                "gate.toml:5: route.to: a folder, which answers nobody; give a DICOM peer in the first place: its answer is the modality's",
            ],
        );
    }
}
