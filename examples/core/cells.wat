;; Rule 110: a row of 64 cells, each generation made from the one before. A core module, no component.
(module $cells
  (import "screen" "row" (func $row (param i32 i32)))
  (import "screen" "seed" (global $seed i64))
  (memory (export "memory") 1 1)
  (global $generation (export "generation") (mut i32) (i32.const 0))
  (global $cells (mut i64) (i64.const 0))

  ;; One character for each cell, at address 0.
  (func $draw (param $cells i64)
    (local $i i32)
    (loop $next
      (i32.store8 (local.get $i)
        (select (i32.const 0x23) (i32.const 0x2e)
          (i64.lt_s (local.get $cells) (i64.const 0))))
      (local.set $cells (i64.shl (local.get $cells) (i64.const 1)))
      (br_if $next
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64)))))

  ;; Makes `count` generations, and shows each to the host; gives how many cells live in the last.
  (func (export "run") (param $count i32) (result i64)
    (local $left i64) (local $right i64)
    (if (i32.eqz (global.get $generation)) (then (global.set $cells (global.get $seed))))
    (loop $next
      (if (local.get $count)
        (then
          (call $draw (global.get $cells))
          (call $row (i32.const 0) (i32.const 64))
          (local.set $left (i64.shr_u (global.get $cells) (i64.const 1)))
          (local.set $right (i64.shl (global.get $cells) (i64.const 1)))
          (global.set $cells
            (i64.and
              (i64.or (global.get $cells) (local.get $right))
              (i64.xor (i64.const -1)
                (i64.and (local.get $left) (i64.and (global.get $cells) (local.get $right))))))
          (global.set $generation (i32.add (global.get $generation) (i32.const 1)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    (i64.popcnt (global.get $cells))))
