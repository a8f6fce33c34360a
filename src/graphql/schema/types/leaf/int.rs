//! Numbers as the `Int` of GraphQL.

/// A count that may be larger than a 32-bit `Int`, whose largest number then stands for it.
pub(crate) fn saturated(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A count as a 32-bit `Int`. No count comes near the limit.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
