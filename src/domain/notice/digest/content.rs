//! What one mail says.

use crate::domain::id::TokenId;
use crate::domain::notice::kind::NoticeKind;
use crate::domain::timestamp::Timestamp;

/// The notices of one mail, by their kind, the most urgent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestContent {
    /// The kinds, each once.
    pub sections: Vec<DigestSection>,
}

/// The notices of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestSection {
    /// The kind; `None` for those that only a newer version knows.
    pub kind: Option<NoticeKind>,
    /// About how many tokens there are notices, also those that are not listed.
    pub count: u64,
    /// The first of them. A token is listed once, by its last notice.
    pub lines: Vec<DigestLine>,
}

/// A token of a section, as it was when its notice was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestLine {
    /// The token; `None` for a test.
    pub token_id: Option<TokenId>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its owner.
    pub owner: Option<Box<str>>,
    /// When the notice was written.
    pub at: Timestamp,
    /// When the token, or its previous value, stops working.
    pub deadline: Option<Timestamp>,
    /// Whether that was over when the mail was first attempted.
    pub is_over: bool,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// The name of the code of a refusal.
    pub code: Option<Box<str>>,
}

/// The kinds in the order of their urgency: what may be an attack, what is about to end, what has ended, and what can wait.
const URGENCY: [NoticeKind; 9] = [
    NoticeKind::Leaked,
    NoticeKind::ValueReused,
    NoticeKind::Expiring,
    NoticeKind::RotationDue,
    NoticeKind::OverlapEnding,
    NoticeKind::Revoked,
    NoticeKind::RestrictionRefused,
    NoticeKind::Unused,
    NoticeKind::Test,
];

impl DigestContent {
    /// The sections in the order of their urgency. Kinds of a newer version are one section, the last.
    pub fn of(sections: Vec<DigestSection>) -> Self {
        let mut sections = sections;
        sections.sort_by_key(|section| {
            URGENCY.iter().position(|kind| section.kind == Some(*kind)).unwrap_or(URGENCY.len())
        });
        Self { sections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_and_unknown_ones_are_last() {
        assert!(NoticeKind::ALL.iter().all(|kind| URGENCY.contains(kind)));
        let section = |kind| DigestSection { kind, count: 1, lines: Vec::new() };
        let kinds = [None, Some(NoticeKind::Unused), Some(NoticeKind::Expiring), Some(NoticeKind::ValueReused)];
        let content = DigestContent::of(kinds.map(section).to_vec());
        let order: Vec<_> = content.sections.iter().map(|section| section.kind).collect();
        let expected = [Some(NoticeKind::ValueReused), Some(NoticeKind::Expiring), Some(NoticeKind::Unused), None];
        assert_eq!(order, expected);
    }
}
