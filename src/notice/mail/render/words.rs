//! The words of a mail, which its two forms share.

use crate::domain::notice::{DigestContent, DigestLine, DigestSection, NoticeKind};
use crate::domain::text::plain_line;
use crate::domain::timestamp::Timestamp;

/// How many characters of a name or an owner are shown.
const MAX_NAME_LENGTH: usize = 80;
/// How many kinds the subject names.
const MAX_IN_SUBJECT: usize = 3;

/// The subject: what is most urgent first.
pub(in crate::notice::mail) fn subject(content: &DigestContent) -> String {
    let named: Vec<String> = content.sections.iter().take(MAX_IN_SUBJECT).map(summary).collect();
    let more = if content.sections.len() > MAX_IN_SUBJECT { " and more" } else { "" };
    format!("Rotakey: {}{more}", named.join(", "))
}

/// How many there are of a kind.
fn summary(section: &DigestSection) -> String {
    let count = section.count;
    // Those that are over are listed last, so that the last line tells whether there are any.
    let some_over = section.lines.last().is_some_and(|line| line.is_over);
    let (one, many) = match section.kind {
        Some(NoticeKind::Leaked) => ("1 token leaked", "# tokens leaked"),
        Some(NoticeKind::ValueReused) => ("1 retired value used", "retired values of # tokens used"),
        Some(NoticeKind::Expiring) if some_over => ("1 token expired", "# tokens expire soon or have expired"),
        Some(NoticeKind::Expiring) => ("1 token expires soon", "# tokens expire soon"),
        Some(NoticeKind::RotationDue) => ("1 rotation due", "# rotations due"),
        Some(NoticeKind::OverlapEnding) if some_over => ("1 overlap ended", "# overlaps end soon or have ended"),
        Some(NoticeKind::OverlapEnding) => ("1 overlap ends soon", "# overlaps end soon"),
        Some(NoticeKind::Revoked) => ("1 token revoked", "# tokens revoked"),
        Some(NoticeKind::RestrictionRefused) => {
            ("1 token used where it must not be", "# tokens used where they must not be")
        }
        Some(NoticeKind::Unused) => ("1 token unused", "# tokens unused"),
        Some(NoticeKind::Test) => ("test", "tests"),
        None => ("1 other notice", "# other notices"),
    };
    if count == 1 { one.to_owned() } else { many.replace('#', &count.to_string()) }
}

/// The heading of a kind.
pub(super) fn heading(section: &DigestSection) -> String {
    let mut heading = summary(section);
    if let Some(first) = heading.get(..1).map(str::to_uppercase) {
        heading.replace_range(..1, &first);
    }
    heading
}

/// What a kind means, and what to do.
pub(super) fn explanation(kind: Option<NoticeKind>) -> &'static str {
    match kind {
        Some(NoticeKind::Leaked) => {
            "Somebody reported a value of these tokens. Rotate them at once, with an overlap of 0."
        }
        Some(NoticeKind::ValueReused) => "A client sent a value that no longer works. Perhaps it leaked.",
        Some(NoticeKind::Expiring) => {
            "These tokens stop working then, however often they are rotated. Create new ones in time."
        }
        Some(NoticeKind::RotationDue) => "A token that is not rotated by then stops working.",
        Some(NoticeKind::OverlapEnding) => "Clients that still use the old value stop working then.",
        Some(NoticeKind::Revoked) => "These tokens do not work any more.",
        Some(NoticeKind::RestrictionRefused) => "A value was sent from an address or an origin that is not allowed.",
        Some(NoticeKind::Unused) => "Revoke those that nobody needs.",
        Some(NoticeKind::Test) => "This is a test, which somebody asked for. The mail digest works.",
        None => "Only a newer version of Rotakey knows what these are.",
    }
}

/// What is said of a token.
pub(super) fn detail(kind: Option<NoticeKind>, line: &DigestLine) -> String {
    let deadline = line.deadline.map(minute).unwrap_or_default();
    let last_use = line.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", minute(at)));
    match kind {
        Some(NoticeKind::Expiring) if line.is_over => format!("expired {deadline}"),
        Some(NoticeKind::Expiring) => format!("expires {deadline}"),
        Some(NoticeKind::RotationDue) if line.is_over => format!("was to be rotated by {deadline}"),
        Some(NoticeKind::RotationDue) => format!("rotate by {deadline}"),
        Some(NoticeKind::OverlapEnding) if line.is_over => format!("ended {deadline}, {last_use}"),
        Some(NoticeKind::OverlapEnding) => format!("ends {deadline}, {last_use}"),
        Some(NoticeKind::Unused) => last_use,
        Some(NoticeKind::RestrictionRefused) => {
            let code = line.code.as_deref().map(|code| format!("{}, ", plain_line(code))).unwrap_or_default();
            format!("{code}{}", minute(line.at))
        }
        Some(NoticeKind::Leaked | NoticeKind::ValueReused | NoticeKind::Revoked | NoticeKind::Test) | None => {
            minute(line.at)
        }
    }
}

/// How many tokens are not listed, if any.
pub(super) fn others(section: &DigestSection) -> Option<String> {
    let listed = u64::try_from(section.lines.len()).unwrap_or(u64::MAX);
    match section.count.saturating_sub(listed) {
        0 => None,
        1 => Some("and 1 other".to_owned()),
        others => Some(format!("and {others} others")),
    }
}

/// A name as one short line.
pub(super) fn short(name: &str) -> String {
    let mut letters = name.chars();
    let mut short: String = letters.by_ref().take(MAX_NAME_LENGTH).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    plain_line(&short)
}

/// The end of every mail.
pub(super) fn footer(digest: &str) -> String {
    format!(
        "Rotakey sends this because of the mail digest {digest}. updateMailDigest changes it, and deleteMailDigest ends it. No value of a \
         token is ever in a mail."
    )
}

/// A moment to the minute.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or_default())
}
