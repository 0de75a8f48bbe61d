use super::*;

/// Each entry as `name|route|mailbox|domain`, `-` for what is not there.
fn shown(value: &[u8]) -> String {
    let mut all = Vec::new();
    parse_list(value, |entry| {
        let show = |part: &Option<Vec<u8>>| part.as_ref().map_or("-".to_owned(), |t| t.escape_ascii().to_string());
        all.push([&entry.name, &entry.route, &entry.mailbox, &entry.domain].map(show).join("|"));
    });
    all.join(" ; ")
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (value, want) in cases {
        assert_eq!(shown(value.as_bytes()), *want, "{value}");
    }
}

#[test]
fn addresses_are_read_with_names_routes_and_literals() {
    check(&[
        ("a@b.example", "-|-|a|b.example"),
        ("<a@b.example>", "-|-|a|b.example"),
        ("Ann B. \"C, D\" (x) E <a@b>", "Ann B. C, D E|-|a|b"),
        ("a@b (Ann)", "Ann|-|a|b"),
        ("a@b (one) (two)", "two|-|a|b"),
        ("<a@b> (Ann)", "Ann|-|a|b"),
        ("(no name) a@b", "-|-|a|b"),
        ("a@b ()", "-|-|a|b"),
        ("\"a b\\\"\".c@[ 1.2. 3.4 ]", "-|-|a b\\\".c|[1.2.3.4]"),
        ("a . b @ c . d", "-|-|a.b|c.d"),
        ("<@r, @s.t : a@b>", "-|@r,@s.t|a|b"),
        ("<@r,,@s:a@b>", "-|@r,,@s|a|b"),
        ("\"\"@b", "-|-||b"),
        ("a\r\n b <c@d>,\r\n\te@f", "a b|-|c|d ; -|-|e|f"),
    ]);
}

#[test]
fn groups_begin_and_end_and_do_not_nest() {
    check(&[
        ("g:;", "-|-|g|- ; -|-|-|-"),
        ("g h: a@b, c@d;", "-|-|g h|- ; -|-|a|b ; -|-|c|d ; -|-|-|-"),
        ("x@y, g: a@b;, c@d", "-|-|x|y ; -|-|g|- ; -|-|a|b ; -|-|-|- ; -|-|c|d"),
        ("g: a@b; h: c@d;", "-|-|g|- ; -|-|a|b ; -|-|-|- ; -|-|h|- ; -|-|c|d ; -|-|-|-"),
        ("g: a@b", "-|-|g|- ; -|-|a|b ; -|-|-|-"),
        ("g: <@b", "-|-|g|- ; -|-||b ; -|-|-|-"),
        ("g: <@b; c@d", "-|-|g|- ; -|-||b ; -|-|-|- ; -|-|c|d"),
        ("g: h: a@b;;", "-|-|g|- ; -|-|-|- ; -|-|h|- ; -|-|a|b ; -|-|-|-"),
        (":", "-|-||- ; -|-|-|-"),
    ]);
}

#[test]
fn empty_members_are_none() {
    check(&[
        ("", ""),
        (" , (x),\r\n ,", ""),
        (";", ""),
        (",a@b,,c@d,", "-|-|a|b ; -|-|c|d"),
        ("g:,;", "-|-|g|- ; -|-|-|-"),
    ]);
}

#[test]
fn what_is_missing_is_empty() {
    check(&[
        ("a", "-|-|a|"),
        ("a.b", "-|-|a.b|"),
        ("a (Ann)", "Ann|-|a|"),
        ("a b", "a b|-||"),
        ("\"a\"", "a|-||"),
        ("a@", "-|-|a|"),
        ("@b", "-|-||b"),
        ("<>", "-|-||"),
        ("n <a>", "n|-|a|"),
        ("<a@>", "-|-|a|"),
        ("<@b>", "-|-||b"),
        ("<@b,@c>", "-|-||"),
        ("\\", "\\\\|-||"),
    ]);
}

#[test]
fn what_can_be_made_out_of_a_broken_address_is_shown() {
    check(&[
        (".a..b.@c.", "-|-|.a..b.|c."),
        ("n <a@b", "n|-|a|b"),
        ("n <a@b, c@d", "n|-|a|b ; -|-|c|d"),
        ("n a@b>", "n|-|a|b"),
        ("n <a@b> junk, c@d", "n|-|a|b ; -|-|c|d"),
        ("<a@b> <c@d>", "-|-|a|b ; -|-|c|d"),
        ("a@b <c@d>", "a@b|-|c|d"),
        ("a@b junk@e", "-|-|a|b"),
        ("a@b; c@d", "-|-|a|b ; -|-|c|d"),
        ("<<a@b>>", "-|-|a|b"),
        ("n <a at b>, c@d", "n|-|a at b| ; -|-|c|d"),
        ("n [m] <a@b>", "n [m]|-|a|b"),
        ("n ( <a@b>", "n (|-|a|b"),
        ("n \"m <a@b>", "n \\\"m|-|a|b"),
        ("n [m <a@b>", "n [m|-|a|b"),
        ("<@r a@b>", "-|-|a|b"),
        ("<@r \"a\"@b>", "-|-|a|b"),
        ("<@:a@b>", "-|-|a|b"),
        ("<@r@s:a@b>", "-|-|a|b"),
    ]);
}

#[test]
fn what_could_be_another_address_than_meant_is_not_shown() {
    check(&[
        ("a@b@c", "-|-|a|"),
        ("<a@b@c>", "-|-|a|"),
        ("<a@b:c>", "-|-|a|"),
        ("<a:b@c>", "-|-||c"),
        ("<a@b c>", "-|-|a|"),
        ("a@b[c", "-|-|a|"),
        ("a@[1]b", "-|-|a|"),
        ("a@[1", "-|-|a|"),
        ("a\0b@c", "-|-||c"),
        ("a\0@c", "-|-||c"),
        ("a)b <x>", "a)b|-|x|"),
        ("<a\0b@c>", "-|-||c"),
        ("[a]@c", "-|-||c"),
    ]);
}

#[test]
fn complete_addresses_have_both_parts() {
    for (value, is_complete) in [("a@b", true), ("a", false), ("@b", false), ("g:", false), ("<>", false)] {
        let mut all = Vec::new();
        parse_list(value.as_bytes(), |entry| all.push(entry.is_complete()));
        assert_eq!(all.first(), Some(&is_complete), "{value}");
    }
}

#[test]
fn time_grows_with_the_length_of_the_list_alone() {
    for piece in ["a.", "<", "<@a,", "a:", "[x])", "(a) ", "\"\"", "a ", "a@", "\\\"", ")[", "<a@b>", "@[1]"] {
        let mut entries = 0;
        parse_list(piece.repeat(100_000).as_bytes(), |_| entries += 1);
        assert!(entries <= 200_001, "{piece}");
    }
}
