//! Which destinations an object goes to.
//!
//! The first route whose condition holds counts. An operand that is not known is no match, as everywhere; where no
//! route matches, or none is listed, the object goes to every destination: an image is never lost to a gap in the
//! conditions.

use std::sync::Arc;

use crate::dicom::Tag;
use crate::dicom::attribute::keyword_of;
use crate::expression::{CompileError, Declarations, Environment, Expression, Truth, Value};
use crate::policy::relay::Ack;

/// A route as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// What others call it by; unique.
    pub name: Option<String>,
    /// Names of destinations, at least one.
    pub to: Vec<String>,
    /// The condition; without one every object matches.
    pub when: Option<String>,
    /// Whether its objects are never held by rules.
    pub urgent: bool,
    /// What its objects are decided by.
    pub hold: Hold,
    /// Who answers for its objects. Where it is the destination, the condition may ask of the association alone.
    pub ack: Ack,
}

/// What an object is decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hold {
    /// By itself, at once. What is found on its study is reported later.
    #[default]
    Instance,
    /// With its study, once nothing more comes of it.
    Study,
}

impl Hold {
    /// Every value with its word in the configuration.
    pub const WORDS: &[(&str, Self)] = &[("instance", Self::Instance), ("study", Self::Study)];
}

/// A destination, by its place among those of the configuration.
pub type DestinationIndex = usize;

/// What is wrong with a route.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RouteFault {
    /// It leads to a destination that there is not.
    #[error("route {}: there is no destination {found:?}", row + 1)]
    UnknownDestination {
        /// Its place among the routes, counted from 0.
        row: usize,
        /// The name.
        found: String,
    },
    /// It leads nowhere.
    #[error("route {}: no destination is named", row + 1)]
    Nowhere {
        /// Its place among the routes, counted from 0.
        row: usize,
    },
    /// Its condition cannot be compiled.
    #[error("route {}: {error}", row + 1)]
    Condition {
        /// Its place among the routes, counted from 0.
        row: usize,
        /// Why.
        error: CompileError,
    },
    /// Its destination answers for its objects, and its condition asks of the object: the association is opened before there
    /// is one.
    #[error("route {}: {asked} is not known before an object has come", row + 1)]
    AsksOfObject {
        /// Its place among the routes, counted from 0.
        row: usize,
        /// What the condition asks of it.
        asked: String,
    },
}

/// A route whose objects are relayed only where none above it may take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overshadowed {
    /// Its place among the routes, counted from 0.
    pub row: usize,
    /// What a condition above it asks of the object: who answers is settled before there is one.
    pub asked: String,
}

#[derive(Debug, Clone)]
struct Route {
    name: Option<Arc<str>>,
    to: Vec<DestinationIndex>,
    when: Option<Expression>,
    urgent: bool,
    hold: Hold,
    ack: Ack,
}

/// The routes of a configuration, compiled.
#[derive(Debug, Clone)]
pub struct Routes {
    routes: Vec<Route>,
    destinations: usize,
}

/// Where an object goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The route that matched, by its place; `None` when none did.
    pub route: Option<usize>,
    /// What that is called, where it has a name.
    pub name: Option<Arc<str>>,
    /// The destinations, each once.
    pub destinations: Vec<DestinationIndex>,
    /// Whether the route says that its objects are never held by rules.
    pub urgent: bool,
    /// What the object is decided by.
    pub hold: Hold,
    /// Who answers for it.
    pub ack: Ack,
}

