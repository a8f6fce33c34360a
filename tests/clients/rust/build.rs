//! graphql_client's derive reads the schema without Cargo knowing. Without this, a build after a change of the schema would be
//! taken for fresh, and keep the types of the schema before.

// docs:begin build
fn main() {
    println!("cargo:rerun-if-changed=../../../schema.graphql");
    println!("cargo:rerun-if-changed=../operations");
}
// docs:end
