//! Good and bad files for every rule. What a rule forbids is put together here, so that this file passes itself.

use super::*;

const GOOD: &str = "//! One job.\n\nfn f() {}\n";

fn texts(file: &str, text: &str) -> Vec<(Option<usize>, String)> {
    check_text(file, text).into_iter().map(|problem| (problem.line, problem.text)).collect()
}

fn lines(file: &str, text: &str) -> Vec<Option<usize>> {
    texts(file, text).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn a_good_file_passes() {
    assert_eq!(texts("crates/types/src/x.rs", GOOD), []);
    assert_eq!(texts("docs/x.md", "# Words\n"), []);
    assert!(check_name("crates/types/src/mailbox_name.rs").is_empty());
    assert!(check_name("docs/adr/0001-workspace.md").is_empty());
}

#[test]
fn five_hundred_lines_pass_and_one_more_does_not() {
    let lines_of = |count: usize| format!("//! x\n{}", "f();\n".repeat(count - 1));
    assert_eq!(texts("x.rs", &lines_of(LINES_MAX)), []);
    assert_eq!(texts("x.rs", &lines_of(LINES_MAX + 1)).len(), 1);
    assert_eq!(texts("docs/rfc-sections.toml", &"a = 1\n".repeat(LINES_MAX + 1)), []);
}

#[test]
fn the_architecture_has_three_hundred_lines() {
    assert_eq!(texts("ARCHITECTURE.md", &"x\n".repeat(ARCHITECTURE_LINES_MAX)), []);
    assert_eq!(texts("ARCHITECTURE.md", &"x\n".repeat(ARCHITECTURE_LINES_MAX + 1)).len(), 1);
}

#[test]
fn a_module_without_its_job_is_found() {
    assert_eq!(lines("x.rs", "fn f() {}\n"), [Some(1)]);
    assert_eq!(lines("x.rs", "// x\n"), [Some(1)]);
    assert_eq!(lines("x/tests.rs", "use super::*;\n"), []);
}

#[test]
fn macros_left_behind_are_found_in_code_only() {
    for word in LEFT_BEHIND {
        assert_eq!(lines("x.rs", &format!("//! x\nfn f() {{ {word}() }}\n")), [Some(2)], "{word}");
        assert_eq!(lines("x.rs", &format!("//! {word}\nfn f() {{ g(\"{word}\") }}\n")), []);
    }
}

#[test]
fn silenced_checks_are_found() {
    for word in ["#[allow(dead_code)]", "#![allow(dead_code)]", "#[ignore]", "#[ignore = \"slow\"]"] {
        assert_eq!(lines("x.rs", &format!("//! x\n{word}\nfn f() {{}}\n")), [Some(2)], "{word}");
    }
    assert_eq!(lines("x.rs", "//! x\n#[expect(dead_code, reason = \"y\")]\nfn f() {}\n"), []);
}

#[test]
fn marks_of_unfinished_work_are_found_in_comments_and_texts() {
    for mark in MARKS {
        assert_eq!(lines("x.rs", &format!("//! x\n// {mark}: y\n")), [Some(2)], "{mark}");
        assert_eq!(lines("x.md", &format!("# x\n{mark} y\n")), [Some(2)], "{mark}");
        assert_eq!(lines("x.rs", &format!("//! x\n// {mark}ABLE\n")), []);
    }
}

#[test]
fn paths_of_machines_are_found() {
    for root in MACHINE_ROOTS {
        assert_eq!(lines("x.md", &format!("see {root}me/mail\n")), [Some(1)], "{root}");
        assert_eq!(lines("x.toml", &format!("path = \"{root}x\"\n")), [Some(1)], "{root}");
        assert_eq!(lines("x.md", &format!("https://example.org{root}x\n")), [], "{root}");
    }
}

#[test]
fn spaces_at_the_end_and_a_missing_end_of_line_are_found() {
    assert_eq!(lines("x.md", "a \n"), [Some(1)]);
    assert_eq!(lines("x.md", "a\r\n"), [Some(1)]);
    assert_eq!(lines("x.md", "a"), [None]);
}

#[test]
fn names_that_break_the_conventions_are_found() {
    for name in ["crates/x/src/mod.rs", "crates/x/src/utils.rs", "crates/x/src/FooBar.rs", "docs/adr/first.md"] {
        assert_eq!(check_name(name).len(), 1, "{name}");
    }
    assert_eq!(check_name("tests/transcripts/imap/move/Tells-It.txt").len(), 1);
}

#[test]
fn what_others_send_is_not_judged() {
    assert!(!is_text("tests/corpus/ugly.txt"));
    assert!(!is_text("tests/hello.eml"));
    assert!(is_text("test"));
}
