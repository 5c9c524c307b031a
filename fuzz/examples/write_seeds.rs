//! Writes the seeds of the corpora anew: `cargo run -p fuzz --example write_seeds`.

fn main() -> std::io::Result<()> {
    for (name, bytes) in fuzz::seeds::all() {
        let path = fuzz::seeds::corpus().join(name);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
