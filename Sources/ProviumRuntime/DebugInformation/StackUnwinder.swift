import ProviumSystem

/// A script for gdb (in Python, as gdb runs it) that unwinds the stacks of a stopped x86-64 kernel without debug information: by the
/// kernel's ORC tables, and by those of its modules, whose functions it names. Needs the kernel's symbols; for modules, its BTF.
enum StackUnwinder {
  /// Writes the script.
  /// - Parameter release: of the kernel: `6.1.0-56-cloud-amd64`. The tables have another form since Linux 6.3 and 6.4.
  static func write(to path: String, release: String) throws {
    let numbers = release.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
    let (major, minor) = (numbers.first ?? 0, numbers.dropFirst().first ?? 0)
    try Files.write(Array("RELEASE = (\(major), \(minor))\n\(script)".utf8), to: path)
  }

  private static let script = #"""
    import bisect, gdb, struct
    from gdb.FrameDecorator import FrameDecorator
    from gdb.unwinder import Unwinder, register_unwinder

    # struct orc_entry (arch/x86/include/asm/orc_types.h): the registers that a frame's address is computed from.
    DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT = 2, 3, 4, 5, 6, 7, 8, 9
    CALL, REGS, PARTIAL_REGS, END = range(4)
    MASK = (1 << 64) - 1
    KERNEL = 0xffff800000000000
    MOST_ENTRIES, MOST_MODULES, MOST_TYPES, MOST_SYMBOLS = 1 << 22, 1024, 64 << 20, 1 << 18

    def read(address, count):
        return bytes(gdb.selected_inferior().read_memory(address & MASK, count))

    def read_word(address):
        return struct.unpack('<Q', read(address, 8))[0]

    def read_number(address):
        return struct.unpack('<I', read(address, 4))[0]

    def symbol(name):
        return int(gdb.parse_and_eval('(unsigned long)&' + name))

    class Table:
        """The entries of the kernel, or of a module, for code from start to end."""

        def __init__(self, start, end, ips, entries, count):
            if not 0 < count < MOST_ENTRIES:
                raise ValueError
            self.start, self.end = start, end
            offsets = struct.unpack('<%di' % count, read(ips, 4 * count))
            self.ips = [ips + 4 * index + offset for index, offset in enumerate(offsets)]
            self.entries = read(entries, 6 * count)
            self.symbols = []

        def entry(self, address):
            index = bisect.bisect_right(self.ips, address) - 1
            if index < 0:
                return None
            sp_offset, bp_offset, flags = struct.unpack_from('<hhH', self.entries, 6 * index)
            return sp_offset, bp_offset, flags & 15, flags >> 4 & 15, kind(flags >> 8)

        def add_symbols(self, table, count, strings):
            """Takes the symbols of a module, of the form of an ELF file, from its memory."""
            for label, _, _, section, address, _ in struct.iter_unpack('<IBBHQQ', read(table, 24 * min(count, MOST_SYMBOLS))):
                if label and section and self.start <= address < self.end:
                    self.symbols.append((address, strings + label))
            self.symbols.sort()

        def function(self, address):
            index = bisect.bisect_right(self.symbols, (address, MASK)) - 1
            return gdb.selected_inferior().read_memory(self.symbols[index][1], 128).tobytes().split(b'\0')[0].decode(
                errors='replace') if index >= 0 else None

    def kind(bits):
        if RELEASE >= (6, 4):
            return {2: CALL, 3: REGS, 4: PARTIAL_REGS}.get(bits & 7, END)
        # Before, the last bit, which Linux 6.3 has moved, marked the end.
        ends = bits >> (3 if RELEASE >= (6, 3) else 2) & 1
        return END if ends else {0: CALL, 1: REGS, 2: PARTIAL_REGS}.get(bits & 3, END)

