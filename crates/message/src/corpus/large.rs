//! Messages that are large in one respect.

use super::Samples;

fn repeat(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

pub(super) fn add(all: &mut Samples) {
    let head = "From: a@example.org\r\nSubject: large\r\n";
    let headers = repeat(100_000, |n| format!("X-{n}: v\r\n"));
    all.add("headers-100000", format!("{head}{headers}To: last@example.org\r\n\r\nx\r\n"));
    all.add("header-of-200000", format!("{head}X-Long: {}\r\nTo: b@example.org\r\n\r\nx\r\n", "v".repeat(200_000)));
    let folded = " folded\r\n".repeat(2_000);
    all.add("subject-of-2000-folds", format!("{head}Subject: a\r\n{folded}\r\nx\r\n"));
    let addresses = repeat(2_000, |n| format!("Person {n} <p{n}@example.org>,\r\n "));
    all.add("addresses-2000", format!("{head}To: {addresses}last@example.org\r\n\r\nx\r\n"));
    let references = repeat(500, |n| format!(" <{n}@example.org>\r\n"));
    all.add("references-500", format!("{head}References:{references}\r\nx\r\n"));
    let parts = repeat(1_000, |n| format!("--A\r\n\r\npart {n}\r\n"));
    all.add("parts-1000", format!("{head}Content-Type: multipart/mixed; boundary=A\r\n\r\n{parts}--A--\r\n"));
    let unclosed =
        repeat(200, |n| format!("--A\r\nContent-Type: multipart/mixed; boundary=I{n}\r\n\r\n--I{n}\r\n\r\nx\r\n"));
    all.add(
        "unclosed-siblings-200",
        format!("{head}Content-Type: multipart/mixed; boundary=A\r\n\r\n{unclosed}--A--\r\n"),
    );
    let line =
        format!("{}\r\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5".repeat(2).get(..76).unwrap_or_default());
    all.add(
        "attachment-300k",
        format!(
            "{head}Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\n\r\nsee below\r\n--A\r\nContent-Type: application/pdf\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n{}--A--\r\n",
            line.repeat(4_000)
        ),
    );
    let comments = format!("{}{}", "(".repeat(5_000), ")".repeat(5_000));
    all.add("comments-5000-deep", format!("{head}To: {comments} b@example.org\r\n\r\nx\r\n"));
    all.add("quotes-5000", format!("{head}To: {} <b@example.org>\r\n\r\nx\r\n", "\"a\" ".repeat(5_000)));
}