impl Routes {
    /// Compiles routes to the destinations named.
    ///
    /// # Errors
    /// Every fault of every row.
    pub fn build(
        rows: &[RouteRow],
        destinations: &[String],
        declarations: &Declarations,
    ) -> Result<Self, Vec<RouteFault>> {
        let mut faults = Vec::new();
        let mut routes = Vec::with_capacity(rows.len());
        for (row, columns) in rows.iter().enumerate() {
            if columns.to.is_empty() {
                faults.push(RouteFault::Nowhere { row });
            }
            let mut to = Vec::with_capacity(columns.to.len());
            for name in &columns.to {
                match destinations.iter().position(|known| known == name) {
                    Some(index) if to.contains(&index) => {}
                    Some(index) => to.push(index),
                    None => {
                        faults.push(RouteFault::UnknownDestination { row, found: name.clone() });
                    }
                }
            }
            let when = columns.when.as_ref();
            match when.map(|when| Expression::compile(when, declarations)).transpose() {
                Ok(when) => {
                    let asked = when.as_ref().and_then(asked_of_object);
                    if let (Some(asked), Some(_)) = (asked, columns.ack.relay()) {
                        faults.push(RouteFault::AsksOfObject { row, asked });
                    }
                    let name = columns.name.as_deref().map(Into::into);
                    let (urgent, hold, ack) = (columns.urgent, columns.hold, columns.ack);
                    routes.push(Route { name, to, when, urgent, hold, ack });
                }
                Err(error) => faults.push(RouteFault::Condition { row, error }),
            }
        }
        if faults.is_empty() {
            Ok(Self { routes, destinations: destinations.len() })
        } else {
            Err(faults)
        }
    }

    /// Where an object goes.
    #[must_use]
    pub fn choose(&self, environment: &dyn Environment) -> Chosen {
        let matches = |route: &Route| {
            route.when.as_ref().is_none_or(|when| when.holds(environment) == Truth::True)
        };
        match self.routes.iter().enumerate().find(|(_, route)| matches(route)) {
            Some((index, route)) => route.chosen(index),
            None => self.every_destination(),
        }
    }

    /// The same for all objects of an association, where it alone decides; `None` where that depends on the object.
    #[must_use]
    pub fn foreseen(&self, association: &dyn Environment) -> Option<Chosen> {
        let association = AssociationOnly(association);
        for (index, route) in self.routes.iter().enumerate() {
            match route.when.as_ref().map_or(Truth::True, |when| foretold(when, &association)) {
                Truth::False => {}
                Truth::Unknown => return None,
                Truth::True => return Some(route.chosen(index)),
            }
        }
        Some(self.every_destination())
    }

    /// The routes that relay, below one that asks something of the object first.
    #[must_use]
    pub fn overshadowed(&self) -> Vec<Overshadowed> {
        let mut above = None;
        let mut found = Vec::new();
        for (row, route) in self.routes.iter().enumerate() {
            if let (Some(asked), Some(_)) = (&above, route.ack.relay()) {
                found.push(Overshadowed { row, asked: String::clone(asked) });
            }
            above = above.or_else(|| route.when.as_ref().and_then(asked_of_object));
        }
        found
    }

    fn every_destination(&self) -> Chosen {
        Chosen {
            route: None,
            name: None,
            destinations: self.all(),
            urgent: false,
            hold: Hold::Instance,
            ack: Ack::Spooled,
        }
    }

    /// Whether the objects of some route wait for their study.
    #[must_use]
    pub fn hold_studies(&self) -> bool {
        self.routes.iter().any(|route| route.hold == Hold::Study)
    }

    /// The destinations that some object of an association could go to, as far as the association alone tells.
    /// What `environment` knows of objects is not looked at. In the order of the configuration.
    #[must_use]
    pub fn possible(&self, environment: &dyn Environment) -> Vec<DestinationIndex> {
        let association = AssociationOnly(environment);
        let mut possible = Vec::new();
        for route in &self.routes {
            match route.when.as_ref().map_or(Truth::True, |when| foretold(when, &association)) {
                Truth::False => {}
                Truth::Unknown => possible.extend_from_slice(&route.to),
                Truth::True => {
                    possible.extend_from_slice(&route.to);
                    return in_order(possible);
                }
            }
        }
        self.all()
    }

    fn all(&self) -> Vec<DestinationIndex> {
        (0..self.destinations).collect()
    }
}

