//! A segment of the journal, as a sick disk might leave it.

use super::segment;

/// A segment. Each of its bytes is in a record or in a hole, before what is torn is cut off and after.
pub fn journal(bytes: &[u8]) {
    let mut scan = segment::scan(bytes);
    for record in &scan.records {
        assert!(bytes.get(record.bytes.clone()).is_some_and(|whole| !whole.is_empty()));
        assert!(bytes.get(record.payload.clone()).is_some());
    }
    assert!(scan.good <= bytes.len() as u64);
    let before = scan.records.len();
    scan.cut_torn(1);
    assert!(scan.records.len() <= before && scan.good + scan.torn <= bytes.len() as u64);
    let known = segment::first_durable(bytes);
    assert!(known.is_none() || bytes.len() >= 24);
}

/// Good inputs of [`journal`].
#[must_use]
pub fn journals() -> Vec<Vec<u8>> {
    let mut two = segment::header(1);
    segment::encode(&mut two, 1, 0, b"first");
    segment::encode(&mut two, 2, 1, b"the second record");
    let mut torn = two.clone();
    torn.extend_from_slice(&[0; 40]);
    vec![segment::header(1), two, torn]
}
