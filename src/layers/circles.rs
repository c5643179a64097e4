//! No circle of files: where two files use each other, even by way of others, neither can be read first.
//!
//! A file uses another when it names an item that is defined there. `mod` and `use` lines in between only hand a name on, so what a
//! `mod.rs` exports again belongs to the file that defines it, and a `mod.rs` takes part in a circle only by what it defines itself.
//! Methods are not followed: who calls one has the type from somewhere. Tests may use what they like.

use std::collections::{BTreeMap, BTreeSet};

/// The source of one module, as far as names in it matter.
struct Module {
    /// Below `src/`, to be shown.
    file: String,
    /// The modules below it, and the names that it takes from elsewhere with the paths they stand for.
    imports: BTreeMap<String, Vec<String>>,
    /// The items that it defines.
    defines: BTreeSet<String>,
    /// Everything that it names by a path: its imports that it uses itself, and what stands in its code.
    names: BTreeSet<Vec<String>>,
}

type Crate = BTreeMap<Vec<String>, Module>;

/// The words and signs of a source without comments, literals and what only tests see. `::` is one sign.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => i += chars[i..].iter().take_while(|c| **c != '\n').count(),
            'r' if at(i + 1) == '"' || (at(i + 1) == '#' && matches!(at(i + 2), '"' | '#')) => {
                let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
                let end: String = format!("\"{}", "#".repeat(hashes));
                let rest: String = chars[i + 2 + hashes..].iter().collect();
                i += 2 + hashes + rest.find(&end).map_or(0, |b| rest[..b].chars().count()) + end.len();
            }
            '"' => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            // A character, not the name of a lifetime.
            '\'' if at(i + 1) == '\\' => i += 3 + chars[i + 3..].iter().take_while(|c| **c != '\'').count() + 1,
            '\'' if at(i + 2) == '\'' => i += 3,
            ':' if at(i + 1) == ':' => i += 2,
            c if is_word(c) => i += chars[i..].iter().take_while(|c| is_word(**c)).count(),
            _ => i += 1,
        }
        let token: String = chars[start..i.min(chars.len())].iter().collect();
        let is_literal = token.len() > 1 && token.contains(['"', '\'', '/']);
        if !token.trim().is_empty() && !is_literal {
            found.push(token);
        }
    }
    without_tests(found)
}

/// Where the item that begins at a token ends: after its `;` or its braces.
fn end_of_item(tokens: &[String], from: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            ";" if depth == 0 => return i + 1,
            _ => {}
        }
        if depth == 0 && token == "}" {
            return i + 1;
        }
    }
    tokens.len()
}

fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let condition = &tokens[i..tokens.len().min(i + 9)];
        let condition = condition.split(|token| token == "]").next().unwrap_or_default();
        if condition.starts_with(&["#", "[", "cfg"].map(str::to_owned)) && condition.iter().any(|token| token == "test")
        {
            let end = tokens[i..].iter().position(|token| token == "]").unwrap_or_default();
            i = end_of_item(&tokens, i + end + 1);
        } else {
            kept.push(tokens[i].clone());
            i += 1;
        }
    }
    kept
}

/// The paths of a `use` with the name that each gives: `a::{b, c as d}` is `b` for `a::b` and `d` for `a::c`.
fn use_tree(tokens: &[String], i: &mut usize, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let mut path = before.to_vec();
    while *i < tokens.len() {
        match tokens[*i].as_str() {
            "{" => {
                while tokens[*i] != "}" {
                    *i += 1;
                    if tokens[*i] != "}" {
                        use_tree(tokens, i, &path, found);
                    }
                }
                *i += 1;
                return;
            }
            "," | "}" | ";" => break,
            "::" => {}
            "as" => {
                *i += 1;
                found.push((tokens[*i].clone(), path));
                *i += 1;
                return;
            }
            word => path.push(word.to_owned()),
        }
        *i += 1;
    }
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    if let Some(last) = path.last() {
        found.push((last.clone(), path));
    }
}

const ITEMS: [&str; 9] = ["struct", "enum", "union", "fn", "const", "static", "trait", "type", "mod"];

fn read(file: String, text: &str) -> Module {
    let tokens = tokens(text);
    let mut module = Module { file, imports: BTreeMap::new(), defines: BTreeSet::new(), names: BTreeSet::new() };
    let mut words = BTreeSet::new();
    let (mut i, mut depth) = (0, 0);
    while i < tokens.len() {
        let token = tokens[i].as_str();
        match token {
            "{" => depth += 1,
            "}" => depth -= 1,
            "use" => {
                i += 1;
                let mut found = Vec::new();
                use_tree(&tokens, &mut i, &[], &mut found);
                module.imports.extend(found);
                continue;
            }
            "mod" if tokens[i + 2] == ";" => {
                let name = tokens[i + 1].clone();
                module.imports.insert(name.clone(), vec!["self".to_owned(), name]);
                i += 2;
            }
            _ if ITEMS.contains(&token) && depth == 0 => {
                module.defines.insert(tokens[i + 1].clone());
            }
            _ if tokens.get(i + 1).is_some_and(|next| next == "::") => {
                let mut path = vec![token.to_owned()];
                while tokens.get(i + 1).is_some_and(|next| next == "::")
                    && tokens[i + 2].starts_with(char::is_alphabetic)
                {
                    path.push(tokens[i + 2].clone());
                    i += 2;
                }
                words.insert(path[0].clone());
                module.names.insert(path);
            }
            _ => {
                words.insert(token.to_owned());
            }
        }
        i += 1;
    }
    let used = module.imports.iter().filter(|(name, _)| words.contains(*name) || *name == "_");
    module.names.extend(used.map(|(_, path)| path.clone()).collect::<Vec<_>>());
    module
}

