//! Plans of changes to a data set, as byte ranges to replace.
