//! Texts that people write and others read: names, owners and descriptions (Unicode 17).
//!
//! A name that is invisible, breaks a line or changes the direction of the text beside it could make one token look like another in
//! a list. All scripts are allowed: Arabic and Hebrew are displayed correctly by their letters alone, and joiners (emoji, Persian)
//! do not change the direction.

use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::domain::invalid_input::InvalidInput;
use crate::domain::value::holds_value;

/// The longest name and owner, in characters.
pub const MAX_NAME_LENGTH: usize = 255;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_LENGTH: usize = 2_000;

/// Letters and symbols by their category that show nothing all the same: a Braille pattern without dots, two blanks of Egyptian
/// hieroglyphs and a note without a head.
const BLANKS: [char; 4] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{1D159}'];

/// One line of text with something visible on it.
///
/// # Errors
/// For any other text, with this field.
pub(in crate::domain) fn line(field: &'static str, text: String) -> Result<String, InvalidInput> {
    no_value(field, &text)?;
    if text.chars().count() > MAX_NAME_LENGTH || text.chars().any(breaks_line) || !text.chars().any(is_visible) {
        let message = format!(
            "The {field} must be one line of 1 to {MAX_NAME_LENGTH} characters, at least one of which is visible."
        );
        return Err(InvalidInput::new(field, message));
    }
    no_direction(field, &text)?;
    Ok(text)
}

/// Checks a text that may be empty, and has no second line.
///
/// # Errors
/// For any other text, with this field.
pub(in crate::domain) fn single_line(field: &'static str, text: &str) -> Result<(), InvalidInput> {
    no_value(field, text)?;
    if text.chars().any(breaks_line) {
        return Err(InvalidInput::new(
            field,
            format!("The {field} must have no line breaks and no control characters."),
        ));
    }
    no_direction(field, text)
}

/// A text of some lines, or of none.
///
/// # Errors
/// For any other text.
pub(in crate::domain) fn description(text: String) -> Result<String, InvalidInput> {
    const FIELD: &str = "description";
    no_value(FIELD, &text)?;
    let control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if text.chars().count() > MAX_DESCRIPTION_LENGTH || text.chars().any(control) {
        let message =
            format!("The description must have at most {MAX_DESCRIPTION_LENGTH} characters and no control characters.");
        return Err(InvalidInput::new(FIELD, message));
    }
    no_direction(FIELD, &text)?;
    Ok(text)
}

/// Refuses a text that contains a value: settings are shown to many people, and a value pasted into one must not be kept (R9).
///
/// # Errors
/// For a text that holds one, with this field.
pub(in crate::domain) fn no_value(field: &'static str, text: &str) -> Result<(), InvalidInput> {
    if !holds_value(text) {
        return Ok(());
    }
    Err(InvalidInput::new(field, "This contains the value of an API token, which must not be in a setting."))
}

/// A text from a program, such as a user agent, as one line without controls that change the direction of text.
pub fn plain_line(text: &str) -> String {
    let plain =
        |letter| if breaks_line(letter) || changes_direction(letter) { char::REPLACEMENT_CHARACTER } else { letter };
    text.chars().map(plain).collect()
}

fn no_direction(field: &'static str, text: &str) -> Result<(), InvalidInput> {
    let Some(control) = text.chars().find(|letter| changes_direction(*letter)) else { return Ok(()) };
    let code = u32::from(control);
    let message = format!(
        "The {field} contains the invisible character U+{code:04X}, which changes the direction of text. Leave it out: every \
         script is displayed correctly without it."
    );
    Err(InvalidInput::new(field, message))
}

/// Whether it is a bidirectional control of Unicode: embeddings, overrides, isolates, and the three marks.
fn changes_direction(letter: char) -> bool {
    !letter.is_ascii() && CodePointSetData::new::<BidiControl>().contains(letter)
}

