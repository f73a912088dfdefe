;; Notebooks that keep their notes in files of the host: resources both ways.
;;
;;   package acme:notes@1.0.0;
;;   interface storage {
;;     resource file { append: func(text: string) -> u64; }
;;     open: func(name: string) -> file;
;;   }
;;   interface notebooks {
;;     resource notebook { constructor(name: string); add: func(text: string) -> u32; last: func() -> string; }
;;   }
;;   world notes { import storage; export notebooks; }
(component
  (import "acme:notes/storage@1.0.0" (instance $storage
    (export "file" (type $file (sub resource)))
    (export "open" (func (param "name" string) (result (own $file))))
    (export "[method]file.append" (func (param "self" (borrow $file)) (param "text" string) (result u64)))))
  (alias export $storage "file" (type $file))

  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $open (canon lower (func $storage "open") (memory (core memory $libc "memory"))))
  (core func $append (canon lower (func $storage "[method]file.append") (memory (core memory $libc "memory"))))
  (core func $file-drop (canon resource.drop $file))

  ;; A notebook: the handle of its file, the number of notes, pointer and length of the last one.
  (core module $books
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "storage" "open" (func $open (param i32 i32) (result i32)))
    (import "storage" "append" (func $append (param i32 i32 i32) (result i64)))
    (import "storage" "drop" (func $drop (param i32)))
    (func (export "make") (param $name i32) (param $length i32) (result i32) (local $book i32)
      (local.set $book (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16)))
      (i32.store (local.get $book) (call $open (local.get $name) (local.get $length)))
      (local.get $book))
    (func (export "add") (param $book i32) (param $text i32) (param $length i32) (result i32)
      (drop (call $append (i32.load (local.get $book)) (local.get $text) (local.get $length)))
      (i32.store offset=8 (local.get $book) (local.get $text))
      (i32.store offset=12 (local.get $book) (local.get $length))
      (i32.store offset=4 (local.get $book) (i32.add (i32.load offset=4 (local.get $book)) (i32.const 1)))
      (i32.load offset=4 (local.get $book)))
    ;; Where a pointer and a length are, is how a string comes back.
    (func (export "last") (param $book i32) (result i32) (i32.add (local.get $book) (i32.const 8)))
    (func (export "destroy") (param $book i32) (call $drop (i32.load (local.get $book)))))
  (core instance $books (instantiate $books
    (with "libc" (instance $libc))
    (with "storage" (instance (export "open" (func $open)) (export "append" (func $append)) (export "drop" (func $file-drop))))))

  (type $notebook (resource (rep i32) (dtor (core func $books "destroy"))))
  (core func $new (canon resource.new $notebook))
  (core module $constructor
    (import "books" "make" (func $make (param i32 i32) (result i32)))
    (import "canon" "new" (func $new (param i32) (result i32)))
    (func (export "constructor") (param i32 i32) (result i32) (call $new (call $make (local.get 0) (local.get 1)))))
  (core instance $constructor (instantiate $constructor
    (with "books" (instance $books)) (with "canon" (instance (export "new" (func $new))))))

  (func $make (param "name" string) (result (own $notebook))
    (canon lift (core func $constructor "constructor") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (func $add (param "self" (borrow $notebook)) (param "text" string) (result u32)
    (canon lift (core func $books "add") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (func $last (param "self" (borrow $notebook)) (result string)
    (canon lift (core func $books "last") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))

  (component $api
    (import "notebook" (type $notebook (sub resource)))
    (import "make" (func $make (param "name" string) (result (own $notebook))))
    (import "add" (func $add (param "self" (borrow $notebook)) (param "text" string) (result u32)))
    (import "last" (func $last (param "self" (borrow $notebook)) (result string)))
    (export $notebook' "notebook" (type $notebook))
    (export "[constructor]notebook" (func $make) (func (param "name" string) (result (own $notebook'))))
    (export "[method]notebook.add" (func $add) (func (param "self" (borrow $notebook')) (param "text" string) (result u32)))
    (export "[method]notebook.last" (func $last) (func (param "self" (borrow $notebook')) (result string))))
  (instance $notebooks (instantiate $api
    (with "notebook" (type $notebook)) (with "make" (func $make)) (with "add" (func $add)) (with "last" (func $last))))
  (export "acme:notes/notebooks@1.0.0" (instance $notebooks)))
