//! Signatures of messages, as Standard Webhooks defines them: HMAC-SHA256 with a key that the receiver has, too, and Ed25519, for which it
//! needs the public key only.
//!
//! The specification: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>. The library is the
//! one that TLS uses.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::domain::notice::{WebhookSecret, WebhookSecrets};

/// What the text of an HMAC key begins with.
const HMAC_KEY_PREFIX: &str = "whsec_";
/// What the text of a public key begins with.
const PUBLIC_KEY_PREFIX: &str = "whpk_";

/// The header `webhook-signature` of a message with this id, which is sent at this time, in seconds since 1970: a signature of each kind
/// with each secret.
pub fn signatures(secrets: &WebhookSecrets, id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let mut header = String::new();
    for WebhookSecret { hmac_key, ed25519_seed } in std::iter::once(&secrets.current).chain(&secrets.previous) {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hmac_key), signed.as_bytes());
        let separator = if header.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(header, "{separator}v1,{}", STANDARD.encode(tag));
        if let Some(pair) = key_pair(ed25519_seed) {
            let _ = write!(header, " v1a,{}", STANDARD.encode(pair.sign(signed.as_bytes())));
        }
    }
    header
}

/// The HMAC key of a secret as receivers keep it. It is a secret, too.
pub fn hmac_key_text(secret: &WebhookSecret) -> String {
    format!("{HMAC_KEY_PREFIX}{}", STANDARD.encode(secret.hmac_key))
}

/// The public key of a secret as receivers keep it.
pub fn public_key_text(secret: &WebhookSecret) -> String {
    let public = key_pair(&secret.ed25519_seed).map(|pair| STANDARD.encode(pair.public_key()));
    format!("{PUBLIC_KEY_PREFIX}{}", public.unwrap_or_default())
}

/// Every seed of this length is that of a key pair, so this is never `None`.
fn key_pair(seed: &[u8; WebhookSecret::KEY_BYTES]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(first: u8) -> WebhookSecret {
        WebhookSecret::from_entropy(&std::array::from_fn(|at| u8::try_from(at).unwrap().wrapping_add(first)))
    }

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    /// Section 7.1 of RFC 8032, TEST 1.
    #[test]
    fn a_seed_has_the_public_key_of_the_rfc() {
        let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let secret = WebhookSecret { hmac_key: [0; 32], ed25519_seed: seed.try_into().unwrap() };
        assert_eq!(public_key_text(&secret), format!("whpk_{}", STANDARD.encode(bytes(public))));
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let signed = key_pair(&secret.ed25519_seed).unwrap().sign(b"");
        assert_eq!(signed.as_ref(), bytes(signature));
    }

    /// The example of the reference libraries of Standard Webhooks.
    #[test]
    fn a_message_has_the_signature_of_the_reference_libraries() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let tag = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        assert_eq!(tag, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_message_is_signed_with_the_current_and_the_previous_secret() {
        let one = WebhookSecrets { current: secret(1), previous: None };
        let two = WebhookSecrets { current: secret(2), previous: Some(secret(1)) };
        let header = |secrets, body| signatures(secrets, "ntc_1", 1_767_225_600, body);
        let kinds =
            |header: &str| header.split(' ').map(|one| one.split(',').next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(kinds(&header(&one, "{}")), ["v1", "v1a"]);
        assert_eq!(kinds(&header(&two, "{}")), ["v1", "v1a", "v1", "v1a"]);
        assert!(header(&two, "{}").ends_with(&header(&one, "{}")));
        assert_ne!(header(&one, "{}"), header(&one, "{} "));
    }

    #[test]
    fn the_texts_of_the_keys_are_those_that_the_libraries_read() {
        assert_eq!(hmac_key_text(&secret(0)), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        assert!(public_key_text(&secret(0)).starts_with("whpk_"));
        assert_eq!(public_key_text(&secret(0)).len(), "whpk_".len() + 44);
    }
}