/// Whether it ends a line or is a control character.
fn breaks_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether the character is visible by itself. A mark needs a letter, and the look of a private-use character is unknown.
fn is_visible(letter: char) -> bool {
    use GeneralCategory as Category;
    let invisible = || {
        BLANKS.contains(&letter)
            || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
            || CodePointSetData::new::<NoncharacterCodePoint>().contains(letter)
    };
    match CodePointMapData::<Category>::new().get(letter) {
        Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark => false,
        Category::SpaceSeparator | Category::LineSeparator | Category::ParagraphSeparator => false,
        Category::Control | Category::Format | Category::PrivateUse | Category::Surrogate => false,
        // Letters that a later edition of Unicode has added are not yet assigned here.
        _ => !invisible(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_line(text: &str) -> bool {
        line("name", text.to_owned()).is_ok()
    }

    #[test]
    fn a_name_of_any_script_is_good() {
        for name in [
            "a",
            "é",
            "e\u{301}",
            "中文",
            "日本語",
            "한국어",
            "ไทย",
            "हिन्दी",
            "Ελληνικά",
            "ქართული",
            "አማርኛ",
            "ᚠ",
            "7",
            "-",
            "€",
            "عربي",
            "שלום",
            "עברית and English (2)",
            "می\u{200C}خواهم",
            "क्\u{200D}ष",
            "👩\u{200D}👩\u{200D}👧\u{200D}👦",
            "🏳\u{FE0F}\u{200D}🌈",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "\u{1F1EA}\u{1F1EA}",
            "👍🏽",
            " a ",
            "\u{A0}a",
            "\u{FEFF}a",
            "\u{AD}a",
            "\u{3164}a",
            "\u{378}",
        ] {
            assert!(is_line(name), "{name:?}");
            assert!(description(name.to_owned()).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_name_that_shows_nothing_is_blank() {
        for letter in [
            ' ',
            '\u{A0}',
            '\u{AD}',
            '\u{34F}',
            '\u{115F}',
            '\u{1160}',
            '\u{1680}',
            '\u{17B4}',
            '\u{180B}',
            '\u{180E}',
            '\u{2000}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{2060}',
            '\u{2064}',
            '\u{206A}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{FFFE}',
            '\u{E000}',
            '\u{13441}',
            '\u{1D159}',
            '\u{1D173}',
            '\u{E0020}',
            '\u{E0100}',
            '\u{10FFFF}',
            '\u{301}',
            '\u{20DD}',
            '\u{903}',
        ] {
            for name in [letter.to_string(), format!(" {letter}{letter} ")] {
                assert!(!is_line(&name), "{name:?}");
            }
            assert!(is_line(&format!("a{letter}")), "{letter:?}: it is no fault beside something visible");
        }
        assert!(!is_line(""));
    }

    #[test]
    fn a_name_is_one_line_and_a_description_is_many() {
        for (letter, in_description) in [
            ('\n', true),
            ('\r', true),
            ('\t', true),
            ('\u{2028}', true),
            ('\u{2029}', true),
            ('\0', false),
            ('\u{B}', false),
            ('\u{C}', false),
            ('\u{1B}', false),
            ('\u{7F}', false),
            ('\u{85}', false),
            ('\u{9B}', false),
        ] {
            for text in [format!("{letter}a"), format!("a{letter}"), format!("a{letter}b")] {
                assert!(!is_line(&text), "{text:?}");
                assert_eq!(description(text.clone()).is_ok(), in_description, "{text:?}");
            }
        }
    }

    #[test]
    fn controls_of_direction_are_refused_by_their_number() {
        let marks = ['\u{61C}', '\u{200E}', '\u{200F}'];
        for control in marks.into_iter().chain('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}') {
            for text in [format!("{control}a"), format!("שלום{control}"), format!("gnp.{control}exe")] {
                for refused in [line("owner", text.clone()), description(text.clone())] {
                    let number = format!("U+{:04X}", u32::from(control));
                    assert!(refused.is_err_and(|invalid| invalid.message.contains(&number)), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        for (length, good) in [(1, true), (254, true), (255, true), (256, false)] {
            assert_eq!(is_line(&"é".repeat(length)), good, "{length}");
        }
        for (length, good) in [(0, true), (1_999, true), (2_000, true), (2_001, false)] {
            assert_eq!(description("é".repeat(length)).is_ok(), good, "{length}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_line_is_a_line_as_long_as_it_was(text in ".{0,40}") {
            let plain = plain_line(&text);
            prop_assert_eq!(plain.chars().count(), text.chars().count());
            prop_assert!(is_line(&format!("a{plain}")), "{plain:?}");
            prop_assert_eq!(plain_line(&plain), plain.clone());
        }
    }
}
