/*
 * Takes the place of ICU's locale data (30 MB) in the packaged executable. Foundation, which the SQLite and TOML libraries
 * import, links ICU; Provium formats nothing by locale, so ICU never reads its data. The real data lies in a file of its own
 * in the static library. The linker leaves that file out because this symbol is defined first. ICU checks a header before
 * it uses data, so that a use of these zeros would be an error of ICU and no wrong answer.
 *
 * PROVIUM_ICU_DATA is the name of the symbol, which has ICU's version in it: icudt76_dat.
 */
__attribute__((aligned(16))) const unsigned char PROVIUM_ICU_DATA[64] = {0};
