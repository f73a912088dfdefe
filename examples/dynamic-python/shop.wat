;; A shopping list is priced: the prices come from the host, one item after the other.
;;
;;   package acme:shop@0.1.0;
;;   interface prices {
;;     enum level { info, warning }
;;     price: func(item: string) -> option<f64>;
;;     log: func(level: level, text: string);
;;   }
;;   interface cart {
;;     record line { item: string, count: u32 }
;;     variant outcome { empty, priced(f64), missing(list<string>) }
;;     record receipt { outcome: outcome, lines: list<line> }
;;     checkout: func(lines: list<line>) -> receipt;
;;     resource visitor { constructor(start: u32); visit: func() -> u32; }
;;   }
;;   world shop { import prices; export cart; }
(component
  (import "acme:shop/prices@0.1.0" (instance $prices
    (type $level-def (enum "info" "warning"))
    (export "level" (type $level (eq $level-def)))
    (export "price" (func (param "item" string) (result (option f64))))
    (export "log" (func (param "level" $level) (param "text" string)))))

  (core module $libc
    (memory (export "memory") 4)
    (data (i32.const 1024) "nothing to buy")
    (data (i32.const 1040) "not for sale")
    (global $top (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get 3))))
    (func (export "reset") (param i32) (global.set $top (i32.const 65536))))
  (core instance $libc (instantiate $libc))
  (core func $price (canon lower (func $prices "price") (memory (core memory $libc "memory"))))
  (core func $log (canon lower (func $prices "log") (memory (core memory $libc "memory"))))
  (type $visitor (resource (rep i32)))
  (core func $visitor-new (canon resource.new $visitor))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "host" "price" (func $price (param i32 i32 i32)))
    (import "host" "log" (func $log (param i32 i32 i32)))
    (import "host" "visitor-new" (func $visitor-new (param i32) (result i32)))
    ;; The receipt is at 64: outcome (case at 64, value at 72), lines at 80. A line is 12 bytes; the option of a price is at 16.
    (func (export "checkout") (param $lines i32) (param $count i32) (result i32)
      (local $at i32) (local $end i32) (local $missing i32) (local $next i32) (local $sum f64)
      (i32.store offset=80 (i32.const 0) (local.get $lines))
      (i32.store offset=84 (i32.const 0) (local.get $count))
      (i32.store8 offset=64 (i32.const 0) (i32.const 0))
      (if (i32.eqz (local.get $count)) (then
        (call $log (i32.const 0) (i32.const 1024) (i32.const 14))
        (return (i32.const 64))))
      (local.set $at (local.get $lines))
      (local.set $end (i32.add (local.get $lines) (i32.mul (local.get $count) (i32.const 12))))
      (local.set $missing (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 8))))
      (local.set $next (local.get $missing))
      (loop $more
        (call $price (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.const 16))
        (if (i32.load8_u (i32.const 16))
          (then (local.set $sum (f64.add (local.get $sum)
            (f64.mul (f64.load (i32.const 24)) (f64.convert_i32_u (i32.load offset=8 (local.get $at)))))))
          (else
            (call $log (i32.const 1) (i32.const 1040) (i32.const 12))
            (i64.store align=4 (local.get $next) (i64.load align=4 (local.get $at)))
            (local.set $next (i32.add (local.get $next) (i32.const 8)))))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
      (if (i32.eq (local.get $next) (local.get $missing))
        (then
          (i32.store8 offset=64 (i32.const 0) (i32.const 1))
          (f64.store offset=72 (i32.const 0) (local.get $sum)))
        (else
          (i32.store8 offset=64 (i32.const 0) (i32.const 2))
          (i32.store offset=72 (i32.const 0) (local.get $missing))
          (i32.store offset=76 (i32.const 0)
            (i32.shr_u (i32.sub (local.get $next) (local.get $missing)) (i32.const 3)))))
      (i32.const 64))
    ;; What stands for a visitor is the address of its count.
    (global $visitors (mut i32) (i32.const 2048))
    (func (export "visitor") (param i32) (result i32)
      (i32.store (global.get $visitors) (local.get 0))
      (call $visitor-new (global.get $visitors))
      (global.set $visitors (i32.add (global.get $visitors) (i32.const 4))))
    (func (export "visit") (param i32) (result i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (i32.load (local.get 0))))
  (core instance $main (instantiate $main (with "libc" (instance $libc)) (with "host" (instance
    (export "price" (func $price)) (export "log" (func $log)) (export "visitor-new" (func $visitor-new))))))

  (type $line (record (field "item" string) (field "count" u32)))
  (type $outcome (variant (case "empty") (case "priced" f64) (case "missing" (list string))))
  (type $receipt (record (field "outcome" $outcome) (field "lines" (list $line))))
  (func $checkout (param "lines" (list $line)) (result $receipt)
    (canon lift (core func $main "checkout") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))
      (post-return (core func $libc "reset"))))
  (func $new-visitor (param "start" u32) (result (own $visitor)) (canon lift (core func $main "visitor")))
  (func $visit (param "self" (borrow $visitor)) (result u32) (canon lift (core func $main "visit")))

  (component $cart
    (import "visitor" (type $visitor (sub resource)))
    (type $line-def (record (field "item" string) (field "count" u32)))
    (import "line" (type $line (eq $line-def)))
    (type $outcome-def (variant (case "empty") (case "priced" f64) (case "missing" (list string))))
    (import "outcome" (type $outcome (eq $outcome-def)))
    (type $receipt-def (record (field "outcome" $outcome) (field "lines" (list $line))))
    (import "receipt" (type $receipt (eq $receipt-def)))
    (import "checkout" (func $checkout (param "lines" (list $line)) (result $receipt)))
    (import "new-visitor" (func $new-visitor (param "start" u32) (result (own $visitor))))
    (import "visit" (func $visit (param "self" (borrow $visitor)) (result u32)))
    (export $line' "line" (type $line-def))
    (type $outcome-def' (variant (case "empty") (case "priced" f64) (case "missing" (list string))))
    (export $outcome' "outcome" (type $outcome-def'))
    (type $receipt-def' (record (field "outcome" $outcome') (field "lines" (list $line'))))
    (export $receipt' "receipt" (type $receipt-def'))
    (export $visitor' "visitor" (type $visitor))
    (export "checkout" (func $checkout) (func (param "lines" (list $line')) (result $receipt')))
    (export "[constructor]visitor" (func $new-visitor) (func (param "start" u32) (result (own $visitor'))))
    (export "[method]visitor.visit" (func $visit) (func (param "self" (borrow $visitor')) (result u32))))
  (instance $exported (instantiate $cart
    (with "visitor" (type $visitor)) (with "line" (type $line)) (with "outcome" (type $outcome)) (with "receipt" (type $receipt))
    (with "checkout" (func $checkout)) (with "new-visitor" (func $new-visitor)) (with "visit" (func $visit))))
  (export "acme:shop/cart@0.1.0" (instance $exported)))