impl Route {
    fn chosen(&self, index: usize) -> Chosen {
        Chosen {
            route: Some(index),
            name: self.name.clone(),
            destinations: self.to.clone(),
            urgent: self.urgent,
            hold: self.hold,
            ack: self.ack,
        }
    }
}

/// What a condition asks of the object, if anything.
fn asked_of_object(when: &Expression) -> Option<String> {
    let attribute = when.attributes().first().map(|tag| format!("dcm.{}", keyword_of(*tag)));
    // Facts are computed from the object.
    attribute.or_else(|| when.variables().find(|name| name.contains('.')).map(str::to_owned))
}

fn in_order(mut destinations: Vec<DestinationIndex>) -> Vec<DestinationIndex> {
    destinations.sort_unstable();
    destinations.dedup();
    destinations
}

/// What a condition will come to, as far as the association tells.
fn foretold(when: &Expression, association: &AssociationOnly<'_>) -> Truth {
    // `has` answers even where nothing is known as yet, so an answer that may rest on it is no promise. That the three
    // letters may stand in a text as well costs only precision.
    if when.source().contains("has") { Truth::Unknown } else { when.holds(association) }
}

/// Hides the object, so that what a condition asks of it is not known.
struct AssociationOnly<'e>(&'e dyn Environment);

