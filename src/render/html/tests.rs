use super::*;

#[test]
fn text_of_strangers_is_text() {
    let text = "<script>alert(1)</script>\u{202e}\u{1b}[31m\" onload=\"x";
    let shown = html! { p title=(Text(text)) { (Text(text)) } }.into_string();
    assert!(!shown.contains("<script") && !shown.contains('\u{202e}') && !shown.contains('\u{1b}'), "{shown}");
    assert!(!shown.contains("\" onload"), "{shown}");
}

#[test]
fn long_text_is_cut() {
    let shown = Text(&"é".repeat(1000)).render().into_string();
    assert_eq!(shown.chars().count(), 301);
}
