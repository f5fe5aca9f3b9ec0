//! The `elect` command.
fn main() {}
