//! Which file uses which, and the circles among them. An import is followed through the `pub use` of a folder to the file that
//! declares the item, so that a folder's `mod.rs` neither hides a circle nor makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Sources, code};

/// The path of a module below the root of the crate: `["domain", "token"]`.
type Module = Vec<String>;

/// One file of `src` as a module.
struct File {
    path: PathBuf,
    /// Every path that the file names outside of its `pub use` lines, as it is written.
    names: Vec<Vec<String>>,
    /// What the file passes on under a name: where that comes from.
    passed_on: BTreeMap<String, Vec<String>>,
}

/// The circles of files, each as the sorted paths of its files.
pub fn circles(sources: &Sources) -> Vec<Vec<PathBuf>> {
    let modules: BTreeMap<Module, File> =
        sources.iter().filter_map(|(path, text)| Some((module(path)?, read(path, text)))).collect();
    let mut uses: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    for (module, file) in &modules {
        let used = file.names.iter().filter_map(|name| resolve(&modules, module, name, 0));
        uses.insert(module, used.filter(|used| *used != module).collect());
    }
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        uses.keys().map(|module| (*module, reachable(&uses, module))).collect();
    let mut found = BTreeSet::new();
    for (module, reachable) in &reached {
        if reachable.contains(module) {
            let together = reachable.iter().filter(|other| reached[**other].contains(module));
            found.insert(together.map(|other| modules[*other].path.clone()).collect::<Vec<_>>());
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(uses: &BTreeMap<&'a Module, BTreeSet<&'a Module>>, start: &Module) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut frontier: Vec<&Module> = uses[start].iter().copied().collect();
    while let Some(module) = frontier.pop() {
        if let Some((module, next)) = uses.get_key_value(module)
            && reached.insert(*module)
        {
            frontier.extend(next);
        }
    }
    reached
}

/// The module that a file of `src` is; test files are none.
fn module(path: &Path) -> Option<Module> {
    let path = path.strip_prefix("src").ok()?.with_extension("");
    let mut names: Module = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    match names.last()?.as_str() {
        "tests" | "lib" | "main" => return None,
        "mod" => drop(names.pop()),
        _ => {}
    }
    Some(names)
}

/// The module that declares what a path names. A path into another crate, or of a local name, is `None`.
fn resolve<'a>(
    modules: &'a BTreeMap<Module, File>,
    from: &Module,
    name: &[String],
    passed: usize,
) -> Option<&'a Module> {
    let mut rest = name.iter();
    let mut here: Module = match name.first()?.as_str() {
        "crate" => {
            rest.next();
            Vec::new()
        }
        "self" | "super" => {
            let climbs = name.iter().take_while(|part| *part == "super").count();
            rest.nth(climbs.max(1) - 1);
            from.iter().take(from.len().checked_sub(climbs)?).cloned().collect()
        }
        first => {
            let child: Module = from.iter().cloned().chain([first.to_owned()]).collect();
            let known = modules.contains_key(&child) || modules.get(from)?.passed_on.contains_key(first);
            known.then(|| from.clone())?
        }
    };
    while let Some(part) = rest.next() {
        let child: Module = here.iter().cloned().chain([part.clone()]).collect();
        if modules.contains_key(&child) {
            here = child;
        } else if let Some(origin) = modules.get(&here).and_then(|file| file.passed_on.get(part))
            && passed < 8
        {
            let origin: Vec<String> = origin.iter().chain(rest).cloned().collect();
            return resolve(modules, &here, &origin, passed + 1);
        } else {
            break;
        }
    }
    modules.get_key_value(&here).map(|(module, _)| module)
}

fn read(path: &Path, text: &str) -> File {
    let text = code(text);
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut file = File { path: path.to_path_buf(), names: Vec::new(), passed_on: BTreeMap::new() };
    let (mut lines, mut body) = (text.lines(), String::new());
    while let Some(line) = lines.next() {
        let Some((public, start)) = import(line) else {
            body.push_str(line);
            body.push('\n');
            continue;
        };
        let mut tree = start.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap_or(";"));
        }
        for (name, origin) in expand(&[], tree.split(';').next().unwrap_or_default()) {
            if public {
                file.passed_on.insert(name, origin);
            } else {
                file.names.push(origin);
            }
        }
    }
    file.names.extend(paths(&body));
    file
}

/// Whether a line begins an import that passes on what it names, and what follows `use`; `None` for any other line.
fn import(line: &str) -> Option<(bool, &str)> {
    let line = line.trim_start();
    if let Some(tree) = line.strip_prefix("use ") {
        return Some((false, tree));
    }
    let (visibility, tree) = line.split_once(" use ")?;
    (visibility == "pub" || visibility.starts_with("pub(") && visibility.ends_with(')')).then_some((true, tree))
}

/// The names that an import brings in, each with the path that it stands for.
fn expand(before: &[String], tree: &str) -> Vec<(String, Vec<String>)> {
    let tree = tree.trim();
    let parts = |text: &str| -> Vec<String> {
        let named = text.split("::").map(|part| part.trim().to_owned());
        before.iter().cloned().chain(named.filter(|part| !part.is_empty())).collect()
    };
    if let Some((start, list)) = tree.split_once('{') {
        let before = parts(start);
        return super::top_level(list).into_iter().flat_map(|item| expand(&before, item)).collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path = parts(path);
    path.pop_if(|last| last == "self" && !before.is_empty());
    let name = alias.map(str::to_owned).or_else(|| path.last().cloned());
    name.map(|name| (name, path)).into_iter().collect()
}

/// Every path of two parts or more that a text names outside of imports.
fn paths(body: &str) -> Vec<Vec<String>> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = body.split(|letter| !is_part(letter)).filter(|word| word.contains("::") && !word.starts_with("::"));
    words.map(|word| word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()).collect()
}
