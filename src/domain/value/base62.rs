//! Base 62 (`0-9A-Za-z`, most significant digit first, fixed width) for the two numbers that a value is made of.
//!
//! Changing the alphabet or the order of the digits would make every issued checksum wrong.

/// The digit of `number % 62`, and what is left above it.
fn split(number: u64) -> (u8, u64) {
    let digit = u8::try_from(number % 62).unwrap_or_default();
    let letter = match digit {
        0..=9 => b'0' + digit,
        10..=35 => b'A' + (digit - 10),
        _ => b'a' + (digit - 36),
    };
    (letter, number / 62)
}

/// A 256-bit big-endian number in 43 digits: 62^43 is just above 2^256.
pub(super) fn encode_256_bits(bytes: &[u8; 32]) -> [u8; 43] {
    let mut limbs = [0_u32; 8];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(4)) {
        *limb = chunk.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    }
    let mut digits = [b'0'; 43];
    for digit in digits.iter_mut().rev() {
        // Long division of the whole number by 62; the remainder is the digit.
        let remainder = limbs.iter_mut().fold(0_u64, |remainder, limb| {
            let part = remainder << 32 | u64::from(*limb);
            *limb = u32::try_from(part / 62).unwrap_or_default();
            part % 62
        });
        *digit = split(remainder).0;
    }
    digits
}

/// A 32-bit number in 6 digits.
pub(super) fn encode_32_bits(number: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    let mut left = u64::from(number);
    for digit in digits.iter_mut().rev() {
        (*digit, left) = split(left);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_256_bit_range() {
        assert_eq!(&encode_256_bits(&[0; 32]), b"0000000000000000000000000000000000000000000");
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(&encode_256_bits(&one)[40..], b"001");
        let mut sixty_two = [0; 32];
        sixty_two[31] = 62;
        assert_eq!(&encode_256_bits(&sixty_two)[40..], b"010");
        // 2^256 - 1 in base 62, computed with an independent big-integer implementation.
        assert_eq!(&encode_256_bits(&[255; 32]), b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }

    #[test]
    fn the_ends_of_the_32_bit_range() {
        assert_eq!(&encode_32_bits(0), b"000000");
        assert_eq!(&encode_32_bits(61), b"00000z");
        assert_eq!(&encode_32_bits(62), b"000010");
        assert_eq!(&encode_32_bits(u32::MAX), b"4gfFC3");
    }
}
