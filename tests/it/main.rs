//! Behaviour tests of the whole gate, named after what a site sees.
