//! Constant tensors.

use std::rc::Rc;

use super::super::array::{checked_elements, product, shape};
use super::super::element::{Element, Endian, f64_of_bf16, f64_of_f16, words};
use super::super::fault::Fault;
use super::external::Folder;
use super::node::MAX_RANK;
use super::proto::{self, data_type};

/// A constant; copies share the numbers.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    /// Product: the number of values.
    pub dims: Vec<usize>,
    pub values: Values,
}

/// The numbers of a tensor in row-major order.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Real(Rc<[f64]>),
    Integer(Rc<[i64]>),
}

impl Tensor {
    /// A tensor of integers.
    pub fn of_integers(dims: Vec<usize>, values: Vec<i64>) -> Self {
        Self { dims, values: Values::Integer(values.into()) }
    }

    /// A tensor of reals.
    pub fn of_reals(dims: Vec<usize>, values: Vec<f64>) -> Self {
        Self { dims, values: Values::Real(values.into()) }
    }

    /// The tensor of a message, after comparing its shape with its data.
    pub fn decode(message: &proto::Tensor, folder: &mut Folder) -> Result<Self, Fault> {
        const EXTERNAL: i32 = 1;
        let dims: Vec<usize> = message
            .dims
            .iter()
            .map(|&dim| usize::try_from(dim).map_err(|_| Fault::new(format!("its shape has the dimension {dim}"))))
            .collect::<Result<_, Fault>>()?;
        if message.segment.is_some() {
            return Err(Fault::new("it is a segment of a larger tensor").advise("export the model again"));
        }
        let values = if message.data_location == EXTERNAL {
            // What is there is only known to the folder, which compares the size with the file.
            let size = raw_size(message.data_type)?;
            let bytes = checked_elements(&dims, size, usize::MAX)? * size;
            raw(message.data_type, &folder.read(&message.external_data, bytes)?)?
        } else if message.raw_data.is_empty() {
            typed(message)?
        } else {
            checked_elements(&dims, raw_size(message.data_type)?, message.raw_data.len())?;
            raw(message.data_type, &message.raw_data)?
        };
        let tensor = Self { dims, values };
        if product(&tensor.dims) == Some(tensor.len()) && tensor.dims.len() <= MAX_RANK {
            Ok(tensor)
        } else {
            let (shape, length) = (shape(&tensor.dims), tensor.len());
            Err(Fault::new(format!("its shape is {shape}, but it holds {length} numbers"))
                .advise("the model is cut off or damaged: export or download it again"))
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Real(values) => values.len(),
            Values::Integer(values) => values.len(),
        }
    }

    /// The same values in another shape of the same size.
    pub fn reshaped(&self, dims: Vec<usize>) -> Self {
        Self { dims, values: self.values.clone() }
    }
}

/// Bytes of one element of raw data.
fn raw_size(kind: i32) -> Result<usize, Fault> {
    match kind {
        data_type::UINT8 | data_type::INT8 | data_type::BOOL => Ok(1),
        data_type::FLOAT16 | data_type::BFLOAT16 => Ok(2),
        data_type::FLOAT | data_type::INT32 => Ok(4),
        data_type::DOUBLE | data_type::INT64 => Ok(8),
        other => Err(unknown(other)),
    }
}

/// Elements stored as little-endian bytes.
fn raw(kind: i32, bytes: &[u8]) -> Result<Values, Fault> {
    let real = |element: Element| Ok(Values::Real(element.decode(Endian::Little, bytes).into()));
    let integer = |values: Vec<i64>| Ok(Values::Integer(values.into()));
    match kind {
        data_type::FLOAT => real(Element::F32),
        data_type::DOUBLE => real(Element::F64),
        data_type::FLOAT16 => real(Element::F16),
        data_type::BFLOAT16 => real(Element::Bf16),
        data_type::INT64 => integer(words(bytes, Endian::Little, i64::from_le_bytes, i64::from)),
        data_type::INT32 => integer(words(bytes, Endian::Little, i32::from_le_bytes, i64::from)),
        data_type::INT8 => integer(words(bytes, Endian::Little, i8::from_le_bytes, i64::from)),
        data_type::UINT8 | data_type::BOOL => integer(bytes.iter().map(|&byte| i64::from(byte)).collect()),
        other => Err(unknown(other)),
    }
}

/// Elements stored in the field of their type; half precision and small integers share one with int32.
fn typed(message: &proto::Tensor) -> Result<Values, Fault> {
    let halves = |widen: fn(u16) -> f64| {
        let widened: Option<Rc<[f64]>> =
            message.int32_data.iter().map(|&bits| u16::try_from(bits).ok().map(widen)).collect();
        widened.map(Values::Real).ok_or_else(|| Fault::new("a half-precision element has more than 16 bits"))
    };
    match message.data_type {
        data_type::FLOAT => Ok(Values::Real(message.float_data.iter().copied().map(f64::from).collect())),
        data_type::DOUBLE => Ok(Values::Real(message.double_data.as_slice().into())),
        data_type::FLOAT16 => halves(f64_of_f16),
        data_type::BFLOAT16 => halves(f64_of_bf16),
        data_type::INT64 => Ok(Values::Integer(message.int64_data.as_slice().into())),
        data_type::INT32 | data_type::INT8 | data_type::UINT8 | data_type::BOOL => {
            Ok(Values::Integer(message.int32_data.iter().copied().map(i64::from).collect()))
        }
        other => Err(unknown(other)),
    }
}

fn unknown(kind: i32) -> Fault {
    Fault::new(format!(
        "its elements are of type {}: want FLOAT, DOUBLE, FLOAT16, BFLOAT16 or INT64",
        data_type::name(kind)
    ))
    .advise("export the model in float32, without quantisation")
}
