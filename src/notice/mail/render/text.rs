//! The plain text.

use crate::domain::notice::{DigestContent, DigestSection, NoticeKind};

use super::words::{detail, explanation, footer, heading, others, short};

/// The plain text of a mail of this digest.
pub(in crate::notice::mail) fn text(content: &DigestContent, digest: &str) -> String {
    let mut text = String::new();
    for section in &content.sections {
        write(&mut text, section);
    }
    text.push_str("-- \n");
    text.push_str(&footer(digest));
    text.push('\n');
    text
}

fn write(text: &mut String, section: &DigestSection) {
    let heading = heading(section);
    text.push_str(&format!("{heading}\n{}\n{}\n", "=".repeat(heading.chars().count()), explanation(section.kind)));
    if section.kind != Some(NoticeKind::Test) {
        text.push('\n');
        for line in &section.lines {
            let name = line.name.as_deref().map(short).unwrap_or_default();
            let owner = line.owner.as_deref().map(|owner| format!(" of {}", short(owner))).unwrap_or_default();
            let id = line.token_id.map(|id| id.to_string()).unwrap_or_default();
            text.push_str(&format!("* {name}{owner}: {}\n  {id}\n", detail(section.kind, line)));
        }
        if let Some(others) = others(section) {
            text.push_str(&format!("  {others}\n"));
        }
    }
    text.push('\n');
}
