//! Rewrites a data set in another native transfer syntax, as a stream.
