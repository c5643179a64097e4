//! What stands in commands: sets of UIDs, patterns of names, parts of messages.

/// A part of a message, and what it is called in an answer: all of it, its beginning, or lines of its header.
pub(super) fn part(item: &str, bytes: &[u8]) -> Result<(String, Vec<u8>), String> {
    let unknown = || format!("BAD the tests' server cannot fetch {item}");
    let section = item.strip_prefix("BODY.PEEK[").ok_or_else(unknown)?;
    if let Some(range) = section.strip_prefix("]<0.").and_then(|range| range.strip_suffix('>')) {
        let length: usize = range.parse().map_err(|_| unknown())?;
        return Ok(("BODY[]<0>".to_owned(), bytes[..bytes.len().min(length)].to_vec()));
    }
    if let Some(fields) = section.strip_prefix("HEADER.FIELDS (").and_then(|fields| fields.strip_suffix(")]")) {
        let text = String::from_utf8_lossy(bytes);
        let wanted = |line: &&str| {
            let name = line.split(':').next().unwrap_or("").to_ascii_uppercase();
            fields.split(' ').any(|field| field == name)
        };
        let lines: String =
            text.lines().take_while(|line| !line.is_empty()).filter(wanted).map(|line| format!("{line}\r\n")).collect();
        return Ok((format!("BODY[{}", &item[10..]), format!("{lines}\r\n").into_bytes()));
    }
    if section == "]" { Ok(("BODY[]".to_owned(), bytes.to_vec())) } else { Err(unknown()) }
}

/// Whether a set of UIDs has this one; `*` is the last there is.
pub(crate) fn is_in(set: &str, uid: u32, last: u32) -> bool {
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
    set.split(',').any(|range| {
        let (a, b) = range.split_once(':').unwrap_or((range, range));
        let (a, b) = (number(a), number(b));
        (a.min(b)..=a.max(b)).contains(&uid)
    })
}

/// Whether a name fits a pattern of LIST.
pub(super) fn matches(pattern: &[u8], name: &[u8], separator: u8) -> bool {
    match (pattern.first(), name.first()) {
        (None, None) => true,
        (Some(b'*'), _) => (0..=name.len()).any(|skip| matches(&pattern[1..], &name[skip..], separator)),
        (Some(b'%'), _) => (0..=name.len())
            .take_while(|&skip| skip == 0 || name[skip - 1] != separator)
            .any(|skip| matches(&pattern[1..], &name[skip..], separator)),
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b) && matches(&pattern[1..], &name[1..], separator),
        _ => false,
    }
}
