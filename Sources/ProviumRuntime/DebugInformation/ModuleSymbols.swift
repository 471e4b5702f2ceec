import ProviumSystem

/// A script for gdb (in Python, as gdb runs it) that adds the symbols of the modules that a stopped kernel has loaded. It needs the
/// kernel's types.
enum ModuleSymbols {
  /// Writes the script. It looks for files of modules when gdb runs it, since only then the names of the modules are known.
  static func write(to path: String, places: [DebugFolders.ModulePlace]) throws {
    let list = places.map { "    (\(literal($0.path)), \($0.levels)),\n" }.joined()
    try Files.write(Array("PLACES = [\n\(list)]\n\(script)".utf8), to: path)
  }

  /// The text as a literal of Python.
  private static func literal(_ text: String) -> String {
    "bytes.fromhex(\"\(Hex.text(Array(text.utf8)))\").decode()"
  }

  /// A file is a module's if it contains the note with the build ID that the module has in the guest's memory.
  /// Sections have their addresses in `struct module_sect_attrs` (kernel/module/sysfs.c of Linux, up to 6.13).
  private static let script = #"""
    import gdb, os

    SHOWN = ('.text', '.data', '.rodata', '.bss', '.init', '.exit')

    def candidates():
        found = {}
        def add(path):
            name = os.path.basename(path)
            if name.endswith('.ko') or name.endswith('.ko.debug'):
                found.setdefault(name.split('.ko')[0].replace('-', '_'), []).append(path)
        for place, levels in PLACES:
            if os.path.isfile(place):
                add(place)
            for folder, folders, names in os.walk(place):
                if folder[len(place):].count('/') + 1 >= levels:
                    folders.clear()
                for name in names:
                    add(os.path.join(folder, name))
        return found

    def modules():
        module = gdb.lookup_type('struct module')
        offset = next(field.bitpos // 8 for field in module.fields() if field.name == 'list')
        head = gdb.parse_and_eval('&modules')
        entry = head['next']
        # A list in a broken guest may never end.
        for _ in range(4096):
            if int(entry) == int(head):
                return
            yield gdb.Value(int(entry) - offset).cast(module.pointer())
            entry = entry['next']

    def sections(module):
        attributes = module['sect_attrs']
        return {
            attributes['attrs'][number]['battr']['attr']['name'].string():
                int(attributes['attrs'][number]['address'])
            for number in range(min(int(attributes['nsections']), 256))
        }

    def add_symbols():
        files, added, missing = None, [], []
        for module in modules():
            name = '?'
            try:
                name = module['name'].string()
                places = sections(module)
                note = bytes(gdb.selected_inferior().read_memory(places['.note.gnu.build-id'], 36))
                files = candidates() if files is None else files
                path = next(path for path in files.get(name, []) if note in open(path, 'rb').read())
                options = ' '.join(
                    '-s %s %#x' % item for item in places.items()
                    if item[0].startswith(SHOWN) and item[0] != '.text'
                )
                gdb.execute('add-symbol-file "%s" %#x %s' % (path, places['.text'], options), to_string=True)
                added.append(name)
            except (StopIteration, KeyError, OSError, gdb.error):
                missing.append(name)
        if added:
            print('symbols of the modules ' + ' '.join(added))
        if missing:
            print('no symbols of the modules ' + ' '.join(missing) + ': no file of their builds was found')

    try:
        add_symbols()
    except gdb.error as error:
        print('no symbols of modules: %s' % error)
    """#
}
