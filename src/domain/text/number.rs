//! Whole numbers as JSON writes them. JSON has one kind of number and many ways to write it: `10`, `10.0` and `1E1` are the same
//! (RFC 8259 section 6; GraphQL section 3.5.1).

/// The largest number up to which every whole number is exact as a 64-bit float.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// The number as an integer; negative zero is zero. `None` if it has a fraction, or is so large that it may have been rounded.
pub fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() <= MAX_EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and far smaller than the largest there is")]
    exact.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        for (text, expected) in [
            ("10.0", Some(10)),
            ("1E1", Some(10)),
            ("100e-1", Some(10)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("0e99", Some(0)),
            ("-2147483649.0", Some(-2_147_483_649)),
            ("9007199254740991.0", Some(9_007_199_254_740_991)),
            ("9007199254740992.0", None),
            ("1e300", None),
            ("1e999", None),
            ("-1e999", None),
            ("NaN", None),
            ("0.5", None),
            ("10.000001", None),
            ("1e-9", None),
        ] {
            assert_eq!(whole(text.parse().unwrap()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_of_32_bits_reads_back(number in any::<i32>(), fraction in 1_u32..1_000) {
            prop_assert_eq!(whole(f64::from(number)), Some(i64::from(number)));
            prop_assert_eq!(whole(f64::from(number) + f64::from(fraction) / 1_000.0), None);
        }
    }
}
