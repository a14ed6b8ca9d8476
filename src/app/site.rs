//! From the configuration to what objects are judged by.

use crate::config::{Configuration, Loaded};
use crate::dicom::ae_title::AeTitle;
use crate::pipeline::{Site, Versions};

/// What a configuration says of objects. It was compiled when it was read, so nothing is left that could go wrong.
pub(crate) fn build(loaded: &Loaded) -> Site {
    let Loaded { configuration, compiled, .. } = loaded;
    let mark = &configuration.mark;
    let drawn = (&configuration.burn_in, &compiled.burn_in.font);
    let versions = Versions {
        rules: compiled.rules.site().hash().to_owned(),
        registry: digest(&format!("{:?}", (&configuration.registry, &configuration.operators))),
        config: digest(&format!(
            "{:?}",
            (mark, &configuration.sources, &configuration.stamps, drawn)
        )),
    };
    let destinations = configuration.destinations.iter();
    Site {
        ae: own_title(configuration),
        sources: configuration.sources.clone(),
        destinations: destinations.map(|one| one.name.clone()).collect(),
        routes: compiled.routes.clone(),
        rules: compiled.rules.clone(),
        registry: compiled.registry.clone(),
        personnel: compiled.personnel.clone(),
        mark: mark.policy.clone(),
        modes: compiled.stamps.clone(),
        stamp: mark.stamp_policy(compiled.burn_in.policy.clone()),
        unparsable: configuration.gate.unparsable,
        coerced_status: configuration.gate.coerced_status,
        offset: mark.timezone,
        versions,
    }
}

/// A version in 16 digits: enough to tell two of a site's configurations apart.
fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

fn own_title(configuration: &Configuration) -> AeTitle {
    let first = configuration.gate.aet.first().cloned();
    first.unwrap_or_else(|| {
        AeTitle::parse("MARKGATE").expect("a constant of eight letters is an AE title")
    })
}
