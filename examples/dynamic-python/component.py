"""Any component that was compiled with `--emit shared --describe`, from Python, with nothing but ctypes.

The shared object says which functions it has and how C lays their types out. `Type` reads and writes values at addresses by that; nothing here
knows the Canonical ABI. Values of WIT are values of Python:

    bool, numbers, strings      the same; char is a string of one character
    list, fixed-length list     list; list<u8> is bytes when it is read
    map                         dict
    record                      dict by field name
    tuple                       tuple
    variant                     (case, value) or (case, None)
    enum                        the case's name
    option                      None or the value; an option in an option is ("some", value) or None
    result                      ("ok", value) or ("err", value)
    flags                       set of names
    own, borrow                 Handle (of the component's), or any object (of the host's)
"""

import ctypes
import struct

NONE = 0xFFFFFFFF
KINDS = (
    "bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char string list fixed-list map record tuple variant enum option result flags own borrow"
).split()
SCALARS = {
    "bool": "?", "s8": "b", "u8": "B", "s16": "h", "u16": "H", "s32": "i", "u32": "I", "s64": "q", "u64": "Q", "f32": "f", "f64": "d",
}
TAGS = {1: "B", 2: "H", 4: "I"}


class Error(Exception):
    pass


class Description:
    """The tables of the object, read once."""

    def __init__(self, address):
        self.address = address
        header = self.words(0, 10)
        # A type comes behind its parts.
        self.types = []
        for i in range(header[3]):
            self.types.append(Type(self, self.words(header[2] + 32 * i, 8)))
        self.resources = [
            Resource(i, self.text(name), host == 1)
            for i, (name, host) in enumerate(self.words(header[8] + 8 * i, 2) for i in range(header[9]))
        ]
        self.imports = [Function(self, i, self.words(header[4] + 24 * i, 6)) for i in range(header[5])]
        self.exports = [Function(self, i, self.words(header[6] + 24 * i, 6)) for i in range(header[7])]

    def words(self, place, count):
        return struct.unpack(f"<{count}I", ctypes.string_at(self.address + place, 4 * count))

    def text(self, place):
        return None if place == NONE else ctypes.string_at(self.address + place).decode()

    def parts(self, place, count):
        """(name, type, offset) of each."""
        return [
            (self.text(name), None if type == NONE else self.types[type], offset)
            for name, type, offset in (self.words(place + 12 * i, 3) for i in range(count))
        ]


class Resource:
    def __init__(self, index, name, of_host):
        self.index, self.name, self.of_host = index, name, of_host


class Function:
    def __init__(self, description, index, words):
        interface, name, wit, params, count, result = words
        self.index = index
        self.interface, self.name, self.wit = (description.text(t) for t in (interface, name, wit))
        self.params = description.parts(params, count)
        self.result = None if result == NONE else description.types[result]

    @property
    def path(self):
        return self.name if self.interface is None else f"{self.interface}#{self.name}"


class Handle:
    """A resource of the component's."""

    def __init__(self, component, resource, number):
        self.component, self.resource, self.number = component, resource, number

    def drop(self):
        self.component.drop_handle(self)


