// Objects: binary trees that are allocated, walked and given back to a list of free nodes.
let free: usize = 0;
const heap = memory.data(1 << 22, 16);
let top: usize = heap;
@unmanaged class Node {
  left: Node | null;
  right: Node | null;
  value: i32;
}
function allocate(): Node {
  let at = free;
  if (at) free = load<usize>(at);
  else {
    at = top;
    top += offsetof<Node>();
  }
  return changetype<Node>(at);
}
function grow(depth: i32, value: i32): Node {
  const node = allocate();
  node.value = value;
  node.left = depth > 0 ? grow(depth - 1, value * 2) : null;
  node.right = depth > 0 ? grow(depth - 1, value * 2 + 1) : null;
  return node;
}
function sum(node: Node | null): i32 {
  return node ? sum(node.left) + node.value - sum(node.right) : 0;
}
function release(node: Node | null): void {
  if (!node) return;
  release(node.left);
  release(node.right);
  store<usize>(changetype<usize>(node), free);
  free = changetype<usize>(node);
}
export function run(rounds: i32): i32 {
  let result = 0;
  for (let r = 0; r < rounds; r++) {
    const tree = grow(8 + (r & 7), r);
    result = result * 31 + sum(tree);
    release(tree);
  }
  return result;
}
