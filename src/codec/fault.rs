//! Why a frame cannot be decoded, encoded or repainted.

/// A frame that a codec could not do. None of it names a value of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecFault {
    /// The transfer syntax, or this shape in it, is not among what can be done without loss.
    #[error("this transfer syntax cannot be edited for this kind of image")]
    Unsupported,
    /// More samples than [`MAX_FRAME`](super::MAX_FRAME).
    #[error("the frame is too large to be decoded")]
    TooLarge,
    /// The codestream is damaged, cut short, or not what the transfer syntax says.
    #[error("the codestream cannot be decoded: {0}")]
    Malformed(&'static str),
    /// The codestream has another size, depth or number of samples than the data set says.
    #[error("the codestream and the data set describe different images")]
    Mismatch,
    /// The tile reaches beyond the frame, or holds values that the samples cannot.
    #[error("the text does not fit the frame")]
    BadTile,
    /// What came out of the encoder is not what went in.
    #[error("the encoder does not give back what it was given")]
    NotExact,
    /// The worker ended in the midst of the frame.
    #[error("the codec worker ended")]
    Crashed,
    /// The frame took longer than it may.
    #[error("the codec worker took too long and was ended")]
    TimedOut,
    /// No worker could be started, or the machine does not allow it to be caged.
    #[error("no codec worker can be started")]
    Unavailable,
}
