//! Behaviour tests of the whole gate, named after what a site sees.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that meets the unforeseen is to stop there and say so"
)]

mod support;

mod audit;
mod bad_input;
mod burning_in;
mod bypass;
mod byte_identity;
mod cage;
mod commitment;
mod config_errors;
mod demo;
mod disk_full;
mod drain;
mod duplicates;
mod durability;
mod exceptions;
mod export;
mod floods;
mod foreign_senders;
mod hold_and_release;
mod hostile_datasets;
mod hostile_midway;
mod hostile_pdus;
mod large_object;
mod marking;
mod networks;
mod orthanc;
mod pacs_down;
mod pacs_modes;
mod peers_meet;
mod poison;
mod presentation_states;
mod presentation_states_sent;
mod private_data;
mod rebuild;
mod recognition_cases;
mod rejections;
mod relay;
mod reload;
mod rules;
mod sigkill;
mod strangers;
mod studies;
mod tidy;
mod tls;
mod upgrade;
