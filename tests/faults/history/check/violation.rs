//! What cannot have happened.

use std::fmt::{self, Display, Formatter};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// R7: a generation of a token was won twice.
    TwoWinners,
    /// R6: the same request with the same key got different values.
    RepeatDiffers,
    /// R6: a request was answered again after the new value had been used.
    RepeatedAfterUse,
    /// Two tokens, or two generations, got the same value.
    ValueIssuedTwice,
    /// A generation was issued although the one before it was not.
    GenerationSkipped,
    /// A value is said to be of another generation than the one that it was issued for.
    GenerationChanged,
    /// R13: a value that was acknowledged does not work, and nothing explains it.
    RotationLost,
    /// R2, R3: a deadline moved, or an answer dates a value outside of its call.
    LifeExtended,
    /// R2, R3: a token was accepted after its end.
    AcceptedAfterEnd,
    /// R10: a token was accepted after its revocation.
    AcceptedAfterRevocation,
    /// A value was accepted after it had been refused for good.
    Resurrected,
    /// R1: a value was accepted that is neither the current nor the previous one.
    AcceptedWhenRetired,
    /// R4: a value was accepted after its overlap.
    OverlapExceeded,
    /// R5: a value that had been used was cancelled.
    UsedValueCancelled,
    /// R5: a value was cancelled within ten seconds of its rotation.
    GuardIgnored,
    /// A refusal that nothing explains.
    RefusedWithoutCause,
    /// A call with a value before any call issued it.
    NotYetIssued,
    /// The history does not say how the token began.
    NoCreation,
    /// There are too many orders to try them all.
    Undecided,
}

/// A fault, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub reason: Reason,
    pub token: String,
    /// The lines of the file, of which the first is 1.
    pub lines: Vec<usize>,
}

impl Violation {
    /// A fault of the calls with these indexes.
    pub fn of(reason: Reason, token: &str, calls: &[usize]) -> Self {
        // The first call follows the header.
        Self { reason, token: token.to_owned(), lines: calls.iter().map(|index| index + 2).collect() }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoWinners => "two rotations won the same generation",
            Self::RepeatDiffers => "the same request with the same key got different values",
            Self::RepeatedAfterUse => "a request was answered again after its new value had been used",
            Self::ValueIssuedTwice => "the same value was issued twice",
            Self::GenerationSkipped => "a generation was issued although the one before it was not",
            Self::GenerationChanged => {
                "a value is said to be of another generation than the one that it was issued for"
            }
            Self::RotationLost => "an acknowledged value does not work, and nothing explains it",
            Self::LifeExtended => "a deadline moved, or an answer dates a value outside of its call",
            Self::AcceptedAfterEnd => "a token was accepted after its end",
            Self::AcceptedAfterRevocation => "a token was accepted after its revocation",
            Self::Resurrected => "a value was accepted after it had been refused for good",
            Self::AcceptedWhenRetired => "a value was accepted that is neither the current nor the previous one",
            Self::OverlapExceeded => "a value was accepted after its overlap",
            Self::UsedValueCancelled => "a value that had been used was cancelled",
            Self::GuardIgnored => "a value was cancelled within ten seconds of its rotation",
            Self::RefusedWithoutCause => "a refusal that nothing explains",
            Self::NotYetIssued => "a value was presented before any call issued it",
            Self::NoCreation => "the history does not say how the token was created",
            Self::Undecided => "there are too many orders of these calls to try them all",
        })
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines.iter().map(usize::to_string).collect();
        write!(f, "{:?}: {} ({}, lines {})", self.reason, self.reason, self.token, lines.join(", "))
    }
}
