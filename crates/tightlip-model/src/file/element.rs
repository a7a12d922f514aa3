//! Floating-point elements of binary files, widened to float64 without rounding.

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// IEEE half precision: 5 bits of exponent, 10 of fraction.
    F16,
    /// The upper half of a float32.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

/// The order of the bytes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Element {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The elements in `bytes`; a last, incomplete one is left out.
    pub fn decode(self, endian: Endian, bytes: &[u8]) -> Vec<f64> {
        match self {
            Self::F16 => words(bytes, endian, u16::from_le_bytes, f64_of_f16),
            Self::Bf16 => words(bytes, endian, u16::from_le_bytes, f64_of_bf16),
            Self::F32 => words(bytes, endian, u32::from_le_bytes, |bits| f64::from(f32::from_bits(bits))),
            Self::F64 => words(bytes, endian, u64::from_le_bytes, f64::from_bits),
        }
    }
}

/// Fixed-size words of `bytes`, each assembled from its bytes in little-endian order and then converted.
pub(super) fn words<const N: usize, W, T>(
    bytes: &[u8],
    endian: Endian,
    assemble: impl Fn([u8; N]) -> W,
    convert: impl Fn(W) -> T,
) -> Vec<T> {
    bytes
        .chunks_exact(N)
        .map(|chunk| {
            let mut word = [0; N];
            word.copy_from_slice(chunk);
            if endian == Endian::Big {
                word.reverse();
            }
            convert(assemble(word))
        })
        .collect()
}

/// `(−1)^s · 2^{e−15} · (1 + m / 2^10)`, subnormal for `e = 0`, infinite or NaN for `e = 31`.
pub(super) fn f64_of_f16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// A bfloat16 is the upper half of a float32.
pub(super) fn f64_of_bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_widens_to_the_values_of_the_standard() {
        let table = [
            (0x0000, 0.0),
            (0x0001, 2f64.powi(-24)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 2f64.powi(-10)),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in table {
            assert_eq!(f64_of_f16(bits), value, "{bits:#x}");
        }
        assert!(f64_of_f16(0x7e00).is_nan());
        assert_eq!(f64_of_bf16(0x3f80), 1.0);
        assert_eq!(f64_of_bf16(0xc049), -3.140_625);
    }

    #[test]
    fn both_byte_orders_give_the_same_numbers() {
        let numbers = [1.5, -0.1, f64::MIN_POSITIVE];
        let little: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let big: Vec<u8> = numbers.iter().flat_map(|x| x.to_be_bytes()).collect();
        assert_eq!(Element::F64.decode(Endian::Little, &little), numbers);
        assert_eq!(Element::F64.decode(Endian::Big, &big), numbers);
        assert_eq!(Element::F32.decode(Endian::Little, &0.1f32.to_le_bytes()), [f64::from(0.1f32)]);
    }
}
