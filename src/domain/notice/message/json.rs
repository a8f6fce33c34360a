//! Writing JSON (RFC 8259). The body of a message is written once and signed as it is, so its bytes must not depend on a library.

/// An object that is being written.
#[derive(Debug)]
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a text.
    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.raw(name, &quoted(text))
    }

    /// Adds a text, or nothing.
    pub(super) fn text_if_any(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Adds a value that is JSON already.
    pub(super) fn raw(mut self, name: &str, json: &str) -> Self {
        let Self(text) = &mut self;
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&quoted(name));
        text.push(':');
        text.push_str(json);
        self
    }

    pub(super) fn end(self) -> String {
        self.0 + "}"
    }
}

/// A text as a JSON string (section 7).
fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            // Many a template breaks at the two separators, which JSON allows and JavaScript did not.
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                json.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => json.push(letter),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_absent_ones_are_left_out() {
        let object = Object::new().text("b", "\"\\\n\u{2028}é").text_if_any("c", None).raw("a", "7");
        assert_eq!(object.end(), r#"{"b":"\"\\\u000a\u2028é","a":7}"#);
        assert_eq!(Object::new().end(), "{}");
    }
}
