//! Numbers as the `Int` of GraphQL.

/// A count as a 32-bit `Int`. No count comes near the limit.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