    def structures(wanted):
        """The offsets of the members of structures, from the kernel's own description of its types (Documentation/bpf/btf.rst)."""
        start = symbol('__start_BTF')
        size = symbol('__stop_BTF') - start
        if not 0 < size < MOST_TYPES:
            raise ValueError
        data = read(start, size)
        header, types, types_size, strings = struct.unpack_from('<IIII', data, 4)
        strings += header
        place, end = header + types, header + types + types_size
        # Bytes after the head of a type, and for each of its members.
        extra = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12),
                 17: (4, 0), 19: (0, 12)}
        name = lambda offset: data[strings + offset:data.index(b'\0', strings + offset)].decode()
        found = {}
        while place + 12 <= end:
            label, info, _ = struct.unpack_from('<III', data, place)
            sort, count = info >> 24 & 31, info & 0xffff
            fixed, each = extra.get(sort, (0, 0))
            place += 12
            if sort == 4 and label and name(label) in wanted:
                members = struct.iter_unpack('<III', data[place:place + 12 * count])
                bits = 0xffffff if info >> 31 else 0xffffffff
                found[name(label)] = {name(member): (offset & bits) // 8 for member, _, offset in members if member}
            place += fixed + each * count
        return found

    def modules():
        types = structures({'module', 'module_layout', 'module_memory', 'mod_arch_specific', 'mod_kallsyms'})
        module, arch = types['module'], types['mod_arch_specific']
        # The memory of the code is the first of mem[] since Linux 6.4.
        code = module['mem'] if 'mem' in module else module['core_layout']
        layout = types.get('module_memory') or types['module_layout']
        head = symbol('modules')
        entry = read_word(head)
        for _ in range(MOST_MODULES):
            if entry == head:
                return
            this = entry - module['list']
            start = read_word(this + code + layout['base'])
            size = read_number(this + code + layout['size'])
            tables = this + module['arch']
            table = Table(
                start, start + size, read_word(tables + arch['orc_unwind_ip']), read_word(tables + arch['orc_unwind']),
                read_number(tables + arch['num_orcs']))
            names, symbols = types['mod_kallsyms'], read_word(this + module['kallsyms'])
            table.add_symbols(
                read_word(symbols + names['symtab']), read_number(symbols + names['num_symtab']),
                read_word(symbols + names['strtab']))
            yield table
            entry = read_word(entry)

    class Frame:
        def __init__(self, sp, pc):
            self.sp, self.pc = sp, pc

    class KernelUnwinder(Unwinder):
        """Unwinds the stack of a kernel by its ORC tables (Documentation/arch/x86/orc-unwinder.rst)."""

        def __init__(self):
            super().__init__('provium-orc')
            self.tables = None
            # Addresses of instructions that were interrupted: these are no return addresses.
            self.interrupted = set()

        def load(self):
            self.tables = []
            try:
                ips = symbol('__start_orc_unwind_ip')
                count = (symbol('__stop_orc_unwind_ip') - ips) // 4
                # The code that only runs at the boot comes after the other, and after data.
                self.tables = [Table(symbol('_stext'), symbol('_einittext'), ips, symbol('__start_orc_unwind'), count)]
            except (ValueError, struct.error, gdb.error):
                # A kernel with frame pointers, which gdb follows.
                return
            try:
                for table in modules():
                    self.tables.append(table)
            except (KeyError, ValueError, struct.error, gdb.error) as error:
                print('no call traces through modules: %s' % error)

        def __call__(self, frame):
            register = lambda name: int(frame.read_register(name)) & MASK
            pc = register('rip')
            if pc < KERNEL:
                return None
            if self.tables is None:
                self.load()
            at = pc if frame.level() == 0 or pc in self.interrupted else pc - 1
            table = next((table for table in self.tables if table.start <= at < table.end), None)
            entry = table and table.entry(at)
            if not entry:
                return None
            try:
                if entry[4] == END:
                    # Stubs, in which a processor may have stopped, have no entries of their own: gdb may guess.
                    if frame.level() == 0:
                        return None
                    return self.info(frame, pc, register('rsp'), 0, register('rsp'), register('rbp'))
                return self.unwind(frame, entry, pc, register)
            except (KeyError, gdb.MemoryError):
                return None

        def unwind(self, frame, entry, pc, register):
            sp_offset, bp_offset, sp_register, bp_register, sort = entry
            sp, bp = register('rsp'), register('rbp')
            if sp_register == BP_INDIRECT:
                cfa = read_word(bp + sp_offset)
            elif sp_register == SP_INDIRECT:
                cfa = read_word(sp) + sp_offset
            else:
                name = {DX: 'rdx', DI: 'rdi', BP: 'rbp', SP: 'rsp', R10: 'r10', R13: 'r13'}[sp_register]
                cfa = register(name) + sp_offset
            if sort == CALL:
                ip, next_sp = read_word(cfa - 8), cfa
            else:
                # struct pt_regs, or what the processor itself has pushed.
                pushed = cfa + (16 * 8 if sort == REGS else 0)
                ip, next_sp = read_word(pushed), read_word(pushed + 24)
                self.interrupted.add(ip)
            next_bp = bp
            if bp_register == 1:
                next_bp = read_word(cfa + bp_offset)
            elif bp_register == BP:
                next_bp = read_word(bp + bp_offset)
            elif sort == REGS:
                next_bp = read_word(cfa + 4 * 8)
            # The trace ends where the kernel was entered.
            return self.info(frame, pc, cfa, ip if ip >= KERNEL else 0, next_sp, next_bp)

        def info(self, frame, pc, cfa, ip, sp, bp):
            value = lambda number: gdb.Value(number & MASK).cast(gdb.lookup_type('unsigned long'))
            info = frame.create_unwind_info(Frame(value(cfa), value(pc)))
            # gdb ends a trace at the address 0.
            for name, number in (('rip', ip), ('rsp', sp), ('rbp', bp)):
                info.add_saved_register(name, value(number))
            return info

    class ModuleFrame(FrameDecorator):
        """A frame in a module, whose functions gdb does not know."""

        def function(self):
            frame = self.inferior_frame()
            if frame.name():
                return super().function()
            pc = int(frame.pc()) & MASK
            table = next((table for table in UNWINDER.tables or [] if table.start <= pc < table.end), None)
            return (table and table.function(pc)) or super().function()

    class ModuleNames:
        name, enabled, priority = 'provium-modules', True, 100

        def __init__(self):
            gdb.frame_filters[self.name] = self

        def filter(self, frames):
            return (ModuleFrame(frame) for frame in frames if frame.inferior_frame().pc() != 0)

    UNWINDER = KernelUnwinder()
    register_unwinder(None, UNWINDER, True)
    ModuleNames()

    """#
}
