;; A resource that the host implements.
(component
  (import "test:res/files" (instance $files
    (export "file" (type $file (sub resource)))
    (export "open" (func (param "n" u32) (result (own $file))))
    (export "[method]file.size" (func (param "self" (borrow $file)) (result u32)))))
  (alias export $files "file" (type $file))
  (core func $open (canon lower (func $files "open")))
  (core func $size (canon lower (func $files "[method]file.size")))
  (core func $drop (canon resource.drop $file))
  (core module $m
    (import "" "open" (func $open (param i32) (result i32)))
    (import "" "size" (func $size (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "use") (param $n i32) (result i32)
      (local $file i32) (local $sum i32)
      (local.set $file (call $open (local.get $n)))
      (local.set $sum (call $size (local.get $file)))
      (call $drop (local.get $file))
      (local.get $sum)))
  (core instance $m (instantiate $m (with "" (instance
    (export "open" (func $open)) (export "size" (func $size)) (export "drop" (func $drop))))))
  (func (export "use") (param "n" u32) (result u32) (canon lift (core func $m "use"))))
