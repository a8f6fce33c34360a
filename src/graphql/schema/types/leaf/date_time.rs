//! `DateTime`, the scalar for moments.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::domain::timestamp::Timestamp;

/// A moment: RFC 3339 in UTC with milliseconds, such as `2030-01-31T12:00:00.000Z`. Input may have any offset and any
/// number of fractional digits; those below a millisecond are cut off. The year is 1970 to 9999. Leap seconds are
/// refused.
pub(crate) struct DateTime(pub(crate) Timestamp);

/// A moment: RFC 3339 in UTC with milliseconds, such as `2030-01-31T12:00:00.000Z`. Input may have any offset and any
/// number of fractional digits; those below a millisecond are cut off. The year is 1970 to 9999. Leap seconds are
/// refused.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else {
            return Err(InputValueError::custom("a DateTime is written as a string"));
        };
        Timestamp::parse(&text).map(Self).map_err(InputValueError::custom)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Timestamp::parse(text).is_ok())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}
