;; Structured control, operands on branches, code that can't be reached.
(module
  (type $two (func (param i32) (result i32 i32)))

  ;; Without a branch to it a block makes no blocks.
  (func (export "block") (param i32) (result i32)
    (block (result i32) (i32.add (local.get 0) (i32.const 1))))

  (func (export "br_if") (param i32) (result i32)
    (block (result i32)
      (drop (br_if 0 (i32.const 10) (local.get 0)))
      (i32.const 20)))

  (func (export "br") (param i32) (result i32)
    (block (br 0) (unreachable))
    (block (result i32) (br 0 (i32.const 3)) (i32.add (i32.const 1))))

  (func (export "if_params") (param i32) (result i32)
    (i32.const 1)
    (if (param i32) (result i32) (local.get 0) (then (i32.const 2) (i32.add))))

  (func (export "loop_params") (param i32) (result i32)
    (local.get 0)
    (loop (param i32) (result i32)
      (i32.const 1) (i32.sub) (local.set 0)
      (br_if 0 (local.get 0) (local.get 0))))

  (func (export "multi") (param i32) (result i32)
    (local.get 0)
    (block (type $two)
      (i32.const 5)
      (br_if 0 (i32.const 1)))
    (i32.mul))

  ;; A label that is named twice gets a block of its own.
  (func (export "br_table") (param i32) (result i32)
    (block $a (result i32)
      (block $b (result i32)
        (br_table $a $b $a $a (i32.const 7) (local.get 0)))
      (i32.const 1) (i32.add)))

  (func (export "br_table_one") (param i32)
    (block $a (br_table $a $a (local.get 0))))

  (func (export "br_table_return") (param i32) (result i32)
    (br_table 0 0 0 (i32.const 1) (local.get 0)))

  (func (export "return") (param i32) (result i32)
    (if (local.get 0) (then (return (i32.const 1))))
    (i32.const 2))

  (func (export "endless") (loop (br 0)))

  (func (export "dead_nesting")
    (unreachable)
    (block (loop (if (i32.const 0) (then (br 1)) (else (br 2))))) (drop))

  (func (export "select") (param i32 f64 f64) (result f64)
    (select (local.get 1) (local.get 2) (local.get 0))))
=====
function "m::0" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 1
  v3 = iadd.i32 v1, v2
  return v3
}

function "m::1" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 10
  brif v1, block1(v2), block2
block2:
  v3 = iconst.i32 20
  jump block1(v3)
block1(v4: i32):
  return v4
}

function "m::2" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  jump block1
block1:
  v2 = iconst.i32 3
  jump block2
block2:
  return v2
}

function "m::3" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 1
  brif v1, block1, block2(v2)
block1:
  v3 = iconst.i32 2
  v4 = iadd.i32 v2, v3
  jump block2(v4)
block2(v5: i32):
  return v5
}

function "m::4" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  jump block1(v1)
block1(v2: i32):
  v3 = iconst.i32 1
  v4 = isub.i32 v2, v3
  brif v4, block1(v4), block2
block2:
  return v4
}

function "m::5" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 5
  v3 = iconst.i32 1
  brif v3, block1, block2
block2:
  jump block1
block1:
  v4 = imul.i32 v1, v2
  return v4
}

function "m::6" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 7
  br_table v1, [block1, block2, block1, block1]
block1:
  jump block3(v2)
block2:
  v3 = iconst.i32 1
  v4 = iadd.i32 v2, v3
  jump block3(v4)
block3(v5: i32):
  return v5
}

function "m::7" (i64, i32) wasm [stack_check] {
block0(v0: i64, v1: i32):
  jump block1
block1:
  return
}

function "m::8" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 1
  return v2
}

function "m::9" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  brif v1, block1, block2
block1:
  v2 = iconst.i32 1
  return v2
block2:
  v3 = iconst.i32 2
  return v3
}

function "m::10" (i64) wasm [stack_check] {
block0(v0: i64):
  jump block1
block1:
  jump block1
}

function "m::11" (i64) wasm [stack_check] {
block0(v0: i64):
  trap code1
}

function "m::12" (i64, i32, f64, f64) -> f64 wasm [stack_check] {
block0(v0: i64, v1: i32, v2: f64, v3: f64):
  v4 = select.f64 v1, v2, v3
  return v4
}

