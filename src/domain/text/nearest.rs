//! The name that a misspelt one was probably meant to be.

/// The minimum similarity, of 1 for equal names.
const ALIKE: f64 = 0.8;
/// Longer names are not compared: no name of ours is nearly as long.
const MAX_LENGTH: usize = 64;

/// The candidate that is most like this name, if one is like it.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.len() > MAX_LENGTH {
        return None;
    }
    let wanted = wanted.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &wanted);
    let best =
        candidates.into_iter().map(|name| (likeness(name), name)).max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_found_and_no_other() {
        let names = ["listen", "log", "log-format"];
        for (wanted, found) in [
            ("lisen", Some("listen")),
            ("LISTEN", Some("listen")),
            ("logformat", Some("log-format")),
            ("weather", None),
            ("", None),
            (&"listen".repeat(20), None),
        ] {
            assert_eq!(nearest(wanted, names), found, "{wanted}");
        }
        assert_eq!(nearest("listen", []), None);
    }
}
