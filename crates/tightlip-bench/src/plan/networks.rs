//! The networks of a suite: which there are, what they are called, and what they are.

use std::path::{Component, Path, PathBuf};

use crate::source::{NetworkSource, digest_of, sizes};
use crate::suite::{NetworkEntry, RandomFamily};

/// A network with a name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Unique in the suite.
    pub name: String,
    /// Where it comes from, as the row says it.
    pub source: String,
    /// The network, or why it is not here.
    pub model: Result<NetworkSource, String>,
    /// Digest its canonical weights must have.
    pub sha256: Option<String>,
    /// Digest of the file's bytes.
    pub digest: Option<String>,
}

/// The networks of one entry.
pub(super) fn of_entry(entry: &NetworkEntry, suite: &Path, external: Option<&Path>) -> Result<Vec<Named>, String> {
    let mut named = match (&entry.files, &entry.external, &entry.random, &entry.chordal, &entry.eclipse) {
        (Some(patterns), None, None, None, None) => files(entry, patterns, suite)?,
        (None, Some(file), None, None, None) => vec![external_file(entry, file, external)?],
        (None, None, Some(family), None, None) => generated(random_family(family)?)?,
        (None, None, None, Some(family), None) => {
            let pairs = family.widths.iter().flat_map(|&width| family.depths.iter().map(move |&depth| (width, depth)));
            generated(pairs.map(|(width, depth)| NetworkSource::Chordal { width, depth }).collect())?
        }
        (None, None, None, None, Some(family)) => {
            let mut sources = Vec::new();
            for &neurons in &family.neurons {
                for &layers in &family.layers {
                    let rounds = family.rounds.iter();
                    sources.extend(rounds.map(|&round| NetworkSource::Eclipse { neurons, layers, round }));
                }
            }
            generated(sources)?
        }
        _ => {
            return Err(
                "a [[network]] wants exactly one of `files`, `external`, `random`, `chordal`, `eclipse`".to_owned()
            );
        }
    };
    if named.is_empty() {
        return Err("a [[network]] describes no network: one of its lists is empty".to_owned());
    }
    if entry.files.is_none() && entry.external.is_none() && entry.activation.is_some() {
        return Err("`activation` beside a generator: give it inside `random = { … }`".to_owned());
    }
    if entry.external.is_none() && (entry.sha256.is_some() || entry.about.is_some()) {
        return Err("`sha256` and `about` belong to networks with `external`".to_owned());
    }
    match (&entry.name, named.as_mut_slice()) {
        (Some(name), [one]) => one.name.clone_from(name),
        (Some(name), many) => return Err(format!("the name {name} is given to {} networks: leave it out", many.len())),
        (None, _) => {}
    }
    Ok(named)
}

/// Refuses two networks of one name; a network of one of the first `earlier` names, which are those of the entries before, may
/// come again, with other methods and questions.
pub(super) fn keep_names_apart(names: &mut Vec<(String, String)>, earlier: usize, named: &Named) -> Result<(), String> {
    if named.name.is_empty() || named.name.chars().any(char::is_control) {
        return Err(format!(
            "the name of {:?} is empty or has control characters: give the network another `name`",
            named.source
        ));
    }
    let known = names.iter().enumerate().find(|(_, (name, _))| *name == named.name);
    match known {
        None => names.push((named.name.clone(), named.source.clone())),
        Some((place, (_, source))) if place < earlier && *source == named.source => {}
        Some((_, (_, source))) => {
            return Err(format!(
                "two networks are called {}: {source} and {}; give one of them a `name`, or leave it out",
                named.name, named.source
            ));
        }
    }
    Ok(())
}

