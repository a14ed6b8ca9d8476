//! The preamble and file meta information that stand before a data set in a file.
