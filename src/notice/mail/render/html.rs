//! The HTML: nothing is loaded, the colours are those of the reader, and it fits a phone.

use crate::domain::notice::{DigestContent, DigestSection, NoticeKind};

use super::words::{detail, explanation, footer, heading, others, short, subject};

const BODY: &str =
    "font-family: sans-serif; line-height: 1.5; max-width: 40em; margin: 0 auto; padding: 1em; overflow-wrap: anywhere";
const HEADING: &str = "font-size: 1.15em; margin: 1.2em 0 0.2em";
const SMALL: &str = "font-size: 0.85em; opacity: 0.75";

/// The HTML of a mail of this digest.
pub(in crate::notice::mail) fn html(content: &DigestContent, digest: &str) -> String {
    let sections: String = content.sections.iter().map(section).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n</head>\n<body style=\"{BODY}\">\n{sections}\
         <p style=\"{SMALL}\">{}</p>\n</body>\n</html>\n",
        escaped(&subject(content)),
        escaped(&footer(digest))
    )
}

fn section(section: &DigestSection) -> String {
    let mut html = format!(
        "<h2 style=\"{HEADING}\">{}</h2>\n<p>{}</p>\n",
        escaped(&heading(section)),
        escaped(explanation(section.kind))
    );
    if section.kind == Some(NoticeKind::Test) {
        return html;
    }
    html.push_str("<ul>\n");
    for line in &section.lines {
        // Isolated, because a name may be written from right to left.
        let isolated = |name: &str| format!("<bdi>{}</bdi>", escaped(&short(name)));
        let name = line.name.as_deref().map(isolated).unwrap_or_default();
        let owner = line.owner.as_deref().map(|owner| format!(" of {}", isolated(owner))).unwrap_or_default();
        let id = line.token_id.map(|id| id.to_string()).unwrap_or_default();
        let detail = escaped(&detail(section.kind, line));
        html.push_str(&format!("<li><b>{name}</b>{owner}: {detail}<br><code style=\"{SMALL}\">{id}</code></li>\n"));
    }
    html.push_str("</ul>\n");
    if let Some(others) = others(section) {
        html.push_str(&format!("<p>{}</p>\n", escaped(&others)));
    }
    html
}

/// The text as the content of an element or an attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}
