//! What lies in the work tree: its files, its packages and what each of them imports.

use anyhow::Context;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: [&str; 3] = ["target", ".git", "postamt-trial"];

/// The work tree.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Every file, relative to the root, with `/`, sorted.
    pub(crate) files: Vec<String>,
    pub(crate) packages: Vec<Package>,
}

/// One package and what its manifest imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) folder: String,
    /// `[dependencies]` and `[build-dependencies]`, those of single targets too, under their real names.
    pub(crate) imports: BTreeSet<String>,
    /// `[dev-dependencies]`.
    pub(crate) test_imports: BTreeSet<String>,
}

type Dependencies = BTreeMap<String, toml::Value>;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Manifest {
    package: Option<PackageTable>,
    workspace: WorkspaceTable,
    dependencies: Dependencies,
    dev_dependencies: Dependencies,
    build_dependencies: Dependencies,
    target: BTreeMap<String, Manifest>,
}

#[derive(Deserialize)]
struct PackageTable {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkspaceTable {
    dependencies: Dependencies,
}

impl Workspace {
    /// Reads the tree under `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let files = list_files(root)?;
        let shared = parse(&read(root, "Cargo.toml")?)?.workspace.dependencies;
        let mut packages = Vec::new();
        for file in files.iter().filter(|file| file.ends_with("/Cargo.toml")) {
            let folder = file.trim_end_matches("/Cargo.toml");
            let package = read_package(folder, &read(root, file)?, &shared).with_context(|| file.clone())?;
            packages.extend(package);
        }
        Ok(Self { root: root.to_owned(), files, packages })
    }

    /// The text of a file that is known to be UTF-8.
    pub(crate) fn text(&self, file: &str) -> anyhow::Result<String> {
        read(&self.root, file)
    }

    /// The Rust sources.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &String> {
        self.files.iter().filter(|file| has_extension(file, "rs"))
    }

    /// Whether a file or folder of this name is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file == path || file.starts_with(&folder))
    }

    /// The names of the external dependencies that the root manifest lists.
    pub(crate) fn external_dependencies(&self) -> anyhow::Result<BTreeSet<String>> {
        let shared = parse(&self.text("Cargo.toml")?)?.workspace.dependencies;
        let external = shared.into_iter().filter(|(_, value)| value.get("path").is_none());
        Ok(external.map(|(name, _)| name).collect())
    }
}

/// Whether a path ends in `.extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn read(root: &Path, file: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
}

fn parse(text: &str) -> anyhow::Result<Manifest> {
    toml::from_str(text).context("not a manifest")
}

/// `None` for a manifest without a package.
fn read_package(folder: &str, text: &str, shared: &Dependencies) -> anyhow::Result<Option<Package>> {
    let manifest = parse(text)?;
    let Some(PackageTable { name }) = manifest.package else { return Ok(None) };
    let tables = || std::iter::once(&manifest.dependencies).chain([&manifest.build_dependencies]);
    let of_targets = manifest.target.values().flat_map(|t| [&t.dependencies, &t.build_dependencies]);
    let imports = tables().chain(of_targets).flatten().map(|row| real_name(row, shared)).collect();
    let tests =
        std::iter::once(&manifest.dev_dependencies).chain(manifest.target.values().map(|t| &t.dev_dependencies));
    let test_imports = tests.flatten().map(|row| real_name(row, shared)).collect();
    Ok(Some(Package { name, folder: folder.to_owned(), imports, test_imports }))
}

/// A dependency may be renamed by `package = "…"`, here or in the root.
fn real_name((key, value): (&String, &toml::Value), shared: &Dependencies) -> String {
    let renamed = |value: &toml::Value| value.get("package").and_then(toml::Value::as_str).map(str::to_owned);
    renamed(value).or_else(|| shared.get(key).and_then(renamed)).unwrap_or_else(|| key.clone())
}

fn list_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).with_context(|| format!("cannot list {folder}"))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = "[workspace.dependencies]\nclock = { version = \"1\", package = \"rand\" }\nbytes = \"1\"\n";

    fn package(text: &str) -> Package {
        let shared = parse(SHARED).unwrap().workspace.dependencies;
        read_package("crates/proto/imap", text, &shared).unwrap().unwrap()
    }

    #[test]
    fn dependencies_of_single_targets_and_builds_count_as_imports() {
        let found = package(
            "[package]\nname = \"proto-imap\"\n[dependencies]\nbytes.workspace = true\n\
             [build-dependencies]\ncc = \"1\"\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n\
             [dev-dependencies]\nproptest = \"1\"\n",
        );
        assert_eq!(found.imports, ["bytes", "cc", "libc"].map(String::from).into());
        assert_eq!(found.test_imports, ["proptest"].map(String::from).into());
    }

    #[test]
    fn a_renamed_dependency_keeps_its_real_name() {
        let here = package("[package]\nname = \"x\"\n[dependencies]\nt = { version = \"1\", package = \"tokio\" }\n");
        assert_eq!(here.imports, ["tokio"].map(String::from).into());
        let in_the_root = package("[package]\nname = \"x\"\n[dependencies]\nclock.workspace = true\n");
        assert_eq!(in_the_root.imports, ["rand"].map(String::from).into());
    }
}