class Type:
    def __init__(self, description, words):
        self.description = description
        kind, self.size, self.alignment, name, parts, count, self.stride, self.detail = words
        self.kind = KINDS[kind]
        self.name = description.text(name)
        self.parts = description.parts(parts, count)

    # Reading

    def load(self, at, component):
        kind, parts = self.kind, self.parts
        if kind in SCALARS:
            return struct.unpack(SCALARS[kind], ctypes.string_at(at, self.size))[0]
        if kind == "char":
            return chr(struct.unpack("I", ctypes.string_at(at, 4))[0])
        if kind in ("string", "list", "map"):
            pointer, length = struct.unpack("QQ", ctypes.string_at(at, 16))
            if kind == "string":
                return ctypes.string_at(pointer, length).decode() if length > 0 else ""
            if kind == "map":
                entries = (tuple(t.load(pointer + self.stride * i + o, component) for _, t, o in parts) for i in range(length))
                return dict(entries)
            if parts[0][1].kind == "u8":
                return ctypes.string_at(pointer, length) if length > 0 else b""
            return [parts[0][1].load(pointer + self.stride * i, component) for i in range(length)]
        if kind == "fixed-list":
            return [parts[0][1].load(at + self.stride * i, component) for i in range(self.detail)]
        if kind == "record":
            return {name: type.load(at + offset, component) for name, type, offset in parts}
        if kind == "tuple":
            return tuple(type.load(at + offset, component) for _, type, offset in parts)
        if kind in ("variant", "option", "result"):
            case = struct.unpack(TAGS[self.detail], ctypes.string_at(at, self.detail))[0]
            name, type, offset = parts[case]
            value = None if type is None else type.load(at + offset, component)
            if kind != "option":
                return (name, value)
            if case == 0:
                return None
            return ("some", value) if type.kind == "option" else value
        if kind == "enum":
            return parts[struct.unpack(TAGS[self.size], ctypes.string_at(at, self.size))[0]][0]
        if kind == "flags":
            bits = struct.unpack(TAGS[self.size], ctypes.string_at(at, self.size))[0]
            return {name for i, (name, _, _) in enumerate(parts) if bits >> i & 1}
        number = struct.unpack("Q", ctypes.string_at(at, 8))[0]
        resource = self.description.resources[self.detail]
        if not resource.of_host:
            return Handle(component, resource, number)
        return component.objects.pop(number) if kind == "own" else component.objects[number]

    # Writing

    def store(self, at, value, component, allocate):
        """`allocate(bytes)` gives memory for what is behind pointers."""
        kind, parts = self.kind, self.parts
        if kind in SCALARS:
            ctypes.memmove(at, struct.pack(SCALARS[kind], value), self.size)
        elif kind == "char":
            ctypes.memmove(at, struct.pack("I", ord(value)), 4)
        elif kind == "string" or kind == "list" and parts[0][1].kind == "u8":
            data = value.encode() if kind == "string" else bytes(value)
            pointer = allocate(len(data)) if data else 0
            if data:
                ctypes.memmove(pointer, data, len(data))
            ctypes.memmove(at, struct.pack("QQ", pointer, len(data)), 16)
        elif kind in ("list", "map"):
            items = list(value.items()) if kind == "map" else list(value)
            pointer = allocate(self.stride * len(items)) if items else 0
            for i, item in enumerate(items):
                for (_, type, offset), part in zip(parts, item if kind == "map" else (item,)):
                    type.store(pointer + self.stride * i + offset, part, component, allocate)
            ctypes.memmove(at, struct.pack("QQ", pointer, len(items)), 16)
        elif kind == "fixed-list":
            if len(value) != self.detail:
                raise Error(f"a list of {self.detail} has {len(value)} elements")
            for i, item in enumerate(value):
                parts[0][1].store(at + self.stride * i, item, component, allocate)
        elif kind == "record":
            for name, type, offset in parts:
                type.store(at + offset, value[name], component, allocate)
        elif kind == "tuple":
            for (_, type, offset), item in zip(parts, value, strict=True):
                type.store(at + offset, item, component, allocate)
        elif kind in ("variant", "option", "result"):
            if kind == "option":
                nested = parts[1][1].kind == "option"
                case, payload = ("none", None) if value is None else ("some", value[1] if nested else value)
            else:
                case, payload = value
            index = self.case(case)
            _, type, offset = parts[index]
            ctypes.memmove(at, struct.pack(TAGS[self.detail], index), self.detail)
            if type is not None:
                type.store(at + offset, payload, component, allocate)
        elif kind == "enum":
            ctypes.memmove(at, struct.pack(TAGS[self.size], self.case(value)), self.size)
        elif kind == "flags":
            bits = sum(1 << self.case(name) for name in value)
            ctypes.memmove(at, struct.pack(TAGS[self.size], bits), self.size)
        else:
            of_host = self.description.resources[self.detail].of_host
            number = component.keep(value, kind == "borrow") if of_host else value.number
            ctypes.memmove(at, struct.pack("Q", number), 8)

    def case(self, name):
        for i, part in enumerate(self.parts):
            if part[0] == name:
                return i
        raise Error(f"{name} is none of {', '.join(part[0] for part in self.parts)}")


