extension BlockDisk {
  /// The disk as an NBD server offers it.
  package var export: NBDExport { NBDExport(size: size, sectorSize: properties.sectorSize) }
}
