//! Which versions can use the database after a step of a newer version. The name of the step says it, because an older version
//! knows nothing else of it.

/// What comes before the oldest step that a version must know.
const MARK: &str = "_usable_from_";

/// The newest step of the oldest version that can use the database after this step, such as `m0011`; `None` if the name does not
/// say it.
#[must_use]
pub fn oldest_user(step: &str) -> Option<&str> {
    step.rsplit_once(MARK).map(|(_, oldest)| oldest)
}

/// Whether a version that knows these steps, and not this one, can use the database after it. A version must not guess: it cannot
/// if the name does not say it.
#[must_use]
pub fn is_usable_after(step: &str, known: &[String]) -> bool {
    oldest_user(step).is_some_and(|oldest| known.iter().any(|known| number(known) == oldest))
}

/// The number of a step, such as `m0011`.
fn number(step: &str) -> &str {
    step.split_once('_').map_or(step, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_uses_a_database_after_a_newer_step_only_if_the_name_says_so() {
        let known = ["m0010_name_search", "m0011_old_event_indexes"].map(str::to_owned);
        for (step, usable) in [
            ("m0012_contact_usable_from_m0011", true),
            ("m0012_contact_usable_from_m0010", true),
            ("m0013_no_owner_usable_from_m0012", false),
            ("m0012_contact", false),
            ("m0012_contact_usable_from_", false),
            ("m0012_contact_usable_from_m001", false),
            ("m0012_contact_usable_from_m00110", false),
            ("", false),
        ] {
            assert_eq!(is_usable_after(step, &known), usable, "{step:?}");
        }
    }
}