/// Model files by name or pattern, in alphabetical order for each pattern.
fn files(entry: &NetworkEntry, patterns: &[String], suite: &Path) -> Result<Vec<Named>, String> {
    let mut named = Vec::new();
    for pattern in patterns {
        let place = NetworkEntry::place(suite, pattern);
        let mut paths = if pattern.contains(['*', '?', '[']) {
            // The folder of the suite is no pattern, whatever it is called.
            let folder = suite.parent().unwrap_or(Path::new("")).to_string_lossy();
            let all = NetworkEntry::place(&Path::new(&glob::Pattern::escape(&folder)).join("suite"), pattern);
            let found = glob::glob(&all.to_string_lossy()).map_err(|error| format!("files: `{pattern}`: {error}"))?;
            found.filter_map(Result::ok).filter(|path| path.is_file()).collect()
        } else {
            vec![place.clone()]
        };
        paths.sort();
        if paths.is_empty() {
            return Err(format!("files: nothing matches `{pattern}` (looked for {})", place.display()));
        }
        for path in paths {
            let path = tidied(&path);
            let digest = digest_of(&path).map_err(|error| {
                format!("files: {} cannot be read: {error}; paths are relative to the suite file", path.display())
            })?;
            let model = NetworkSource::File { path, activation: entry.activation };
            named.push(Named {
                name: model.name(),
                source: model.to_string(),
                model: Ok(model),
                sha256: None,
                digest: Some(digest),
            });
        }
    }
    Ok(named)
}

/// A file that is not part of this repository.
fn external_file(entry: &NetworkEntry, file: &str, external: Option<&Path>) -> Result<Named, String> {
    let Some(sha256) = entry.sha256.clone() else {
        return Err(format!("external = {file}: want its `sha256`, or nobody knows which network was measured"));
    };
    if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(format!(
            "external = {file}: `sha256` is {sha256:?}, want 64 digits 0-9 and a-f, as `tightlip info` prints them"
        ));
    }
    let about = entry.about.as_deref().map_or_else(String::new, |about| format!(" ({about})"));
    let (model, digest) = match external.map(|folder| folder.join(file)) {
        None => (Err(format!("not part of this repository{about}: give its folder with --external")), None),
        Some(path) => match digest_of(&path) {
            Ok(digest) => (Ok(NetworkSource::File { path, activation: entry.activation }), Some(digest)),
            Err(error) => (Err(format!("{file} is not in the folder of --external{about}: {error}")), None),
        },
    };
    let path = PathBuf::from(file);
    let name = NetworkSource::File { path, activation: None }.name();
    let activation = entry.activation.map_or_else(String::new, |activation| format!("?{activation}"));
    Ok(Named { name, source: format!("external:{file}{activation}"), model, sha256: Some(sha256), digest })
}

/// Every network of a random family.
fn random_family(family: &RandomFamily) -> Result<Vec<NetworkSource>, String> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for text in &family.dims {
        all.push(sizes(text).map_err(|what| format!("random: dims `{text}`: {what}"))?);
    }
    match (family.inputs, family.outputs, family.widths.is_empty(), family.depths.is_empty()) {
        (None, None, true, true) => {}
        (Some(inputs), Some(outputs), false, false) => {
            for &width in &family.widths {
                for &depth in &family.depths {
                    // Through the text, which knows what is absurd.
                    let text = format!("{inputs}-{depth}x{width}-{outputs}");
                    all.push(sizes(&text).map_err(|what| format!("random: `{text}`: {what}"))?);
                }
            }
        }
        _ => return Err("random: `inputs`, `outputs`, `widths` and `depths` belong together".to_owned()),
    }
    let (seeds, activation) = (&family.seeds, family.activation);
    let with_seeds = |dims: &Vec<usize>| {
        seeds.iter().map(|&seed| NetworkSource::Random { dims: dims.clone(), activation, seed }).collect::<Vec<_>>()
    };
    Ok(all.iter().flat_map(with_seeds).collect())
}

/// Names for generated networks.
///
/// # Errors
/// If a published family does not have one of them.
fn generated(sources: Vec<NetworkSource>) -> Result<Vec<Named>, String> {
    sources.iter().try_for_each(NetworkSource::check).map_err(|error| error.to_string())?;
    let named = |model: NetworkSource| Named {
        name: model.name(),
        source: model.to_string(),
        model: Ok(model),
        sha256: None,
        digest: None,
    };
    Ok(sources.into_iter().map(named).collect())
}

/// The path without `.` and without a folder that is left again at once.
fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}