HOST_CALL = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p
)
HOST_DROP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
ALLOCATE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Host(ctypes.Structure):
    _fields_ = [("call", HOST_CALL), ("drop", HOST_DROP), ("data", ctypes.c_void_p)]


class Component:
    """One instance. `imports` maps paths (`interface#function`) to functions of Python."""

    def __init__(self, path, prefix, imports):
        library = ctypes.CDLL(path)

        def function(name, result, *arguments):
            found = library[f"{prefix}_{name}"]
            found.restype, found.argtypes = result, arguments
            return found

        pointer, u32 = ctypes.c_void_p, ctypes.c_uint32
        self.description = Description(function("dynamic_describe", pointer)())
        self._call = function("dynamic_call", ctypes.c_int32, pointer, u32, pointer, pointer)
        self._drop_result = function("dynamic_drop_result", ctypes.c_int32, pointer, u32, pointer)
        self._drop_handle = function("dynamic_drop_handle", ctypes.c_int32, pointer, u32, ctypes.c_uint64)
        self._last_trap = function("last_trap", ctypes.c_char_p, pointer)
        self._delete = function("delete", None, pointer)
        # Objects that stand for resources of the host, by the numbers that the component has for them.
        self.objects, self._next, self._lent = {}, 1, []
        self._error = None
        self._imports = [imports.get(f.path) for f in self.description.imports]
        # The component keeps their addresses: they must not be collected.
        self._host = Host(HOST_CALL(self._import), HOST_DROP(lambda _, resource, rep: self.objects.pop(rep)), None)
        instance = pointer()
        new = function("dynamic_new", ctypes.c_int32, pointer, pointer, pointer)
        self._check(new(ctypes.byref(self._host), None, ctypes.byref(instance)), None)
        self._instance = instance
        for f in self.description.exports:
            setattr(self, f.path, lambda *arguments, f=f: self.call(f, *arguments))

    def keep(self, value, lent):
        number, self._next = self._next, self._next + 1
        self.objects[number] = value
        if lent:
            self._lent.append(number)
        return number

    def _check(self, status, instance):
        error, self._error = self._error, None
        if error is not None:
            raise error
        if status != 0:
            trap = None if instance is None else self._last_trap(instance)
            raise Error(f"refused: status {status}" if trap is None else trap.decode().split("\n")[0])

    def call(self, function, *arguments):
        if len(arguments) != len(function.params):
            raise TypeError(f"{function.path} takes {len(function.params)} arguments")
        memory = []

        def allocate(size):
            # Of 64-bit numbers: aligned for all types.
            block = (ctypes.c_uint64 * ((size + 7) // 8))()
            memory.append(block)
            return ctypes.addressof(block)

        places = (ctypes.c_void_p * max(1, len(arguments)))()
        for i, ((_, type, _), argument) in enumerate(zip(function.params, arguments)):
            places[i] = allocate(type.size)
            type.store(places[i], argument, self, allocate)
        result = allocate(function.result.size) if function.result else None
        try:
            self._check(self._call(self._instance, function.index, places, result), self._instance)
        finally:
            for number in self._lent:
                self.objects.pop(number, None)
            self._lent.clear()
        if function.result is None:
            return None
        value = function.result.load(result, self)
        self._check(self._drop_result(self._instance, function.index, result), self._instance)
        return value

    def _import(self, _, call, index, arguments, result):
        function = self.description.imports[index]
        try:
            if self._imports[index] is None:
                raise Error(f"nothing serves {function.path}")
            values = [type.load(arguments[i], self) for i, (_, type, _) in enumerate(function.params)]
            value = self._imports[index](*values)
            if function.result is not None:
                # windlass_call_alloc: the first word of a call is the function.
                take = ALLOCATE(ctypes.cast(call, ctypes.POINTER(ctypes.c_void_p))[0])
                function.result.store(result, value, self, lambda size: take(call, size))
            return 0
        except Exception as error:  # It goes on where Python called the component.
            self._error = error
            return 1

    def drop_handle(self, handle):
        self._check(self._drop_handle(self._instance, handle.resource.index, handle.number), self._instance)

    def close(self):
        self._delete(self._instance)
