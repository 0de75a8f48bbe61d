//! Trees that grow by links and lose some, and tell the root of any node in logarithmic time, amortised: link-cut trees
//! (Sleator and Tarjan), whose paths are splay trees. Without them a chain of replies that comes in the wrong order
//! would cost the square of its length, only to find out that it has no loop.

/// No node.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The parent in the tree.
    parent: u32,
    /// In its path's splay tree: towards the root of the tree.
    left: u32,
    /// Away from it.
    right: u32,
    /// Above it in the splay tree; of the topmost the parent of the path.
    up: u32,
    has_children: bool,
}

const ALONE: Node = Node { parent: NONE, left: NONE, right: NONE, up: NONE, has_children: false };

/// The trees.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
}

impl Forest {
    /// A node of its own.
    pub(super) fn add(&mut self) -> u32 {
        let number = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(ALONE);
        number
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The parent of a node.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        Some(self.at(node).parent).filter(|parent| *parent != NONE)
    }

    /// Makes a node that has no parent the child of another, unless that would be a loop.
    pub(super) fn link(&mut self, child: u32, parent: u32) {
        debug_assert!(self.at(child).parent == NONE, "a node has one parent");
        // A node without children is above nobody.
        if child == parent || self.at(child).has_children && self.root(parent) == child {
            return;
        }
        self.access(child);
        self.change(child, |node| {
            node.up = parent;
            node.parent = parent;
        });
        self.change(parent, |node| node.has_children = true);
    }

    /// Takes a node away from its parent.
    pub(super) fn cut(&mut self, child: u32) {
        if self.at(child).parent == NONE {
            return;
        }
        self.access(child);
        let above = self.at(child).left;
        self.change(above, |node| node.up = NONE);
        self.change(child, |node| {
            node.left = NONE;
            node.parent = NONE;
        });
    }

    fn root(&mut self, node: u32) -> u32 {
        self.access(node);
        let mut root = node;
        while self.at(root).left != NONE {
            root = self.at(root).left;
        }
        self.splay(root);
        root
    }

    /// Makes the path from the root to a node one splay tree, with the node on top.
    fn access(&mut self, node: u32) {
        let mut below = NONE;
        let mut top = node;
        while top != NONE {
            self.splay(top);
            self.change(top, |node| node.right = below);
            below = top;
            top = self.at(top).up;
        }
        self.splay(node);
    }

    fn splay(&mut self, node: u32) {
        while let Some(above) = self.above(node) {
            if let Some(top) = self.above(above) {
                let is_straight = (self.at(above).left == node) == (self.at(top).left == above);
                self.rotate(if is_straight { above } else { node });
            }
            self.rotate(node);
        }
    }

    /// Lifts a node above the one above it.
    fn rotate(&mut self, node: u32) {
        let Some(above) = self.above(node) else { return };
        let top = self.at(above).up;
        if self.above(above).is_some() {
            self.change(top, |top| {
                let side = if top.left == above { &mut top.left } else { &mut top.right };
                *side = node;
            });
        }
        let inner = if self.at(above).left == node {
            let inner = self.at(node).right;
            self.change(above, |above| above.left = inner);
            self.change(node, |node| node.right = above);
            inner
        } else {
            let inner = self.at(node).left;
            self.change(above, |above| above.right = inner);
            self.change(node, |node| node.left = above);
            inner
        };
        self.change(inner, |inner| inner.up = above);
        self.change(above, |above| above.up = node);
        self.change(node, |node| node.up = top);
    }

    /// The node above in the same splay tree.
    fn above(&self, node: u32) -> Option<u32> {
        let up = self.at(node).up;
        let above = self.at(up);
        (up != NONE && (above.left == node || above.right == node)).then_some(up)
    }

    fn at(&self, node: u32) -> Node {
        usize::try_from(node).ok().and_then(|at| self.nodes.get(at)).copied().unwrap_or(ALONE)
    }

    /// Changes a node; none is none.
    fn change(&mut self, node: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = usize::try_from(node).ok().and_then(|at| self.nodes.get_mut(at)) {
            change(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_kv::Seeded;

    #[test]
    fn trees_never_have_loops_and_refuse_nothing_else() {
        for seed in 0..200 {
            let mut random = Seeded::new(seed);
            let mut forest = Forest::default();
            let count = 2 + random.index(30);
            let mut parents: Vec<Option<u32>> = vec![None; count];
            for _ in 0..count {
                forest.add();
            }
            for _ in 0..200 {
                let child = u32::try_from(random.index(count)).unwrap();
                let parent = u32::try_from(random.index(count)).unwrap();
                if parents[child as usize].is_some() {
                    if random.chance(1, 3) {
                        forest.cut(child);
                        parents[child as usize] = None;
                    }
                } else {
                    let mut above = Some(parent);
                    while let Some(node) = above.filter(|node| *node != child) {
                        above = parents[node as usize];
                    }
                    forest.link(child, parent);
                    if above.is_none() {
                        parents[child as usize] = Some(parent);
                    }
                }
                let all: Vec<_> = (0..count).map(|node| forest.parent(u32::try_from(node).unwrap())).collect();
                assert_eq!(all, parents, "seed {seed}");
            }
        }
    }
}
