//! The configuration files of `docs/postgresql`, with the addresses of a test.

use std::path::Path;

/// A file with what is at hand in place of what it says, each of which it must say.
pub fn filled_in(name: &str, places: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/postgresql").join(name);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (shown, actual) in places {
        assert!(text.contains(shown), "{} does not say {shown}", path.display());
        text = text.replace(shown, actual);
    }
    text
}
