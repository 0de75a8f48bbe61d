//! The REFERENCES algorithm (RFC 5256 §3) step by step, and REFS, which leaves out what looks at subjects.

use super::forest::Forest;
use super::{Mark, Message, ThreadNode, mark};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A node: a message, or a dummy for one that is referred to or that was made.
type Node = u32;

/// Step 1: messages with their links.
#[derive(Debug, Default)]
pub(super) struct Builder {
    /// The node of each message id.
    ids: HashMap<Mark, Node>,
    forest: Forest,
    /// For each node its message's place; `None` for a dummy.
    messages: Vec<Option<u32>>,
    count: u32,
}

impl Builder {
    /// Takes the next message in the order of the mailbox, with its normalised ids.
    pub(super) fn add<'a>(&mut self, id: Option<&str>, references: impl Iterator<Item = &'a str>) {
        let known = id.map(|id| self.node(id));
        // A second message with an id gets one of its own, as one without.
        let node = known.filter(|node| self.message(*node).is_none()).unwrap_or_else(|| self.new_node());
        if let Some(message) = place(node).and_then(|at| self.messages.get_mut(at)) {
            *message = Some(self.count);
        }
        self.count = self.count.saturating_add(1);
        // (A)
        let mut before: Option<Node> = None;
        for id in references {
            let reference = self.node(id);
            if let Some(parent) = before
                && self.forest.parent(reference).is_none()
            {
                self.forest.link(reference, parent);
            }
            before = Some(reference);
        }
        // (B)
        if self.forest.parent(node) != before || before.is_none() {
            self.forest.cut(node);
            if let Some(parent) = before {
                self.forest.link(node, parent);
            }
        }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    fn node(&mut self, id: &str) -> Node {
        let id = mark(id);
        if let Some(node) = self.ids.get(&id) {
            return *node;
        }
        let node = self.new_node();
        self.ids.insert(id, node);
        node
    }

    fn new_node(&mut self) -> Node {
        self.messages.push(None);
        self.forest.add()
    }

    fn message(&self, node: Node) -> Option<u32> {
        place(node).and_then(|at| self.messages.get(at)).copied().flatten()
    }

    /// The threads of all messages that were taken, in the same order: steps 2 to 6.
    pub(super) fn threads(mut self, messages: &[Message], by_subject: bool) -> Vec<ThreadNode> {
        // Nobody asks for an id any more.
        self.ids = HashMap::new();
        let mut trees = Trees::prune(&self, messages);
        if by_subject {
            trees.sort_roots();
            trees.merge_subjects();
            trees.sort_children();
            trees.sort_roots();
        } else {
            trees.sort_children();
            trees.sort_roots_by_arrival();
        }
        trees.flatten()
    }
}

fn place(node: Node) -> Option<usize> {
    usize::try_from(node).ok()
}

