;; A loop's header takes parameters for what the loop assigns and reads, and for nothing else.
(module
  (func (export "sum") (param $n i32) (param $step i32) (result i32) (local $i i32) (local $sum i32) (local $unused i32)
    (loop $again
      (local.set $unused (local.get $i))
      (local.set $sum (i32.add (local.get $sum) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (local.get $step)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum))

  ;; Both arms assign: one parameter. Only one is read afterwards.
  (func (export "arms") (param $c i32) (param $a i32) (param $b i32) (result i32)
    (if (local.get $c)
      (then (local.set $a (i32.const 1)) (local.set $b (i32.const 2)))
      (else (local.set $a (i32.const 3))))
    (local.get $a))

  ;; Assigned where control does not come back: no parameter.
  (func (export "dead_end") (param $c i32) (param $a i32) (result i32)
    (if (local.get $c) (then (local.set $a (i32.const 1)) (unreachable)))
    (local.get $a))

  ;; The inner loop assigns what the outer one reads at its start.
  (func (export "nested") (param $n i32) (result i32) (local $x i32)
    (loop $outer
      (loop $inner
        (local.set $x (i32.add (local.get $x) (i32.const 1)))
        (br_if $inner (i32.and (local.get $x) (i32.const 7))))
      (br_if $outer (i32.lt_u (local.get $x) (local.get $n))))
    (local.get $x)))
=====
function "m::0" (i64, i32, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i32):
  v8 = iconst.i32 0
  jump block1(v8, v8)
block1(v3: i32, v4: i32):
  v5 = iadd.i32 v4, v3
  v6 = iadd.i32 v3, v2
  v7 = icmp.i32 ult v6, v1
  brif v7, block1(v6, v5), block2
block2:
  return v5
}

function "m::1" (i64, i32, i32, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i32, v3: i32):
  brif v1, block1, block3
block1:
  v4 = iconst.i32 1
  v5 = iconst.i32 2
  jump block2(v4)
block3:
  v6 = iconst.i32 3
  jump block2(v6)
block2(v7: i32):
  return v7
}

function "m::2" (i64, i32, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i32):
  brif v1, block1, block2
block1:
  v3 = iconst.i32 1
  trap code1
block2:
  return v2
}

function "m::3" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v9 = iconst.i32 0
  jump block1(v9)
block1(v7: i32):
  jump block2(v7)
block2(v2: i32):
  v3 = iconst.i32 1
  v4 = iadd.i32 v2, v3
  v5 = iconst.i32 7
  v6 = band.i32 v4, v5
  brif v6, block2(v4), block3
block3:
  v8 = icmp.i32 ult v4, v1
  brif v8, block1(v4), block4
block4:
  return v4
}

