//! The bypass of the running gate.

use super::arguments::{Bypass as Verb, Form};
use super::gate::{client, get, person, wait};
use super::table::plain;
use super::{Exit, Outcome, Terminal, print, print_json};
use crate::web::model::{Bypass, BypassOrder};

const PAGE: &str = "/api/v1/bypass";

pub(super) fn bypass(verb: Verb, terminal: &mut Terminal<'_>) -> Outcome {
    let (gate, form, order) = match verb {
        Verb::Status { gate, form } => {
            let state: Bypass = get(&gate, PAGE)?;
            return show(&state, &form, terminal);
        }
        Verb::On { gate, form, time, reason } => {
            let (time, by, reason) = (Some(time), Some(person()), Some(reason));
            (gate, form, BypassOrder { on: true, time, by, reason })
        }
        Verb::Off { gate, form, why } => {
            let (by, reason) = (Some(person()), why.reason);
            (gate, form, BypassOrder { on: false, time: None, by, reason })
        }
    };
    let client = client(&gate)?;
    let state: Bypass = wait(async { Ok(client.post(PAGE, &order).await?) })?;
    show(&state, &form, terminal)
}

fn show(state: &Bypass, form: &Form, terminal: &mut Terminal<'_>) -> Outcome {
    if form.json {
        print_json(state, terminal)?;
    } else {
        print(&page(state), terminal)?;
    }
    Ok(Exit::Done)
}

fn page(state: &Bypass) -> String {
    let Some(until) = state.until.filter(|_| state.on) else {
        return "bypass is off: objects are judged\n".to_owned();
    };
    let minutes = state.left_seconds.unwrap_or_default().div_ceil(60);
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or("?"));
    format!(
        "bypass is on until {until} ({minutes} min): objects pass without being judged\n  by {}: {}\n",
        text(&state.by),
        text(&state.reason),
    )
}
