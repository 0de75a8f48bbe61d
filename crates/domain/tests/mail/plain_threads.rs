//! THREAD as RFC 5256 §3 words it, with trees that own their children, recursion, and loops found by walking up.

use domain::ThreadAlgorithm;
use std::collections::HashMap;

/// What a message tells.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) uid: u32,
    pub(crate) id: Option<String>,
    pub(crate) references: Vec<String>,
    pub(crate) sent: i64,
    pub(crate) arrived: i64,
    pub(crate) subject: String,
    pub(crate) is_reply: bool,
}

#[derive(Clone, Debug)]
struct Tree {
    told: Option<Told>,
    children: Vec<Tree>,
}

impl Tree {
    fn speaker(&self) -> &Told {
        self.told.as_ref().unwrap_or_else(|| self.children[0].told.as_ref().unwrap())
    }

    fn key(&self) -> (i64, u32) {
        (self.speaker().sent, self.speaker().uid)
    }

    fn newest(&self) -> (i64, u32) {
        let own = self.told.iter().map(|told| (told.arrived, told.uid));
        own.chain(self.children.iter().map(Tree::newest)).max().unwrap()
    }

    fn is_reply(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.is_reply)
    }
}

/// Each node's message with its depth.
pub(crate) fn threads(all: &[Told], algorithm: ThreadAlgorithm) -> Vec<(Option<u32>, u32)> {
    let trees = match algorithm {
        ThreadAlgorithm::OrderedSubject => by_subject(all),
        ThreadAlgorithm::References => {
            let mut roots = by_references(all);
            for root in &mut roots {
                root.children.sort_by_key(Tree::key);
            }
            roots.sort_by_key(Tree::key);
            let mut merged = merge(roots);
            sort(&mut merged);
            merged
        }
        ThreadAlgorithm::Refs => {
            let mut roots = by_references(all);
            sort(&mut roots);
            roots.sort_by_key(Tree::newest);
            roots
        }
    };
    let mut out = Vec::new();
    for tree in &trees {
        show(tree, 0, &mut out);
    }
    out
}

fn show(tree: &Tree, depth: u32, out: &mut Vec<(Option<u32>, u32)>) {
    out.push((tree.told.as_ref().map(|told| told.uid), depth));
    for child in &tree.children {
        show(child, depth + 1, out);
    }
}

/// Step 6.
fn sort(trees: &mut [Tree]) {
    for tree in &mut *trees {
        sort(&mut tree.children);
    }
    trees.sort_by_key(Tree::key);
}

fn by_subject(all: &[Told]) -> Vec<Tree> {
    let mut threads: HashMap<&str, Vec<Told>> = HashMap::new();
    for told in all {
        threads.entry(&told.subject).or_default().push(told.clone());
    }
    let mut out: Vec<Tree> = Vec::new();
    for mut thread in threads.into_values() {
        thread.sort_by_key(|told| (told.sent, told.uid));
        let mut trees = thread.into_iter().map(|told| Tree { told: Some(told), children: Vec::new() });
        let mut first = trees.next().unwrap();
        first.children = trees.collect();
        out.push(first);
    }
    out.sort_by_key(Tree::key);
    out
}

/// Steps 1 to 3.
fn by_references(all: &[Told]) -> Vec<Tree> {
    let mut nodes: HashMap<String, usize> = HashMap::new();
    let mut told: Vec<Option<Told>> = Vec::new();
    let mut own = Vec::new();
    for message in all {
        let id = message.id.clone().filter(|id| !nodes.contains_key(id));
        nodes.insert(id.unwrap_or_else(|| format!("unique {}", message.uid)), told.len());
        own.push(told.len());
        told.push(Some(message.clone()));
    }
    let mut parents: Vec<Option<usize>> = vec![None; told.len()];
    for (message, node) in all.iter().zip(own) {
        let mut before = None;
        for id in &message.references {
            let next = told.len();
            let reference = *nodes.entry(id.clone()).or_insert(next);
            if reference == next {
                told.push(None);
                parents.push(None);
            }
            if let Some(parent) = before
                && parents[reference].is_none()
                && !is_above(&parents, reference, parent)
            {
                parents[reference] = Some(parent);
            }
            before = Some(reference);
        }
        parents[node] = None;
        parents[node] = before.filter(|parent| !is_above(&parents, node, *parent));
    }
    let roots = (0..told.len()).filter(|node| parents[*node].is_none());
    let trees: Vec<Tree> = roots.map(|root| grow(root, &told, &parents)).collect();
    trees.into_iter().flat_map(|root| prune(root, true)).collect()
}

fn is_above(parents: &[Option<usize>], above: usize, mut node: usize) -> bool {
    while node != above {
        let Some(parent) = parents[node] else { return false };
        node = parent;
    }
    true
}

fn grow(node: usize, told: &[Option<Told>], parents: &[Option<usize>]) -> Tree {
    let children = (0..told.len()).filter(|child| parents[*child] == Some(node));
    Tree { told: told[node].clone(), children: children.map(|child| grow(child, told, parents)).collect() }
}

fn prune(tree: Tree, is_root: bool) -> Vec<Tree> {
    let children: Vec<Tree> = tree.children.into_iter().flat_map(|child| prune(child, false)).collect();
    if tree.told.is_none() && (children.len() < 2 || !is_root) {
        return children;
    }
    vec![Tree { told: tree.told, children }]
}

/// Step 5.
fn merge(roots: Vec<Tree>) -> Vec<Tree> {
    let mut table: HashMap<String, usize> = HashMap::new();
    for (place, root) in roots.iter().enumerate() {
        let subject = root.speaker().subject.clone();
        if subject.is_empty() {
            continue;
        }
        let replaces = table.get(&subject).is_none_or(|other| {
            let other = &roots[*other];
            other.told.is_some() && (root.told.is_none() || other.is_reply() && !root.is_reply())
        });
        if replaces {
            table.insert(subject, place);
        }
    }
    let count = roots.len();
    let mut roots: Vec<Option<Tree>> = roots.into_iter().map(Some).collect();
    for current in 0..count {
        let Some(subject) = roots[current].as_ref().map(|root| root.speaker().subject.clone()) else { continue };
        let other = table.get(&subject).copied().filter(|_| !subject.is_empty()).unwrap_or(current);
        if other == current {
            continue;
        }
        let own = roots[current].take().unwrap();
        let theirs = roots[other].as_mut().unwrap();
        match (&own.told, &theirs.told) {
            (None, None) => theirs.children.extend(own.children),
            (Some(_), None) => theirs.children.push(own),
            _ if own.is_reply() && !theirs.is_reply() => theirs.children.push(own),
            _ => {
                let theirs = roots[other].take().unwrap();
                table.insert(subject, roots.len());
                roots.push(Some(Tree { told: None, children: vec![theirs, own] }));
            }
        }
    }
    roots.into_iter().flatten().collect()
}
