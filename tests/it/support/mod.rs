//! What the behaviour tests share: the gate as a process, peers on both sides of it, and objects to send.

pub mod bait;
pub mod certificates;
pub mod dataset;
pub mod eventually;
pub mod figure;
pub mod gate;
pub mod hoard;
pub mod http;
pub mod load;
pub mod peers;
pub mod ports;
pub mod process;
pub mod sender;
pub mod siege;
pub mod sink;
pub mod source;
pub mod testdata;
pub mod trace;
pub mod tunnel;
pub mod wire;