/// The module in which the item is defined that `path` means in the module `from`, and the item's name; nothing for another crate's, and
/// for a path that ends at a module.
fn home(modules: &Crate, from: &[String], path: &[String], depth: usize) -> Option<(Vec<String>, String)> {
    let mut at = from.to_vec();
    for (i, segment) in path.iter().enumerate() {
        match segment.as_str() {
            "crate" => at.clear(),
            "super" => {
                at.pop();
            }
            "self" => {}
            name => {
                let module = &modules[&at];
                let below = [at.as_slice(), &[name.to_owned()]].concat();
                let is_last = i + 1 == path.len();
                if !is_last && modules.contains_key(&below) {
                    at = below;
                    continue;
                }
                if module.defines.contains(name) {
                    return Some((at, name.to_owned()));
                }
                let import = module.imports.get(name).filter(|import| import.as_slice() != ["self", name]);
                if let Some(import) = import {
                    if depth == 0 || import[0] == name {
                        return None;
                    }
                    let whole = [import.as_slice(), &path[i + 1..]].concat();
                    return home(modules, &at, &whole, depth - 1);
                }
                if modules.contains_key(&below) {
                    at = below;
                } else if i == 0 {
                    // Another crate, or a name of the prelude.
                    return None;
                } else {
                    // What a macro defines.
                    return Some((at, name.to_owned()));
                }
            }
        }
    }
    None
}

/// The modules of files below `src/`, by their paths in the crate.
fn modules(files: impl IntoIterator<Item = (String, String)>) -> Crate {
    let modules = files.into_iter().map(|(file, text)| {
        let path = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').filter(|name| *name != "lib");
        (path.map(str::to_owned).collect(), read(file.clone(), &text))
    });
    modules.collect()
}

/// For each file the files that it uses, with the items of each.
fn uses(modules: &Crate) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<String>>> {
    let mut uses: BTreeMap<&str, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    for (path, module) in modules {
        let used = uses.entry(&module.file).or_default();
        for name in &module.names {
            if let Some((home, item)) = home(modules, path, name, 8)
                && home != *path
            {
                used.entry(&modules[&home].file).or_default().insert(item);
            }
        }
    }
    uses
}

/// All that can be reached from a file.
fn reached<'a>(uses: &BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<String>>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for &next in uses[file].keys() {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

/// The uses that are part of a circle, among files with their paths below `src/`.
pub(super) fn circles(files: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let modules = modules(files);
    let uses = uses(&modules);
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|&file| (file, reached(&uses, file))).collect();
    let mut found = Vec::new();
    for (file, used) in &uses {
        for (other, items) in used.iter().filter(|(other, _)| reached[*other].contains(file)) {
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            found.push(format!("{file} uses {other}: {}", items.join(", ")));
        }
    }
    found
}

/// The modules at the root of the crate that a source names, but for what only tests see.
pub(super) fn modules_named(text: &str) -> BTreeSet<String> {
    let module = read(String::new(), text);
    let paths = module.imports.values().chain(&module.names).filter(|path| path[0] == "crate");
    paths.filter_map(|path| path.get(1).cloned()).collect()
}

#[test]
fn a_name_leads_to_the_file_that_defines_it() {
    let parent = "mod b;\nmod c;\npub use b::B;\npub fn run() { c::go(\"crate::a::c::C\") }";
    let tests = "#[cfg(test)]\nmod tests { use super::super::run; }";
    let circles_of = |b: &str, c: &str| {
        let files = [("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/b.rs", b), ("a/c.rs", c)];
        circles(files.map(|(file, text)| (file.to_owned(), text.to_owned())))
    };
    let b = "pub struct B<'c>(super::c::C<'c>);";
    let c = format!("pub struct C<'c>(&'c str);\npub fn go(_: &str) {{}} // super::run\n{tests}");
    assert_eq!(circles_of(b, &c), Vec::<String>::new());
    assert_eq!(
        circles_of(b, &format!("use super::B as Other;\n{c}\nfn other(_: Other) {{}}")),
        ["a/b.rs uses a/c.rs: C", "a/c.rs uses a/b.rs: B"]
    );
    assert_eq!(
        circles_of(b, &format!("{c}\npub fn again() {{ crate::a::run() }}")),
        ["a/c.rs uses a/mod.rs: run", "a/mod.rs uses a/c.rs: go"]
    );
}
