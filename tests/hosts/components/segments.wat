;; An active data segment that does not fit: making an instance traps, whatever the host does.
(component
  (core module $m
    (memory 1)
    (data (i32.const 65530) "too long"))
  (core instance (instantiate $m)))
