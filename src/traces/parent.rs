//! The parent of a request's span: the headers `traceparent` and `tracestate` (W3C Trace Context, section 3).
//!
//! Ours, because the propagator of the OpenTelemetry library accepts what the recommendation forbids, such as capital letters.

use std::str::FromStr;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use opentelemetry::trace::TraceState;

use crate::domain::value::redact;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest state that is passed on. The recommendation asks for at least as much (section 3.3.1.5).
const MAX_STATE_BYTES: usize = 512;

/// The length of `00-TRACE-PARENT-FLAGS`.
const LENGTH: usize = 55;

/// The span of the client that sent the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    /// Whether the client may have recorded its span.
    pub(super) is_sampled: bool,
    /// The state, for the collector.
    pub(super) state: String,
}

impl Parent {
    /// `None` if there is no valid `traceparent`; then the state must not be read either (section 4.3).
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let line = headers.get(TRACEPARENT)?;
        let is_only = headers.get_all(TRACEPARENT).iter().nth(1).is_none();
        Self::parse(line.as_bytes()).filter(|_| is_only)
    }

    /// The same with its state, which is only needed if the request is traced.
    pub(super) fn with_state(self, headers: &HeaderMap) -> Self {
        let members = headers.get_all(TRACESTATE).iter().map(|line| line.to_str());
        let state = members.collect::<Result<Vec<_>, _>>().map_or_else(|_| String::new(), |lines| state(&lines));
        Self { state, ..self }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(LENGTH)?;
        let [version] = hexadecimal(head.get(..2)?)?;
        // A later version may have more fields (section 3.2.4).
        let is_complete = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|next| *next == b'-'),
        };
        let has_dashes = [2, 35, 52].iter().all(|place| head.get(*place) == Some(&b'-'));
        let trace_id = hexadecimal(head.get(3..35)?)?;
        let span_id = hexadecimal(head.get(36..52)?)?;
        let [flags] = hexadecimal(head.get(53..55)?)?;
        let is_valid = is_complete && has_dashes && trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then(|| Self { trace_id, span_id, is_sampled: flags & 1 == 1, state: String::new() })
    }
}

/// Bytes from lower-case hexadecimal digits.
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = digit(pair.first()?)? << 4 | digit(pair.get(1)?)?;
    }
    Some(bytes)
}

/// The state of these lines as one, if it is valid. What does not fit is dropped by whole members from the end. A state with a text that
/// may be a value of a token is dropped as a whole (R9).
fn state(lines: &[&str]) -> String {
    let all = lines.join(",");
    if redact(&all) != all {
        return String::new();
    }
    let Ok(parsed) = TraceState::from_str(&all) else { return String::new() };
    let mut state = parsed.header();
    // The library accepts a member without a name.
    if state.split(',').any(|member| member.starts_with('=')) {
        return String::new();
    }
    while state.len() > MAX_STATE_BYTES {
        let shorter = state.rfind(',').unwrap_or(0);
        state.truncate(shorter);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_taken_over_exactly() {
        let parent = Parent::parse(VALID.as_bytes()).unwrap();
        assert_eq!(parent.trace_id[..2], [0x4b, 0xf9]);
        assert_eq!(parent.span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        assert!(parent.is_sampled);
        assert!(!Parent::parse(VALID.replace("-01", "-00").as_bytes()).unwrap().is_sampled);
        assert!(Parent::parse(VALID.replace("-01", "-ff").as_bytes()).unwrap().is_sampled);
        for later in [VALID.replace("00-4", "01-4"), VALID.replace("00-4", "cc-4") + "-what-comes-later"] {
            assert_eq!(Parent::parse(later.as_bytes()).unwrap().trace_id, parent.trace_id, "{later}");
        }
    }

    #[test]
    fn a_malformed_parent_is_ignored() {
        for malformed in [
            String::new(),
            VALID[..54].to_owned(),
            format!("{VALID}-"),
            format!("{VALID}0"),
            format!(" {VALID}"),
            VALID.replace("00-4", "ff-4"),
            VALID.replace("00-4", "0g-4"),
            VALID.replace("00-4", "01-4") + ".later",
            VALID.to_uppercase(),
            VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            VALID.replacen('-', "_", 1),
            VALID.replace("-01", "-0x"),
            VALID.replace("-01", "_01"),
        ] {
            assert_eq!(Parent::parse(malformed.as_bytes()), None, "{malformed}");
        }
        let mut headers = HeaderMap::new();
        headers.append("traceparent", VALID.parse().unwrap());
        assert!(Parent::of(&headers).is_some());
        headers.append("traceparent", VALID.parse().unwrap());
        assert!(Parent::of(&headers).is_none(), "which of two is meant?");
    }

    #[test]
    fn a_state_is_passed_on_only_if_it_is_valid_and_within_its_limit() {
        assert_eq!(state(&["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE"]), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
        for invalid in ["a", "a=b,=c", "A=b", &format!("a={}", "x".repeat(257))] {
            assert_eq!(state(&[invalid]), "", "{invalid}");
        }
        let member = |number: usize| format!("a{number}={}", "x".repeat(100));
        let members: Vec<String> = (0..6).map(member).collect();
        assert_eq!(state(&[&members.join(",")]), members[..4].join(","));
        let many: Vec<String> = (0..40).map(|number| format!("a{number}=b")).collect();
        assert_eq!(state(&[&many.join(",")]), many[..32].join(","));
        assert_eq!(state(&["a=rk_00000000000000000000000000000000000000000002gL6Az"]), "");
    }
}
