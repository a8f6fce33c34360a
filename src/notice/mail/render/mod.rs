//! What a mail says, as plain text and as HTML. Names and owners are texts of others: they are shortened, and end no line and no element.

mod html;
mod text;
mod words;

pub(super) use html::html;
pub(super) use text::text;
pub(super) use words::subject;

#[cfg(test)]
mod tests;