impl Environment for AssociationOnly<'_> {
    fn attribute(&self, _tag: Tag) -> Value {
        Value::Unknown
    }

    fn variable(&self, name: &str) -> Value {
        // Facts are computed from the object.
        if name.contains('.') { Value::Unknown } else { self.0.variable(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::tags;
    use crate::policy::relay::Relay;

    /// What conditions see: a caller, and the modality of the object.
    struct Seen(&'static str, Option<&'static str>);

    impl Environment for Seen {
        fn attribute(&self, tag: Tag) -> Value {
            match self.1 {
                Some(modality) if tag == tags::MODALITY => Value::from(modality),
                Some(_) | None => Value::Unknown,
            }
        }

        fn variable(&self, name: &str) -> Value {
            if name == "calling_aet" { Value::from(self.0) } else { Value::Unknown }
        }
    }

    fn row(to: &[&str], when: &str) -> RouteRow {
        RouteRow {
            name: None,
            to: to.iter().map(|name| (*name).to_owned()).collect(),
            when: (!when.is_empty()).then(|| when.to_owned()),
            urgent: false,
            hold: Hold::Instance,
            ack: Ack::Spooled,
        }
    }

    fn destinations() -> Vec<String> {
        ["pacs", "archive", "research"].map(str::to_owned).to_vec()
    }

    fn routes(rows: &[RouteRow]) -> Routes {
        Routes::build(rows, &destinations(), &Declarations::object()).expect("routes")
    }

    fn three() -> Routes {
        routes(&[
            row(&["archive"], "calling_aet == 'CT01'"),
            row(&["research", "pacs", "research"], "dcm.Modality == 'MR'"),
            row(&["pacs"], "calling_aet == 'CT02'"),
        ])
    }

    #[track_caller]
    fn check(seen: &Seen, route: Option<usize>, destinations: &[usize]) {
        let chosen = three().choose(seen);
        assert_eq!((chosen.route, chosen.destinations.as_slice()), (route, destinations));
    }

    #[test]
    fn the_first_route_that_matches_counts() {
        check(&Seen("CT01", Some("MR")), Some(0), &[1]);
        check(&Seen("X", Some("MR")), Some(1), &[2, 0]);
        check(&Seen("CT02", Some("CT")), Some(2), &[0]);
    }

    #[test]
    fn without_a_match_every_destination_gets_the_object() {
        check(&Seen("X", Some("CT")), None, &[0, 1, 2]);
        check(&Seen("X", None), None, &[0, 1, 2]);
        let none = routes(&[]).choose(&Seen("X", None));
        assert_eq!(none.destinations, [0, 1, 2]);
    }

    #[test]
    fn an_association_s_destinations_are_those_that_some_object_could_go_to() {
        let possible = |caller| three().possible(&Seen(caller, Some("CT")));
        assert_eq!(possible("CT01"), [1]);
        assert_eq!(possible("CT02"), [0, 2]);
        assert_eq!(possible("X"), [0, 1, 2]);
        let rows = [row(&["archive"], "!has(dcm.Modality)"), row(&["pacs"], "calling_aet == 'X'")];
        assert_eq!(routes(&rows).possible(&Seen("X", None)), [0, 1]);
        assert_eq!(routes(&[row(&["research"], "")]).possible(&Seen("X", None)), [2]);
    }

    #[test]
    fn what_the_association_alone_decides_is_foreseen() {
        let foreseen = |rows: &[RouteRow], caller| {
            let foreseen = routes(rows).foreseen(&Seen(caller, Some("CT")));
            foreseen.map(|chosen| chosen.destinations)
        };
        let rows = [
            row(&["research"], "calling_aet == 'MR01' && dcm.Modality == 'MR'"),
            row(&["archive"], "calling_aet == 'CT01'"),
        ];
        assert_eq!(foreseen(&rows, "CT01"), Some(vec![1]));
        assert_eq!(foreseen(&rows, "MR01"), None);
        assert_eq!(foreseen(&rows, "X"), Some(vec![0, 1, 2]));
    }

    #[test]
    fn a_route_whose_destination_answers_asks_of_the_association_alone() {
        let relayed =
            |when| RouteRow { ack: Ack::Delivered(Relay::default()), ..row(&["pacs"], when) };
        let rows = [relayed("calling_aet == 'CT01'"), relayed("has(dcm.Modality)"), relayed("")];
        let faults = Routes::build(&rows, &destinations(), &Declarations::object());
        let asked = "dcm.Modality".to_owned();
        assert_eq!(faults.expect_err("a fault"), [RouteFault::AsksOfObject { row: 1, asked }]);
    }

    #[test]
    fn a_route_that_relays_below_one_that_asks_of_the_object_is_told_of() {
        let relayed =
            |when| RouteRow { ack: Ack::Delivered(Relay::default()), ..row(&["pacs"], when) };
        let rows = [
            relayed("calling_aet == 'CT01'"),
            row(&["research"], "calling_aet == 'MR01'"),
            relayed("calling_aet == 'MR02'"),
            row(&["research"], "calling_aet == 'XA01' && dcm.Modality == 'XA'"),
            row(&["archive"], "dcm.Rows > 1"),
            relayed(""),
        ];
        let routes = routes(&rows);
        let asked = "dcm.Modality".to_owned();
        assert_eq!(routes.overshadowed(), [Overshadowed { row: 5, asked }]);
        let relays = |caller| {
            let foreseen = routes.foreseen(&Seen(caller, None));
            foreseen.is_some_and(|chosen| chosen.ack.relay().is_some())
        };
        assert_eq!(["CT01", "MR02", "XA01"].map(relays), [true, true, false]);
    }

    #[test]
    fn every_fault_is_told() {
        let rows = [row(&[], ""), row(&["pacs", "nowhere"], "calling_aet ~ 1"), row(&["else"], "")];
        let faults = Routes::build(&rows, &destinations(), &Declarations::object());
        let faults = faults.expect_err("faults");
        let [nowhere, unknown, condition, another] = faults.as_slice() else {
            panic!("four faults: {faults:?}")
        };
        assert_eq!(*nowhere, RouteFault::Nowhere { row: 0 });
        let found = "nowhere".to_owned();
        assert_eq!(*unknown, RouteFault::UnknownDestination { row: 1, found });
        assert!(matches!(condition, RouteFault::Condition { row: 1, .. }), "{condition:?}");
        assert_eq!(another.to_string(), "route 3: there is no destination \"else\"");
    }
}
