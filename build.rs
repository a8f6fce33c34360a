//! Tells cargo to look at the playground's built files anew when one is added or removed; the compiler itself notices only
//! changes within those that it has embedded.

fn main() {
    println!("cargo:rerun-if-changed=playground/dist");
}
