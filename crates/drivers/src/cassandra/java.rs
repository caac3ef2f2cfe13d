//! Output of Java programs as one line. Pure.

/// The lines of an output one after another, without the frames of a stack trace.
pub(super) fn one_line(output: &str) -> String {
    let is_frame = |line: &str| {
        let more = line
            .strip_prefix("... ")
            .and_then(|rest| rest.strip_suffix(" more"));
        line.starts_with("at ") && line.ends_with(')') || more.is_some_and(|more| more.parse::<u32>().is_ok())
    };
    let lines = output.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && !is_frame(line)).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_stack_trace_becomes_the_exceptions_of_it_on_one_line() {
        let trace = "error: Snapshot ostler already exists.\n-- StackTrace --\njava.io.IOException: Snapshot ostler already exists.\n\
                     \tat org.apache.cassandra.service.StorageService.takeSnapshot(StorageService.java:4158)\n\
                     \tat java.base/java.lang.Thread.run(Thread.java:840)\n\
                     Caused by: java.nio.file.FileSystemException: /x: at the limit\n\t... 12 more\n\n";
        assert_eq!(
            one_line(trace),
            "error: Snapshot ostler already exists.; -- StackTrace --; \
             java.io.IOException: Snapshot ostler already exists.; \
             Caused by: java.nio.file.FileSystemException: /x: at the limit"
        );
        assert_eq!(one_line(" \n"), "");
    }
}
