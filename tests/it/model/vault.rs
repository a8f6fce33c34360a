//! The values of all runs of a model, so that a state holds a number where a client holds a text.
//!
//! They are real ones: random ones have entropy that depends on who asked for which generation, and derived ones come from
//! HKDF. Two ways to the same text are the same number, which is how the model sees that an answer was repeated.

use std::collections::HashMap;
use std::sync::Mutex;

use rotakey::domain::token::{Salt, TokenKind};
use rotakey::domain::value::{PresentedValue, Value, ValueHash};

use super::world::Who;

/// The number of a value in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Secret(u8);

impl Secret {
    pub const FIRST: Self = Self(0);
}

/// What a new value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Issue {
    pub who: Who,
    pub generation: u32,
    pub presented: Secret,
}

#[derive(Debug)]
pub struct Vault {
    values: Mutex<Vec<(String, ValueHash)>>,
    issued: Mutex<HashMap<Issue, Secret>>,
}

impl Vault {
    /// A vault with the value that all know at the start.
    pub fn new() -> Self {
        let vault = Self { values: Mutex::default(), issued: Mutex::default() };
        vault.put(&random(Who::Alice, 1));
        vault
    }

    pub fn put(&self, value: &Value) -> Secret {
        let mut values = self.values.lock().unwrap();
        let known = values.iter().position(|(text, _)| text == value.expose());
        let index = known.unwrap_or_else(|| {
            values.push((value.expose().to_owned(), value.hash()));
            values.len() - 1
        });
        Secret(u8::try_from(index).unwrap())
    }

    /// The value of a rotation, made once: the same rotation is made in thousands of states.
    pub fn issue(&self, issue: Issue, make: impl FnOnce() -> Value) -> Secret {
        let known = self.issued.lock().unwrap().get(&issue).copied();
        known.unwrap_or_else(|| {
            let secret = self.put(&make());
            self.issued.lock().unwrap().insert(issue, secret);
            secret
        })
    }

    pub fn value(&self, secret: Secret) -> Value {
        PresentedValue::parse(&self.values.lock().unwrap()[usize::from(secret.0)].0).unwrap().keep()
    }

    pub fn hash(&self, secret: Secret) -> ValueHash {
        self.values.lock().unwrap()[usize::from(secret.0)].1
    }
}

/// The value of a rotation without a key.
pub fn random(by: Who, generation: u32) -> Value {
    Value::from_entropy(TokenKind::Private, &bytes(by, generation))
}

/// The salt of a rotation with a key.
pub fn salt(by: Who, generation: u32) -> Salt {
    Salt(Box::new(bytes(by, generation)))
}

fn bytes(by: Who, generation: u32) -> [u8; 32] {
    [u8::try_from(generation).unwrap() * 8 + by as u8; 32]
}