fn number(at: usize) -> Node {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The children of all nodes, each node's ascending, in two lists rather than one for each.
struct Below {
    children: Vec<Node>,
    /// Where those of each node end.
    ends: Vec<u32>,
}

impl Below {
    fn new(forest: &Forest) -> Self {
        let count = forest.len();
        let parent = |node: Node| forest.parent(node).and_then(place);
        let mut ends = vec![0_u32; count];
        for at in (0..number(count)).filter_map(parent) {
            ends.get_mut(at).into_iter().for_each(|end| *end += 1);
        }
        let mut total = 0;
        // First where they begin: each child that is put in moves the end on.
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut children = vec![0; place(total).unwrap_or_default()];
        for node in 0..number(count) {
            let Some(end) = parent(node).and_then(|at| ends.get_mut(at)) else { continue };
            place(*end).and_then(|at| children.get_mut(at)).into_iter().for_each(|child| *child = node);
            *end += 1;
        }
        Self { children, ends }
    }

    fn of(&self, at: usize) -> &[Node] {
        let end = |at: usize| self.ends.get(at).copied().and_then(place).unwrap_or_default();
        let start = at.checked_sub(1).map_or(0, end);
        self.children.get(start..end(at)).unwrap_or_default()
    }
}

/// What messages are sorted by: a date, then the order of the mailbox.
type Key = (i64, u32);

/// The threads as they are from step 2 on.
struct Trees<'m> {
    messages: &'m [Message],
    nodes: Vec<TreeNode>,
    roots: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct TreeNode {
    message: Option<u32>,
    children: Vec<Node>,
}

impl<'m> Trees<'m> {
    /// Steps 2 and 3. A dummy's children go to whoever is above it and stays: the next message, or a dummy at the top.
    fn prune(builder: &Builder, messages: &'m [Message]) -> Self {
        let count = builder.forest.len();
        let below = Below::new(&builder.forest);
        let mut order: Vec<Node> = Vec::with_capacity(count);
        order.extend((0..number(count)).filter(|node| builder.forest.parent(*node).is_none()));
        let top = order.len();
        let mut nodes = vec![TreeNode::default(); count];
        // For each node the one that its children go to.
        let mut holders: Vec<Node> = (0..number(count)).collect();
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next += 1;
            let message = builder.message(node);
            let holder = builder.forest.parent(node).and_then(place).and_then(|at| holders.get(at)).copied();
            if let (Some(holder), Some(at)) = (holder, place(node)) {
                if message.is_none() {
                    holders.get_mut(at).into_iter().for_each(|own| *own = holder);
                } else if let Some(above) = place(holder).and_then(|at| nodes.get_mut(at)) {
                    above.children.push(node);
                }
            }
            if let Some(at) = place(node) {
                nodes.get_mut(at).into_iter().for_each(|own| own.message = message);
                order.extend_from_slice(below.of(at));
            }
        }
        let mut trees = Self { messages, nodes, roots: Vec::with_capacity(top) };
        for node in order.into_iter().take(top) {
            match (trees.message(node), trees.children(node)) {
                (None, []) => {}
                (None, [only]) => {
                    let only = *only;
                    trees.roots.push(only);
                }
                _ => trees.roots.push(node),
            }
        }
        trees
    }

    fn message(&self, node: Node) -> Option<&'m Message> {
        let at = place(node).and_then(|at| self.nodes.get(at)).and_then(|node| node.message);
        at.and_then(place).and_then(|at| self.messages.get(at))
    }

    fn children(&self, node: Node) -> &[Node] {
        place(node).and_then(|at| self.nodes.get(at)).map(|node| node.children.as_slice()).unwrap_or_default()
    }

    fn change(&mut self, node: Node, change: impl FnOnce(&mut Vec<Node>)) {
        if let Some(node) = place(node).and_then(|at| self.nodes.get_mut(at)) {
            change(&mut node.children);
        }
    }

    /// The message that speaks for a node: its own, or that of a dummy's first child.
    fn speaker(&self, node: Node) -> Option<&'m Message> {
        self.message(node).or_else(|| self.children(node).first().and_then(|first| self.message(*first)))
    }

    /// By sent date, then by the order of the mailbox (RFC 5256 §2.2).
    fn key(&self, node: Node) -> Key {
        self.speaker(node).map_or((i64::MAX, u32::MAX), |message| (message.sent, message.uid.get()))
    }

    /// Sorts the children of one node.
    fn sort_below(&mut self, node: Node) {
        let mut children = Vec::new();
        self.change(node, |own| children = std::mem::take(own));
        children.sort_by_cached_key(|child| self.key(*child));
        self.change(node, |own| *own = children);
    }

    /// Step 4: threads by their first message, dummies by the first of their children.
    fn sort_roots(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        for root in &roots {
            if self.message(*root).is_none() {
                self.sort_below(*root);
            }
        }
        roots.sort_by_cached_key(|root| self.key(*root));
        self.roots = roots;
    }

    /// Step 6 but for the roots: no child is a dummy, so the order of the sets does not matter.
    fn sort_children(&mut self) {
        for node in 0..number(self.nodes.len()) {
            if self.children(node).len() > 1 {
                self.sort_below(node);
            }
        }
    }

    /// What REFS has in place of steps 4 to 6: the thread with the most recent message comes last.
    fn sort_roots_by_arrival(&mut self) {
        let mut keys: Vec<(Key, Node)> = Vec::with_capacity(self.roots.len());
        for root in &self.roots {
            let mut newest = (i64::MIN, 0);
            let mut open = vec![*root];
            while let Some(node) = open.pop() {
                if let Some(message) = self.message(node) {
                    newest = newest.max((message.arrived, message.uid.get()));
                }
                open.extend_from_slice(self.children(node));
            }
            keys.push((newest, *root));
        }
        keys.sort_unstable();
        self.roots = keys.into_iter().map(|(_, root)| root).collect();
    }

    /// Step 5: threads with the same base subject become one.
    fn merge_subjects(&mut self) {
        let mut table = self.subject_table();
        let roots = std::mem::take(&mut self.roots);
        let mut merged: Vec<Node> = Vec::with_capacity(roots.len());
        for current in roots {
            let Some(subject) = self.speaker(current).and_then(|speaker| speaker.subject) else {
                merged.push(current);
                continue;
            };
            let Some(other) = table.get(&subject).copied().filter(|other| *other != current) else {
                merged.push(current);
                continue;
            };
            match (self.message(current), self.message(other)) {
                (None, None) => {
                    let mut children = Vec::new();
                    self.change(current, |own| children = std::mem::take(own));
                    self.change(other, |own| own.append(&mut children));
                }
                (Some(_), None) => self.change(other, |own| own.push(current)),
                (Some(own), Some(theirs)) if own.is_reply && !theirs.is_reply => {
                    self.change(other, |own| own.push(current));
                }
                _ => {
                    let dummy = number(self.nodes.len());
                    self.nodes.push(TreeNode { message: None, children: vec![other, current] });
                    // It stands where the other did, or will stand.
                    merged.push(dummy);
                    table.insert(subject, dummy);
                }
            }
        }
        // Who has been put below another is no root any longer.
        let mut is_child = vec![false; self.nodes.len()];
        for root in &merged {
            for child in self.children(*root) {
                place(*child).and_then(|at| is_child.get_mut(at)).into_iter().for_each(|is_child| *is_child = true);
            }
        }
        merged.retain(|root| !place(*root).and_then(|at| is_child.get(at)).copied().unwrap_or_default());
        self.roots = merged;
    }

    /// (A) and (B).
    fn subject_table(&self) -> HashMap<Mark, Node> {
        let mut table: HashMap<Mark, Node> = HashMap::new();
        for current in self.roots.iter().copied() {
            let Some(subject) = self.speaker(current).and_then(|speaker| speaker.subject) else { continue };
            match table.entry(subject) {
                Entry::Vacant(vacant) => drop(vacant.insert(current)),
                Entry::Occupied(mut occupied) => {
                    let Some(before) = self.message(*occupied.get()) else { continue };
                    if self.message(current).is_none_or(|own| before.is_reply && !own.is_reply) {
                        occupied.insert(current);
                    }
                }
            }
        }
        table
    }

    /// The answer: each node before its children.
    fn flatten(&self) -> Vec<ThreadNode> {
        let mut out = Vec::with_capacity(self.messages.len());
        let mut open: Vec<(Node, u32)> = self.roots.iter().rev().map(|root| (*root, 0)).collect();
        while let Some((node, depth)) = open.pop() {
            let children = self.children(node);
            let uid = self.message(node).map(|message| message.uid);
            out.push(ThreadNode { uid, depth, children: number(children.len()) });
            open.extend(children.iter().rev().map(|child| (*child, depth.saturating_add(1))));
        }
        out
    }
}
