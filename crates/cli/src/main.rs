//! The binary `ostler`.

fn main() -> std::process::ExitCode {
    ostler::start()
}
