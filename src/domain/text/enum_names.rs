//! The names of enum variants, which are the same in GraphQL, in JSON, in a query and in the database.

/// Declares the names of an enum. A missing variant does not compile.
macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal,)* }) => {
        impl $type {
            /// All variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the schema and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The variant with this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

pub(in crate::domain) use names;

#[cfg(test)]
mod tests {
    use crate::domain::rule::lifecycle::Status;
    use crate::domain::token::Permission;

    #[test]
    fn a_name_reads_back_and_only_in_its_own_spelling() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(*status));
        }
        for other in ["", "api_token_read", "API_TOKEN_READ "] {
            assert_eq!(Permission::parse(other), None, "{other}");
        }
    }
}
