//! A file that contains one secret, as container platforms and systemd provide them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No secret is nearly as long. Without a limit, a wrong path such as `/dev/zero` would fill the memory.
const MAX_BYTES: u64 = 64 * 1024;

/// Why the secret could not be read. No message contains anything of the file.
#[derive(Debug, thiserror::Error)]
pub(in crate::config) enum Unreadable {
    #[error("cannot read {path}: {cause}")]
    Io { path: String, cause: std::io::Error },
    #[error("{0} is empty")]
    Empty(String),
    #[error("{path} is longer than {MAX_BYTES} bytes")]
    TooLong { path: String },
    #[error("{0} is not UTF-8")]
    NotUtf8(String),
    #[error("{0} must contain one line, and no control characters")]
    NotOneLine(String),
}

/// The secret in this file, without the newline at its end.
pub(in crate::config) fn read(path: &Path) -> Result<String, Unreadable> {
    let name = || path.display().to_string();
    let io = |cause| Unreadable::Io { path: name(), cause };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLong { path: name() });
    }
    let text = String::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8(name()))?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(Unreadable::Empty(name()));
    }
    if secret.chars().any(char::is_control) {
        return Err(Unreadable::NotOneLine(name()));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_at_the_end_is_not_part_of_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let limit = usize::try_from(MAX_BYTES).unwrap();
        let is = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path).map_err(|unreadable| unreadable.to_string().replace(&path.display().to_string(), "FILE"))
        };
        for (bytes, secret) in [
            (&b"hunter2"[..], "hunter2"),
            (b"hunter2\n", "hunter2"),
            (b"hunter2\r\n", "hunter2"),
            (b" hunter2 \n", " hunter2 "),
            (&vec![b'x'; limit], &"x".repeat(limit)),
        ] {
            assert_eq!(is(bytes).as_deref(), Ok(secret));
        }
        for (bytes, message) in [
            (&b""[..], "FILE is empty"),
            (b"\n", "FILE is empty"),
            (b"hunter2\n\n", "FILE must contain one line, and no control characters"),
            (b"hunter2\nhunter3", "FILE must contain one line, and no control characters"),
            (b"hunter2\0", "FILE must contain one line, and no control characters"),
            (b"hunter2\xff", "FILE is not UTF-8"),
            (&vec![b'x'; limit + 1], "FILE is longer than 65536 bytes"),
        ] {
            assert_eq!(is(bytes).unwrap_err(), message);
        }
        assert!(read(folder.path()).unwrap_err().to_string().starts_with("cannot read "));
        assert!(read(&folder.path().join("missing")).unwrap_err().to_string().contains("No such file"));
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().ends_with("is longer than 65536 bytes"));
    }
}
