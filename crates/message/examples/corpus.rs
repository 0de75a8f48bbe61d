//! Writes the corpus into a directory, one file for each message: `cargo run -p message --features corpus --example
//! corpus -- DIRECTORY`.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("name the directory to write the corpus into"));
    };
    std::fs::create_dir_all(&directory)?;
    for (number, sample) in (1..).zip(message::corpus::samples()) {
        std::fs::write(directory.join(format!("{number:04}-{}.eml", sample.name)), sample.bytes)?;
    }
    Ok(())
}
